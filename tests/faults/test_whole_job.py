"""The whole job with healthy providers: counts, the cache, and the same results by other ways."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from pathlib import Path

import pytest

from enrico import Caps
from enrico.engine.http import Http
from tests.conftest import BOTH, result_tables

pytestmark = BOTH

SIZES = {10: (6, 101, 45), 50: (32, 503, 225), 100: (64, 1006, 450)}


@pytest.mark.parametrize("deals", SIZES)
async def test_every_deal_contact_comes_out_and_nobody_is_paid_twice(bench, deals):
    sandbox = await bench.sandbox()

    outcome = await bench.run(sandbox, deals=deals)

    books = sandbox.stats()["apollo"]
    people = outcome.summary["unique_people"]
    assert outcome.summary["status"] == "done"
    assert len(outcome.tables["deals"]) == deals
    assert len(outcome.tables["deal_contacts"]) == outcome.summary["deal_contacts"]
    assert outcome.provider("apollo")["found"] + outcome.provider("apollo")["not_found"] == people
    assert books["items"] == people
    assert books["people_paid_more_than_once"] == 0
    assert books["people_paid"] == outcome.provider("apollo")["found"]


async def test_fifty_deals_cost_23_bulk_calls_and_32_searches_for_225_people(bench):
    sandbox = await bench.sandbox()

    outcome = await bench.run(sandbox)

    books = sandbox.stats()
    summary = outcome.summary
    assert [summary[k] for k in ("deals", "accounts", "deal_contacts", "unique_people")] == [
        50, 32, 503, 225,
    ]  # fmt: skip
    assert books["apollo"]["by_endpoint"]["people/bulk_match"] == 23
    assert "people/match" not in books["apollo"]["by_endpoint"]
    assert books["serper"]["calls"] == books["serper"]["paid_calls"] == 32
    assert outcome.provider("apollo")["calls"] == outcome.provider("apollo")["batches"] == 23
    assert outcome.provider("serper")["calls"] == 32


async def test_the_summary_names_the_credits_that_the_providers_charged(bench):
    sandbox = await bench.sandbox()

    outcome = await bench.run(sandbox)

    books = sandbox.stats()
    assert outcome.provider("apollo")["credits"] == books["apollo"]["credits"]
    assert outcome.provider("serper")["credits"] == books["serper"]["credits"]
    in_the_ledger = bench.query("select provider, sum(credits) from calls group by 1 order by 1")
    assert in_the_ledger == [
        ("apollo", books["apollo"]["credits"] * 1_000_000),
        ("deepseek", 0),
        ("serper", books["serper"]["credits"] * 1_000_000),
    ]


async def test_the_costs_of_the_rows_add_up_to_what_was_charged(bench):
    sandbox = await bench.sandbox()

    async with bench.open(sandbox) as client:
        await client.load(bench.crm(50))
        summary = await client.run()
        by_deal = sum(row["cost_usd"] for row in await client.rows("deals"))

    assert by_deal == pytest.approx(summary["cost_usd"], abs=0.001)


async def test_fractions_of_credits_are_counted_as_charged(bench):
    sandbox = await bench.sandbox(credit_per_person=0.5)

    outcome = await bench.run(sandbox, deals=10)

    assert outcome.provider("apollo")["credits"] == sandbox.stats()["apollo"]["credits"]


async def test_a_second_run_asks_nobody_anything(bench):
    sandbox = await bench.sandbox()
    first = await bench.run(sandbox)
    calls = {name: sandbox.stats()[name]["calls"] for name in ("apollo", "serper", "llm")}

    second = await bench.run(sandbox)

    assert {name: sandbox.stats()[name]["calls"] for name in calls} == calls
    assert second.summary["cost_usd"] == 0
    assert second.summary["cache"] == {"people_cached_pct": 100.0, "search_cached_pct": 100.0}
    assert second.tables == first.tables


async def test_loading_the_same_export_again_changes_nothing(bench):
    sandbox = await bench.sandbox()
    first = await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        await client.load(bench.crm(10))
        again = {name: await client.rows(name) for name in first.tables}

    roles = [row["role"] for row in again["deal_contacts"]]
    assert roles == [row["role"] for row in first.tables["deal_contacts"]]


async def test_refresh_asks_for_all_of_it_again(bench):
    sandbox = await bench.sandbox()
    first = await bench.run(sandbox, deals=10)

    second = await bench.run(sandbox, options={"refresh": True})

    assert second.provider("apollo")["calls"] == first.provider("apollo")["calls"]
    assert second.provider("serper")["calls"] == first.provider("serper")["calls"]
    assert second.tables == first.tables


async def test_a_refresh_that_was_cut_off_is_gone_on_with_and_a_whole_one_begins_anew(bench):
    sandbox = await bench.sandbox(found_rate=1.0)
    first = await bench.run(sandbox, deals=10)
    people = first.provider("apollo")["credits"]
    searches = first.provider("serper")["calls"]

    def bought() -> tuple[float, int]:
        books = sandbox.stats()
        return books["apollo"]["credits"], books["serper"]["calls"]

    caps = Caps(provider_credits={"apollo": 20 * 10**6, "serper": 3 * 10**6})
    for _ in range(2):  # a second one that is cut off goes on with the first
        cut = await bench.run(sandbox, options={"refresh": True, "caps": caps})
        assert cut.summary["status"] == "budget_reached"
    assert bought() == (people + 40, searches + 6)
    rest = await bench.run(sandbox, options={"refresh": True})

    assert (rest.summary["status"], bought()) == ("done", (2 * people, 2 * searches))
    again = await bench.run(sandbox, options={"refresh": True})
    assert (again.summary["status"], bought()) == ("done", (3 * people, 3 * searches))
    assert again.tables == first.tables


async def test_misses_are_remembered_for_a_shorter_time_than_people_found(bench):
    sandbox = await bench.sandbox()
    first = await bench.run(sandbox, deals=10)
    misses = first.provider("apollo")["not_found"]
    assert misses

    cache = {"people_days": 90, "missing_people_days": 0}
    second = await bench.run(sandbox, cache=cache)

    assert second.provider("apollo")["items"] == misses
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_one_at_a_time_comes_to_the_same_as_streaming(bench, undisturbed):
    sandbox = await bench.sandbox()

    outcome = await bench.run(
        sandbox,
        apollo={"concurrency": 1, "batch_size": 1},
        serper={"concurrency": 1},
        llm={"concurrency": 1, "batch_accounts": 1},
    )

    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == 225
    assert outcome.tables == undisturbed.tables


@pytest.mark.parametrize("size", [5, 20])
async def test_the_size_of_a_classification_changes_no_result(bench, undisturbed, size):
    outcome = await bench.run(await bench.sandbox(), llm={"batch_accounts": size, "concurrency": 1})

    assert outcome.tables == undisturbed.tables


async def test_slow_providers_that_answer_out_of_order_change_no_result(bench, undisturbed):
    slow = [
        {"provider": name, "kind": "slow", "rate": 0.4, "seconds": 0.2}
        for name in ("apollo", "serper", "llm")
    ]
    outcome = await bench.run(await bench.sandbox(*slow))

    assert outcome.tables == undisturbed.tables


async def test_rows_and_files_in_another_order_come_to_the_same(bench, undisturbed):
    files = shuffled_copies(sorted(bench.crm(50).glob("*.csv")), bench.folder / "shuffled")
    random.Random(5).shuffle(files)

    outcome = await bench.run(await bench.sandbox(), paths=files)

    assert outcome.tables == undisturbed.tables


def shuffled_copies(files: list[Path], folder: Path) -> list[Path]:
    folder.mkdir()
    for file in files:
        with file.open(newline="", encoding="latin-1") as lines:
            head, *rows = list(csv.reader(lines))
        random.Random(file.name).shuffle(rows)
        with (folder / file.name).open("w", newline="", encoding="latin-1") as copy:
            csv.writer(copy, quoting=csv.QUOTE_ALL).writerows([head, *rows])
    return [folder / file.name for file in files]


async def test_a_run_in_steps_comes_to_the_same_as_one_run(bench, undisturbed):
    sandbox = await bench.sandbox()
    for step in ("search", "classify", "people", "roles"):
        outcome = await bench.run(sandbox, options={"only": (step,)})
        assert outcome.summary["status"] == "done"

    assert outcome.tables == undisturbed.tables
    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == 23
    assert sandbox.stats()["serper"]["calls"] == 32


async def test_people_first_and_signals_later_come_to_the_same(bench, undisturbed):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, options={"only": ("people",)})
    await bench.run(sandbox, options={"only": ("roles",)})

    outcome = await bench.run(sandbox, options={"only": ("search", "classify")})

    assert outcome.tables == undisturbed.tables


async def test_deals_one_by_one_pay_for_each_person_once_and_come_to_the_same(bench):
    sandbox = await bench.sandbox()
    whole = await bench.run(sandbox, "whole", deals=10)
    sandbox.reset()

    async with bench.open(sandbox, "one-by-one") as client:
        await client.load(bench.crm(10))
        for deal in [row["deal_id"] for row in await client.rows("deals")]:
            await client.run(client.scope(deals=[deal]))
    last = await bench.run(sandbox, "one-by-one", options={"only": ("roles",)})

    assert last.tables == whole.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    assert sandbox.stats()["serper"]["queries_paid_more_than_once"] == 0


async def test_the_plan_counts_what_the_run_then_does(bench):
    sandbox = await bench.sandbox()
    async with bench.open(sandbox) as client:
        await client.load(bench.crm(50))
        plan = await client.plan()
        assert sandbox.stats()["apollo"]["calls"] == sandbox.stats()["serper"]["calls"] == 0

        summary = await client.run()

    assert plan.providers["apollo"].calls == summary["providers"]["apollo"]["calls"]
    assert plan.providers["serper"].calls == summary["providers"]["serper"]["calls"]
    assert plan.usd_low <= summary["cost_usd"] <= plan.usd_high


async def test_role_accounts_and_disposable_addresses_cost_nothing(bench):
    sandbox = await bench.sandbox()
    table = bench.folder / "deals.csv"
    table.write_text(
        "Deal ID,Deal Name,Account Name,Website,Contact Name,Email,Title\n"
        "d1,First,Osprey Media,osprey-media.com,Info Desk,info@osprey-media.com,Desk\n"
        "d1,First,Osprey Media,osprey-media.com,Temp Person,x@mailinator.com,Tester\n"
        "d1,First,Osprey Media,osprey-media.com,Nobody,not an address,Nobody\n"
    )

    outcome = await bench.run(sandbox, paths=[table])

    assert sandbox.stats()["apollo"]["credits"] == 0
    assert {row["status"] for row in outcome.tables["deal_contacts"]} == {"skipped"}


HALF = rb"\ud800\u0000 "
SPOILT = {  # in each answer, what comes before the place of half a character and a NUL
    "people/bulk_match": rb'"title":"',
    "news": rb'"title":"',
    "search": rb'"title":"',
    "chat/completions": rb'"content":"{',
}


async def test_characters_that_no_text_can_hold_are_stored_exported_and_replayed(
    bench, small, monkeypatch, tmp_path
):
    send = Http.send

    async def spoilt(self, request, *more):
        reply = await send(self, request, *more)
        place = SPOILT.get(request.path.strip("/"), b"nowhere")
        half = HALF if place != SPOILT["chat/completions"] else rb"\"x\":\"\\ud800\","
        return replace(reply, body=reply.body.replace(place, place + half))

    monkeypatch.setattr(Http, "send", spoilt)
    outcome = await bench.run(sandbox := await bench.sandbox(), deals=10)

    assert outcome.summary["status"] == "done"
    assert len(outcome.tables["signals"]) == len(small.tables["signals"])
    assert all(row["headline"].startswith("\ufffd ") for row in outcome.tables["signals"])
    titles = [row["verified_title"] for row in outcome.tables["deal_contacts"]]
    assert any(title.startswith("\ufffd ") for title in titles)
    async with bench.open(sandbox) as client:
        assert (await client.replay())["not_understood"] == 0
        for kind in ("csv", "jsonl", "parquet", "xlsx"):
            written = await client.export(tmp_path / kind, client.scope(), format=kind)
            assert {name: rows for name, (_, rows) in written.items()} == {
                name: len(rows) for name, rows in outcome.tables.items()
            }
        assert await result_tables(client) == outcome.tables
