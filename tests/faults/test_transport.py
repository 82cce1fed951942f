"""Storms, resets, 5xx and answers that are none: nothing lost, nothing invented, nothing cached."""

from __future__ import annotations

import pytest

from tests.conftest import BOTH

pytestmark = BOTH

BROKEN = ("500", "503_html", "reset_before", "reset_after", "cut", "malformed", "html_200")
NAMES = {"serper": "serper", "llm": "deepseek", "apollo": "apollo"}


@pytest.mark.parametrize("provider", NAMES)
@pytest.mark.parametrize("kind", ["429", "429_no_header"])
async def test_a_storm_of_429s_loses_nothing_and_becomes_no_result(
    bench, undisturbed, provider, kind
):
    fault = {"provider": provider, "kind": kind, "from_call": 4, "to_call": 9, "retry_after": 0.05}
    sandbox = await bench.sandbox(fault)

    outcome = await bench.run(sandbox)

    assert outcome.provider(NAMES[provider])["rate_limited"] == 6
    assert outcome.summary["status"] == "done"
    assert outcome.tables == undisturbed.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    assert sandbox.stats()["serper"]["queries_paid_more_than_once"] == 0
    assert outcome.provider("apollo")["credits"] == sandbox.stats()["apollo"]["credits"]


@pytest.mark.parametrize("kind", [*BROKEN, "error_200"])
async def test_searches_that_fail_are_made_again_and_nothing_is_invented(bench, small, kind):
    sandbox = await bench.sandbox({"provider": "serper", "kind": kind, "to_call": 4})

    outcome = await bench.run(sandbox, deals=10)

    assert sum(sandbox.stats()["serper"]["faults"].values()) == 4
    assert outcome.provider("serper")["retries"] == 4
    assert outcome.tables == small.tables


@pytest.mark.parametrize("kind", [*BROKEN, "error_200"])
async def test_classifications_that_fail_are_made_again_and_nothing_is_invented(bench, small, kind):
    sandbox = await bench.sandbox({"provider": "llm", "kind": kind, "to_call": 2})

    outcome = await bench.run(sandbox, deals=10)

    assert sum(sandbox.stats()["llm"]["faults"].values()) == 2
    assert outcome.summary["status"] == "done"
    assert outcome.tables == small.tables


@pytest.mark.parametrize("kind", [*BROKEN, "error_200"])
async def test_searches_that_never_succeed_stay_failed_and_the_next_run_mends_them(
    bench, small, kind
):
    sandbox = await bench.sandbox({"provider": "serper", "kind": kind})

    broken = await bench.run(sandbox, deals=10)

    assert broken.summary["status"] == "partial"
    assert broken.provider("serper")["found"] == broken.provider("serper")["not_found"] == 0
    # After many failures in a row the rest is not asked for: the provider is down.
    assert {row["status"] for row in broken.tables["accounts"]} <= {"failed", "skipped"}
    assert broken.tables["signals"] == []
    assert bench.query("select distinct state from searches") == [("failed",)]
    assert broken.tables["deal_contacts"] == small.tables["deal_contacts"]

    sandbox.set_faults([])
    mended = await bench.run(sandbox, deals=10)

    assert mended.provider("serper")["calls"] == 6
    assert mended.tables == small.tables


@pytest.mark.parametrize("kind", [*BROKEN, "error_200", "429_long"])
async def test_classifications_that_never_succeed_stay_failed_and_the_next_run_mends_them(
    bench, small, kind
):
    fault = {"provider": "llm", "kind": kind}
    if kind == "429_long":  # the key is parked for longer than anybody waits
        fault = {"provider": "llm", "kind": "429", "retry_after": 3600}
    sandbox = await bench.sandbox(fault)

    broken = await bench.run(sandbox, deals=10)

    assert broken.summary["status"] in ("partial", "refused")
    assert broken.provider("deepseek")["found"] == 0
    assert broken.tables["signals"] == []
    assert {row["status"] for row in broken.tables["accounts"]} <= {
        "failed", "skipped", "not_found",
    }  # fmt: skip
    assert bench.query("select count(*) from classifications where state != 'failed'") == [(0,)]
    assert all(row["account_score"] is None for row in broken.tables["deals"])

    sandbox.set_faults([])
    mended = await bench.run(sandbox, deals=10)

    assert mended.provider("serper")["calls"] == 0
    assert mended.tables == small.tables


async def test_an_empty_search_is_asked_again_soon_and_then_found(bench, small):
    sandbox = await bench.sandbox({"provider": "serper", "kind": "empty"})
    empty = await bench.run(sandbox, deals=10)
    assert {row["status"] for row in empty.tables["accounts"]} == {"not_found"}

    sandbox.set_faults([])
    found = await bench.run(sandbox, deals=10, cache={"empty_search_days": 0})

    assert found.tables == small.tables


async def test_a_failed_refresh_keeps_what_was_known(bench, small):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)

    sandbox.set_faults([{"provider": "*", "kind": "500"}])
    broken = await bench.run(sandbox, deals=10, options={"refresh": True})

    assert broken.summary["status"] != "done"
    assert broken.tables["deal_contacts"] == small.tables["deal_contacts"]
    assert broken.tables["signals"] == small.tables["signals"]


async def test_a_storm_of_everything_at_once_loses_nothing(bench, undisturbed):
    faults = [
        {"provider": "*", "kind": "429", "every": 13, "burst": 2, "retry_after": 0.05},
        {"provider": "*", "kind": "500", "rate": 0.05},
        {"provider": "*", "kind": "reset_before", "rate": 0.08},
        {"provider": "serper", "kind": "cut", "rate": 0.05},
        {"provider": "llm", "kind": "malformed", "rate": 0.05},
        {"provider": "llm", "kind": "drop", "rate": 0.1},
    ]
    sandbox = await bench.sandbox(*faults)

    await bench.run(sandbox)
    sandbox.set_faults([])
    outcome = await bench.run(sandbox)

    assert outcome.summary["status"] == "done"
    assert outcome.tables == undisturbed.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_a_server_that_cannot_be_reached_is_told_and_costs_nothing(bench, small):
    sandbox = await bench.sandbox()
    nowhere = {f"{name}_base_url": "http://127.0.0.1:9" for name in ("apollo", "serper")}

    broken = await bench.run(sandbox, deals=10, **nowhere)

    assert broken.summary["status"] == "partial"
    assert broken.summary["cost_usd"] == 0
    assert broken.provider("apollo")["failed"] == 45
    assert broken.provider("apollo")["held"] == 0
    assert bench.query("select distinct state from people") == [("failed",)]
    assert bench.query("select distinct state from calls") == [("not_sent",)]

    mended = await bench.run(sandbox, deals=10)

    assert mended.tables == small.tables


@pytest.mark.parametrize("kind", ["lying_headers", "empty_headers"])
async def test_headers_that_lie_or_are_empty_stop_nothing(bench, undisturbed, kind):
    outcome = await bench.run(await bench.sandbox({"provider": "apollo", "kind": kind}))

    assert outcome.tables == undisturbed.tables
