"""What names people goes when its time is over; what was bought and what it cost stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from enrico.errors import StoreError
from enrico.privacy import retention
from enrico.privacy.retention import retain
from enrico.settings import RetentionSettings
from hunt import haystacks, hits, write_crm
from tests.conftest import BOTH

LEDGER = "select id, state, credits, usd, reserved_credits, sent_at, applied from calls order by 1"
DAYS = {"people_answers": 90, "other_answers": 365}


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def ready(bench, client) -> None:
    write_crm(bench.folder / "crm", 10)
    await client.load(bench.folder / "crm")
    await client.run()


@BOTH
async def test_old_answers_on_people_go_and_everything_made_of_them_stays(bench):
    sandbox = await bench.sandbox()
    async with bench.open(sandbox) as client:
        await ready(bench, client)
        ledger, facts = bench.query(LEDGER), bench.query("select * from people order by key")
        asked = sandbox.stats()["apollo"]["calls"]

        assert (await retain(client.db, client.settings.retention, later(89))).told() == []
        done = await retain(client.db, client.settings.retention, later(91))
        again = await retain(client.db, client.settings.retention, later(91), again=True)

        assert done.told() == [("people_answers", 5)]
        assert again.told() == []
        assert bench.query(LEDGER) == ledger
        replayed = await client.replay()
        assert (replayed["gone"], replayed["not_understood"]) == (5, 0)
        assert bench.query("select * from people order by key") == facts
        await client.run()
        assert sandbox.stats()["apollo"]["calls"] == asked


@BOTH
async def test_old_searches_go_when_they_were_read_and_signals_stay(bench):
    async with bench.open(await bench.sandbox()) as client:
        await ready(bench, client)
        [(unread,)] = bench.query("select min(key) from classifications")
        bench.change("update classifications set state = 'failed' where key = ?", unread)
        signals = bench.query("select * from signals order by key, n")
        searches = bench.query("select count(*) from calls where provider = 'serper'")[0][0]

        done = await retain(client.db, client.settings.retention, later(366))

        kept = bench.query(
            "select count(*) from calls c join searches s on s.call_id = c.id where s.key = ? "
            "and length(c.body) > 200", unread
        )  # fmt: skip
        assert kept == [(1,)]
        assert done.other_answers >= searches
        replayed = await client.replay()
        assert replayed["not_understood"] == 0
        assert bench.query("select * from signals order by key, n") == signals
        await client.run(only=("classify",))
        assert bench.query("select state from classifications where key = ?", unread) == [("done",)]


@BOTH
async def test_a_call_that_is_held_keeps_its_payload_until_it_is_settled(bench):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 2})
    async with bench.open(sandbox) as client:
        await ready(bench, client)
        [(call, request)] = bench.query("select id, request from calls where state = 'held'")

        done = await retain(client.db, client.settings.retention, later(91))

        assert done.people_answers == 4
        assert bench.query("select request from calls where id = ?", call) == [(request,)]


@BOTH
async def test_people_on_no_deal_and_old_runs_go(bench):
    async with bench.open(await bench.sandbox()) as client:
        await ready(bench, client)
        bench.change(
            "delete from deal_contacts where contact_id in (select id from contacts "
            "where person_key = (select min(key) from people))"
        )
        people = bench.query("select count(*) from people")[0][0]

        done = await retain(client.db, client.settings.retention, later(731))

        assert (done.people, done.runs) == (1, 1)
        assert bench.query("select count(*) from people")[0][0] == people - 1


@BOTH
async def test_it_goes_in_small_steps_and_on_after_an_interruption(bench, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    async with bench.open(await bench.sandbox()) as client:
        await ready(bench, client)
        bench.change("delete from deal_contacts")
        run = bench.query("select id from runs")[0][0]
        for n in range(8):
            event = (run, 100 + n, "2026-01-01", "apollo", "limit", 0.0, "")
            bench.change("insert into run_events values (?,?,?,?,?,?,?)", *event)
            chunk = (f"{run}/{n}", run, "w", "done", "people", 1, 1, "", "", "")
            bench.change("insert into chunks values (?,?,?,?,?,?,?,?,?,?)", *chunk)
        bench.change("update runs set status = 'working'")
        people = bench.query("select count(*) from people")[0][0]
        calls = bench.query("select count(*) from calls where provider = 'apollo'")[0][0]
        steps: list[int] = []
        execute = client.db.execute

        async def cut_off(*statements: object) -> int:
            if len(steps) == 3:
                raise StoreError("made up")
            steps.append(await execute(*statements))
            return steps[-1]

        with monkeypatch.context() as patch:
            patch.setattr(client.db, "execute", cut_off)
            with pytest.raises(StoreError, match="made up"):
                await retain(client.db, client.settings.retention, later(731))
        left = bench.query("select count(*) from people")[0][0]
        assert people - 9 <= left < people
        assert max(steps) <= 3

        done = await retain(client.db, client.settings.retention, later(731), again=True)

        assert done.people == left
        assert done.people_answers <= calls
        assert bench.query("select count(*) from people") == [(0,)]
        assert done.runs == 0  # workers are at it
        assert bench.query("select count(*) from chunks") == [(8,)]
        bench.change("update runs set status = 'done'")

        done = await retain(client.db, client.settings.retention, later(731), again=True)

        assert done.told() == [("runs", 1)]
        for table in ("chunks", "run_events"):
            assert bench.query(f"select count(*) from {table}") == [(0,)]


@BOTH
async def test_nought_keeps_everything(bench):
    keep = RetentionSettings(
        people_answers_days=0, other_answers_days=0, people_days=0, runs_days=0, exports_days=0
    )
    async with bench.open(await bench.sandbox()) as client:
        await ready(bench, client)
        await client.export(bench.folder / "out")

        assert (await retain(client.db, keep, later(10_000))).told() == []


@BOTH
async def test_old_exports_are_deleted_unless_somebody_changed_them(bench):
    async with bench.open(await bench.sandbox()) as client:
        await ready(bench, client)
        out = bench.folder / "out"
        await client.export(out)
        (out / "deals.csv").write_text("mine")

        done = await retain(client.db, RetentionSettings(exports_days=30), later(31))

        assert done.exports == 3
        assert [path.name for path in out.iterdir()] == ["deals.csv"]


@BOTH
async def test_a_run_ends_with_it_and_the_command_overwrites_what_went(bench):
    async with bench.open(await bench.sandbox(), retention={"people_answers_days": 1e-9}) as client:
        await ready(bench, client)
        people = write_crm(bench.folder / "again", 10)

        assert bench.query(
            "select count(*) from calls where provider = 'apollo' and length(body) > 200"
        ) == [(0,)]
        await client.desk().retain()
        profiles = {n for person in people for n in person.needles if n.isdigit()}
        payloads = [hay for hay in haystacks(bench.stores) if hay[0] == "payloads"]
        assert hits(profiles, payloads) == []


def test_the_defaults_are_those_that_are_documented():
    given = RetentionSettings()
    assert {name: getattr(given, f"{name}_days") for name in DAYS} == DAYS
