"""A run's figures, layout and words, without a database."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrico.report.calls import SeenCall
from enrico.report.mends import mend_of
from enrico.report.run import beside
from enrico.report.tally import BINS, SAMPLE_MOST, SPANS_MOST, Sample, Tally
from enrico.report.timeline import TICKS_MOST, pack, ticks
from enrico.report.words import bound_words, headline, held_back_by, plural, seconds_words

spans = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0.01, 20)).map(lambda span: (span[0], sum(span)))
)


def call(number: int = 0, **changes: Any) -> SeenCall:
    given: dict[str, Any] = {
        "id": f"c{number}-1", "provider": "serper", "endpoint": "search", "state": "answered",
        "status": 200, "rate_limited": 0, "items": 1, "began": 1.0, "ended": 2.0, "waited": 0.0,
        "waited_for": "", "credits": 1_000_000, "usd": 1_000_000, "reserved_credits": 1_000_000,
        "reserved_usd": 1_000_000, "error": "",
    }  # fmt: skip
    return SeenCall(**(given | changes))


def tallied(*calls: SeenCall, seconds: float = 10.0) -> Tally:
    tally = Tally(seconds)
    for one in calls:
        tally.add(one)
    return tally


@given(spans)
def test_bars_in_one_row_never_overlap(found: list[tuple[float, float]]) -> None:
    rows = pack(found)

    for row in set(rows):
        own = sorted(span for span, at in zip(found, rows, strict=True) if at == row)
        assert all(
            end <= begin for (_, end), (begin, _) in itertools.pairwise(own)
        )  # fmt: skip


@given(st.floats(0.001, 3_000_000))
def test_ticks_are_few_and_inside_the_run(seconds: float) -> None:
    found = ticks(seconds)

    assert 1 <= len(found) <= TICKS_MOST + 1
    assert found[0] == (0.0, "0 s")
    assert all(0 <= left <= 100.0001 for left, _ in found)


def test_calls_are_kept_one_by_one_only_while_they_are_few() -> None:
    few = tallied(*(call(n) for n in range(SPANS_MOST)))
    many = tallied(*(call(n) for n in range(SPANS_MOST + 1)))

    assert few.lanes["serper"].spans is not None
    assert many.lanes["serper"].spans is None
    assert sum(many.lanes["serper"].sent["answered"]) == SPANS_MOST + 1


def test_a_sample_stays_small_and_keeps_the_percentiles() -> None:
    sample = Sample()
    for value in range(170_000):
        sample.add(value)

    assert len(sample._values) <= SAMPLE_MOST
    assert sample.percentile(0.5) == pytest.approx(85_000, rel=0.01)
    assert sample.percentile(0.95) == pytest.approx(161_500, rel=0.01)


def test_a_call_that_met_429s_before_counts_each_of_them_as_refused() -> None:
    lane = tallied(call(rate_limited=2)).lanes["serper"]

    assert lane.outcomes == {"answered": 1, "refused": 2}
    assert lane.as_dict()["calls"] == 3


def test_who_waits_is_counted_from_the_wish_to_the_send() -> None:
    lane = tallied(call(began=5.0, ended=6.0, waited=4.0, waited_for="5/s")).lanes["serper"]

    assert lane.waiting == [1 if BINS // 10 <= n < BINS // 2 else 0 for n in range(BINS)]
    assert lane.as_dict()["waited_ms"] == {"5/s": 4000}


def test_what_is_in_doubt_stands_beside_what_is_charged() -> None:
    tally = tallied(call(1), call(2, state="held", provider="apollo", credits=9_000_000))

    assert sum(tally.money["credits"]) == 10_000_000
    assert sum(tally.in_doubt["credits"]) == 9_000_000
    assert sum(tally.reserved["credits"]) == 0
    assert tally.held[0]["ask_again"] == "enrico held retry c2-1"


def test_the_slowest_calls_come_first() -> None:
    tally = tallied(*(call(n, ended=1.0 + n / 10) for n in range(1, 30)))

    assert [found["ms"] for found in tally.slowest()] == [
        pytest.approx(n * 100) for n in range(29, 19, -1)
    ]


def test_a_call_that_was_made_again_with_success_needs_no_mend() -> None:
    tally = tallied(call(state="failed", status=0, error="the connection broke (ClientOSError)"))

    assert tally.troubles(())[0]["mend"].startswith("Nothing")
    assert tally.troubles(("serper",))[0]["mend"].startswith("Run the same command again")


@pytest.mark.parametrize(
    ("provider", "state", "status", "reason", "says"),
    [
        ("apollo", "refused", 401, "HTTP 401", "APOLLO_API_KEY"),
        ("serper", "refused", 400, "Serper's balance is spent (HTTP 400: no credits).", "Buy"),
        ("apollo", "refused", 0, "the connection broke; sent again: Apollo's own count", "Nothing"),
        ("apollo", "refused", 422, "HTTP 422", "does not take this request"),
        ("serper", "refused", 429, "HTTP 429", "serper.limits"),
        ("apollo", "held", 0, "cut; held: Apollo counts 8 credits", "enrico held"),
        ("apollo", "unknown", 503, "HTTP 503", "calls in flight"),
        ("deepseek", "failed", 200, "finish_reason is 'length'", "llm.max_tokens_per_account"),
        ("deepseek", "failed", 200, "its content is blank", "DEEPSEEK_MODEL"),
        ("serper", "failed", 0, "no whole answer within 15 s", "serper.timeout_seconds"),
        ("serper", "not_sent", 0, "ConnectionRefusedError", "serper.base_url"),
        ("deepseek", "failed", 503, "HTTP 503", "Run the same command again"),
    ],
)
def test_every_cause_has_its_mend(
    provider: str, state: str, status: int, reason: str, says: str
) -> None:
    assert says in mend_of(provider, state, status, reason)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.34, "340 ms"), (8.14, "8.14 s"), (60, "1 min"), (200, "3 min 20 s"),
     (7500, "2 h 5 min"), (86400, "24 h")],
)  # fmt: skip
def test_times_in_words(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words


def test_counts_in_words() -> None:
    assert [plural(1, "person"), plural(2, "person"), plural(2300, "call")] == [
        "1 person", "2 people", "2,300 calls",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ("serper: 5/s", "Serper's 5/s window"),
        ("deepseek: 32 calls at once", "DeepSeek's limit of 32 calls at once"),
        ("apollo: time of one call", "the time of one Apollo call"),
        ("nothing to ask", "nothing to ask"),
    ],
)
def test_what_binds_in_words(bound: str, words: str) -> None:
    assert bound_words(bound) == words


def finished(**changes: Any) -> dict[str, Any]:
    part = {"calls": 23, "found": 195, "credits": 195, "cost_usd": 4.875}
    return {
        "status": "done", "duration_ms": 8100, "deals": 50, "providers": {"apollo": part},
        "lower_bound_ms": 6800, "efficiency": 0.84, "bound_by": "serper: 5/s",
        "walled_ms": {"serper": 0, "deepseek": 0, "apollo": 0}, **changes,
    }  # fmt: skip


def test_the_headline_says_what_was_done_for_what_and_what_held_it_back() -> None:
    assert headline(finished()) == (
        "50 deals in 8.1 s, 195 people found for 195 credits ($4.88); held back by Serper's 5/s "
        "window; 84\u00a0% of what the limits allow."
    )


@pytest.mark.parametrize(
    ("status", "says"),
    [("budget_reached", "cap"), ("refused", "refused"), ("interrupted", "interrupted")],
)
def test_the_headline_says_why_a_run_ended_early(status: str, says: str) -> None:
    assert says in headline(finished(status=status))


def test_walls_that_cost_most_of_the_time_are_named_instead_of_a_limit() -> None:
    walled = finished(duration_ms=20_000, walled_ms={"serper": 13_000, "deepseek": 0, "apollo": 0})

    assert held_back_by(walled) == "Serper's 429s (13 s)"
    assert held_back_by(finished()) == "Serper's 5/s window"


def test_plan_beside_actual_has_a_row_for_each_provider_and_their_sum() -> None:
    planned = {
        "calls": 10, "credits_low": 4, "credits_high": 11, "usd_low": 0.1, "usd_high": 0.3,
        "seconds": 2.0,
    }  # fmt: skip
    names = ("serper", "deepseek", "apollo")
    plan = {
        "providers": dict.fromkeys(names, planned), "usd_low": 0.3, "usd_high": 0.9, "seconds": 5.0
    }  # fmt: skip
    summary = {
        "duration_ms": 7000,
        "providers": {key: {"calls": 9, "credits": 8, "cost_usd": 0.2} for key in names},
        "phases": {key: {"duration_ms": 2500} for key in ("search", "classify", "people")},
    }

    rows = beside(plan, summary)

    assert [row["provider"] for row in rows] == [*names, "all"]
    assert rows[0]["seconds"] == 2.5
    assert (rows[-1]["planned_calls"], rows[-1]["calls"]) == (30, 27)
    assert (rows[-1]["usd_high"], rows[-1]["usd"], rows[-1]["seconds"]) == (0.9, 0.6, 7.0)
