"""The benchmark's arithmetic: bounds, tables and expectations. Nothing is timed here."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchmarks.bound import Bound, provider_bound, run_bound
from benchmarks.report import (
    Court,
    Measured,
    Warmth,
    as_json,
    bound_of,
    read_court,
    table,
    verdict_lines,
    verdicts,
)
from benchmarks.variants import Result
from enrico.sandbox.profiles import PROFILES, Limits

COLD = Court(
    searches=32, classifications=27, bulk_calls=23, single_calls=0, free_calls=2, people_asked=225,
    people_bought=195, people_paid_more_than_once=0, searches_paid_more_than_once=0,
    search_credits=32, people_credits=195, llm_usd=0.0022, output_tokens=1247, rate_limited=0,
)  # fmt: skip
WARM = replace(
    COLD, searches=0, classifications=0, bulk_calls=0, free_calls=0, people_asked=0,
    people_bought=0, search_credits=0, people_credits=0, llm_usd=0.0, output_tokens=0,
)  # fmt: skip


def run(
    variant: str, seconds: float, warmth: Warmth = "cold", court: Court = COLD, **result: int
) -> Measured:
    whole = {"searched": 32, "classified": 27, "people": 225, "roles": 299, **result}
    took = Result(seconds, {"search": seconds / 2}, {"serper": [0.2]}, **whole)
    return Measured(variant, warmth, took, court, Bound(7.0, 7.5, "search"))


def good() -> list[Measured]:
    return [
        run("ours", 9.0), run("ours", 0.2, "warm", WARM), run("phased", 60.0), run("ours", 8.0),
        run("ours", 0.3, "warm", WARM), run("ours", 8.5), run("ours", 0.2, "warm", WARM),
    ]  # fmt: skip


def broken(runs: list[Measured]) -> list[str]:
    return [one.expected for one in verdicts({"classic": runs}) if not one.held]


def test_a_window_bounds_a_provider_by_the_rounds_that_must_pass() -> None:
    assert provider_bound([0.3] * 31 + [0.2], Limits(second=5)) == pytest.approx(6.2)
    assert provider_bound([0.3] * 5, Limits(second=5)) == pytest.approx(0.3)
    assert provider_bound([0.5] * 21, Limits(minute=20, hour=100)) == pytest.approx(60.5)
    assert provider_bound([0.5] * 8, concurrency=2) == pytest.approx(2.0)
    assert provider_bound([]) == 0.0


def test_a_run_is_bound_by_its_longest_chain() -> None:
    latencies = {"serper": [0.2] * 32, "llm": [1.0, 0.6], "apollo": [0.5] * 22 + [0.9]}

    signals = run_bound(latencies, PROFILES["classic"])
    people = run_bound({**latencies, "serper": [0.2], "llm": [0.6]}, PROFILES["classic"])

    assert (signals.bound_by, signals.seconds) == ("search", pytest.approx(6.8))
    assert (people.bound_by, people.seconds) == ("people", pytest.approx(4.5))


def test_the_slowest_delay_drawn_counts_where_no_window_binds() -> None:
    latencies = {"serper": [0.9, 2.1], "llm": [1.1, 1.4], "apollo": [0.3, 0.8]}

    bound = run_bound(latencies, PROFILES["modern"])

    assert bound.seconds == pytest.approx(2.0)
    assert bound.drawn_seconds == pytest.approx(3.2)


def test_a_table_has_a_column_for_each_variant_and_warmth() -> None:
    lines = table("classic", good()).splitlines()
    cells = {name: figures for name, *figures in (re.split(r"\s{2,}", x) for x in lines[1:])}

    assert cells[""] == ["ours cold", "ours warm", "phased cold"]
    assert cells["seconds, median"] == ["8.50", "0.20", "60.00"]
    assert cells["seconds, least-most"] == ["8.00-9.00", "0.20-0.30", "-"]
    assert cells["phased ÷ this"] == ["7.1", "-", "1.0"]
    assert cells["this ÷ bound of the limits, 7.00 s"] == ["1.21", "-", "8.57"]
    assert cells["bulk calls"] == ["23", "0", "23"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_runs_that_differ_are_shown_side_by_side() -> None:
    runs = [*good(), run("ours", 8.2, court=replace(COLD, rate_limited=2))]

    assert "0 | 2" in table("classic", runs)


def test_a_good_benchmark_breaks_no_expectation() -> None:
    found = verdicts({"classic": good(), "modern": good()})

    assert all(one.held for one in found)
    assert all(line.startswith("ok ") for line in verdict_lines(found))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (run("ours", 8.0, court=replace(COLD, rate_limited=1)), "no 429"),
        (run("ours", 8.0, court=replace(COLD, bulk_calls=24)), "23 bulk calls"),
        (run("ours", 8.0, court=replace(COLD, single_calls=1)), "no single ones"),
        (run("ours", 8.0, court=replace(COLD, searches=33)), "searches 32 accounts"),
        (run("ours", 8.0, court=replace(COLD, people_paid_more_than_once=1)), "twice"),
        (run("ours", 0.2, "warm", replace(WARM, classifications=1)), "no paid call"),
        (run("ours", 8.0, classified=26), "covers all of W50"),
        (run("phased", 60.0, people=224), "covers all of W50"),
    ],
)
def test_one_bad_run_among_good_ones_breaks_its_expectation(change: Measured, words: str) -> None:
    found = broken([*good(), change])

    assert len(found) == 1
    assert words in found[0]


def test_four_times_as_fast_is_expected_on_classic_only() -> None:
    slow = [run("ours", 16.0), run("ours", 0.2, "warm", WARM), run("phased", 60.0)]

    assert broken(slow) == ["classic: cold at least 4 times as fast as phased"]
    assert all(one.held for one in verdicts({"modern": slow}))


def test_what_was_not_run_proves_nothing() -> None:
    cold_only = [run("ours", 8.0), run("phased", 60.0)]

    assert broken(cold_only) == ["classic: ours makes no paid call when warm"]


def test_all_columns_are_held_against_the_bound_that_ours_measured() -> None:
    slow = replace(run("phased", 60.0), bound=Bound(5.0, 5.0, "search"))

    assert bound_of([slow, run("ours", 8.0)]).seconds == 7.0
    assert bound_of([slow]).seconds == 5.0


def test_the_sandbox_is_read_as_the_court_of_record() -> None:
    book = {"calls": 0, "by_endpoint": {}, "items": 0, "rate_limited": 0, "credits": 0}
    stats = {
        "serper": {
            **book, "calls": 33, "by_endpoint": {"search": 32, "account": 1}, "rate_limited": 1,
            "queries_paid_more_than_once": 0,
        },
        "llm": {
            **book, "calls": 27, "by_endpoint": {"chat/completions": 27}, "cost_usd": 0.1,
            "completion_tokens": 9,
        },
        "apollo": {
            **book, "calls": 24, "items": 225, "credits": 195, "rate_limited": 2,
            "by_endpoint": {"people/bulk_match": 22, "people/match": 1, "users/api_profile": 1},
            "distinct_people_paid": 195, "people_paid_more_than_once": 0,
        },
    }  # fmt: skip

    court = read_court(stats)

    assert (court.bulk_calls, court.single_calls, court.free_calls) == (22, 1, 2)
    assert (court.paid_calls, court.rate_limited, court.people_asked) == (82, 3, 225)


def test_the_json_says_whether_all_held() -> None:
    slow = [run("ours", 16.0), run("ours", 0.2, "warm", WARM), run("phased", 60.0)]

    report = as_json({"cores": 2}, {"classic": slow}, verdicts({"classic": slow}))

    assert report["held"] is False
    assert report["profiles"]["classic"]["phased_s"] == 60.0
