"""A worker in this very process, whose steps go wrong: no run is stranded, nothing kept claimed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from enrico.client import Enrico
from enrico.errors import ConfigError
from enrico.pipeline import chunk
from enrico.pipeline.detached import summary_of
from enrico.store.chunks import Part, claim, end_chunk, left_to_others
from enrico.store.database import Database
from enrico.store.journal import moment, timestamp
from enrico.store.selection import CLAIMED_PAGE, Selection, people_in_work
from enrico.store.sql import insert
from enrico.store.tables import work
from enrico.workers import worker
from enrico.workers.worker import Worker


@pytest.fixture
def backend() -> str:
    return "postgresql"


@asynccontextmanager
async def working(client: Enrico) -> AsyncIterator[None]:
    """A worker is at work meanwhile."""
    found = Worker(client.db, client.settings)
    ready = asyncio.Event()
    work = asyncio.create_task(found.work(lambda slot: ready.set()))
    try:
        async with asyncio.timeout(60):
            await ready.wait()
        yield
    finally:
        found.stop()
        async with asyncio.timeout(60):
            await work


async def ended(client: Enrico) -> dict[str, Any]:
    """The summary of a run that is asked for."""
    run_id = await client.ask()
    async with asyncio.timeout(60):
        while (summary := await summary_of(client.db, run_id)) is None:
            await asyncio.sleep(0.05)
    return summary


def failing(error: Exception) -> Callable[..., Any]:
    async def fail(*_: Any, **__: Any) -> Any:
        raise ExceptionGroup("tasks", [error])

    return fail


@pytest.mark.parametrize(
    ("error", "words"),
    [(ConfigError("That key is missing."), "That key is missing."), (KeyError("x"), "KeyError")],
)
@pytest.mark.parametrize("step", ["cut", "sum_up"])
async def test_a_run_whose_step_fails_is_over_and_says_why(
    bench, monkeypatch, step, error, words
) -> None:
    sandbox = await bench.sandbox()
    bench.load(deals=10)
    monkeypatch.setattr(worker, step, failing(error))
    async with bench.open(sandbox) as client, working(client):
        summary = await ended(client)

    assert summary["status"] in ("failed", "partial")
    assert any(words in message for message in summary["messages"])
    assert bench.query("select count(*) from work") == [(0,)]


async def test_a_part_that_fails_is_settled_and_the_run_ends_without_it(bench, monkeypatch) -> None:
    sandbox = await bench.sandbox()
    bench.load(deals=10)
    do_branches = chunk.do_branches

    async def only_people(ctx: Any) -> None:
        if "search" in ctx.options.only:
            raise ExceptionGroup("tasks", [ValueError("x")])
        await do_branches(ctx)

    monkeypatch.setattr(chunk, "do_branches", only_people)
    async with bench.open(sandbox) as client, working(client):
        summary = await ended(client)

    assert summary["status"] == "partial"
    assert any("ValueError" in message for message in summary["messages"])
    assert summary["providers"]["apollo"]["found"] == sandbox.stats()["apollo"]["people_paid"]
    assert bench.query("select count(*) from claims") == [(0,)]
    assert bench.query("select count(*) from chunks where state = 'running'") == [(0,)]


async def test_a_run_that_the_engine_gives_up_is_over(bench) -> None:
    sandbox = await bench.sandbox({"provider": "*", "kind": "slow", "seconds": 3})
    bench.load(deals=10)
    async with bench.open(sandbox) as client, working(client):
        run_id = await client.ask()
        async with asyncio.timeout(60):
            while not sandbox.stats()["apollo"]["calls"]:
                await asyncio.sleep(0.05)
            given_up = "update dbos.workflow_status set status = 'ERROR' where workflow_uuid = ?"
            bench.change(given_up, run_id)
            while (summary := await summary_of(client.db, run_id)) is None:
                await asyncio.sleep(0.05)

    assert (summary["status"], summary["messages"]) == ("failed", ["The run was given up."])


async def test_parts_that_claim_the_same_people_in_another_order_do_not_block_each_other(
    bench,
) -> None:
    bench.load(deals=50)
    sandbox = await bench.sandbox()
    async with bench.open(sandbox) as first, bench.open(sandbox) as second:
        clients = (first, second)
        selection = Selection(first.scope(), first.settings.cache, moment(timestamp()))
        keys = [key for (key,) in bench.query("select distinct person_key from contacts")]
        orders = (sorted(filter(None, keys)), sorted(filter(None, keys), reverse=True))
        for name, order in zip("ab", orders, strict=True):
            rows = [
                {"run_id": name, "kind": "people", "n": n, "key": key}
                for n, key in enumerate(order, 1)
            ]
            await first.db.write((insert(work), rows))
        for n in range(20):
            found = await asyncio.gather(
                *(
                    claim(client.db, f"{name}/{n}", Part(name, "people", 1, len(keys)), selection)
                    for client, name in zip(clients, "ab", strict=True)
                )
            )
            assert sum(one["people"] for one in found) == len(orders[0])
            for client, name in zip(clients, "ab", strict=True):
                await end_chunk(client.db, f"{name}/{n}", "done")


async def part_of(db: Database, run_id: str, keys: Sequence[str]) -> Part:
    """All the work of a run, as one part."""
    rows = [
        {"run_id": run_id, "kind": "people", "n": n, "key": key} for n, key in enumerate(keys, 1)
    ]
    await db.write((insert(work), rows))
    return Part(run_id, "people", 1, len(keys))


async def asked_for(db: Database, chunk_id: str) -> list[str]:
    """Whom a chunk asks for, in order."""
    return [key async for key, _ in people_in_work(db, chunk_id, claimed=True)]


async def test_the_fast_lane_takes_over_what_a_batch_has_claimed_and_not_come_to(bench) -> None:
    bench.load(deals=120)
    keys = sorted(k for (k,) in bench.query("select distinct person_key from contacts") if k)
    assert len(keys) > CLAIMED_PAGE
    wanted = [keys[0], *keys[-3:]]
    async with bench.open(await bench.sandbox()) as client:
        db = client.db
        selection = Selection(client.scope(), client.settings.cache, moment(timestamp()))
        batch, fast = await part_of(db, "a", keys), await part_of(db, "b", wanted)
        assert await claim(db, "a/1", batch, selection) == {"people": len(keys)}
        reading = people_in_work(db, "a/1", claimed=True)
        begun = (await anext(reading))[0]

        assert await claim(db, "b/1", fast, selection, fast=True) == {"people": 3}

        assert await left_to_others(db, "b/1", fast, selection) == [begun] == wanted[:1]
        assert await asked_for(db, "b/1") == wanted[1:]
        assert [key async for key, _ in reading] == keys[1:-3]
        assert await left_to_others(db, "a/1", batch, selection) == wanted[1:]
        assert await claim(db, "c/1", batch, selection, fast=True) == {"people": 0}


async def test_whom_two_parts_reach_for_at_once_one_of_them_asks_for(bench) -> None:
    bench.load(deals=120)
    keys = sorted(k for (k,) in bench.query("select distinct person_key from contacts") if k)
    async with bench.open(await bench.sandbox()) as one, bench.open(await bench.sandbox()) as two:
        selection = Selection(one.scope(), one.settings.cache, moment(timestamp()))
        batch, fast = await part_of(one.db, "a", keys), await part_of(one.db, "b", keys)

        async def take_over(chunk_id: str, after: float) -> list[str]:
            await asyncio.sleep(after)
            await claim(two.db, chunk_id, fast, selection, fast=True)
            return await asked_for(two.db, chunk_id)

        both = 0
        for n in range(20):
            await claim(one.db, f"a/{n}", batch, selection)
            ours, theirs = await asyncio.gather(
                asked_for(one.db, f"a/{n}"), take_over(f"b/{n}", 0.002 * n)
            )
            assert sorted([*ours, *theirs]) == keys
            both += bool(ours) and bool(theirs)
            await end_chunk(one.db, f"a/{n}", "done")
            await end_chunk(two.db, f"b/{n}", "done")
        assert both
