"""Who is forgotten leaves no byte behind, is not bought again, and costs nobody else anything."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest

from enrico.errors import InputError, StoreError
from enrico.privacy import files
from enrico.privacy.retention import retain
from enrico.settings import RetentionSettings
from enrico.store import rewriting
from enrico.store.sqlite import Sqlite
from hunt import Person, haystacks, hits, in_the_news, write_crm
from tests.conftest import BOTH
from tests.stores import Stores

PEOPLE = int(os.environ.get("FORGET_PEOPLE", "60"))
"""How many are forgotten at once; 1,000 is the full form, of some minutes."""
DEALS = max(50, PEOPLE * 7 // 10)
LEDGER = (
    "select id, provider, state, credits, usd, reserved_credits, reserved_usd from calls "
    "order by id"
)
ORPHANS = "select count(*) from deal_contacts where contact_id not in (select id from contacts)"
OUTPUTS = ("csv", "results.xlsx", "results.jsonl", "results.parquet")


@pytest.fixture
def crm(tmp_path: Path) -> tuple[Path, list[Person]]:
    """An export, and the people in it."""
    folder = tmp_path / "crm"
    return folder, write_crm(folder, DEALS)


@pytest.fixture
def few(tmp_path: Path) -> tuple[Path, list[Person]]:
    """A small export, and the people in it."""
    folder = tmp_path / "few"
    return folder, write_crm(folder, 10)


def needles(people: list[Person], stores: Stores) -> set[str]:
    """What is to be looked for; a namesake in the news is somebody else."""
    news = in_the_news(stores)
    return {needle for person in people for needle in person.needles if needle.encode() not in news}


async def enriched(bench, client, folder: Path) -> None:
    await client.load(folder)
    await client.run()


@BOTH
async def test_no_byte_of_the_forgotten_is_left_and_nobody_buys_them_again(bench, crm):
    folder, people = crm
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "shuffled", "every": 7})
    gone, stay = people[::3][:PEOPLE], people[1::3][:PEOPLE]
    out = bench.folder / "out"
    async with bench.open(sandbox) as client:
        await enriched(bench, client, folder)
        for name in OUTPUTS:
            await client.export(out / name)
        ledger = bench.query(LEDGER)
        wanted = needles(gone, bench.stores)
        others = needles(stay, bench.stores)
        found = hits(wanted, haystacks(bench.stores, out))
        assert {needle for _, needle in found} == wanted  # the hunt can find them

        done = await client.desk().forget([person.key for person in gone])

        assert (done.people, done.unknown) == (len(gone), [])
        assert hits(wanted, haystacks(bench.stores, out)) == []
        assert bench.query(LEDGER) == ledger
        left = hits(others, haystacks(bench.stores, out / "csv"))
        assert {needle for _, needle in left} == others

        bought = sandbox.stats()["apollo"]["items"]
        report = await client.load(folder)
        again = await client.run()
        assert report.suppressed == done.contacts
        assert report.deal_contacts == bench.query("select count(*) from deal_contacts")[0][0]
        assert bench.query(ORPHANS) == [(0,)]
        assert sandbox.stats()["apollo"]["items"] == bought
        assert again["cost_usd"] == 0
        assert (await client.replay())["not_understood"] == 0
        assert hits(wanted, haystacks(bench.stores, out)) == []


async def test_the_others_in_a_call_come_out_of_a_replay_as_before(bench, few):
    folder, people = few
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "shuffled", "every": 3})
    query = (
        "select key, state, name, title, employer, seniority, email, call_id from people "
        "where key not in (select value from json_each(?)) order by key"
    )
    async with bench.open(sandbox) as client:
        await enriched(bench, client, folder)
        gone = [person.key for person in people[::4]]
        before = bench.query(query, orjson.dumps(gone).decode())

        await client.desk().forget(gone)
        await client.replay()

        assert bench.query(query, orjson.dumps(gone).decode()) == before
        assert len(before) > 20
        stones = bench.query("select count(*) from calls where items like '%forgotten:%'")
        assert stones[0][0] > 0
        assert bench.query("select count(*) from people where key like 'forgotten:%'") == [(0,)]


@BOTH
async def test_a_domain_stands_for_everybody_with_an_address_there(bench, few):
    folder, people = few
    domain = people[0].key.partition("@")[2]
    mine = [person for person in people if person.key.endswith(f"@{domain}")]
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        wanted = needles(mine, bench.stores)

        await client.desk().forget([domain])
        await client.load(folder)

        assert len(mine) > 1
        assert hits(wanted, haystacks(bench.stores)) == []
        with pytest.raises(InputError, match=f"privacy allow {domain}"):
            await client.desk().let_in(mine[0].key)
        await client.desk().let_in(domain)
        assert (await client.load(folder)).suppressed == 0


@pytest.mark.parametrize("asked", [0, 1])
async def test_all_addresses_and_records_of_one_person_go_together(bench, few, asked):
    folder, people = few
    both = people[:2]
    path = folder / "Contact.csv"
    one, other = (next(n for n in person.needles if n.isdigit()) for person in both)
    path.write_text(path.read_text("latin-1").replace(f"p-{other}", f"p-{one}"), "latin-1")
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)

        await client.desk().forget([both[asked].key])

        known = {row[0] for row in bench.query("select person_key from contacts")}
        assert not known & {person.key for person in both}
        assert len(known) > 30


async def test_a_record_that_comes_back_with_another_address_stays_out(bench, few):
    folder, people = few
    path = folder / "Contact.csv"
    async with bench.open(await bench.sandbox()) as client:
        await client.load(folder)
        [(contact,)] = bench.query(
            "select id from contacts where person_key = ?", people[0].key
        )[:1]  # fmt: skip
        await client.desk().forget([people[0].key])
        text = path.read_text("latin-1").replace(people[0].key, "new@elsewhere.com")
        profile = next(n for n in people[0].needles if n.isdigit())
        path.write_text(text.replace(f"p-{profile}", ""), "latin-1")

        report = await client.load(folder)

        assert report.suppressed >= 1
        assert bench.query("select count(*) from contacts where id = ?", contact) == [(0,)]


async def test_texts_of_ours_that_repeat_somebody_are_cleaned(bench, few):
    folder, people = few
    one = people[0]
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        name = bench.query(
            "select first_name || ' ' || last_name from contacts where person_key = ?", one.key
        )[0][0]
        said = f"no match for {name} <{one.key.upper()}>, nor for Joe"
        for table, column in (
            ("calls", "error"), ("run_events", "detail"), ("loads", "report"),
            ("notices", "text"), ("load_problems", "reason"), ("searches", "reason"),
            ("requests", "options"),
        ):  # fmt: skip
            if table in ("notices", "load_problems", "run_events", "requests"):
                columns = bench.query(f"select count(*) from pragma_table_info('{table}')")[0][0]
                marks = ",".join(["''"] * columns)
                bench.change(f"insert into {table} values ({marks})")
            bench.change(f"update {table} set {column} = ?", said)

        done = await client.desk().forget([one.key])

        assert done.texts > 6
        assert bench.query("select distinct error from calls") == [
            ("no match for [forgotten] <[forgotten]>, nor for Joe",)
        ]
        assert hits(one.needles, haystacks(bench.stores)) == []


async def test_old_pages_of_a_database_that_did_not_overwrite_are_clean_too(bench, few):
    folder, people = few
    async with bench.open(await bench.sandbox()) as client:
        await client.load(folder)
        with closing(sqlite3.connect(bench.stores.path("enrico"))) as raw, raw:
            raw.execute("pragma secure_delete = off")
            raw.execute("create table older (note text)")
            raw.execute("insert into older values (?)", (f"{people[0].key} " * 40_000,))
            raw.commit()
            raw.execute("drop table older")

        await client.desk().forget([people[0].key])

        assert hits(people[0].needles, haystacks(bench.stores)) == []


@BOTH
async def test_a_name_in_the_news_of_their_own_account_goes_too(bench, few):
    folder, _ = few
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        contact, person, key, headline = bench.query(
            "select c.id, c.person_key, a.key, s.headline from contacts c "
            "join accounts a on a.id = c.account_id join signals s on s.key = a.key "
            "where c.person_key <> '' order by c.id, s.n"
        )[0]
        stories = bench.query("select n from signals where key = ?", key)
        first, last = headline.split()[-2:]  # the firm's own name stands in front
        bench.change(
            "update contacts set first_name = ?, last_name = ? where id = ?", first, last, contact,
        )  # fmt: skip
        ledger = bench.query(LEDGER)

        await client.desk().forget([person])
        cleaned = bench.query("select * from signals where key = ? order by n", key)
        await client.replay()

    assert bench.query("select * from signals where key = ? order by n", key) == cleaned
    here = bench.query("select headline, snippet from signals where key = ?", key)
    assert all(f"{first} {last}".lower() not in cell.lower() for row in here for cell in row)
    assert any("[forgotten]" in row[0] for row in here)
    assert len(here) == len(stories)
    assert bench.query(LEDGER) == ledger


async def test_deal_fields_that_name_them_go(bench, few):
    folder, people = few
    async with bench.open(await bench.sandbox()) as client:
        await client.load(folder)
        rows = bench.query(
            "select d.id, c.first_name || ' ' || c.last_name from deals d join deal_contacts s "
            "on s.deal_id = d.id join contacts c on c.id = s.contact_id where c.person_key = ?",
            people[0].key,
        )
        deal, name = rows[0]
        fields = orjson.dumps([["champion", name], ["economic_buyer", "Somebody Else"]]).decode()
        bench.change("update deals set role_fields = ?, name = ? where id = ?",
            fields, f"Renewal for {name}", deal,
        )  # fmt: skip

        await client.desk().forget([people[0].key])

        [(left, title)] = bench.query("select role_fields, name from deals where id = ?", deal)
        assert orjson.loads(left) == [["economic_buyer", "Somebody Else"]]
        assert title == "Renewal for [forgotten]"


@BOTH
async def test_what_a_backup_brings_back_is_skipped_with_a_reason(bench, few):
    folder, people = few
    sandbox = await bench.sandbox()
    async with bench.open(sandbox) as client:
        await client.load(folder)
        backup = bench.query("select * from contacts where person_key = ?", people[0].key)
        seats = bench.query(
            "select * from deal_contacts where contact_id in (select id from contacts "
            "where person_key = ?)", people[0].key
        )  # fmt: skip
        await client.desk().forget([people[0].key])
        for table, rows in (("contacts", backup), ("deal_contacts", seats)):
            for row in rows:
                marks = ",".join("?" * len(row))
                bench.change(f"insert into {table} values ({marks})", *row)

        summary = await client.run()
        plan = await client.plan()

        assert plan.skipped["suppressed"] == len(seats)
        assert summary["skipped"]["suppressed"] == len(seats)
        assert bench.query("select count(*) from people where key = ?", people[0].key) == [(0,)]
        asked = sandbox.stats()["apollo"]["items"]
        assert asked == plan.unique_people
        statuses = {row["status_reason"] for row in await client.rows("deal_contacts")}
        assert "asked to be forgotten" in statuses


POSTGRES = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
HOLDS = {
    "looks back": "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1",
    "has read it": "BEGIN; SELECT count(*) FROM contacts",
    "is prepared": "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'theirs'",
}


@POSTGRES
@pytest.mark.parametrize("holding", HOLDS)
async def test_a_transaction_that_keeps_old_rows_is_named_and_nobody_called_erased(
    bench, few, monkeypatch, holding
):
    folder, people = few
    monkeypatch.setattr(rewriting, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(rewriting, "LOCK_SECONDS", 1)
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        wanted = needles(people[:3], bench.stores)
        other = await asyncpg.connect(bench.database())
        pid = await other.fetchval("SELECT pg_backend_pid()")
        try:
            await other.execute(HOLDS[holding])

            with pytest.raises(StoreError, match="old rows stay") as caught:
                await client.desk().forget([person.key for person in people[:3]])
            if holding == "looks back":
                assert hits(wanted, haystacks(bench.stores)) != []
        finally:
            await other.close()
        named = "prepared transaction theirs" if holding == "is prepared" else f"process {pid}"
        assert named in str(caught.value)
        if holding == "is prepared":
            bench.query("ROLLBACK PREPARED 'theirs'")

        await client.desk().forget([person.key for person in people[:3]])

        assert hits(wanted, haystacks(bench.stores)) == []


@POSTGRES
async def test_samples_that_the_server_took_of_columns_go_too(bench, few):
    folder, people = few
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        bench.query("ANALYZE")
        wanted = needles(people, bench.stores)
        samples = [hay for hay in haystacks(bench.stores) if "samples" in hay[0]]
        assert hits(wanted, samples)

        await client.desk().forget([person.key for person in people])

        assert hits(wanted, haystacks(bench.stores)) == []


async def test_another_program_that_reads_the_log_is_told_and_nobody_called_erased(bench, few):
    folder, people = few
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        with closing(sqlite3.connect(bench.stores.path("enrico"))) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM contacts").fetchone()

            with pytest.raises(StoreError, match="another program is reading"):
                await client.desk().forget([people[0].key])

        await client.desk().forget([people[0].key])

        assert hits(people[0].needles, haystacks(bench.stores)) == []


@BOTH
async def test_what_workers_that_died_left_of_somebody_goes_too(bench, few):
    folder, people = few
    one = people[0]
    async with bench.open(await bench.sandbox()) as client:
        await client.load(folder)
        rows = {
            "work": ("r/1", "people", 1, one.key),
            "claims": ("person", one.key, "r/1", 1),
            "chunks": ("r/1", "r", "w", "lost", "people", 1, 1, "", "", f"[{one.key}]"),
            "schedules": ("s", 60.0, f'{{"stages": ["{one.key}"]}}', "", ""),
            "role_notes": ("a", "d", "unknown_label", "f", f"ask {one.key}", 1),
            "load_problems": ("l", 1, f"{one.key}.csv", "", 3, "", ""),
        }  # fmt: skip
        for table, values in rows.items():
            bench.change(f"insert into {table} values ({','.join('?' * len(values))})", *values)
        twice = ("a", "d", "unknown_label", "f", f"ask {one.key.upper()}", 1)
        bench.change("insert into role_notes values (?,?,?,?,?,?)", *twice)

        await client.desk().forget([one.key])

        assert hits(one.needles, haystacks(bench.stores)) == []
        assert bench.query("select count(*) from claims") == [(0,)]


async def test_files_on_another_machine_are_named_and_seen_to_there(bench, few, monkeypatch):
    folder, people = few
    out = bench.folder / "out"
    away = bench.folder / "away"
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        with monkeypatch.context() as patch:
            patch.setattr(files, "this_host", lambda: "worker-7")
            await client.export(out)
        wanted = needles(people[:1], bench.stores)
        theirs = sorted(str(path) for path in out.iterdir())
        out.rename(away)  # as seen from a machine that does not have them

        done = await client.desk().forget([people[0].key])

        assert done.files == {"elsewhere": [f"worker-7:{path}" for path in theirs]}
        assert not done.is_whole
        known = (await client.desk().tell(people[1].key))["files"]
        assert {(file["host"], file["state"]) for file in known} == {("worker-7", "elsewhere")}
        await retain(client.db, RetentionSettings(exports_days=1), datetime.now(UTC) + timedelta(2))
        away.rename(out)
        assert hits(wanted, haystacks(bench.stores, out))
        with monkeypatch.context() as patch:
            patch.setattr(files, "this_host", lambda: "worker-7")
            there = await client.desk().forget([people[0].key])

        assert there.files == {"rewritten": theirs}
        assert hits(wanted, haystacks(bench.stores, out)) == []


async def test_files_on_a_folder_that_machines_share_are_seen_to_from_any(bench, few, monkeypatch):
    folder, people = few
    out = bench.folder / "out"
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        with monkeypatch.context() as patch:
            patch.setattr(files, "this_host", lambda: "worker-7")
            await client.export(out)
        wanted = needles(people[:1], bench.stores)

        done = await client.desk().forget([people[0].key])

        assert sorted(done.files) == ["rewritten"]
        assert hits(wanted, haystacks(bench.stores, out)) == []
        assert {file["host"] for file in await files.files_known(client.db)} == {files.this_host()}


async def test_what_a_killed_erasure_had_written_goes_with_the_next(bench, few):
    folder, people = few
    out = bench.folder / "out"
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        await client.export(out)
        left = out / ".enrico-0a1b2c3d.tmp"
        left.mkdir()
        (left / "deals.csv").write_text(people[0].key)

        await client.desk().forget([people[0].key])

        assert not left.exists()


async def test_a_file_that_somebody_changed_is_named_and_left_alone(bench, few):
    folder, people = few
    out = bench.folder / "out"
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        await client.export(out)
        theirs, moved = out / "deal_contacts.csv", out / "deals.csv"
        theirs.write_text(theirs.read_text() + "a,note,of,mine\n")
        moved.rename(out / "elsewhere.csv")
        (out / ".accounts.csv.tmp").write_text(people[0].key)  # of an export that was killed

        done = await client.desk().forget([people[0].key])

    assert done.files["changed"] == [str(theirs)]
    assert done.files["gone"] == [str(moved)]
    assert theirs.read_text().endswith("a,note,of,mine\n")
    assert not moved.exists()
    assert sorted(path.name for path in out.iterdir()) == [
        "accounts.csv", "deal_contacts.csv", "elsewhere.csv", "signals.csv",
    ]  # fmt: skip


async def test_an_erasure_that_was_cut_off_is_ended_by_the_next(bench, few, monkeypatch):
    folder, people = few
    out = bench.folder / "out"
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        await client.export(out)
        wanted = needles(people[:1], bench.stores)
        with monkeypatch.context() as patch:
            patch.setattr(files, "_write_anew", _killed)
            with pytest.raises(KeyboardInterrupt):
                await client.desk().forget([people[0].key])
        assert hits(wanted, haystacks(bench.stores, out))

        done = await client.desk().forget([people[0].key])

        assert done.unknown == [people[0].key]
        assert hits(wanted, haystacks(bench.stores, out)) == []


async def _killed(*_: object) -> files.Fate:
    raise KeyboardInterrupt


async def test_without_room_to_write_anew_it_says_so_and_can_be_done_again(bench, few, monkeypatch):
    folder, people = few
    async with bench.open(await bench.sandbox()) as client:
        await client.load(folder)
        with monkeypatch.context() as patch:
            patch.setattr(Sqlite, "room", lambda self: 10)
            with pytest.raises(StoreError, match="old pages"):
                await client.desk().forget([people[0].key])

        await client.desk().forget([people[0].key])

        assert hits(people[0].needles, haystacks(bench.stores)) == []


async def test_all_that_is_held_is_told_with_its_sources_and_nobody_elses(bench, few):
    folder, people = few
    out = bench.folder / "person.json"
    async with bench.open(await bench.sandbox()) as client:
        await enriched(bench, client, folder)
        bought = {row[0] for row in bench.query("select key from people where state = 'found'")}
        one, *others = [person for person in people if person.key in bought]
        await client.export(bench.folder / "results")

        told = await client.desk().tell(one.key, out)

        [fact] = told["facts"]
        assert fact["key"] == one.key
        assert fact["call_id"] == told["calls"][-1]["call"]
        assert told["calls"][-1]["answer"]["name"] == fact["name"]
        assert told["crm_records"][0]["loads"][0]["files"]
        assert told["deals"]
        assert len(told["files"]) == 4
        assert out.stat().st_mode & 0o077 == 0
        assert hits(needles(others, bench.stores), [("", out.read_bytes().lower())]) == []

        done = await client.desk().forget([one.key])

        assert done.files["deleted"] == [str(out)]
        assert not out.exists()
        empty = await client.desk().tell(one.key)
        assert (empty["held"], empty["facts"], empty["calls"]) == (False, [], [])
        assert empty["suppressed_since"]


async def test_who_is_let_in_again_is_loaded_and_bought(bench, few):
    folder, people = few
    sandbox = await bench.sandbox()
    async with bench.open(sandbox) as client:
        await enriched(bench, client, folder)
        await client.desk().forget([people[0].key])
        bought = sandbox.stats()["apollo"]["items"]

        assert await client.desk().let_in(people[0].key) > 0
        report = await client.load(folder)
        await client.run()

        assert report.suppressed == 0
        assert sandbox.stats()["apollo"]["items"] == bought + 1
        assert await client.desk().let_in(people[0].key) == 0


async def test_what_is_neither_address_nor_domain_is_told_so(bench):
    async with bench.open(await bench.sandbox()) as client:
        for wrong in ("jane", "", "@", "jane@", "two words"):
            with pytest.raises(InputError, match="neither"):
                await client.desk().forget([wrong])
