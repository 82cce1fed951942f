"""What is asked of large databases goes through indexes, and sorts nothing large."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Float, Integer, Select, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from enrico.engine.stats import PROVIDERS
from enrico.export.accounts import accounts_in
from enrico.export.seats import deals_in, seats_on, users_of_addresses_on
from enrico.settings import CacheSettings
from enrico.store.committees import Mark, marks_after, seats_of
from enrico.store.crm import Scope
from enrico.store.database import Database, open_database
from enrico.store.journal import Journal, of_run
from enrico.store.selection import Selection, count_queries
from enrico.store.tables import calls, deals
from tests.conftest import BOTH
from tests.stores import Stores

ALL, LOAD, ONE = Scope(), Scope(load_id="l1"), Scope(deal_ids=("d1",))
SORTS = "USE TEMP B-TREE FOR ORDER BY"
BY_ACCOUNT = seats_of(deals.c.account_id.in_(["a1", "a2"]), deals.c.account_id)
BY_DEAL = seats_of(deals.c.id.in_(["d1", "d2"]), deals.c.id)


@pytest.fixture
async def db(stores: Stores) -> AsyncIterator[Database]:
    database = await open_database(stores.url("enrico"))
    yield database
    await database.close()


async def plan(db: Database, query: Select[Any]) -> list[str]:
    """SQLite's steps."""
    compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    rows = await db.rows(text("EXPLAIN QUERY PLAN " + str(compiled).replace(":", "\\:")))
    return [row[3] for row in rows]


async def scans(db: Database, query: Select[Any], *, small: bool = True) -> set[str]:
    """The tables that are read whole; *small*: or would be, if they were not small."""
    if db.backend.engine.dialect.name == "sqlite":
        return {step.split()[1] for step in await plan(db, query) if step.startswith("SCAN")}
    compiled = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    async with db.read() as connection:
        # Small tables are read whole because they are small; where no index helps, large ones are.
        if small:
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN (FORMAT JSON) " + str(compiled).replace(":", "\\:")
        (found,) = (await connection.execute(text(explain))).one()
    return set(_read_whole(found[0]["Plan"]))


def _read_whole(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for inner in node.get("Plans", []):
        yield from _read_whole(inner)


@BOTH
async def test_an_accounts_committee_is_found_by_indexes(db: Database) -> None:
    assert await scans(db, BY_ACCOUNT) == await scans(db, BY_DEAL) == set()


async def test_an_accounts_committee_comes_unsorted(db: Database) -> None:
    for query in (BY_ACCOUNT, BY_DEAL):
        assert SORTS not in await plan(db, query)


@BOTH
@pytest.mark.parametrize("scope", [ALL, LOAD, ONE])
async def test_marks_are_found_by_their_key(db: Database, scope: Scope) -> None:
    assert await scans(db, marks_after(Mark("a1", ""), scope)) == set()


@pytest.mark.parametrize("scope", [ALL, LOAD, ONE])
async def test_marks_come_in_order_of_their_key(db: Database, scope: Scope) -> None:
    assert SORTS not in await plan(db, marks_after(Mark("a1", ""), scope))


@pytest.mark.parametrize("scope", [ALL, LOAD])
async def test_an_export_of_everything_reads_deals_in_order_and_sorts_nothing(
    db: Database, scope: Scope
) -> None:
    for query in (deals_in(scope), accounts_in(scope), seats_on(["d1", "d2"])):
        assert SORTS not in await plan(db, query)


@BOTH
async def test_the_seats_of_a_page_of_deals_are_found_by_indexes(db: Database) -> None:
    for query in (seats_on(["d1", "d2"]), users_of_addresses_on(["d1", "d2"])):
        assert await scans(db, query) == set()


@BOTH
async def test_a_scope_of_one_deal_reads_no_table_whole(db: Database) -> None:
    selection = Selection(ONE, CacheSettings(), datetime.now(UTC))

    for query in (
        *count_queries(selection), selection.to_do("people"), selection.to_do("search"),
        selection.to_do("classify"),
    ):  # fmt: skip
        whole = await scans(db, query)
        assert not whole & {"deals", "deal_contacts", "contacts", "accounts", "people"}


async def fill_journal(db: Database) -> None:
    """As many calls of as many runs as a database has after a while; the server counts them."""
    row: dict[str, Any] = {
        column.name: 0 if isinstance(column.type, (Integer, Float)) else ""
        for column in calls.columns
    }
    some = {"request": b"", "body": b"x" * 200, "state": "answered", "applied": 1}
    for first in range(0, 20_000, 1_000):
        rows = [
            {
                **row, **some, "id": f"c{n}", "run_id": f"r{n % 200}/{n % 7}",
                "sent_at": f"2026-01-01T{n:06}", "provider": PROVIDERS[n % 3],
            }
            for n in range(first, first + 1_000)
        ]  # fmt: skip
        await db.write((insert(calls), rows))
    if db.backend.engine.dialect.name == "postgresql":  # SQLite plans without counting: so do we
        async with db.change() as connection:
            await connection.execute(text("ANALYZE"))


@BOTH
async def test_the_journal_is_not_read_whole_for_a_run_or_a_limit(db: Database) -> None:
    await fill_journal(db)
    for query in (
        select(func.sum(calls.c.credits)).where(of_run(calls.c.run_id, "r7")),
        select(calls).where(calls.c.id.in_(["c1", "c2"])),
        select(calls.c.sent_at).where(
            calls.c.provider == "apollo", calls.c.sent_at >= "2026-01-01T019900"
        ),
        select(calls).where(
            calls.c.provider == "apollo", calls.c.state.in_(["sent"]), calls.c.applied == 0
        ),
    ):
        assert await scans(db, query, small=False) == set(), query


@BOTH
async def test_what_an_interrupted_run_left_is_found_without_reading_the_whole_journal(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill_journal(db)
    asked: list[Select[Any]] = []
    rows = db.rows

    async def noted(query: Select[Any]) -> list[Any]:
        asked.append(query)
        return await rows(query)

    with monkeypatch.context() as patch:
        patch.setattr(db, "rows", noted)
        for states in (("sent",), ("unknown",), ("held",)):
            assert [call async for call in Journal(db).find(states=states)] == []
        assert [c async for c in Journal(db).find(states=("answered",), unapplied=True)] == []

    for query in asked:
        assert await scans(db, query, small=False) == set(), query.compile().params


@BOTH
async def test_a_runs_calls_are_its_own_and_its_parts(db: Database) -> None:
    await fill_journal(db)
    found = await db.rows(select(calls.c.run_id).where(of_run(calls.c.run_id, "r7")).distinct())

    assert {row.run_id for row in found} == {f"r7/{part}" for part in range(7)}
