"""What is asked of large databases goes through indexes, and sorts nothing large."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects import sqlite

from enrico.export.accounts import accounts_in
from enrico.export.seats import deals_in, seats_on, users_of_addresses_on
from enrico.settings import CacheSettings
from enrico.store.committees import Mark, marks_after, seats_of
from enrico.store.crm import Scope
from enrico.store.database import Database, open_database
from enrico.store.selection import Selection, count_queries
from enrico.store.tables import deals

ALL, LOAD, ONE = Scope(), Scope(load_id="l1"), Scope(deal_ids=("d1",))
SORTS = "USE TEMP B-TREE FOR ORDER BY"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path / 'enrico.db'}")
    yield database
    await database.close()


async def plan(db: Database, query: Select[Any]) -> list[str]:
    compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    rows = await db.rows(text("EXPLAIN QUERY PLAN " + str(compiled).replace(":", "\\:")))
    return [row[3] for row in rows]


def scans(steps: list[str]) -> set[str]:
    """The tables that are read whole."""
    return {step.split()[1] for step in steps if step.startswith("SCAN")}


async def test_an_accounts_committee_is_found_by_indexes_and_comes_unsorted(db: Database) -> None:
    by_account = seats_of(deals.c.account_id.in_(["a1", "a2"]), deals.c.account_id)
    by_deal = seats_of(deals.c.id.in_(["d1", "d2"]), deals.c.id)

    for query in (by_account, by_deal):
        steps = await plan(db, query)
        assert scans(steps) == set()
        assert SORTS not in steps


@pytest.mark.parametrize("scope", [ALL, LOAD, ONE])
async def test_marks_come_in_order_of_their_key(db: Database, scope: Scope) -> None:
    steps = await plan(db, marks_after(Mark("a1", ""), scope))

    assert scans(steps) == set()
    assert SORTS not in steps


@pytest.mark.parametrize("scope", [ALL, LOAD])
async def test_an_export_of_everything_reads_deals_in_order_and_sorts_nothing(
    db: Database, scope: Scope
) -> None:
    for query in (deals_in(scope), accounts_in(scope), seats_on(["d1", "d2"])):
        assert SORTS not in await plan(db, query)
    for query in (seats_on(["d1", "d2"]), users_of_addresses_on(["d1", "d2"])):
        assert scans(await plan(db, query)) == set()


async def test_a_scope_of_one_deal_reads_no_table_whole(db: Database) -> None:
    selection = Selection(ONE, CacheSettings(), datetime.now(UTC))

    for query in (
        *count_queries(selection), selection.to_do("people"), selection.to_do("search"),
        selection.to_do("classify"),
    ):  # fmt: skip
        steps = await plan(db, query)
        assert not scans(steps) & {"deals", "deal_contacts", "contacts", "accounts", "people"}
