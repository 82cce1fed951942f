"""One worker: takes parts of runs, watches over the others, begins what is asked for or due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from enrico.engine.budget import Budget
from enrico.engine.limits import BATCH_LANE
from enrico.engine.stats import Stats
from enrico.engine.watching import Watchers
from enrico.errors import ConfigError, EnricoError, StoreError, first_of_ours
from enrico.pipeline.apply import Applier
from enrico.pipeline.chunk import Chunk, has_left_chunks, settle_chunk, settle_chunks
from enrico.pipeline.context import Context, RunOptions, new_context
from enrico.pipeline.detached import cut, end_as_failed, options_of, sum_up
from enrico.pipeline.lines import check_keys, open_lines, open_paths
from enrico.pipeline.onlookers import Onlookers
from enrico.pipeline.reconcile import settle_dead_runs
from enrico.pipeline.schedules import begin_due
from enrico.privacy.retention import retain
from enrico.settings import Settings
from enrico.store.board import PostgresBoard, gone
from enrico.store.chunks import Part
from enrico.store.database import Database
from enrico.store.journal import Journal, moment, timestamp
from enrico.store.postgres import Postgres
from enrico.store.selection import NO_COUNTS, WITH_WORKERS, Counts, Selection
from enrico.store.session_lock import (
    PATIENCE_SECONDS,
    RETRY_SECONDS,
    Slot,
    live_slots,
    silent_slots,
    take_slot,
)
from enrico.store.suppressions import load_suppressions
from enrico.store.tables import runs
from enrico.workers.flow import RUN, VERSION, Flow, Plan, open_queues, register

log = structlog.get_logger("enrico.worker")

LOOK_SECONDS = 0.5
WATCH_SECONDS = 2.0
TIDY_SECONDS = 3600.0
ENGINE_KEEPS = timedelta(days=1)
"""For so long the engine keeps how it did a run that is over; what came of it the store keeps."""
AT_ONCE = 100
GIVEN_UP = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED"]
"""How the engine calls a workflow that it does not go on with."""


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
        self._onlookers: Onlookers
        self._chunks: set[Chunk] = set()
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._at_work = 0
        self._failed: StoreError | None = None
        self._begun: set[str] = set()
        self._missing: set[str] = set()
        """Workflows that the engine says are ours, and that were not under way at the last look."""

    def stop(self) -> None:
        """Take up nothing more; calls in flight finish, and another worker goes on."""
        self._stopping.set()
        for chunk in self._chunks:
            chunk.hand_over()

    async def work(self, on_start: Callable[[str], None] = lambda slot: None) -> None:
        """Work until stopped. Raises ConfigError, and StoreError when the database is gone."""
        check_keys(self._settings)
        await load_suppressions(self._db, self._settings)  # whether its key is there
        async with AsyncExitStack() as stack:
            taken = await self._db.patiently(lambda: take_slot(self._backend))
            assert taken is not None
            self._slot, before = taken
            stack.push_async_callback(self._slot.release)
            self._onlookers = Onlookers(self._db, self._settings, self._slot.work)
            stack.push_async_callback(self._onlookers.close)
            self._onlookers.open()
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
                    group.create_task(self._again_and_again(WATCH_SECONDS, self._watch_over, flow)),
                    group.create_task(self._again_and_again(TIDY_SECONDS, _tidy)),
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

    async def cut(self, run_id: str) -> Plan:
        """See :class:`enrico.workers.flow.Steps`."""
        async with self._step():
            try:
                parts, counts = await cut(self._db, self._settings, run_id)
            except Exception as error:
                return Plan([], NO_COUNTS, False, _told(error, run_id))
            return Plan(parts, counts, counts.deals <= self._settings.fast_lane_deals)
        raise AssertionError("unreachable")

    async def chunk(self, part: Part, fast: bool) -> str:
        """See :class:`enrico.workers.flow.Steps`."""
        problem: str | None = None
        while problem is None:
            async with self._step():
                problem = await self._try(part, fast)
        return problem

    async def _try(self, part: Part, fast: bool) -> str | None:
        """What kept a part from being done, empty for nothing; None to try once more."""
        options, began = await options_of(self._db, part.run_id)
        selection = Selection(
            options.scope,
            self._settings.cache,
            moment(began),
            options.refresh,
            options.refreshed_since,
        )
        async with self._onlookers.of_part(part.run_id) as watchers:
            chunk = Chunk(
                self._host, self._slot.work, part, options, selection, fast=fast, watchers=watchers
            )
            self._chunks.add(chunk)
            try:
                # It is not done when it was interrupted for somebody who wanted to spend alone.
                return "" if await chunk.execute() else None
            except Exception as error:
                problem = _told(error, chunk.id)
                await settle_chunk(self._host, chunk.id, part.run_id)
                return problem
            finally:
                self._chunks.discard(chunk)

    async def sum_up(self, run_id: str, counts: Counts, problems: list[str]) -> None:
        """See :class:`enrico.workers.flow.Steps`."""
        async with self._step():
            async with self._onlookers.of_run(run_id) as watchers:
                try:
                    await sum_up(self._host, run_id, counts, problems, watchers)
                except Exception as error:
                    problems = [*problems, _told(error, run_id)]
                    await end_as_failed(self._db, self._settings, run_id, problems, watchers)
            await retain(self._db, self._settings.retention)

    @asynccontextmanager
    async def _step(self) -> AsyncIterator[None]:
        """Inside, workers may spend. What a stopping worker leaves undone stays undone here."""
        self._at_work += 1
        try:
            async with self._spending() as may:
                if may:
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
    async def _spending(self) -> AsyncIterator[bool]:
        """Whether workers may spend inside; what the dead left is sorted out first."""
        if not await self._slot.begin(self._stopping):
            yield False
            return
        try:
            await settle_dead_runs(self._host)
            yield True
        finally:
            await self._slot.end()

    # -- beside ---------------------------------------------------------------------------

    async def _again_and_again(
        self, seconds: float, do: Callable[..., Awaitable[None]], *values: Any
    ) -> None:
        away = False
        while True:
            try:
                await do(*values)
                away = False
            except (StoreError, SQLAlchemyError) as error:
                if not away:
                    log.warning("the database is away", why=self._backend.why(error))
                away = True
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

    async def _watch_over(self, flow: Flow) -> None:
        """Sort out what dead workers left, and have somebody go on with it."""
        if not self._slot.has_listened:
            return
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
        orphans = {one.workflow_id for one in pending if one.executor_id not in live}
        # The engine may lose what it has taken from a line when the server goes away just then.
        ours = {one.workflow_id for one in pending if one.executor_id == self._slot.work}
        lost, self._missing = self._missing & (ours - flow.running), ours - flow.running
        if orphans | lost:
            await DBOS.resume_workflows_async(sorted(orphans | lost))
        await self._end_given_up()

    async def _end_given_up(self) -> None:
        """End runs that the engine has given up, so that nobody waits for them."""
        query = select(runs.c.id).where(runs.c.status.in_(WITH_WORKERS))
        if ids := [row.id for row in await self._db.rows(query)]:
            for given_up in await DBOS.list_workflows_async(
                workflow_ids=ids, status=GIVEN_UP, load_input=False, load_output=False
            ):
                run_id = given_up.workflow_id
                async with self._onlookers.of_run(run_id) as watchers:
                    await end_as_failed(
                        self._db, self._settings, run_id, ["The run was given up."], watchers
                    )

    async def _bury(self, slot: str, process: str) -> None:
        """Sort out what a dead worker left in its slot, which is ours for now."""
        if process:
            await gone(self._backend, process)
        if not await has_left_chunks(self._db, slot):
            return
        async with self._spending() as may:
            if may and (lost := await settle_chunks(self._host, slot)):
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
        """Start the engine; waits for a server that is away for a while. Raises StoreError."""
        url = self._backend.target.url
        config = DBOSConfig(
            name="enrico",
            system_database_url=url.render_as_string(hide_password=False),
            executor_id=self._slot.work,
            application_version=VERSION,
            serializer=DBOSPortableJSONSerializer(),
            # What goes wrong in our steps we tell ourselves; a server that is away, once.
            log_level="CRITICAL",
            console_log_level="CRITICAL",
            sys_db_pool_size=4,
        )
        stack.push_async_callback(_destroy, everything=True)
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            DBOS(config=config)
            try:
                DBOS.launch()
                await open_queues()
                return
            except SQLAlchemyError as error:
                away = isinstance(error, OperationalError)
                if not away or asyncio.get_running_loop().time() > deadline:
                    raise StoreError(
                        f"{self._backend.why(error)} The workers' engine keeps its own tables in "
                        "the schema dbos, and needs CREATE on the database for it."
                    ) from error
            await _destroy()
            await asyncio.sleep(RETRY_SECONDS)


async def _tidy() -> None:
    """Take runs that are long over out of the engine's tables, with their parts."""
    before = (moment(timestamp()) - ENGINE_KEEPS).isoformat()
    while over := await DBOS.list_workflows_async(
        name=RUN, completed_before=before, limit=AT_ONCE, load_input=False, load_output=False
    ):
        ids = [one.workflow_id for one in over]
        await DBOS.delete_workflows_async(ids, delete_children=True)


async def _destroy(*, everything: bool = False) -> None:
    """End the engine; with *everything* what was registered too."""
    with suppress(Exception):
        await asyncio.to_thread(DBOS.destroy, destroy_registry=everything)


def _told(error: BaseException, what: str) -> str:
    """An error as a sentence; that the database refused is for the worker itself."""
    found = first_of_ours(error)
    if isinstance(found, StoreError):
        raise found
    if isinstance(found, EnricoError):
        return str(found)
    log.error("a fault of Enrico", what=what, exc_info=error)
    return f"A fault of Enrico ended a part of the run: {type(found).__name__}. See the log."
