"""Dear calls are cleared by Apollo's own counters or held; answers reach whom they are about."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

import enrico.pipeline.people as people_module
import enrico.store.journal as journal_module
from conftest import NoonClock
from enrico.engine.budget import Caps
from enrico.engine.http import Http, Lost
from enrico.errors import StoreError
from enrico.holding import held_calls, sent_again, settle_held
from enrico.pipeline import reconcile
from enrico.report.run import read_run
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


NEVER_LATE = {"late_charge_seconds": 0}


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


@pytest.mark.parametrize(
    ("kind", "owner", "step"),
    [("malformed", Journal, "mark"), ("reset_after", reconcile, "_hold")],
    ids=["before what was paid for is no answer", "between the counters and the hold"],
)
async def test_who_dies_while_a_call_is_settled_pays_for_nobody_twice(
    bench, monkeypatch, kind, owner, step
):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind, "at": 2})

    async def dies(*_, **__):
        raise StoreError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dies)
        with pytest.raises(StoreError):
            await bench.run(sandbox, deals=10)
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


async def test_a_broken_connection_does_not_end_the_call_behind_it(bench, monkeypatch):
    # Something between us and Apollo breaks the connection at once; Apollo charges a second later.
    late = {"provider": "apollo", "kind": "slow", "at": 3, "seconds": 1.0, "charge": "late"}
    sandbox = await bench.sandbox(late)
    send = Http.send

    async def broken(self, request, timeout_seconds, left=None):
        try:
            return await send(self, request, min(timeout_seconds, 0.5), left)
        except Lost as error:
            raise Lost("the connection broke (ClientOSError)", status=error.status) from error

    monkeypatch.setattr(Http, "send", broken)

    await bench.run(sandbox, deals=10, apollo={"settle_seconds": 0.1})

    while sandbox.stats()["apollo"]["at_once"]:
        await asyncio.sleep(0.02)
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_where_a_gateway_hung_up_a_call_is_sent_again_only_when_no_charge_can_come_any_more(
    bench, small
):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "504", "at": [2, 4]})

    outcome = await bench.run(sandbox, deals=10)

    assert outcome.summary["status"] == "held"
    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == 5
    async with bench.open(sandbox) as client:
        assert all("the next run looks again" in c["why"] for c in await held_calls(client.db))
    too_soon = await bench.run(sandbox, deals=10)
    assert too_soon.provider("apollo")["calls"] == 0
    assert too_soon.summary["status"] == "held"
    later = await bench.run(sandbox, deals=10, apollo=NEVER_LATE)

    assert later.summary["status"] == "done"
    assert later.tables == small.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_a_call_that_never_arrived_is_sent_again_at_once(bench, small, monkeypatch):
    sandbox = await bench.sandbox()
    send, bulk_calls = Http.send, 0

    async def swallowed(self, request, *more):
        nonlocal bulk_calls
        bulk_calls += request.path == "/people/bulk_match"
        if request.path == "/people/bulk_match" and bulk_calls == 2:
            raise Lost("swallowed on the way")
        return await send(self, request, *more)

    monkeypatch.setattr(Http, "send", swallowed)
    outcome = await bench.run(sandbox, deals=10)

    assert bulk_calls == 6
    assert outcome.summary["status"] == "done"
    assert outcome.tables == small.tables


@pytest.mark.parametrize("in_a_run", [True, False], ids=["seen in the run", "seen in the next"])
async def test_a_charge_that_is_counted_after_we_looked_holds_what_waited_for_it(bench, in_a_run):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "504", "at": 1})
    other = await bench.sandbox()
    people = {"only": ("people",)}
    if in_a_run:  # another cut-off has the counters read once more
        sandbox.set_faults(
            [
                {"provider": "apollo", "kind": "504", "at": 1},
                {"provider": "apollo", "kind": "reset_after", "at": 4},
            ]
        )
    await bench.run(sandbox, deals=10, options=people, apollo={"concurrency": 1})
    if not in_a_run:  # what another program buys meanwhile looks like a late charge
        url = other.apollo_url.replace(other.base_url, sandbox.base_url)
        await bench.run(sandbox, "other", deals=10, options=people, apollo_base_url=url)
    before = sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"]

    later = await bench.run(sandbox, deals=10, options=people, apollo=NEVER_LATE)

    assert later.provider("apollo")["calls"] == 0
    assert later.summary["status"] == "held"
    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == before


async def test_what_waited_is_sent_again_at_the_end_of_a_run_that_is_long_enough(bench, small):
    slow = {"provider": "apollo", "kind": "slow", "seconds": 0.4, "from_call": 3}
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "504", "at": 2}, slow)

    outcome = await bench.run(
        sandbox, deals=10,
        apollo={"concurrency": 1, "late_charge_seconds": 0.5, "settle_seconds": 0.01},
    )  # fmt: skip

    assert outcome.summary["status"] == "done"
    assert outcome.summary["in_doubt_usd"] == 0
    assert outcome.tables == small.tables
    assert held_keys(bench) == set()


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
async def test_matches_in_another_order_or_number_are_put_on_nobody_else_and_not_bought_twice(
    bench, undisturbed, kind, bulk_miss
):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind}, bulk_miss=bulk_miss)

    outcome = await bench.run(sandbox)
    again = await bench.run(sandbox)

    books = sandbox.stats()["apollo"]
    assert books["people_paid_more_than_once"] == 0
    assert outcome.summary["status"] == again.summary["status"] == "held"
    assert 0 < outcome.provider("apollo")["held"] == len(held_keys(bench)) < 225
    assert again.provider("apollo")["calls"] == 0
    assert outcome.provider("apollo")["credits"] == books["credits"]
    assert_only_the_held_differ(outcome, undisturbed)


async def held_and_sent_again(bench, sandbox):
    async with bench.open(sandbox) as client:
        return await held_calls(client.db), await sent_again(client.db)


async def test_people_whom_a_paid_answer_leaves_unclear_are_listed_and_freed_by_retry(bench, small):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "short", "at": 1})
    outcome = await bench.run(sandbox, deals=10)
    keys = held_keys(bench)

    (call,), again = await held_and_sent_again(bench, sandbox)
    assert again == []
    assert call["people"] == call["credits"] == len(keys) == outcome.provider("apollo")["held"]
    assert call["usd"] == pytest.approx(0.025 * len(keys))
    assert "unclear; held: " in call["why"]
    async with bench.open(sandbox) as client:
        await client.replay()
        assert held_keys(bench) == keys
        await settle_held(client.db, "retry", [call["call"]], everything=False)
        await client.replay()
        assert await held_calls(client.db) == []
    mended = await bench.run(sandbox, deals=10)

    assert mended.summary["status"] == "done"
    assert mended.provider("apollo")["calls"] == 1
    compared = ("status", "verified_name", "verified_title", "verified_email", "employer")
    for row, right in zip(
        mended.tables["deal_contacts"], small.tables["deal_contacts"], strict=True
    ):
        assert [row[name] for name in compared] == [right[name] for name in compared]


async def test_people_left_unclear_by_an_answer_that_cost_nothing_are_asked_for_alone(bench, small):
    sandbox = await bench.sandbox(
        {"provider": "apollo", "kind": "short", "at": 1}, credit_per_person=0
    )

    outcome = await bench.run(sandbox, deals=10)

    alone = sandbox.stats()["apollo"]["by_endpoint"]["people/match"]
    assert 0 < alone < 10
    assert outcome.summary["status"] == "done"
    assert statuses(outcome) == statuses(small)


async def test_credits_for_nobody_are_held_and_not_remembered_as_a_miss(bench, monkeypatch):
    read = people_module.read_bulk

    def nobody(reply, asked):
        body = orjson.loads(reply.body)
        body["matches"] = [None] * len(asked)
        return read(replace(reply, body=orjson.dumps(body)), asked)

    monkeypatch.setattr(people_module, "read_bulk", nobody)
    outcome = await bench.run(await bench.sandbox(), deals=10)

    assert outcome.summary["status"] == "held"
    assert bench.query("select count(*) from people where state = 'not_found'") == [(0,)]


async def test_policy_retry_says_what_was_sent_again_without_proof_and_what_that_may_cost(bench):
    faults = [
        {"provider": "apollo", "kind": "reset_after", "at": 2},
        {"provider": "apollo", "kind": "short", "at": 4},
    ]
    sandbox = await bench.sandbox(*faults)

    outcome = await bench.run(sandbox, deals=10, apollo={"unknown_outcome": "retry"})
    held, again = await held_and_sent_again(bench, sandbox)

    assert held == []
    assert outcome.summary["status"] == "done"
    assert outcome.provider("apollo")["sent_again"] == len(again) == 2
    assert outcome.summary["in_doubt_usd"] == pytest.approx(0.25)
    assert {call["state"] for call in again} == {"sent_again"}
    assert again[0]["credits"] == 10
    async with bench.open(sandbox) as client:
        run = (await read_run(client.db, "last")).data
    mends = [t["mend"] for t in run["troubles"] if "the policy is" in t["reason"]]
    assert len(mends) == 2
    assert all("paid twice" in mend for mend in mends)


@pytest.mark.parametrize("kind", ["reset_after", "short"])
async def test_policy_retry_pays_for_nobody_more_often_than_the_plan_says(bench, kind):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": kind}, found_rate=1.0)
    bench.load(deals=10)
    async with bench.open(sandbox, apollo={"unknown_outcome": "retry"}) as client:
        plan = await client.plan()
        summary = await client.run()

    high = plan.providers["apollo"].credits_high
    assert high == 3 * plan.providers["apollo"].items
    assert sandbox.stats()["apollo"]["credits"] <= high
    if kind == "reset_after":
        assert summary["status"] == "held"  # three times is enough


async def test_what_may_have_been_charged_is_told_when_the_cap_ends_the_run(bench):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 1})

    caps = Caps(provider_credits={"apollo": 15_000_000})
    outcome = await bench.run(
        sandbox, deals=10, options={"caps": caps}, apollo={"concurrency": 1, "batch_size": 10}
    )

    assert outcome.summary["status"] == "budget_reached"
    assert outcome.provider("apollo")["held"] == len(held_keys(bench)) > 0
    assert outcome.summary["in_doubt_usd"] > 0
    assert bench.query("select count(*) from calls where state = 'unknown'") == [(0,)]


async def test_a_bulk_call_that_the_cap_divided_leaves_no_call_unsettled(bench):
    # Ten people in two calls: the first is lost, and for the second there is no room left.
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 1})

    caps = Caps(provider_credits={"apollo": 7_000_000})
    outcome = await bench.run(sandbox, deals=10, options={"caps": caps}, apollo={"concurrency": 1})

    assert outcome.summary["status"] == "budget_reached"
    assert outcome.provider("apollo")["held"] == len(held_keys(bench)) == 7


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
