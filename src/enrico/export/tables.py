"""The result tables: deal contacts, accounts, signals, deals, unusable rows. A page at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import Select, select

from enrico.export.accounts import ACCOUNTS, SIGNALS, account_pages, signal_pages
from enrico.export.seats import DEAL_CONTACTS, DEALS, Cells, deals_with_seats
from enrico.store.crm import Scope, pages
from enrico.store.database import Database
from enrico.store.tables import load_problems, runs

TABLES = ("deal_contacts", "accounts", "signals", "deals", "unusable_rows")
COLUMNS: dict[str, tuple[str, ...]] = {
    "deal_contacts": DEAL_CONTACTS,
    "accounts": ACCOUNTS,
    "signals": SIGNALS,
    "deals": DEALS,
    "unusable_rows": ("file", "sheet", "row", "reason", "mend"),
}
Row = dict[str, Any]


async def pages_of(
    db: Database, scope: Scope, tables: Collection[str]
) -> AsyncGenerator[tuple[str, Sequence[Cells]], None]:
    """Pages of rows of these tables for the deals in scope; each table is ordered by its ids.

    Pages of deals and of their contacts come in turn, for both are made of the same seats.
    """
    unasked = await why_unasked(db)
    if "deal_contacts" in tables or "deals" in tables:
        async for of_seats, of_deals in deals_with_seats(db, scope, unasked):
            if "deal_contacts" in tables:
                yield "deal_contacts", of_seats
            if "deals" in tables:
                yield "deals", of_deals
    if "accounts" in tables:
        async for page in account_pages(db, scope, unasked):
            yield "accounts", page
    if "signals" in tables:
        async for page in signal_pages(db, scope):
            yield "signals", page
    if "unusable_rows" in tables:
        async for rows in pages(db, _unusable(scope)):
            yield "unusable_rows", rows


async def rows_of(db: Database, table: str, scope: Scope) -> AsyncIterator[Row]:
    """The rows of one table for the deals in scope, ordered by their ids."""
    columns = COLUMNS[table]
    async for _, page in pages_of(db, scope, (table,)):
        for cells in page:
            yield dict(zip(columns, cells, strict=True))


async def all_rows(db: Database, scope: Scope, tables: Collection[str]) -> dict[str, list[Row]]:
    """The rows of several tables."""
    found: dict[str, list[Row]] = {table: [] for table in tables}
    async for table, page in pages_of(db, scope, tables):
        found[table] += [dict(zip(COLUMNS[table], cells, strict=True)) for cells in page]
    return found


async def filled_tables(db: Database, scope: Scope) -> dict[str, tuple[str, ...]]:
    """The tables to write with their columns; unusable rows only where there are any."""
    has_unusable = await db.rows(_unusable(scope).limit(1))
    return {name: COLUMNS[name] for name in TABLES if name != "unusable_rows" or has_unusable}


async def why_unasked(db: Database) -> dict[str, str]:
    """For each provider of which the last run left items unasked, why."""
    rows = await db.rows(
        select(runs.c.summary)
        .where(runs.c.summary != "")
        .order_by(runs.c.started_at.desc())
        .limit(1)
    )
    reasons: dict[str, str] = orjson.loads(rows[0].summary).get("unasked", {}) if rows else {}
    return reasons


def _unusable(scope: Scope) -> Select[Any]:
    """Rows of the export that could not be used, each with the reason and the mend."""
    query = select(*(load_problems.c[name] for name in COLUMNS["unusable_rows"])).order_by(
        load_problems.c.load_id, load_problems.c.n
    )
    return query.where(load_problems.c.load_id == scope.load_id) if scope.load_id else query
