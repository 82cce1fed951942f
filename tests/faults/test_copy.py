"""All that is known moves from a file to PostgreSQL, or back, and nobody is bought again."""

from __future__ import annotations

import pytest

from enrico.errors import UsageError
from enrico.store.tables import metadata
from tests.conftest import BOTH, result_tables
from tests.stores import SqliteStores

pytestmark = BOTH


def sizes(stores, database: str) -> dict[str, int]:
    return {
        table: stores.query(database, f"SELECT count(*) FROM {table}")[0][0]
        for table in metadata.tables
    }


async def test_everything_is_there_and_the_next_run_buys_nothing(bench, small, request):
    sandbox = await bench.sandbox()
    outcome = await bench.run(sandbox, deals=10)
    other = other_stores(bench, request)

    async with bench.open(sandbox) as client:
        copied = await client.copy(other.url("copy"))

    assert copied == sizes(bench.stores, "enrico")
    assert copied == sizes(other, "copy")
    calls = sandbox.stats()["apollo"]["calls"]
    async with bench.open(sandbox, database_url=other.url("copy")) as client:
        again = await client.run()
        assert await result_tables(client) == outcome.tables == small.tables
    assert sum(part["calls"] for part in again["providers"].values()) == 0
    assert sandbox.stats()["apollo"]["calls"] == calls


async def test_nothing_is_mixed_into_a_database_that_holds_data(bench, stores):
    sandbox = await bench.sandbox()
    bench.load("full", deals=10)
    bench.load("empty", deals=10)

    async with bench.open(sandbox, "full") as client:
        with pytest.raises(UsageError, match="holds data already"):
            await client.copy(stores.url("empty"))


def other_stores(bench, request):
    """Databases of the other kind."""
    if isinstance(bench.stores, SqliteStores):
        return request.getfixturevalue("postgres_stores")
    return SqliteStores(bench.folder, request.getfixturevalue("loaded_crm"))
