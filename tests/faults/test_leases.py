"""One cap over several workers: never passed, all of it used, at any order of events."""

from __future__ import annotations

import asyncio
import random

import pytest

from enrico.engine.budget import BudgetReached, Caps
from enrico.engine.money import NOTHING, Cost
from enrico.pipeline import leases
from enrico.pipeline.context import RunOptions
from enrico.pipeline.detached import ask
from enrico.pipeline.leases import LeasedBudget, settle_lease
from enrico.store.chunks import Part, begin_chunk, end_chunk
from enrico.store.database import open_database

CREDIT = 1_000_000
WORKERS = 4


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
async def fleet(stores):
    """Databases of four workers with a chunk each of one run."""
    found = [await open_database(stores.url("a")) for _ in range(WORKERS)]
    run_id = await ask(found[0], RunOptions())
    for n, db in enumerate(found):
        await begin_chunk(db, f"{run_id}/{n}", Part(run_id, "people", 1, 1), f"worker {n}")
    yield run_id, found
    for db in found:
        await db.close()


@pytest.mark.parametrize("seed", range(4))
async def test_all_leases_together_never_pass_the_cap(fleet, seed, monkeypatch):
    monkeypatch.setattr(leases, "LOOK_SECONDS", 0.01)
    run_id, databases = fleet
    draw = random.Random(seed)
    cap = draw.randrange(20, 90)
    caps = Caps(cap * CREDIT, cap * 10**9, {"apollo": cap * CREDIT})
    charged = reserved = most = 0

    async def buy(budget: LeasedBudget) -> None:
        nonlocal charged, reserved, most
        while True:
            unit = Cost(CREDIT * draw.randrange(1, 4), 10**9 // 2)
            try:
                await budget.room_for("apollo", unit, 1)
            except BudgetReached:
                return
            budget.reserve("apollo", unit)
            reserved += unit.credits
            most = max(most, charged + reserved)
            await asyncio.sleep(draw.uniform(0, 0.01))
            free = draw.random() < 0.3
            actual = NOTHING if free else unit
            reserved -= unit.credits
            charged += actual.credits
            budget.settle("apollo", unit, actual)

    async def work(n: int) -> None:
        budget = LeasedBudget(caps, databases[n], run_id, f"{run_id}/{n}")
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(buy(budget))
        await budget.close()
        await end_chunk(databases[n], f"{run_id}/{n}", "done")

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(n) for n in range(WORKERS)))

    assert most <= cap * CREDIT
    assert charged > (cap - 3) * CREDIT - 1


async def test_what_a_dead_worker_spent_stays_spent_and_the_rest_is_free(fleet, stores):
    run_id, databases = fleet
    caps = Caps(10 * CREDIT)
    dead = LeasedBudget(caps, databases[0], run_id, f"{run_id}/0")
    assert await dead.room_for("apollo", Cost(CREDIT), 4) == 4
    alive = LeasedBudget(caps, databases[1], run_id, f"{run_id}/1")
    waiting = asyncio.create_task(alive.room_for("apollo", Cost(CREDIT), 10))
    await asyncio.sleep(0.5)
    assert not waiting.done()  # the dead one may still spend its lease, as far as anybody knows

    await settle_lease(databases[2], run_id, f"{run_id}/0")
    await end_chunk(databases[2], f"{run_id}/0", "lost")

    async with asyncio.timeout(10):
        assert await waiting == 10
