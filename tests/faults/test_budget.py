"""A cap is never passed, not by one credit; what was bought is kept, and a higher cap goes on."""

from __future__ import annotations

import pytest

import enrico.sandbox.llm as sandbox_llm
from enrico import Caps
from tests.conftest import BOTH

pytestmark = BOTH

MICRO, NANO = 1_000_000, 1_000_000_000


def spent(sandbox) -> float:
    books = sandbox.stats()
    return books["apollo"]["credits"] + books["serper"]["credits"]


@pytest.mark.parametrize("most", [0, 1, 7, 50, 120, 226])
async def test_a_cap_on_all_credits_is_never_passed(bench, most):
    sandbox = await bench.sandbox()

    outcome = await bench.run(sandbox, options={"caps": Caps(credits=most * MICRO)})

    assert spent(sandbox) <= most
    assert outcome.summary["status"] == "budget_reached"
    assert bench.query("select sum(credits) from calls")[0][0] in (None, spent(sandbox) * MICRO)


@pytest.mark.parametrize("most", [1, 7, 50])
async def test_a_cap_is_used_up_as_far_as_it_goes(bench, most):
    # Everybody is found, so that what is reserved is what is paid.
    sandbox = await bench.sandbox(found_rate=1.0)

    await bench.run(sandbox, options={"caps": Caps(credits=most * MICRO)})

    assert spent(sandbox) == most


@pytest.mark.parametrize(
    ("provider", "most"), [("apollo", 0), ("apollo", 13), ("serper", 0), ("serper", 5)]
)
async def test_a_cap_on_one_provider_leaves_the_others_alone(bench, undisturbed, provider, most):
    sandbox = await bench.sandbox()

    caps = Caps(provider_credits={provider: most * MICRO})
    outcome = await bench.run(sandbox, options={"caps": caps})

    other = {"apollo": "serper", "serper": "apollo"}[provider]
    assert sandbox.stats()[provider]["credits"] <= most
    assert outcome.provider(other)["credits"] == undisturbed.provider(other)["credits"]


@pytest.mark.parametrize("dollars", ["0", "0.0005", "0.3", "2"])
async def test_a_cap_in_dollars_is_never_passed(bench, dollars):
    sandbox = await bench.sandbox()

    caps = Caps(usd=int(float(dollars) * NANO))
    outcome = await bench.run(sandbox, options={"caps": caps})

    books = sandbox.stats()
    bill = books["apollo"]["credits"] * 0.025 + books["serper"]["credits"] * 0.001
    assert bill + books["llm"]["cost_usd"] <= float(dollars) + 1e-9
    assert outcome.summary["status"] == "budget_reached"


async def test_a_higher_cap_goes_on_and_comes_to_the_same(bench, undisturbed):
    sandbox = await bench.sandbox()

    for most in (0, 7, 60, 90, 300):
        outcome = await bench.run(sandbox, options={"caps": Caps(credits=most * MICRO)})

    assert outcome.summary["status"] == "done"
    assert outcome.tables == undisturbed.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    assert sandbox.stats()["serper"]["queries_paid_more_than_once"] == 0


async def test_a_cap_holds_through_faults_that_may_have_cost_something(bench):
    faults = [
        {"provider": "apollo", "kind": "reset_after", "rate": 0.3},
        {"provider": "serper", "kind": "reset_after", "rate": 0.3},
    ]
    sandbox = await bench.sandbox(*faults)

    for policy in ("reconcile", "retry", "hold"):
        before = spent(sandbox)
        caps = Caps(credits=40 * MICRO)
        await bench.run(sandbox, options={"caps": caps}, apollo={"unknown_outcome": policy})
        assert spent(sandbox) - before <= 40


async def test_a_cap_holds_where_a_lost_call_was_free(bench):
    sandbox = await bench.sandbox(
        {"provider": "apollo", "kind": "reset_before", "every": 2}, found_rate=1.0
    )

    caps = Caps(provider_credits={"apollo": 30 * MICRO})
    outcome = await bench.run(sandbox, options={"caps": caps, "only": ("people",)})

    assert 10 <= sandbox.stats()["apollo"]["credits"] <= 30
    assert outcome.provider("apollo")["credits"] == sandbox.stats()["apollo"]["credits"]


@pytest.mark.parametrize("most", [0, 1, 2, 10, 40])
async def test_a_cap_holds_where_credits_are_fractions(bench, most):
    sandbox = await bench.sandbox(found_rate=1.0, credit_per_person=1.5)

    caps = Caps(provider_credits={"apollo": most * MICRO})
    options = {"caps": caps, "only": ("people",)}
    outcome = await bench.run(sandbox, options=options, apollo={"credits_per_person": "1.5"})

    assert most - 1.5 < sandbox.stats()["apollo"]["credits"] <= most
    assert outcome.provider("apollo")["overcharged"] == 0


async def test_a_provider_that_charges_more_than_was_set_aside_is_sent_nothing_more(bench):
    sandbox = await bench.sandbox(found_rate=1.0, credit_per_person=1.5)

    options = {"caps": Caps(credits=200 * MICRO), "only": ("people",)}
    outcome = await bench.run(sandbox, options=options, apollo={"concurrency": 1})

    assert outcome.summary["status"] == "budget_reached"
    assert outcome.provider("apollo")["overcharged"] == 1
    assert "apollo charged 15 credits" in outcome.summary["messages"][0]
    assert sandbox.stats()["apollo"]["by_endpoint"]["people/bulk_match"] == 1
    found = bench.query("select count(*) from people where state = 'found'")
    assert found == [(10,)]  # what was bought is kept


async def test_without_a_cap_a_dearer_call_is_told_and_the_run_goes_on(bench):
    sandbox = await bench.sandbox(credit_per_person=1.5)

    outcome = await bench.run(sandbox, deals=10)

    assert outcome.summary["status"] == "done"
    assert outcome.provider("apollo")["overcharged"] > 0


async def test_a_cap_in_dollars_holds_where_every_byte_is_a_token(bench, monkeypatch):
    monkeypatch.setattr(sandbox_llm, "_tokens", lambda text: len(text.encode()))
    sandbox = await bench.sandbox()

    caps = Caps(usd=int(0.045 * NANO))
    options = {"caps": caps, "only": ("search", "classify")}
    outcome = await bench.run(sandbox, options=options)

    books = sandbox.stats()
    assert books["llm"]["cost_usd"] > 0.002
    assert books["llm"]["cost_usd"] + books["serper"]["credits"] * 0.001 <= 0.045 + 1e-9
    assert outcome.provider("deepseek")["overcharged"] == 0


async def test_nothing_is_lost_when_the_cap_is_reached(bench, undisturbed):
    sandbox = await bench.sandbox()

    outcome = await bench.run(sandbox, options={"caps": Caps(credits=100 * MICRO)})

    assert len(outcome.tables["deal_contacts"]) == 503
    unpaid = [row for row in outcome.tables["deal_contacts"] if row["status"] == "skipped"]
    assert unpaid
    assert all("budget" in row["status_reason"].lower() for row in unpaid)
    bought = bench.query("select count(*) from people where state = 'found'")[0][0]
    assert bought == sandbox.stats()["apollo"]["people_paid"]


async def test_a_cap_holds_where_a_spoilt_answer_had_cost_nothing(bench):
    # Its head says 0 credits: no more may be given back for it than was booked.
    sandbox = await bench.sandbox(
        {"provider": "apollo", "kind": "malformed", "every": 2}, found_rate=0.12
    )

    caps = Caps(provider_credits={"apollo": 12 * MICRO})
    options = {"caps": caps, "only": ("people",)}
    await bench.run(sandbox, options=options, apollo={"concurrency": 1})

    assert 0 < sandbox.stats()["apollo"]["credits"] <= 12
