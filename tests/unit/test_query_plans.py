"""What is asked of large databases goes through indexes, and sorts nothing large."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects import postgresql, sqlite

from enrico.export.accounts import accounts_in
from enrico.export.seats import deals_in, seats_on, users_of_addresses_on
from enrico.settings import CacheSettings
from enrico.store.committees import Mark, marks_after, seats_of
from enrico.store.crm import Scope
from enrico.store.database import Database, open_database
from enrico.store.selection import Selection, count_queries
from enrico.store.tables import deals
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


async def scans(db: Database, query: Select[Any]) -> set[str]:
    """The tables that are read whole."""
    if db.backend.engine.dialect.name == "sqlite":
        return {step.split()[1] for step in await plan(db, query) if step.startswith("SCAN")}
    compiled = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    async with db.read() as connection:
        # Small tables are read whole because they are small; where no index helps, large ones are.
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
