"""Database, key or balance refuse, or the user stops: nothing more is sent, all is kept."""

from __future__ import annotations

import asyncio
import sqlite3
import zlib

import pytest
from sqlalchemy import event

from enrico.engine.call import REFUSED_AFTER
from enrico.engine.http import Http
from enrico.errors import StoreError
from enrico.pipeline.run import Run
from enrico.store import sqlite as sqlite_store
from enrico.store.database import Database
from enrico.store.journal import pack_request


def forget_facts(bench) -> None:
    for table in ("people", "searches", "classifications", "signals"):
        bench.change(f"delete from {table}")


def asked(sandbox) -> int:
    return sum(sandbox.stats()[name]["calls"] for name in ("apollo", "serper", "llm"))


@pytest.mark.parametrize("pages", [2, 12, 30])
async def test_nothing_is_sent_after_the_disk_is_full_and_the_next_run_goes_on(
    bench, undisturbed, monkeypatch, pages
):
    sandbox = await bench.sandbox({"provider": "*", "kind": "slow", "seconds": 0.03})
    bench.load()
    (used,) = bench.query("pragma page_count")[0]

    set_up = sqlite_store.set_up
    async with bench.open(sandbox) as client:

        def small_disk(connection, *_) -> None:
            set_up(connection)
            cursor = connection.cursor()
            cursor.execute(f"pragma max_page_count = {used + pages}")
            cursor.close()

        event.listen(client.db.backend.engine.sync_engine, "connect", small_disk)
        await client.db.backend.engine.dispose()
        monkeypatch.setattr(sqlite_store, "set_up", small_disk)
        with pytest.raises(StoreError, match="disk is full"):
            await client.run()
        before = asked(sandbox)
        with pytest.raises(StoreError, match="disk is full"):
            await client.run()
        assert asked(sandbox) == before
        monkeypatch.setattr(sqlite_store, "set_up", set_up)
    sandbox.set_faults([])
    outcome = await bench.run(sandbox, apollo={"unknown_outcome": "retry"})

    assert outcome.summary["status"] == "done"
    assert outcome.tables == undisturbed.tables


@pytest.mark.parametrize("after", [2, 5, 12])
async def test_one_commit_that_fails_ends_the_run_and_nothing_more_is_sent(
    bench, monkeypatch, after
):
    sandbox = await bench.sandbox({"provider": "*", "kind": "slow", "seconds": 0.02})
    bench.load()
    async with bench.open(sandbox) as client:
        commits, meant = 0, -1
        commit = type(client.db)._commit

        async def refusing_once(self, group):
            nonlocal commits, meant
            commits += 1
            if commits == after + 1:
                meant = bench.query("select count(*) from calls")[0][0]
                raise sqlite3.OperationalError("database or disk is full")
            await commit(self, group)

        monkeypatch.setattr(type(client.db), "_commit", refusing_once)
        with pytest.raises(StoreError, match="disk is full"):
            await client.run()

    usage = 2  # Apollo's counters are free, and not in the journal
    assert bench.query("select count(*) from calls") == [(meant,)]
    assert asked(sandbox) <= meant + usage


@pytest.mark.parametrize("after", range(1, 6))
async def test_a_recovery_that_fails_at_any_commit_frees_nobody_who_is_to_be_held(
    bench, monkeypatch, after
):
    hold = {"unknown_outcome": "hold"}
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10, apollo=hold)
    in_doubt = "select id from calls where provider = 'apollo' order by id limit 2"
    bench.change(f"delete from people where call_id in ({in_doubt})")
    bench.change(f"update calls set state = 'sent', applied = 0 where id in ({in_doubt})")
    asked_before = sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"]
    commit, commits = Database._commit, 0

    async def failing(self, group):
        nonlocal commits
        commits += 1
        if commits > after:
            raise sqlite3.OperationalError("disk I/O error")
        await commit(self, group)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_commit", failing)
        with pytest.raises(StoreError):
            await bench.run(sandbox, apollo=hold)
    await bench.run(sandbox, apollo=hold)

    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == asked_before
    held = bench.query("select count(*) from people where state = 'held'")
    assert held == bench.query(
        "select sum(json_array_length(items)) from calls where state = 'held'"
    )


async def test_every_paid_call_is_in_the_journal_before_it_leaves(bench, monkeypatch):
    sandbox = await bench.sandbox()
    bench.load(deals=10)
    send, checked = Http.send, 0

    async def checking(self, request, timeout_seconds, *left):
        nonlocal checked
        if request.body:
            packed = pack_request(request)
            found = bench.query("select state from calls where request = ?", packed)
            assert ("sent",) in found
            checked += 1
        return await send(self, request, timeout_seconds, *left)

    monkeypatch.setattr(Http, "send", checking)
    outcome = await bench.run(sandbox)

    assert checked == sum(part["calls"] for part in outcome.summary["providers"].values()) > 0


async def test_answers_that_a_crash_left_unread_are_read_by_the_next_run_for_nothing(bench, small):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)
    bench.change("update calls set applied = 0")
    forget_facts(bench)

    outcome = await bench.run(sandbox)

    assert sum(part["calls"] for part in outcome.summary["providers"].values()) == 0
    assert outcome.tables == small.tables


async def test_a_useless_answer_that_a_crash_left_unread_is_held_like_any_other(bench):
    hold = {"unknown_outcome": "hold"}
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10, apollo=hold)
    useless = "select id from calls where provider = 'apollo' order by id limit 1"
    bench.change(f"delete from people where call_id = ({useless})")
    bench.change(
        f"update calls set applied = 0, body = ? where id = ({useless})",
        zlib.compress(b"<html>Checking your browser</html>"),
    )
    asked_before = sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"]

    outcome = await bench.run(sandbox, apollo=hold)

    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == asked_before
    assert outcome.summary["status"] == "held"
    assert bench.query("select count(*) from calls where state = 'held'") == [(1,)]


@pytest.mark.parametrize("provider", ["serper", "llm", "apollo"])
async def test_a_refused_key_stops_that_provider_and_the_next_run_mends_it(bench, small, provider):
    sandbox = await bench.sandbox({"provider": provider, "kind": "401"})

    broken = await bench.run(sandbox, deals=10)

    assert broken.summary["status"] == "refused"
    assert sandbox.stats()[provider]["by_status"]["401"] <= 40
    assert bench.query("select count(*) from people where state not in ('found', 'not_found')") == [
        (0,)
    ]
    sandbox.set_faults([])
    assert (await bench.run(sandbox, deals=10)).tables == small.tables


@pytest.mark.parametrize("provider", ["serper", "llm", "apollo"])
async def test_a_spent_balance_stops_that_provider_and_the_next_run_mends_it(
    bench, small, provider
):
    fault = {"provider": provider, "kind": "out_of_credits", "from_call": 2}
    sandbox = await bench.sandbox(fault)

    broken = await bench.run(sandbox, deals=10)

    assert broken.summary["status"] == "refused"
    assert broken.summary["messages"]
    sandbox.set_faults([])
    mended = await bench.run(sandbox, deals=10)
    assert mended.tables == small.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_a_balance_that_ends_in_the_middle_pays_no_person_twice(bench, undisturbed):
    sandbox = await bench.sandbox(apollo_credits=100)

    broken = await bench.run(sandbox)

    assert broken.summary["status"] == "refused"
    assert sandbox.stats()["apollo"]["credits"] <= 100
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


@pytest.mark.parametrize("after_calls", [1, 10, 30, 60])
async def test_a_stopped_run_finishes_its_calls_and_the_next_one_goes_on(
    bench, undisturbed, after_calls
):
    sandbox = await bench.sandbox({"provider": "*", "kind": "slow", "seconds": 0.03})

    async with bench.open(sandbox, apollo={"concurrency": 3}, serper={"concurrency": 4}) as client:
        await client.load(bench.crm(50))
        running: list[Run] = []
        task = asyncio.create_task(client.run(on_ready=running.append))
        while sum(sandbox.stats()[n]["calls"] for n in ("apollo", "serper", "llm")) < after_calls:
            await asyncio.sleep(0.005)
        running[0].stop()
        summary = await task

    assert summary["status"] == "interrupted"
    states = {state for (state,) in bench.query("select distinct state from calls")}
    assert states <= {"answered"}
    assert bench.query("select count(*) from calls where applied = 0") == [(0,)]
    sandbox.set_faults([])
    assert (await bench.run(sandbox)).tables == undisturbed.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    assert sandbox.stats()["serper"]["queries_paid_more_than_once"] == 0


async def test_replay_changes_nothing_and_asks_nobody(bench):
    faults = [
        {"provider": "apollo", "kind": "reset_after", "at": 3},
        {"provider": "apollo", "kind": "shuffled", "at": 6},
        {"provider": "llm", "kind": "swap", "at": 2},
        {"provider": "serper", "kind": "malformed", "at": 4},
    ]
    sandbox = await bench.sandbox(*faults)
    outcome = await bench.run(sandbox, llm={"batch_accounts": 5, "concurrency": 1})
    calls = {name: sandbox.stats()[name]["calls"] for name in ("apollo", "serper", "llm")}

    async with bench.open(sandbox) as client:
        done = await client.replay()
        tables = {name: await client.rows(name) for name in outcome.tables}

    assert done["roles"] == 0
    assert done["answers"] > 60
    assert {name: sandbox.stats()[name]["calls"] for name in calls} == calls
    again = await bench.run(sandbox, options={"only": ("roles",)})
    assert again.tables == outcome.tables
    assert len(tables["deal_contacts"]) == 503


async def test_facts_are_made_again_from_the_recorded_answers_alone(bench, undisturbed):
    sandbox = await bench.sandbox()
    await bench.run(sandbox)
    forget_facts(bench)

    async with bench.open(sandbox) as client:
        await client.replay()
    outcome = await bench.run(sandbox, options={"only": ("roles",)})

    assert outcome.tables == undisturbed.tables


@pytest.mark.parametrize("status", ["402", "404", "405"])
@pytest.mark.parametrize("provider", ["apollo", "serper"])
async def test_a_refusal_of_all_ends_a_provider_at_once_and_the_others_go_on(
    bench, small, provider, status
):
    sandbox = await bench.sandbox({"provider": provider, "kind": status, "from_call": 2})

    one = {"concurrency": 1}
    outcome = await bench.run(sandbox, deals=10, **{provider: one})

    assert outcome.summary["status"] == "refused"
    assert outcome.provider(provider)["calls"] == 2
    assert outcome.provider(provider)["failed"] == 0
    other = {"apollo": "serper", "serper": "apollo"}[provider]
    assert outcome.provider(other)["found"] == small.provider(other)["found"]
    (message,) = outcome.summary["messages"]
    assert ("account" if status == "402" else f"{provider.upper()}_BASE_URL") in message
    sandbox.set_faults([])
    mended = await bench.run(sandbox, deals=10)
    assert mended.summary["status"] == "done"
    assert mended.tables == small.tables


async def test_a_wrong_base_url_is_told_once_and_not_for_everybody(bench):
    sandbox = await bench.sandbox()
    wrong = sandbox.base_url + "/apollo/wrong"

    outcome = await bench.run(sandbox, deals=10, apollo={"concurrency": 1}, apollo_base_url=wrong)

    assert outcome.summary["status"] == "refused"
    assert outcome.provider("apollo")["calls"] == 1
    assert "Check APOLLO_BASE_URL" in outcome.summary["messages"][0]


@pytest.mark.parametrize("provider", ["apollo", "serper", "llm"])
async def test_a_provider_that_takes_no_request_at_all_is_not_asked_for_everybody(bench, provider):
    sandbox = await bench.sandbox({"provider": provider, "kind": "422"})
    name = {"llm": "deepseek"}.get(provider, provider)

    outcome = await bench.run(sandbox, **{provider: {"concurrency": 2}})

    assert outcome.summary["status"] == "refused"
    assert outcome.provider(name)["calls"] <= REFUSED_AFTER + 2
    assert "in a row" in outcome.summary["messages"][0]
