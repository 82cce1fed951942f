"""A run of few deals beside a large one: taken in, ahead of the batch, nothing bought twice."""

from __future__ import annotations

import asyncio

import pytest

from enrico.engine.budget import Caps
from receiver import Receiver
from tests.conftest import BOTH

SLOW = [{"provider": name, "kind": "slow", "seconds": 0.15} for name in ("apollo", "serper", "llm")]
FEW = {"apollo": {"concurrency": 1}, "serper": {"concurrency": 1}, "llm": {"concurrency": 1}}


def last_deal(bench) -> str:
    """A deal whose account the batch reaches last."""
    query = (
        "select d.id from deals d join accounts a on a.id = d.account_id"
        " where a.key <> '' order by a.key desc, d.id limit 1"
    )
    return bench.query(query)[0][0]


async def begun(sandbox) -> None:
    async with asyncio.timeout(20):
        while not sandbox.stats()["apollo"]["by_endpoint"].get("people/bulk_match"):
            await asyncio.sleep(0.01)


@BOTH
async def test_a_small_run_is_taken_in_ahead_of_the_batch_under_way(bench, undisturbed):
    sandbox = await bench.sandbox(*SLOW)
    bench.load()
    deal = last_deal(bench)
    async with bench.open(sandbox, **FEW) as first, bench.open(sandbox, **FEW) as second:
        batch = asyncio.create_task(first.run())
        await begun(sandbox)

        small = await second.run(second.scope(deals=(deal,)))

        assert not batch.done()
        assert small["status"] == "done"
        assert small["deals"] == 1
        assert small["providers"]["apollo"]["found"] + small["providers"]["apollo"]["cached"] > 0
        assert small["phases"]["people"]["duration_ms"] < 2_000
        (row,) = await second.rows("deals", second.scope(deals=(deal,)))
        assert row["account_score"] is not None
        large = await batch

    assert large["status"] == "done"
    assert await bench.results(sandbox) == undisturbed.tables
    books = sandbox.stats()
    assert books["apollo"]["people_paid_more_than_once"] == 0
    assert books["serper"]["queries_paid_more_than_once"] == 0
    assert bench.query("select count(*) from requests") == [(0,)]


@BOTH
async def test_runs_that_want_the_same_people_share_them(bench, undisturbed):
    sandbox = await bench.sandbox(*SLOW)
    bench.load()
    deals = [row[0] for row in bench.query("select id from deals order by id limit 20")]
    async with bench.open(sandbox, **FEW) as first, bench.open(sandbox, **FEW) as second:
        batch = asyncio.create_task(first.run())
        await begun(sandbox)
        small = await second.run(second.scope(deals=tuple(deals)))
        large = await batch

    assert (small["status"], large["status"]) == ("done", "done")
    assert await bench.results(sandbox) == undisturbed.tables
    books = sandbox.stats()
    assert books["apollo"]["people_paid_more_than_once"] == 0
    assert books["serper"]["queries_paid_more_than_once"] == 0
    for provider in ("serper", "deepseek", "apollo"):
        assert large["unfinished"].get(provider, 0) == 0


async def test_a_guest_keeps_its_own_cap_and_the_batch_goes_on(bench, undisturbed):
    sandbox = await bench.sandbox(*SLOW)
    bench.load()
    async with bench.open(sandbox, **FEW) as first, bench.open(sandbox, **FEW) as second:
        batch = asyncio.create_task(first.run())
        await begun(sandbox)
        scope = second.scope(deals=(last_deal(bench),))
        small = await second.run(scope, caps=Caps(credits=0))
        large = await batch

    assert small["status"] == "budget_reached"
    assert small["providers"]["apollo"]["credits"] == small["providers"]["serper"]["credits"] == 0
    assert large["status"] == "done"
    assert await bench.results(sandbox) == undisturbed.tables


async def test_who_looks_on_at_the_batch_looks_on_at_its_guest_too(bench):
    sandbox = await bench.sandbox(*SLOW)
    bench.load()
    with Receiver() as receiver:
        told = {"notify": [f"json://127.0.0.1:{receiver.port}/hook"], "budget_pct": [50]}
        async with (
            bench.open(sandbox, **FEW, alerts=told) as first,
            bench.open(sandbox, **FEW) as second,
        ):
            batch = asyncio.create_task(first.run())
            await begun(sandbox)
            scope = second.scope(deals=(last_deal(bench),))
            small = await second.run(scope, caps=Caps(credits=0))
            await batch

    messages = [request.body.decode() for request in receiver.requests]
    assert any("budget" in text.lower() and small["run_id"] in text for text in messages)


async def test_a_larger_run_or_one_with_other_settings_waits_for_the_end(bench, undisturbed):
    sandbox = await bench.sandbox(*SLOW)
    bench.load()
    other = {**FEW, "cache": {"people_days": 7}}
    async with (
        bench.open(sandbox, **FEW) as first,
        bench.open(sandbox, fast_lane_deals=0, **FEW) as large,
        bench.open(sandbox, **other) as odd,
    ):
        batch = asyncio.create_task(first.run())
        await begun(sandbox)
        later = asyncio.create_task(large.run(large.scope(deals=(last_deal(bench),))))
        differs = asyncio.create_task(odd.run(odd.scope(deals=(last_deal(bench),))))
        await batch
        summaries = await asyncio.gather(later, differs)

    assert [summary["status"] for summary in summaries] == ["done", "done"]
    assert all(part["calls"] == 0 for s in summaries for part in s["providers"].values())
    assert await bench.results(sandbox) == undisturbed.tables


@BOTH
@pytest.mark.parametrize("moment", ["waiting", "under way"])
async def test_a_guest_whose_host_is_stopped_does_its_work_itself(bench, undisturbed, moment):
    sandbox = await bench.sandbox(*SLOW)
    bench.load()
    async with bench.open(sandbox, **FEW) as first, bench.open(sandbox, **FEW) as second:
        held = []
        batch = asyncio.create_task(first.run(on_ready=held.append))
        await begun(sandbox)
        state = "taken" if moment == "under way" else "waiting"
        small = asyncio.create_task(second.run(second.scope(deals=(last_deal(bench),))))
        async with asyncio.timeout(20):
            while not bench.query("select 1 from requests where state = ?", state):
                await asyncio.sleep(0)
        held[0].stop()
        assert (await batch)["status"] == "interrupted"
        assert (await small)["status"] == "done"
        assert (await first.run())["status"] == "done"

    assert await bench.results(sandbox) == undisturbed.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


PACED = {name: {"limits": "6/s"} for name in ("serper", "apollo")}


async def test_a_guest_does_not_stand_in_line_behind_the_batch(bench):
    sandbox = await bench.sandbox()
    bench.load()
    deal = last_deal(bench)
    others = bench.query(
        "select id from deals where account_id <> (select account_id from deals where id = ?)", deal
    )
    async with bench.open(sandbox, **PACED) as first, bench.open(sandbox, **PACED) as second:
        batch = asyncio.create_task(first.run(first.scope(deals=[row[0] for row in others])))
        await begun(sandbox)
        small = await second.run(second.scope(deals=(deal,)))
        assert not batch.done()
        large = await batch

    waits = "select max(waited_ms) from calls where run_id = ?"
    assert bench.query(waits, small["run_id"])[0][0] < 1_600  # the next window, not the fourth
    assert bench.query(waits, large["run_id"])[0][0] > 3_000


async def test_what_a_guest_waits_for_is_brought_forward_in_the_batch(bench):
    sandbox = await bench.sandbox()
    bench.load()
    async with bench.open(sandbox, **PACED) as first, bench.open(sandbox, **PACED) as second:
        batch = asyncio.create_task(first.run())
        await begun(sandbox)
        small = await second.run(second.scope(deals=(last_deal(bench),)))
        assert not batch.done()
        large = await batch

    assert (small["status"], large["status"]) == ("done", "done")
    assert small["duration_ms"] < 2_500
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
