"""The database: grouped commits, the journal's round trip, refusals in one sentence."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import bindparam, delete, func, insert, select, text, update

from enrico.engine.http import Reply, Request
from enrico.engine.money import Cost
from enrico.errors import ConfigError, StoreError
from enrico.store import database as database_module
from enrico.store import sqlite as sqlite_store
from enrico.store.crm import Scope
from enrico.store.database import Database, in_turn, open_database
from enrico.store.journal import Journal, pack_request, unpack_request
from enrico.store.tables import calls, deals, metadata, unresolved, work
from tests.conftest import BOTH, EVERY
from tests.stores import Stores

WORK = insert(work)
UNRESOLVED = insert(unresolved)
REQUEST = Request("POST", "/people/bulk_match", b'{"details":[]}\n\xff', (("a", "true"),))


@pytest.fixture
async def db(stores: Stores) -> AsyncIterator[Database]:
    database = await open_database(stores.url("enrico"))
    yield database
    await database.close()


def rows(first: int, number: int) -> list[dict[str, object]]:
    found = range(first, first + number)
    return [{"run_id": "r1", "kind": "search", "n": n, "key": str(n)} for n in found]


async def intend(journal: Journal, call_id: str, **changes: object) -> None:
    values: dict[str, object] = {
        "run_id": "r1", "provider": "apollo", "endpoint": "people/bulk_match", "attempt": 1,
        "rate_limited": 0, "items": ["ada@acme.com"], "request": REQUEST,
        "reserved": Cost(10_000_000, 250_000_000),
    }  # fmt: skip
    await journal.intend(call_id, **{**values, **changes})  # type: ignore[arg-type]


@EVERY
async def test_those_who_wait_together_share_a_commit(db: Database) -> None:
    await asyncio.gather(*(db.write((WORK, rows(n, 1))) for n in range(500)))

    assert (await db.rows(select(func.count()).select_from(work)))[0][0] == 500
    assert db.commits < 50


@EVERY
async def test_what_was_handed_in_is_written_though_its_caller_is_cancelled(db: Database) -> None:
    task = asyncio.create_task(db.write((WORK, rows(0, 1))))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await db.write((WORK, rows(1, 1)))

    assert (await db.rows(select(func.count()).select_from(work)))[0][0] == 2


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        ("sqlite", {"PRAGMA synchronous": 2, "PRAGMA journal_mode": "wal"}),  # 2 is FULL
        ("postgresql", {"SHOW synchronous_commit": "on"}),
    ],
    indirect=["backend"],
)
async def test_a_power_cut_loses_nothing_acknowledged_by_setting(
    db: Database, settings: dict[str, object]
) -> None:
    async with db.read() as connection:
        for question, answer in settings.items():
            assert await connection.scalar(text(question)) == answer


@EVERY
async def test_after_one_refused_write_nothing_more_is_taken(db: Database) -> None:
    await db.write((WORK, rows(0, 1)))

    with pytest.raises(StoreError):
        await db.write((WORK, rows(0, 1)))  # the same key again
    with pytest.raises(StoreError):
        await db.write((WORK, rows(5, 1)))


async def test_a_full_disk_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_disk(connection: sqlite3.Connection) -> None:
        set_up(connection)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    set_up = sqlite_store.set_up
    db = await open_database(f"sqlite:///{tmp_path / 'small.db'}")
    monkeypatch.setattr(sqlite_store, "set_up", small_disk)
    await db.write((WORK, rows(0, 1)))

    with pytest.raises(StoreError, match="disk is full") as caught:
        await db.write((WORK, rows(1, 200_000)))

    assert "Nothing more was sent" in str(caught.value)
    await db.close()


@EVERY
async def test_a_group_is_written_whole_or_not_at_all(db: Database) -> None:
    await db.write((WORK, rows(3, 1)))

    with pytest.raises(StoreError):
        await db.write((UNRESOLVED, [{"account_id": "a", "deal_id": ""}]), (WORK, rows(1, 3)))

    assert (await db.rows(select(func.count()).select_from(work)))[0][0] == 1
    assert (await db.rows(select(func.count()).select_from(unresolved)))[0][0] == 0


@EVERY
async def test_a_row_that_cannot_be_written_is_told_and_not_waited_for(db: Database) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(StoreError):
            await db.write((WORK, [{**rows(0, 1)[0], "n": 2**70}]))


@EVERY
async def test_a_write_means_what_its_statement_says(db: Database) -> None:
    await db.write((WORK, rows(0, 4)))
    done = update(work).where(work.c.n == bindparam("which"), work.c.kind == "search")

    await db.write((done.values(key=work.c.key + "!"), [{"which": 1}]))
    await db.write((done, [{"which": 2, "key": "two"}, {"which": 3, "key": "three"}]))
    await db.write((delete(work).where(work.c.n == bindparam("which")), [{"which": 0}]))

    found = await db.rows(select(work.c.n, work.c.key).order_by(work.c.n))
    assert [tuple(row) for row in found] == [(1, "1!"), (2, "two"), (3, "three")]


@EVERY
async def test_a_row_without_a_value_that_its_statement_needs_is_refused(db: Database) -> None:
    done = update(work).where(work.c.n == bindparam("which")).values(key="done")

    with pytest.raises(StoreError, match="which"):
        await db.write((done, [{"kind": "search"}]))


async def test_a_url_without_a_file_is_refused() -> None:
    with pytest.raises(ConfigError, match="names no file"):
        await open_database("sqlite://")


async def test_a_database_in_memory_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "SHARED_MEMORY", str(tmp_path))
    one = await open_database("sqlite:///:memory:")
    other = await open_database("sqlite:///:memory:")
    await one.write((WORK, rows(0, 3)))

    assert (await other.rows(select(func.count()).select_from(work)))[0][0] == 0
    await one.close()
    await other.close()
    assert list(tmp_path.iterdir()) == []


@EVERY
async def test_a_call_is_read_back_as_it_was_written(db: Database) -> None:
    journal = Journal(db)
    await intend(journal, "c1")
    reply = Reply(200, {"x-rate-limit-minute": "1000", "set-cookie": "secret"}, b'{"a":\xc3\xa4}')
    await journal.conclude("c1", "answered", reply=reply, cost=Cost(3, 4), duration_ms=1.5)

    call = await journal.get("c1")

    assert call is not None
    assert (call.state, call.items, call.request) == ("answered", ["ada@acme.com"], REQUEST)
    assert (call.cost, call.reserved) == (Cost(3, 4), Cost(10_000_000, 250_000_000))
    assert call.reply.body == reply.body
    assert call.reply.headers == {"x-rate-limit-minute": "1000"}
    assert not call.applied
    await db.write(journal.applied("c1"))
    found = await journal.get("c1")
    assert found is not None
    assert found.applied


@EVERY
async def test_a_repeated_intent_takes_back_the_refusal_and_keeps_the_request(db: Database) -> None:
    journal = Journal(db)
    await intend(journal, "c1")
    await journal.conclude("c1", "refused", reply=Reply(429), error="HTTP 429")
    await intend(journal, "c1", rate_limited=1)

    call = await journal.get("c1")

    assert call is not None
    assert (call.state, call.request) == ("sent", REQUEST)
    assert (await db.rows(select(func.count()).select_from(calls)))[0][0] == 1


@EVERY
async def test_all_calls_of_a_state_are_found_in_pages(db: Database) -> None:
    journal = Journal(db)
    await asyncio.gather(*(intend(journal, f"c{n:04}") for n in range(450)))
    for n in range(0, 450, 2):
        await journal.conclude(f"c{n:04}", "answered", reply=Reply(200, {}, b"{}"))

    sent = [call.id async for call in journal.find(states=("sent",))]
    answered = [call.id async for call in journal.find(states=("answered",), unapplied=True)]

    assert len(sent) == len(set(sent)) == 225
    assert len(answered) == len(set(answered)) == 225


@EVERY
async def test_an_earlier_processs_sends_are_remembered_but_not_those_that_a_limit_refused(
    db: Database,
) -> None:
    journal = Journal(db)
    for name in ("c1", "c2", "c3", "c4"):
        await intend(journal, name)
    await journal.conclude("c2", "refused", reply=Reply(429), error="HTTP 429")
    await journal.conclude("c3", "not_sent", error="no connection")
    # It was cut off and proven free; it arrived all the same.
    await journal.conclude("c4", "refused", reply=Reply(502), error="HTTP 502")

    ages = await journal.seconds_since_sends("apollo", 60)

    assert len(ages) == 2
    assert all(0 <= age < 60 for age in ages)


@pytest.mark.parametrize("body", [b"", b"\n\n", b"{}", bytes(range(256))])
def test_a_request_survives_packing_byte_for_byte(body: bytes) -> None:
    request = Request("POST", "/x", body, (("flag", "true"), ("b", "ä")))
    assert unpack_request(pack_request(request)) == request


async def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    await (await open_database(f"sqlite:///{path}")).close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match="newer Enrico"):
        await open_database(f"sqlite:///{path}")


async def test_a_database_whose_making_was_cut_off_is_made_by_the_next_process(
    tmp_path, monkeypatch
) -> None:
    url = f"sqlite:///{tmp_path / 'enrico.db'}"
    create_all = metadata.create_all

    def cut_off(connection: object, **how: object) -> None:
        create_all(connection, **how)
        raise StoreError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(metadata, "create_all", cut_off)
        with pytest.raises(StoreError, match="killed here"):
            await open_database(url)

    await (await open_database(url)).close()


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("mysql://localhost/x", ConfigError, "SQLite or PostgreSQL"),
        ("postgresql://nobody@localhost:1/x", StoreError, "cannot be reached"),
        ("not a url", ConfigError, "sqlite:///"),
        ("sqlite:////nowhere/at/all/enrico.db", StoreError, "does not exist"),
    ],
)
async def test_a_url_that_cannot_be_opened_says_what_to_write(
    url: str, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        await open_database(url)


async def test_a_file_that_is_no_database_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, " * 200)

    with pytest.raises(StoreError, match="not an Enrico database"):
        await open_database(f"sqlite:///{path}")


@BOTH
async def test_a_scope_takes_any_number_of_deals(db: Database) -> None:
    row = dict.fromkeys((column.name for column in deals.columns), "")
    await db.write((insert(deals), [{**row, "id": f"d{n}"} for n in range(700)]))
    for number in (1, 500, 501, 400_000):
        scope = Scope(deal_ids=tuple(f"d{n}" for n in range(number)))
        found = await db.rows(select(func.count()).select_from(deals).where(scope.holds()))

        assert found[0][0] == min(number, 700)


@BOTH
@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("DROP TABLE claims", "the tables claims are not in it"),
        ("DELETE FROM alembic_version", "the version and perhaps more"),
        ("DROP TABLE alembic_version", "the version and perhaps more"),
    ],
)
async def test_half_a_copy_is_refused_and_left_as_it_is(
    stores: Stores, lost: str, words: str
) -> None:
    await (await open_database(stores.url("enrico"))).close()
    stores.execute("enrico", lost)

    for _ in range(2):
        with pytest.raises(StoreError, match=f"is half a copy: {words}"):
            await open_database(stores.url("enrico"))


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
async def test_a_file_that_was_cut_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "enrico.db"
    db = await open_database(f"sqlite:///{path}")
    await db.write((WORK, rows(0, 5_000)))
    await db.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])

    with pytest.raises(StoreError, match="is damaged, or half a copy"):
        await open_database(f"sqlite:///{path}")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts files as Linux tells them")
async def test_no_file_is_left_open_whatever_becomes_of_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'enrico.db'}"
    await (await open_database(url)).close()
    before = open_files()

    def broken(self: object) -> None:
        raise StoreError("made up")

    for number in range(50):
        if number % 2 == 0:
            db = await open_database(url)
            with pytest.raises(StoreError):
                await db.rows(text("SELECT nonsense"))
            await db.write((WORK, rows(number, 1)))
            await db.close()
        else:
            with monkeypatch.context() as patch:
                patch.setattr(database_module, "_version", broken)
                with pytest.raises(StoreError):
                    await open_database(url)

    async with asyncio.timeout(20):  # a connection's thread ends in its own time
        while open_files() > before:
            await asyncio.sleep(0.05)


@BOTH
async def test_one_run_at_a_time_holds_the_lock(stores: Stores) -> None:
    ours, theirs = await open_database(stores.url("a")), await open_database(stores.url("a"))
    first, second = ours.lock(), theirs.lock()
    assert await first.try_to_acquire()
    loading = ours.lock("load")
    assert await loading.try_to_acquire()
    assert not await second.try_to_acquire()
    waiting = asyncio.create_task(in_turn(second))
    await asyncio.sleep(0)

    await first.release()
    await waiting

    assert not await first.try_to_acquire()
    await second.release()
    await loading.release()
    await theirs.close()
    await ours.close()
