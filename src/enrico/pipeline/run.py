"""One run: settle what an earlier run left open, select, stream the branches, sum up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import asdict, replace
from typing import Any

import orjson
import structlog
from sqlalchemy import bindparam, insert, update

from enrico.engine.budget import Budget
from enrico.engine.call import CallPath
from enrico.engine.limits import BATCH_LANE, FAST_LANE
from enrico.engine.stats import Stats
from enrico.engine.watching import Watcher, Watchers
from enrico.errors import EnricoError, Interrupted
from enrico.pipeline.apply import Applier
from enrico.pipeline.branches import do_branches
from enrico.pipeline.context import Context, RunOptions, beside, new_context, new_run_id
from enrico.pipeline.guests import take_in_guests
from enrico.pipeline.lines import check_keys, lines_of, open_lines, open_paths, warm
from enrico.pipeline.plan import Plan, limits_met, make_plan
from enrico.pipeline.reconcile import apply_left_over, settle_left_over
from enrico.pipeline.summary import earlier_runs, summarise, usual_spend
from enrico.settings import Settings
from enrico.store.database import Database
from enrico.store.journal import Journal, moment, timestamp
from enrico.store.selection import (
    Counts,
    Selection,
    WorkKind,
    clear_work,
    count,
    fill_work,
    unfinished_refresh,
    work_size,
)
from enrico.store.suppressions import keep_out, load_suppressions
from enrico.store.tables import runs

log = structlog.get_logger("enrico.run")

_START = insert(runs)
_END = update(runs).where(runs.c.id == bindparam("run"))


WatchedBy = Callable[[], AbstractAsyncContextManager[Sequence[Watcher]]]


@asynccontextmanager
async def nobody() -> AsyncIterator[Sequence[Watcher]]:
    """No one looks on."""
    yield ()


class Run:
    """One run over a database. :meth:`stop` may be called from a signal handler."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        options: RunOptions,
        watchers: Sequence[Watcher] = (),
        host: Run | None = None,
        guests_watched: WatchedBy = nobody,
    ) -> None:
        """*host*: the run under way that takes this one in, on its connections and ahead of it.

        *guests_watched*: who looks on at each run that this one takes in.
        """
        now = moment(timestamp())
        self.run_id = new_run_id(now)
        self.options = options
        self.stats = Stats()
        self.plan: Plan | None = None
        self.paths: dict[str, CallPath] = {}
        self._watchers = Watchers(watchers)
        self._settings = settings
        self._db = db
        self._now = now
        self._journal = Journal(db)
        self._host = host
        self._guests_watched = guests_watched
        self._guest: Run | None = None
        self._stopping: EnricoError | None = None
        self._ctx: Context | None = None
        language = settings.serper.language
        self._applier = Applier(db, self._journal, self.stats, language)

    def stop(self) -> None:
        """Take up nothing more; calls in flight finish and are kept."""
        why = Interrupted(
            "Interrupted. What was bought is kept; run the same command again to go on from there."
        )
        self._stopping = why
        if self._ctx is not None:
            self._ctx.stop(why)
        if self._guest is not None:
            self._guest.stop()

    async def execute(self, on_start: Callable[[Run], None] | None = None) -> dict[str, Any]:
        """Do it; returns the summary, which is also kept.

        Raises ConfigError before anything is spent when a needed key is missing; StoreError when
        the database refuses.
        """
        check_keys(self._settings, self.options.only)
        forgotten = await load_suppressions(self._db, self._settings)
        await keep_out(self._db, forgotten)
        self._applier.is_suppressed = forgotten.covers
        host = self._host._ctx if self._host is not None else None
        async with self._open() if host is None else self._beside(host) as ctx:
            self._ctx = ctx
            if host is None:
                await apply_left_over(ctx)
                await settle_left_over(ctx)
                await clear_work(self._db)
            counts = await self._select()
            warming = asyncio.create_task(warm(ctx.paths, self._calls()))
            await self._begin(counts)
            if on_start is not None:
                on_start(self)
            if self._stopping is not None:
                self.stop()
            began = time.monotonic()
            self.stats.began = began
            log.info("run begins", run=self.run_id, deals=counts.deals, accounts=counts.accounts)
            guests = asyncio.create_task(self._take_in_guests())
            try:
                await do_branches(ctx)
                await warming
            finally:
                guests.cancel()
                with suppress(asyncio.CancelledError):
                    await guests
            seconds = time.monotonic() - began
            return await self._finish(ctx, counts, seconds)

    # -- before ---------------------------------------------------------------------------

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Context]:
        ctx = new_context(self.run_id, self._db, self._settings, self.options, self._applier)
        async with AsyncExitStack() as stack:
            lines = await open_lines(stack, ctx)
            open_paths(ctx, lines, Budget(self.options.caps), self._watchers, BATCH_LANE)
            self.paths = ctx.paths
            yield ctx

    @asynccontextmanager
    async def _beside(self, host: Context) -> AsyncIterator[Context]:
        """As a guest: on the host's connections and limits, ahead of its batch."""
        ctx = beside(host, self.run_id, self.options, self._applier)
        ctx.is_guest = True
        open_paths(ctx, lines_of(host), Budget(self.options.caps), self._watchers, FAST_LANE)
        self.paths = ctx.paths
        ctx.claims.guest(1)
        try:
            yield ctx
        finally:
            ctx.claims.guest(-1)
            await clear_work(self._db, self.run_id)

    async def _select(self) -> Counts:
        if self.options.refresh:
            since = await unfinished_refresh(self._db, self._now)
            self.options = replace(self.options, refreshed_since=since)
        selection = Selection(
            self.options.scope,
            self._settings.cache,
            self._now,
            self.options.refresh,
            self.options.refreshed_since,
        )
        counts = await count(self._db, selection)
        kinds: list[WorkKind] = []
        if "search" in self.options.only and counts.to_search:
            kinds.append("search")
        if "classify" in self.options.only and counts.to_classify:
            kinds.append("classify")
        if "people" in self.options.only and counts.to_buy:
            kinds.append("people")
        await fill_work(self._db, self.run_id, selection, tuple(kinds))
        met = await limits_met(self._db)
        self.plan = make_plan(counts, self._settings, self.options.only, met)
        for name, calls in self._calls().items():
            self.paths[name].limiter.expect(calls)
        stats = self.stats.providers
        if "search" in self.options.only:
            stats["serper"].total = counts.to_search
            stats["serper"].cached = counts.accounts - counts.to_search
        if "classify" in self.options.only:
            stats["deepseek"].cached = counts.accounts - counts.to_search - counts.to_classify
            stats["deepseek"].total = await work_size(self._db, self.run_id, "classify")
            if "search" in self.options.only:
                stats["deepseek"].total += counts.to_search
        if "people" in self.options.only:
            stats["apollo"].total = counts.to_buy
            stats["apollo"].cached = counts.people - counts.to_buy - counts.held
        return counts

    def _calls(self) -> dict[str, int]:
        assert self.plan is not None
        return {name: part.calls for name, part in self.plan.providers.items()}

    async def _begin(self, counts: Counts) -> None:
        assert self.plan is not None
        options = {
            "scope": {k: v for k, v in asdict(self.options.scope).items() if v and k != "today"},
            "only": self.options.only,
            "refresh": self.options.refresh,
            "refreshed_since": self.options.refreshed_since,
            "caps": asdict(self.options.caps),
        }
        row = {
            "id": self.run_id,
            "started_at": timestamp(self._now),
            "ended_at": "",
            "status": "running",
            "options": orjson.dumps(options).decode(),
            "plan": orjson.dumps(self.plan.as_dict()).decode(),
            "summary": "",
            "usage_before": "",
        }
        await self._db.write((_START, [row]))
        self._watchers.began(self.run_id, self.plan.as_dict(), time.time())

    async def _take_in_guests(self) -> None:
        if self._host is not None:
            return

        async def do(options: RunOptions, taken: Callable[[str], Awaitable[None]]) -> None:
            async with self._guests_watched() as watchers:
                guest = Run(self._db, self._settings, options, watchers, host=self)
                self._guest = guest
                await taken(guest.run_id)
                if self._stopping is not None:
                    guest.stop()
                await guest.execute()
                self._guest = None

        await take_in_guests(self._db, self._settings, do)

    # -- after ----------------------------------------------------------------------------

    async def _finish(self, ctx: Context, counts: Counts, seconds: float) -> dict[str, Any]:
        for name, path in ctx.paths.items():
            # The last calls under way may have ended a branch that then had nobody left to say so.
            if path.halted is not None:
                ctx.give_up(name, path.halted)
        before = await earlier_runs(self._db)
        summary = summarise(
            run_id=self.run_id,
            started_at=timestamp(self._now),
            duration_seconds=seconds,
            counts=counts,
            stats=self.stats,
            paths=ctx.paths,
            halted=ctx.halted,
            alerts=self._settings.alerts,
            ran_before=bool(before) and not self.options.refresh,
            usual_usd_per_min=usual_spend(before),
            only=self.options.only,
            prices={"apollo": ctx.apollo.price(), "serper": ctx.serper.price()},
        )
        row = {
            "run": self.run_id,
            "ended_at": timestamp(),
            "status": summary["status"],
            "summary": orjson.dumps(summary).decode(),
        }
        await self._db.write((_END, [row]))
        self._watchers.ended(summary)
        log.info(
            "run ended", run=self.run_id, status=summary["status"],
            duration_ms=summary["duration_ms"], phases=summary["phases"],
            cost_usd=summary["cost_usd"],
        )  # fmt: skip
        return summary
