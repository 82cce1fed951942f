"""Every version's database goes forward with what is in it, to the tables that a new one has."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Float, Integer, LargeBinary, MetaData, Table, select, text

from enrico.errors import StoreError
from enrico.store import migrate
from enrico.store.database import SCHEMA_VERSION, Database, _backend, open_database
from enrico.store.migrations import frozen
from enrico.store.tables import accounts, calls, metadata, unresolved
from tests.conftest import BOTH
from tests.stores import Stores

DATA = Path(__file__).parents[1] / "data"
Row = dict[str, Any]
GONE = {("work", None), ("deals", "load_id")}
"""What 0002 took away on purpose: plans of runs that were over, a column that became a table."""
OF_THE_BACKEND = {"alembic_version", "holders", "writers"}
_SQLITE_SCHEMA = (
    # A default is the same with and without quotes.
    "SELECT m.name, c.name, c.type, c.\"notnull\", trim(c.dflt_value, ''''), c.pk "
    "FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table'",
    "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite%'",
    "SELECT m.name, f.* FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f",
    "SELECT tbl_name, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')",
)
_POSTGRES_SCHEMA = (
    "SELECT c.relname, a.attname, a.attnum > 0, format_type(a.atttypid, a.atttypmod), "
    "a.attnotnull, a.attcollation::regcollation::text, trim(both '''' from "
    "replace(pg_get_expr(d.adbin, d.adrelid), '::double precision', '')) FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d "
    "ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relnamespace = 'public'::regnamespace "
    "AND c.relkind IN ('r', 'S') AND NOT a.attisdropped",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE NOT tgisinternal",
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
)


def revisions() -> list[str]:
    """All versions that there ever were, oldest first."""
    config = Config()
    config.set_main_option("script_location", "enrico.store:migrations")
    found = ScriptDirectory.from_config(config).walk_revisions()
    return [script.revision for script in found][::-1]


def value_for(table: Table, column: Any, n: int) -> Any:
    if column.name == "deal_id":
        return f"deals.id{n}"
    if isinstance(column.type, Integer):
        return n
    if isinstance(column.type, Float):
        return n / 2
    if isinstance(column.type, LargeBinary):
        return b"\x00bytes%d" % n
    return f"{table.name}.{column.name}{n}"


def fill(connection: Connection) -> dict[str, list[Row]]:
    """Two rows in each table that there is; returns what the tables hold then."""
    there = MetaData()
    there.reflect(connection)
    names = [name for name in there.tables if name not in OF_THE_BACKEND]
    names.sort(key=lambda name: name == "deal_contacts")  # it points to deals
    for name in names:
        table = there.tables[name]
        for n in (1, 2):
            row = {column.name: value_for(table, column, n) for column in table.columns}
            connection.execute(table.insert().values(row))
    return {
        name: [dict(row._mapping) for row in connection.execute(select(there.tables[name]))]
        for name in names
    }


async def made_by(url: str, revision: str) -> dict[str, list[Row]]:
    """A database as *revision* left it, with rows in every table; returns these."""
    backend = _backend(url)

    def make(connection: Connection) -> dict[str, list[Row]]:
        backend.prepare(connection)
        migrate.upgrade(connection, revision)
        return fill(connection)

    async with backend.engine.begin() as connection:
        rows = await connection.run_sync(make)
    await backend.close()
    return rows


async def schema(db: Database) -> list[str]:
    """All that the database says of its tables."""
    lite = db.backend.engine.dialect.name == "sqlite"
    async with db.read() as connection:
        found = [
            (await connection.exec_driver_sql(question)).all()
            for question in (_SQLITE_SCHEMA if lite else _POSTGRES_SCHEMA)
        ]
    return [
        f"{kind} {' '.join(' | '.join(map(str, row)).split())}"
        for kind, part in enumerate(found)
        for row in sorted(part, key=repr)
        if "alembic_version" not in repr(row)
    ]


async def content(db: Database, names: list[str]) -> dict[str, list[Row]]:
    async with db.read() as connection:
        return {
            name: [
                dict(row._mapping)
                for row in await connection.execute(text(f"SELECT * FROM {name}"))
            ]
            for name in names
        }


@BOTH
@pytest.mark.parametrize("revision", revisions())
async def test_a_database_of_any_version_goes_forward_and_keeps_what_it_holds(
    stores: Stores, revision: str
) -> None:
    before = await made_by(stores.url("old"), revision)

    old, new = await open_database(stores.url("old")), await open_database(stores.url("new"))
    try:
        assert await schema(old) == await schema(new)
        now = await content(old, list(before))
        for name, rows in before.items():
            if (name, None) in GONE and revision < "0002":
                continue
            for row in rows:
                kept = {k: v for k, v in row.items() if (name, k) not in GONE}
                assert any(kept.items() <= found.items() for found in now[name]), (name, kept)
        if revision == "0001":
            loads = await content(old, ["load_deals"])
            assert {"load_id": "deals.load_id1", "deal_id": "deals.id1"} in loads["load_deals"]
    finally:
        await old.close()
        await new.close()


@BOTH
async def test_a_migration_that_is_cut_off_leaves_the_database_as_it_was(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await made_by(stores.url("old"), "0001")
    run = frozen.run

    def cut_off(revision: str) -> None:
        run(revision)
        if revision == "0003":
            raise StoreError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(frozen, "run", cut_off)
        with pytest.raises(StoreError, match="killed here"):
            await open_database(stores.url("old"))

    [(version,)] = stores.query("old", "SELECT version_num FROM alembic_version")
    assert version == "0001"
    assert len(stores.query("old", "SELECT load_id FROM deals")) == len(before["deals"])
    await (await open_database(stores.url("old"))).close()
    [(version,)] = stores.query("old", "SELECT version_num FROM alembic_version")
    assert version == SCHEMA_VERSION


@BOTH
async def test_several_who_open_an_old_database_at_once_bring_it_forward_once(
    stores: Stores,
) -> None:
    await made_by(stores.url("old"), "0001")

    async with asyncio.timeout(60):
        opened = await asyncio.gather(*(open_database(stores.url("old")) for _ in range(4)))

    for db in opened:
        await db.close()
    [(version,)] = stores.query("old", "SELECT version_num FROM alembic_version")
    assert version == SCHEMA_VERSION


async def test_a_file_that_the_first_version_wrote_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.executescript((DATA / "schema-0001.sql").read_text())

    old = await open_database(f"sqlite:///{path}")
    new = await open_database(f"sqlite:///{tmp_path / 'new.db'}")

    assert await schema(old) == await schema(new)
    assert (await old.rows(select(accounts.c.name)))[0][0] == "Acme"
    assert (await old.rows(select(calls.c.usd, calls.c.waited_ms)))[0] == (25_000_000, 0.0)
    in_doubt = await old.rows(select(unresolved.c.account_id, unresolved.c.deal_id))
    assert sorted(tuple(row) for row in in_doubt) == [("", "d2"), ("a1", "")]
    await old.close()
    await new.close()


def test_the_newest_migration_is_the_version_of_the_code() -> None:
    assert revisions()[-1] == SCHEMA_VERSION
    assert set(metadata.tables) >= {"calls", "people", "runs", "deals"}
