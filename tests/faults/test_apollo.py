"""Dear calls are cleared by Apollo's own counters or held; answers reach whom they are about."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import enrico.store.journal as journal_module
from conftest import NoonClock
from enrico.engine.budget import Caps
from enrico.errors import StoreError
from enrico.holding import held_calls, settle_held
from enrico.store.database import Database
from enrico.store.journal import Journal
from tests.conftest import BOTH

pytestmark = BOTH


def held_keys(bench) -> set[str]:
    return {key for (key,) in bench.query("select key from people where state = 'held'")}


def statuses(outcome) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in outcome.tables["deal_contacts"]:
        found[row["status"]] = found.get(row["status"], 0) + 1
    return found


@pytest.mark.parametrize("kind", ["reset_before", "500", "503_html", "error_200"])
async def test_a_call_that_was_provably_not_charged_is_sent_once_more(bench, small, kind):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind, "at": [2, 4]})

    outcome = await bench.run(sandbox, deals=10)

    books = sandbox.stats()["apollo"]
    assert outcome.summary["status"] == "done"
    assert outcome.tables == small.tables
    assert books["by_endpoint"]["people/bulk_match"] == 7
    assert books["people_paid_more_than_once"] == 0
    assert books["credits"] == outcome.provider("apollo")["credits"]


@pytest.mark.parametrize("kind", ["reset_after", "cut", "malformed", "html_200"])
async def test_a_call_that_was_charged_without_an_answer_is_held_and_never_sent_again(
    bench, small, kind
):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind, "at": 3})

    outcome = await bench.run(sandbox, deals=10)
    await bench.run(sandbox, deals=10)

    books = sandbox.stats()["apollo"]
    assert outcome.summary["status"] == "held"
    assert outcome.provider("apollo")["held"] == 10
    assert len(held_keys(bench)) == 10
    assert books["by_endpoint"]["people/bulk_match"] == 5
    assert books["people_paid_more_than_once"] == 0
    assert statuses(outcome)["held"] > 0
    assert_only_the_held_differ(outcome, small)


def assert_only_the_held_differ(outcome, undisturbed) -> None:
    for row, right in zip(
        outcome.tables["deal_contacts"], undisturbed.tables["deal_contacts"], strict=True
    ):
        if row["status"] == "held":
            assert row["verified_name"] == row["verified_email"] == ""
        else:
            compared = ("status", "verified_name", "verified_title", "verified_email", "employer")
            assert [row[name] for name in compared] == [right[name] for name in compared]


async def test_held_calls_are_listed_with_their_cost_and_freed_by_retry(bench, small):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 3})
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        (call,) = await held_calls(client.db)
        assert call["provider"] == "apollo"
        assert call["people"] == call["credits"] == 10
        assert call["usd"] == pytest.approx(0.25)
        assert "held: Apollo counts" in call["why"]
        assert "@" not in call["why"]
        await settle_held(client.db, "retry", [call["call"][:8]], everything=False)
        assert await held_calls(client.db) == []
    outcome = await bench.run(sandbox, deals=10)

    assert outcome.provider("apollo")["calls"] == 1
    assert outcome.summary["status"] == "done"
    assert outcome.tables == small.tables


async def test_held_calls_that_are_dropped_are_given_up_and_not_asked_again(bench):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 3})
    await bench.run(sandbox, deals=10)

    async with bench.open(sandbox) as client:
        await settle_held(client.db, "drop", [], everything=True)
    outcome = await bench.run(sandbox, deals=10)

    assert outcome.provider("apollo")["calls"] == 0
    assert outcome.summary["status"] == "done"
    assert statuses(outcome).get("held") is None
    assert statuses(outcome)["failed"] > 0
    assert bench.query("select count(*) from people where state = 'not_found'") < [(16,)]


async def test_held_people_are_not_asked_for_even_when_all_is_refreshed(bench):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 3})
    await bench.run(sandbox, deals=10)
    keys = held_keys(bench)

    await bench.run(sandbox, deals=10, options={"refresh": True, "only": ("people",)})

    assert held_keys(bench) == keys
    assert sandbox.stats()["apollo"]["items"] == 45 + 35


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "500"])
async def test_policy_hold_sends_nothing_again(bench, kind):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind, "at": [2, 4]})

    outcome = await bench.run(sandbox, deals=10, apollo={"unknown_outcome": "hold"})

    assert outcome.summary["status"] == "held"
    assert outcome.provider("apollo")["held"] == 20
    assert sandbox.stats()["apollo"]["by_endpoint"] == {"people/bulk_match": 5}


@pytest.mark.parametrize("action", ["retry", "drop"])
async def test_no_commit_parts_a_held_call_from_its_people(bench, monkeypatch, action):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 2})
    write, parted = Database.write, []

    async def watched(db, *operations):
        await write(db, *operations)
        [(calls, people)] = bench.query(  # at one moment: another commit may come at any
            "select (select count(*) from calls where state = 'held'),"
            " (select count(*) from people where state = 'held')"
        )
        parted.append(calls * 10 != people)

    monkeypatch.setattr(Database, "write", watched)
    await bench.run(sandbox, deals=10, apollo={"unknown_outcome": "hold"})
    async with bench.open(sandbox) as client:
        await settle_held(client.db, action, [], everything=True)

    assert len(parted) > 20
    assert not any(parted)


async def test_a_paid_answer_that_a_crash_left_unread_and_is_no_answer_is_held(bench, monkeypatch):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "malformed", "at": 2})
    mark = Journal.mark

    async def dies(*_, **__):
        raise StoreError("the process ends here")

    monkeypatch.setattr(Journal, "mark", dies)
    with pytest.raises(StoreError):
        await bench.run(sandbox, deals=10)
    monkeypatch.setattr(Journal, "mark", mark)
    outcome = await bench.run(sandbox, deals=10)

    assert outcome.summary["status"] == "held"
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_a_call_for_one_that_is_sent_again_leaves_an_earlier_answer_in_the_ledger(bench):
    # In bulk the answer proves nothing, alone it is lost; then there are two calls for one person.
    faults = [
        {"provider": "apollo", "kind": "short", "endpoint": "people/bulk_match", "to_call": 20},
        {"provider": "apollo", "kind": "reset_before", "endpoint": "people/match", "to_call": 3},
    ]
    sandbox = await bench.sandbox(*faults)

    await bench.run(sandbox, deals=10, apollo={"batch_size": 1, "concurrency": 1})

    (ours,) = bench.query("select sum(credits) / 1000000 from calls where provider = 'apollo'")
    assert ours[0] == sandbox.stats()["apollo"]["credits"]


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "malformed"])
async def test_policy_retry_sends_again_and_comes_to_the_same(bench, small, kind):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind, "at": [2, 4]})

    outcome = await bench.run(sandbox, deals=10, apollo={"unknown_outcome": "retry"})

    assert outcome.summary["status"] == "done"
    assert outcome.tables == small.tables
    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == 7


async def test_policy_retry_keeps_the_first_try_in_the_ledger(bench):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": [2, 4]})

    await bench.run(sandbox, deals=10, apollo={"unknown_outcome": "retry"})

    (credits,) = bench.query("select sum(credits) / 1000000 from calls where provider = 'apollo'")
    assert credits[0] >= sandbox.stats()["apollo"]["credits"]


@pytest.mark.parametrize("kind", ["reset_before", "500"])
async def test_without_the_counters_of_apollo_a_lost_call_is_held(bench, kind):
    fault = {"provider": "apollo", "kind": kind, "at": 3}
    sandbox = await bench.sandbox(fault, usage_scope=False)

    outcome = await bench.run(sandbox, deals=10)

    assert outcome.summary["status"] == "held"
    assert outcome.provider("apollo")["held"] == 10
    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == 5


async def test_counters_that_are_refused_during_the_run_hold_the_lost_call(bench):
    faults = [
        {"provider": "apollo", "kind": "reset_before", "at": 3},
        *(
            {"provider": "apollo", "kind": "403", "endpoint": f"usage_stats/{name}", "from_call": 2}
            for name in ("credit_usage_stats", "api_usage_stats")
        ),
    ]
    sandbox = await bench.sandbox(*faults)

    outcome = await bench.run(sandbox, deals=10)

    assert outcome.summary["status"] == "held"


async def test_credits_that_another_program_spends_meanwhile_hold_and_never_free(bench):
    fault = {"provider": "apollo", "kind": "reset_after", "at": 3, "seconds": 0.3}
    sandbox = await bench.sandbox(fault)
    other = await bench.sandbox()

    async def elsewhere() -> None:
        # The same team's key, another program: it buys people while our run goes on.
        while sandbox.stats()["apollo"]["by_endpoint"].get("people/bulk_match", 0) < 3:
            await asyncio.sleep(0.01)
        people = other.apollo_url.replace(other.base_url, sandbox.base_url)
        await bench.run(
            sandbox, "other", deals=10, options={"only": ("people",)}, apollo_base_url=people
        )

    _, outcome = await asyncio.gather(elsewhere(), bench.run(sandbox))

    assert outcome.summary["status"] == "held"
    assert outcome.provider("apollo")["held"] == 10


async def test_a_clock_that_was_set_back_frees_no_charged_call(bench, monkeypatch):
    class AnHourAhead(NoonClock):
        @classmethod
        def now(cls, tz=None):
            return NoonClock.now(tz) + timedelta(hours=1)

    singly = {"batch_size": 1, "concurrency": 1}
    people = {"only": ("people",)}
    sandbox = await bench.sandbox()
    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "datetime", AnHourAhead)
        one_credit = {**people, "caps": Caps(credits=1_000_000)}
        await bench.run(sandbox, deals=10, options=one_credit, apollo=singly)
    assert sandbox.stats()["apollo"]["credits"] == 1

    # As much as was bought an hour from now, so that the sums agree when that counts as later.
    sandbox.set_faults([{"provider": "apollo", "kind": "reset_after", "to_call": 40}])
    outcome = await bench.run(sandbox, deals=10, options=people, apollo=singly)

    assert outcome.provider("apollo")["held"] > 0
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


@pytest.mark.parametrize("settle_seconds", [0.0, 1.0], ids=["shown too late", "shown in time"])
async def test_a_timed_out_call_that_is_charged_later_is_not_paid_twice(bench, settle_seconds):
    late = {"provider": "apollo", "kind": "slow", "at": 3, "seconds": 0.8, "charge": "late"}
    sandbox = await bench.sandbox(late)

    patient = {"timeout_seconds": 0.3, "settle_seconds": settle_seconds}
    await bench.run(sandbox, deals=10, apollo=patient)
    while sandbox.stats()["apollo"]["at_once"]:
        await asyncio.sleep(0.02)
    outcome = await bench.run(sandbox, deals=10, apollo=patient)

    assert outcome.provider("apollo")["calls"] == 0
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_a_5xx_that_never_ends_makes_nobody_not_found_and_the_next_run_mends_it(
    bench, undisturbed
):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "500"})

    broken = await bench.run(sandbox)

    assert broken.summary["status"] == "partial"
    assert broken.provider("apollo")["found"] == broken.provider("apollo")["not_found"] == 0
    assert set(statuses(broken)) <= {"failed", "skipped"}
    assert bench.query("select count(*) from people where state != 'failed'") == [(0,)]
    assert sandbox.stats()["apollo"]["credits"] == 0

    sandbox.set_faults([])
    mended = await bench.run(sandbox)

    assert mended.tables == undisturbed.tables


@pytest.mark.parametrize(
    ("kind", "bulk_miss"), [("short", "null"), ("shuffled", "null"), ("shuffled", "stub")]
)
async def test_matches_in_another_order_or_number_are_put_on_nobody_else(
    bench, undisturbed, kind, bulk_miss
):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind}, bulk_miss=bulk_miss)

    outcome = await bench.run(sandbox)

    assert outcome.tables == {
        **undisturbed.tables,
        # Whoever was bought twice, in bulk and alone, costs what it costs.
        "deal_contacts": [
            {**right, "credits": row["credits"], "cost_usd": row["cost_usd"]}
            for row, right in zip(
                outcome.tables["deal_contacts"], undisturbed.tables["deal_contacts"], strict=True
            )
        ],
    }


@pytest.mark.parametrize("switch", [{"bulk_miss": "stub"}, {"match_miss": "null"}])
async def test_a_stub_without_name_title_and_organisation_is_a_miss(bench, undisturbed, switch):
    outcome = await bench.run(await bench.sandbox(**switch))

    assert outcome.provider("apollo")["not_found"] == 30
    assert outcome.tables == undisturbed.tables


async def test_people_of_whom_apollo_knows_little_are_found_and_break_nothing(bench):
    sandbox = await bench.sandbox()
    outcome = await bench.run(sandbox, deals=10)

    bare = [row for row in outcome.tables["deal_contacts"] if row["status"] == "enriched"]

    assert any(row["tenure_months"] is None for row in bare)
    assert any(row["verified_email"] == "" for row in bare)


async def test_nobody_gets_the_answer_about_somebody_else(bench):
    outcome = await bench.run(await bench.sandbox())

    for row in outcome.tables["deal_contacts"]:
        if row["status"] == "enriched" and row["moved"] != "yes" and row["verified_email"]:
            assert row["verified_email"].lower() == row["email"].strip().lower()


@pytest.mark.parametrize("status", ["400", "422"])
async def test_a_bulk_call_that_is_refused_for_one_odd_person_is_asked_singly(
    bench, undisturbed, status
):
    fault = {"provider": "apollo", "kind": status, "at": 3, "endpoint": "people/bulk_match"}
    sandbox = await bench.sandbox(fault)

    outcome = await bench.run(sandbox)

    assert sandbox.stats()["apollo"]["by_endpoint"]["people/match"] == 10
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    assert outcome.tables == undisturbed.tables


async def test_bulk_calls_alone_are_held_against_the_count_of_bulk_calls(bench):
    faults = [
        {"provider": "apollo", "kind": "403", "endpoint": "usage_stats/credit_usage_stats"},
        # Three single calls follow; they must not hide the two bulk calls that were charged.
        {"provider": "apollo", "kind": "400", "endpoint": "people/bulk_match", "at": 1},
        {
            "provider": "apollo",
            "kind": "reset_after",
            "endpoint": "people/bulk_match",
            "at": [3, 5],
        },
    ]
    sandbox = await bench.sandbox(*faults)

    outcome = await bench.run(sandbox, deals=10, apollo={"batch_size": 3, "concurrency": 1})

    assert outcome.summary["status"] == "held"
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
