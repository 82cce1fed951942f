"""The library as a notebook uses it: one call, frames or tables out, no file left behind."""

from __future__ import annotations

from enrico.client import Enrico
from tests.conftest import result_tables


async def test_one_call_over_a_database_in_memory_comes_to_the_same(bench, undisturbed):
    sandbox = await bench.sandbox()
    settings = bench.settings(sandbox, database_url="sqlite:///:memory:")

    async with Enrico(settings) as client:
        results = await client.enrich(bench.crm(50))
        again = await client.run()
        assert await result_tables(client) == undisturbed.tables

    assert results.summary["status"] == "done"
    assert len(results.deal_contacts) == len(undisturbed.tables["deal_contacts"])
    assert sum(part["calls"] for part in again["providers"].values()) == 0
