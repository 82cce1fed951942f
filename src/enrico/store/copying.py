"""Carry all that is known from one database into another, such as a file into PostgreSQL."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from enrico.errors import UsageError
from enrico.store.crm import pages
from enrico.store.database import Database
from enrico.store.sql import insert
from enrico.store.tables import metadata, unresolved


async def copy_database(source: Database, target: Database) -> dict[str, int]:
    """Copy every table into an empty database; returns how many rows each has.

    Nobody may run over either meanwhile. Raises UsageError when *target* holds anything, for
    nothing is mixed or overwritten; StoreError.
    """
    tables = metadata.sorted_tables
    for table in tables:
        if (await target.rows(select(func.count()).select_from(table)))[0][0]:
            raise UsageError(
                f"{target.backend.where} holds data already ({table.name}). Copy into an empty one."
            )
    copied: dict[str, int] = {}
    # The marks of roles in doubt come last: rows that come in mark everybody anew.
    for table in sorted(tables, key=lambda table: table is unresolved):
        if table is unresolved:
            await target.execute(delete(unresolved))
        copied[table.name] = 0
        statement = insert(table)
        query = select(table).order_by(*table.primary_key)
        async for page in pages(source, query):
            await target.write((statement, [row._asdict() for row in page]))
            copied[table.name] += len(page)
    return copied
