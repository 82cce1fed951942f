"""One part of a run, done by one worker: claim, ask, write, until nothing of it is left."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import structlog
from sqlalchemy import Table, and_, func, select

from enrico.engine.budget import Caps
from enrico.engine.limits import BATCH_LANE, FAST_LANE
from enrico.engine.money import Cost
from enrico.engine.stats import ProviderName, Stats
from enrico.engine.watching import Watcher, Watchers
from enrico.errors import EnricoError, Fatal, Interrupted
from enrico.pipeline.apply import Applier
from enrico.pipeline.branches import do_branches
from enrico.pipeline.context import Branch, Context, RunOptions, beside
from enrico.pipeline.leases import LeasedBudget, settle_lease, spent_in
from enrico.pipeline.lines import lines_of, open_paths
from enrico.pipeline.reconcile import apply_left_over, settle_left_over
from enrico.store.chunks import Part, begin_chunk, claim, end_chunk, left_to_others
from enrico.store.database import Database
from enrico.store.selection import Selection, WorkKind, work_size
from enrico.store.suppressions import load_suppressions
from enrico.store.tables import calls, chunks, classifications, people, runs, searches

log = structlog.get_logger("enrico.chunk")

LOOK_SECONDS = 0.5
"""How often it is looked whether others are done with what they claimed, or the run is to stop."""
FAST_LOOK_SECONDS = 0.1
"""The same for one in the fast lane."""
_BRANCHES: dict[WorkKind, tuple[Branch, ...]] = {
    "search": ("search", "classify"), "classify": ("classify",), "people": ("people",),
}  # fmt: skip
_ASKS: dict[WorkKind, tuple[ProviderName, ...]] = {
    "search": ("serper", "deepseek"), "classify": ("deepseek",), "people": ("apollo",),
}  # fmt: skip
_FACTS: dict[ProviderName, Table] = {
    "serper": searches, "deepseek": classifications, "apollo": people,
}  # fmt: skip
HANDED_OVER = "The worker was interrupted; this is gone on with."
STOPPED = "The run was cancelled. What was bought is kept; go on with: enrico resume {}"


class Chunk:
    """One try at a part. :meth:`stop` may be called at any time."""

    def __init__(
        self,
        host: Context,
        worker: str,
        part: Part,
        options: RunOptions,
        selection: Selection,
        *,
        fast: bool,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        """*host*: whose connections and limits it uses."""
        self.id = f"{part.run_id}/{secrets.token_hex(4)}"
        self.stats = Stats()
        self._host = host
        self._worker = worker
        self._part = part
        self._selection = selection
        self._fast = fast
        self._watchers = Watchers(watchers)
        wanted = tuple(branch for branch in _BRANCHES[part.kind] if branch in options.only)
        self._options = replace(options, only=wanted)
        self._ctx: Context | None = None
        self._stopping: EnricoError | None = None
        self._handed_over = False

    def stop(self, why: EnricoError) -> None:
        """Take up nothing more; calls in flight finish and are kept."""
        self._stopping = why
        if self._ctx is not None:
            self._ctx.stop(why)

    def hand_over(self) -> None:
        """Stop, for somebody to go on: another worker, or this one later."""
        self._handed_over = True
        self.stop(Interrupted(HANDED_OVER))

    async def execute(self) -> bool:
        """Do it; what it measured is kept with it. False: it is for somebody to go on with.

        Raises StoreError.
        """
        db, part = self._host.db, self._part
        await begin_chunk(db, self.id, part, self._worker)
        of = 0 if self._fast else await work_size(db, part.run_id, part.kind)
        known = await load_suppressions(db, self._host.settings)
        applier = Applier(
            db, self._host.journal, self.stats, self._host.settings.serper.language, known.covers
        )
        budget = LeasedBudget(self._options.caps, db, part.run_id, self.id)
        if self._options.caps != Caps():
            budget.elsewhere = await spent_in(db, part.run_id)
        ctx = self._ctx = beside(self._host, self.id, self._options, applier)
        ctx.is_chunk = True
        lane = FAST_LANE if self._fast else BATCH_LANE
        share = (part.last - part.first + 1) / of if of else 1.0
        open_paths(ctx, lines_of(self._host), budget, self._watchers, lane, share)
        if self._stopping is not None:
            ctx.stop(self._stopping)
        await self._heed_others(ctx)
        looking = asyncio.create_task(self._look_for_the_end(ctx))
        state = "done"
        try:
            keys: list[str] = []
            while True:
                found = await claim(db, self.id, part, self._selection, keys, fast=self._fast)
                self._expect(ctx, found, of)
                await do_branches(ctx)
                if ctx.halted:
                    state = "stopped"
                    break
                keys = await left_to_others(db, self.id, part, self._selection)
                if not keys:
                    break
                await asyncio.sleep(FAST_LOOK_SECONDS if self._fast else LOOK_SECONDS)
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
        await budget.close()
        if self._handed_over or state == "done":  # what is left is not left undone
            for item in self.stats.providers.values():
                item.total, item.unasked = item.done, ""
        halted = [] if self._handed_over else _reasons(ctx)
        kept = {**self.stats.as_dict(), "halted": halted}
        await end_chunk(db, self.id, state, orjson.dumps(kept).decode())
        return not self._handed_over

    def _expect(self, ctx: Context, found: dict[WorkKind, int], of: int) -> None:
        """*of*: items of the whole run, 0 for one in the fast lane."""
        stats, only = self.stats.providers, self._options.only
        searches, unread = found.get("search", 0), found.get("classify", 0)
        people = found.get("people", 0)
        if "search" in only:
            stats["serper"].total += searches
            ctx.paths["serper"].limiter.expect(searches, of if searches else 0)
        if "classify" in only:
            stats["deepseek"].total += unread + (searches if "search" in only else 0)
        if "people" in only:
            stats["apollo"].total += people
            size = ctx.settings.apollo.batch_size
            ctx.paths["apollo"].limiter.expect(-(-people // size), -(-of // size) if people else 0)

    async def _look_for_the_end(self, ctx: Context) -> None:
        """Stop when somebody cancels the run, or another part has met what ends a branch of it."""
        status = select(runs.c.status).where(runs.c.id == self._part.run_id)
        while True:
            rows = await self._host.db.rows(status)
            if rows and rows[0].status == "stopping":
                self.stop(Interrupted(STOPPED.format(self._part.run_id)))
                return
            await self._heed_others(ctx)
            await asyncio.sleep(LOOK_SECONDS)

    async def _heed_others(self, ctx: Context) -> None:
        """A key that is refused, or a provider that is down, is not tried anew by each part."""
        of_run = and_(chunks.c.run_id == self._part.run_id, chunks.c.state == "stopped")
        for row in await self._host.db.rows(select(chunks.c.stats).where(of_run)):
            for why in orjson.loads(row.stats)["halted"]:
                provider = why["provider"]
                if provider in _ASKS[self._part.kind] and ctx.paths[provider].halted is None:
                    ctx.give_up(provider, told_again(why))


class _Told(Fatal):
    """Why a part ended a branch, told again."""


def told_again(why: Mapping[str, Any]) -> EnricoError:
    """What :func:`_reasons` kept, as an error."""
    error: EnricoError
    if why["provider"]:
        error = _Told(why["message"], provider=why["provider"])
    else:
        error = EnricoError(why["message"])
    error.code, error.exit_code = why["code"], why["exit_code"]
    return error


def _reasons(ctx: Context) -> list[dict[str, object]]:
    """Why it ended early: enough to tell of it again."""
    return [
        {
            "message": str(why),
            "code": why.code,
            "exit_code": why.exit_code,
            "provider": getattr(why, "provider", ""),
        }
        for why in ctx.halted
    ]


async def has_left_chunks(db: Database, worker: str) -> bool:
    """Whether a worker that is gone was in the middle of something."""
    query = select(chunks.c.id).where(chunks.c.worker == worker, chunks.c.state == "running")
    return bool(await db.rows(query.limit(1)))


async def settle_chunks(host: Context, worker: str) -> list[str]:
    """Sort out what a worker that is gone has left: its answers, its calls in flight, its claims.

    Returns the runs concerned.
    """
    left = await host.db.rows(
        select(chunks.c.id, chunks.c.run_id).where(
            chunks.c.worker == worker, chunks.c.state == "running"
        )
    )
    for row in left:
        await settle_chunk(host, row.id, row.run_id)
        log.info("a chunk was lost", chunk=row.id, worker=worker)
    return sorted({row.run_id for row in left})


async def settle_chunk(host: Context, chunk_id: str, run_id: str) -> None:
    """Sort out a try that did not come to its end: for others to go on, nothing paid again."""
    await apply_left_over(host, chunk_id)
    await settle_left_over(host, chunk_id)
    await settle_lease(host.db, run_id, chunk_id)
    await end_chunk(host.db, chunk_id, "lost", await spent(host, chunk_id))


async def spent(host: Context, chunk_id: str) -> str:
    """What the journal and the facts know of a chunk that did not live to tell."""
    stats = Stats()
    calls_of_it = calls.c.run_id == chunk_id
    for name, number, credits, usd in await host.db.rows(
        select(calls.c.provider, func.count(), func.sum(calls.c.credits), func.sum(calls.c.usd))
        .where(calls_of_it)
        .group_by(calls.c.provider)
    ):
        stats.providers[name].calls = number
        stats.providers[name].cost = Cost(int(credits), int(usd))
    for name, table in _FACTS.items():
        item = stats.providers[name]
        for state, number in await host.db.rows(
            select(table.c.state, func.count())
            .join_from(table, calls, calls.c.id == table.c.call_id)
            .where(calls_of_it)
            .group_by(table.c.state)
        ):
            if state in ("found", "done"):
                item.found += number
            elif state in ("not_found", "empty"):
                item.not_found += number
            elif state == "held":
                item.held += number
        item.items = item.found + item.not_found
        item.total = item.done
    return orjson.dumps({**stats.as_dict(), "halted": []}).decode()
