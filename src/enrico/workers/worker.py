"""One worker: takes parts of runs, watches over the others, begins what is asked for or due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import select
from sqlalchemy.engine import make_url

from enrico.engine.budget import Budget
from enrico.engine.limits import BATCH_LANE
from enrico.engine.stats import Stats
from enrico.engine.watching import Watchers
from enrico.errors import ConfigError, StoreError
from enrico.pipeline.apply import Applier
from enrico.pipeline.chunk import Chunk, settle_chunks
from enrico.pipeline.context import BRANCHES, Context, RunOptions, new_context
from enrico.pipeline.detached import cut, options_of, sum_up
from enrico.pipeline.lines import check_keys, open_lines, open_paths
from enrico.pipeline.schedules import begin_due
from enrico.privacy.retention import retain
from enrico.settings import Settings
from enrico.store.board import PostgresBoard, gone
from enrico.store.chunks import Part
from enrico.store.database import Database
from enrico.store.journal import Journal, moment
from enrico.store.postgres import Postgres
from enrico.store.selection import Counts, Selection
from enrico.store.session_lock import Slot, live_slots, silent_slots, take_slot
from enrico.store.tables import runs
from enrico.workers.flow import VERSION, Flow, open_queues, register

log = structlog.get_logger("enrico.worker")

LOOK_SECONDS = 0.5
WATCH_SECONDS = 2.0


class Worker:
    """Does parts of runs until it is told to stop."""

    def __init__(self, db: Database, settings: Settings) -> None:
        """Raises ConfigError when the database is none that workers can share."""
        if not isinstance(db.backend, Postgres):
            raise ConfigError(
                "Workers share a PostgreSQL database. Set ENRICO_DATABASE_URL to "
                "postgresql://user:password@host/database; `enrico copy` carries a file over."
            )
        self._db = db
        self._backend = db.backend
        self._settings = settings
        self._slot: Slot
        self._host: Context
        self._chunks: set[Chunk] = set()
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._at_work = 0
        self._failed: StoreError | None = None
        self._begun: set[str] = set()

    def stop(self) -> None:
        """Take up nothing more; calls in flight finish, and another worker goes on."""
        self._stopping.set()
        for chunk in self._chunks:
            chunk.hand_over()

    async def work(self, on_start: Callable[[str], None] = lambda slot: None) -> None:
        """Work until stopped. Raises ConfigError, and StoreError when the database is gone."""
        check_keys(self._settings, BRANCHES)
        async with AsyncExitStack() as stack:
            taken = await take_slot(self._backend)
            assert taken is not None
            self._slot, before = taken
            stack.push_async_callback(self._slot.release)
            self._host = await self._open(stack)
            await self._bury(self._slot.work, before)
            flow = register(self)
            await self._launch(stack)
            on_start(self._slot.work)
            log.info("worker begins", worker=self._slot.work)
            async with asyncio.TaskGroup() as group:
                loops = [
                    group.create_task(self._again_and_again(LOOK_SECONDS, self._begin_runs, flow)),
                    group.create_task(self._again_and_again(LOOK_SECONDS, self._make_room)),
                    group.create_task(self._again_and_again(WATCH_SECONDS, self._watch_over)),
                ]
                await self._stopping.wait()
                for loop in loops:
                    loop.cancel()
            while self._at_work:
                self._over.clear()
                await self._over.wait()
            log.info("worker ends", worker=self._slot.work)
        if self._failed is not None:
            raise self._failed

    # -- steps ----------------------------------------------------------------------------

    async def cut(self, run_id: str) -> tuple[list[Part], Counts, bool]:
        """See :class:`enrico.workers.flow.Steps`."""
        async with self._step():
            parts, counts = await cut(self._db, self._settings, run_id)
            return parts, counts, counts.deals <= self._settings.fast_lane_deals
        raise AssertionError("unreachable")

    async def chunk(self, part: Part, fast: bool) -> str:
        """See :class:`enrico.workers.flow.Steps`."""
        done = False
        while not done:  # once more when it was interrupted for somebody who wanted to spend alone
            async with self._step():
                options, began = await options_of(self._db, part.run_id)
                selection = Selection(
                    options.scope, self._settings.cache, moment(began), options.refresh
                )
                chunk = Chunk(self._host, self._slot.work, part, options, selection, fast=fast)
                self._chunks.add(chunk)
                try:
                    done = await chunk.execute()
                finally:
                    self._chunks.discard(chunk)
        return ""

    async def sum_up(self, run_id: str, counts: Counts, problems: list[str]) -> None:
        """See :class:`enrico.workers.flow.Steps`."""
        async with self._step():
            await sum_up(self._host, run_id, counts, problems)
            await retain(self._db, self._settings.retention)

    @asynccontextmanager
    async def _step(self) -> AsyncIterator[None]:
        """Inside, workers may spend. What a stopping worker leaves undone stays undone here."""
        if not self._stopping.is_set():
            self._at_work += 1
            try:
                async with self._spending():
                    yield
            except StoreError as error:
                self._failed = error
                self.stop()
            finally:
                self._at_work -= 1
                self._over.set()
        if self._stopping.is_set():
            # The engine must not hear that this is over: the next worker does it again, or goes on.
            await asyncio.Event().wait()

    @asynccontextmanager
    async def _spending(self) -> AsyncIterator[None]:
        await self._slot.begin()
        try:
            yield
        finally:
            await self._slot.end()

    # -- beside ---------------------------------------------------------------------------

    async def _again_and_again(
        self, seconds: float, do: Callable[..., Awaitable[None]], *values: Any
    ) -> None:
        while True:
            try:
                await do(*values)
            except StoreError as error:
                log.warning("the database is away", why=str(error))
                if self._db.broken is not None:
                    self._failed = self._db.broken
                    self.stop()
                    return
            await asyncio.sleep(seconds)

    async def _begin_runs(self, flow: Flow) -> None:
        """Put in line what was asked for, and what is due."""
        await begin_due(self._db)
        query = select(runs.c.id).where(runs.c.status.in_(("asked", "stopping")))
        for row in await self._db.rows(query.order_by(runs.c.started_at, runs.c.id)):
            if row.id not in self._begun:
                await flow.begin(row.id)
                self._begun.add(row.id)

    async def _make_room(self) -> None:
        """Interrupt the parts under way when somebody wants to spend alone."""
        if self._chunks and await self._slot.is_wanted():
            for chunk in self._chunks:
                chunk.hand_over()

    async def _watch_over(self) -> None:
        """Sort out what dead workers left, and have somebody go on with it."""
        for name in await silent_slots(self._backend):
            if taken := await take_slot(self._backend, int(name.split()[-1])):
                slot, before = taken
                try:
                    await self._bury(name, before)
                finally:
                    await slot.release()
        live = await live_slots(self._backend)
        pending = await DBOS.list_workflows_async(
            status="PENDING", load_input=False, load_output=False
        )
        orphans = [flow.workflow_id for flow in pending if flow.executor_id not in live]
        if orphans:
            await DBOS.resume_workflows_async(orphans)

    async def _bury(self, slot: str, process: str) -> None:
        """Sort out what a dead worker left in its slot, which is ours for now."""
        if process:
            await gone(self._backend, process)
        async with self._spending():
            if lost := await settle_chunks(self._host, slot):
                log.warning("a worker is dead", worker=slot, runs=lost)

    # -- opening --------------------------------------------------------------------------

    async def _open(self, stack: AsyncExitStack) -> Context:
        """Connections and limits that all parts use."""
        db, settings = self._db, self._settings
        applier = Applier(db, Journal(db), Stats(), settings.serper.language)
        host = new_context(self._slot.work, db, settings, RunOptions(), applier)
        host.is_chunk = True
        lines = await open_lines(
            stack, host, lambda line: PostgresBoard(self._backend, line, self._backend.name)
        )
        open_paths(host, lines, Budget(RunOptions().caps), Watchers(()), BATCH_LANE)
        return host

    async def _launch(self, stack: AsyncExitStack) -> None:
        url = make_url(self._settings.database_url).set(drivername="postgresql")
        config = DBOSConfig(
            name="enrico",
            system_database_url=url.render_as_string(hide_password=False),
            executor_id=self._slot.work,
            application_version=VERSION,
            serializer=DBOSPortableJSONSerializer(),
            log_level="ERROR",
            console_log_level="ERROR",
            sys_db_pool_size=4,
        )
        DBOS(config=config)
        DBOS.launch()

        async def destroy() -> None:
            with suppress(Exception):
                await asyncio.to_thread(DBOS.destroy, destroy_registry=True)

        stack.push_async_callback(destroy)
        await open_queues()
