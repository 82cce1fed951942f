"""One cap over workers that spend side by side: each holds a lease of it, and spends within that.

All leases of a run add up to no more than its caps, so no order of events passes them. Who runs
out gives back what it does not use and asks for more, as long as anybody may still give back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from enrico.engine.budget import Budget, Caps, reached
from enrico.engine.money import NOTHING, Cost
from enrico.errors import StoreError
from enrico.store.database import Database
from enrico.store.journal import of_run
from enrico.store.sql import insert
from enrico.store.tables import calls, chunks, leases, runs

CALLS_AHEAD = 25
"""So many calls are leased at once, that the database is not asked for each."""
LOOK_SECONDS = 0.3


async def spent_in(db: Database, run_id: str) -> dict[str, Cost]:
    """What all parts of a run have spent, by provider."""
    rows = await db.rows(
        select(
            calls.c.provider,
            func.sum(calls.c.credits).label("credits"),
            func.sum(calls.c.usd).label("usd"),
        )
        .where(of_run(calls.c.run_id, run_id))
        .group_by(calls.c.provider)
    )
    return {row.provider: Cost(int(row.credits), int(row.usd)) for row in rows}


class LeasedBudget(Budget):
    """A chunk's share of its run's caps. Close it when the chunk is over."""

    def __init__(self, caps: Caps, db: Database, run_id: str, chunk_id: str) -> None:
        super().__init__(caps)
        self._db = db
        self._run_id = run_id
        self._chunk_id = chunk_id
        self._asking = asyncio.Lock()
        self.lease = self._measure()

    async def room_for(self, provider: str, unit: Cost, most: int) -> int:
        """How many of *most* units fit now; leases more where not one does.

        Reserve before the next await. Raises BudgetReached when not even one can ever fit.
        """
        self.check()
        while (now := self._times(provider, unit, most, with_reserved=True)) < 1:
            self.check()
            async with self._asking:
                if self._times(provider, unit, 1, with_reserved=True):
                    continue  # somebody else asked meanwhile
                others_are_done = await self._nobody_gives_back()
                nothing_comes_back = await self._ask(provider, unit, max(most, CALLS_AHEAD))
            if self._times(provider, unit, 1, with_reserved=True):
                continue
            if others_are_done and nothing_comes_back:
                raise reached()
            self._freed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), LOOK_SECONDS)
        return now

    async def close(self) -> None:
        """What was not spent is free for others. Raises StoreError."""
        if self.caps != Caps():
            await self._change(lambda theirs: (self._measure(), True))

    async def _ask(self, provider: str, unit: Cost, most: int) -> bool:
        """Lease *most* units more than are used, or what there is.

        Returns whether not one fits, and no call under way can free any of it.
        """
        hopeless = False

        def choose(theirs: Sequence[Any]) -> tuple[Caps, bool]:
            nonlocal hopeless
            more = Cost(unit.credits * most, unit.usd * most)
            lease = self._free(self._measure(provider, more), theirs)
            if _holds(lease, self._measure(provider, unit)):
                return lease, False
            hopeless = all(cost == NOTHING for cost in self.reserved.values())
            return self._measure(), True  # what is left may do for a smaller call of another

        await self._change(choose)
        return hopeless

    async def _change(self, choose: Callable[[Sequence[Any]], tuple[Caps, bool]]) -> None:
        """Take another lease; *choose* gets those of the others. Raises StoreError."""
        patience = self._db.patience()
        while True:
            try:
                async with self._db.change() as connection:
                    await _only_one(connection, self._run_id)
                    of_others = select(leases).where(
                        leases.c.run_id == self._run_id, leases.c.chunk_id != self._chunk_id
                    )
                    theirs = (await connection.execute(of_others)).all()
                    lease, waiting = choose(theirs)
                    # What is given back is not used from here on, what is new only once it is kept.
                    self.lease = _both(self.lease, lease)
                    await _write(connection, self._run_id, self._chunk_id, lease, waiting=waiting)
                self.lease = lease
                return
            except StoreError as error:
                await patience.wait(error)

    async def _nobody_gives_back(self) -> bool:
        """Whether all others are over, or wait as we do."""
        going_on = await self._db.rows(
            select(leases.c.chunk_id)
            .join(chunks, chunks.c.id == leases.c.chunk_id)
            .where(
                leases.c.run_id == self._run_id,
                leases.c.chunk_id != self._chunk_id,
                leases.c.waiting == 0,
                chunks.c.state == "running",
            )
            .limit(1)
        )
        return not going_on

    def _measure(self, provider: str = "", more: Cost = NOTHING) -> Caps:
        """What is spent and reserved, and *more*, as far as there is a cap on it."""
        names = {*self.spent, *self.reserved, provider}
        used = {name: self.spent[name] + self.reserved[name] for name in names}
        used[provider] += more
        total = sum(used.values(), NOTHING)
        return Caps(
            None if self.caps.credits is None else total.credits,
            None if self.caps.usd is None else total.usd,
            {name: used.get(name, NOTHING).credits for name in self.caps.provider_credits},
        )

    def _free(self, wanted: Caps, theirs: Any) -> Caps:
        """*wanted*, as far as the others' leases leave it under the caps."""
        caps = self.caps
        by_provider = [orjson.loads(row.provider_credits) for row in theirs]
        return Caps(
            _least(wanted.credits, caps.credits, [row.credits for row in theirs]),
            _least(wanted.usd, caps.usd, [row.usd for row in theirs]),
            {
                name: _least(credits, caps.provider_credits[name], [o[name] for o in by_provider])
                or 0
                for name, credits in wanted.provider_credits.items()
            },
        )


def _holds(lease: Caps, used: Caps) -> bool:
    """Whether *used* is within *lease*."""
    return _both(lease, used) == used


def _both(one: Caps, other: Caps) -> Caps:
    """What both allow; they are about the same caps."""
    return Caps(
        None if one.credits is None or other.credits is None else min(one.credits, other.credits),
        None if one.usd is None or other.usd is None else min(one.usd, other.usd),
        {
            name: min(credits, other.provider_credits[name])
            for name, credits in one.provider_credits.items()
        },
    )


def _least(wanted: int | None, cap: int | None, taken: list[int]) -> int | None:
    return None if wanted is None or cap is None else min(wanted, cap - sum(taken))


async def settle_lease(db: Database, run_id: str, chunk_id: str) -> None:
    """A chunk is lost: it has spent what the journal says."""
    async with db.change() as connection:
        await _only_one(connection, run_id)
        known = (
            await connection.execute(select(leases).where(leases.c.chunk_id == chunk_id))
        ).one_or_none()
        if known is None:
            return
        spent = (
            await connection.execute(
                select(calls.c.provider, func.sum(calls.c.credits), func.sum(calls.c.usd))
                .where(calls.c.run_id == chunk_id)
                .group_by(calls.c.provider)
            )
        ).all()
        of_provider = {name: int(credits) for name, credits, _ in spent}
        lease = Caps(
            sum(of_provider.values()),
            sum(int(usd) for *_, usd in spent),
            {name: of_provider.get(name, 0) for name in orjson.loads(known.provider_credits)},
        )
        await _write(connection, run_id, chunk_id, lease, waiting=True)


async def _only_one(connection: AsyncConnection, run_id: str) -> None:
    """Nobody else changes a lease of this run meanwhile."""
    await connection.execute(select(runs.c.id).where(runs.c.id == run_id).with_for_update())


async def _write(
    connection: AsyncConnection, run_id: str, chunk_id: str, lease: Caps, *, waiting: bool
) -> None:
    row = {
        "chunk_id": chunk_id,
        "run_id": run_id,
        "waiting": int(waiting),
        "credits": lease.credits or 0,
        "usd": lease.usd or 0,
        "provider_credits": orjson.dumps(dict(lease.provider_credits)).decode(),
    }
    await connection.execute(delete(leases).where(leases.c.chunk_id == chunk_id))
    await connection.execute(insert(leases).values(**row))
