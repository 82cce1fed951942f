"""The benchmark's arithmetic: bounds, what counts as lost, clocks, growth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from hashlib import pbkdf2_hmac
from typing import Any

import pytest

from bench_rows import TRUTH, measured
from benchmarks.bound import ends, provider_bound, run_bound
from benchmarks.clock import SkippingClock, run_skipping, run_virtually
from benchmarks.compare import column, judge
from benchmarks.court import read_court
from benchmarks.salesforce import address, batches
from benchmarks.scale import growth
from benchmarks.stats import exponent, percentile
from enrico.sandbox.profiles import PROFILES, Limits


def test_a_window_bounds_a_provider_by_the_rounds_that_must_pass() -> None:
    assert provider_bound([0.3] * 31 + [0.2], Limits(second=5)) == pytest.approx(6.2)
    assert provider_bound([0.3] * 5, Limits(second=5)) == pytest.approx(0.3)
    assert provider_bound([0.5] * 21, Limits(minute=20, hour=100)) == pytest.approx(60.5)
    assert provider_bound([0.5] * 8, concurrency=2) == pytest.approx(2.0)
    assert provider_bound([]) == 0.0


def test_calls_leave_as_early_as_the_tightest_window_lets_them() -> None:
    assert ends([0.3] * 6, Limits(second=5)) == pytest.approx([0.3] * 5 + [1.3])
    assert ends([0.3] * 3, Limits(second=2, minute=2)) == pytest.approx([0.3, 0.3, 60.3])
    assert ends([0.3, 0.9], Limits()) == pytest.approx([0.3, 0.9])


def test_a_run_is_bound_by_its_longest_chain() -> None:
    searches = [(0.2, (f"c{number}",)) for number in range(32)]
    people = [(0.5, ())] * 22 + [(0.9, ())]
    model = [(1.0, ("c0",)), (0.6, ("c1",))]

    signals = run_bound({"serper": searches, "llm": model, "apollo": people}, PROFILES["classic"])
    buying = run_bound({"serper": searches[:1], "llm": [], "apollo": people}, PROFILES["classic"])

    assert (signals.bound_by, signals.seconds) == ("search", pytest.approx(6.8))
    assert (buying.bound_by, buying.seconds) == ("people", pytest.approx(4.5))


def test_as_drawn_a_classification_follows_its_own_search() -> None:
    drawn = {
        "serper": [(0.9, ("slow",)), (0.2, ("quick",))],
        "llm": [(1.0, ("quick",)), (0.5, ("slow", "quick"))],
    }

    bound = run_bound(drawn, PROFILES["modern"])

    assert bound.drawn_seconds == pytest.approx(1.4)
    assert bound.seconds == pytest.approx(0.7)


def test_the_slowest_search_is_waited_for_even_without_results() -> None:
    drawn = {"serper": [(2.1, ("a",)), (0.9, ("b",))], "llm": [(1.1, ("b",))]}

    assert run_bound(drawn, PROFILES["modern"]).drawn_seconds == pytest.approx(2.1)


def test_whoever_the_provider_knows_and_the_variant_does_not_is_lost_unless_held() -> None:
    row = judge(
        measured(found=["ann@a.com"], missed=["bo@a.com", "di@a.com"], held=["cy@a.com"],
                 classified=["A2"]),
        TRUTH,
    )  # fmt: skip

    assert (row["lost_people"], row["held"], row["lost_accounts"]) == (1, 1, 1)


def test_a_whole_run_loses_nothing_and_says_how_much_it_knew() -> None:
    row = judge(measured(court=read_court(books(people=1, searches=1))), TRUTH)

    assert (row["lost_people"], row["held"], row["lost_accounts"]) == (0, 0, 0)
    assert row["cached"] == {"people": 0.75, "searches": 0.5}


def books(people: int = 225, searches: int = 32, **faults: int) -> Mapping[str, Any]:
    book = {
        "calls": 0, "by_endpoint": {}, "by_status": {}, "faults": {}, "items": 0,
        "rate_limited": 0, "credits": 0, "paid_again": 0,
    }  # fmt: skip
    return {
        "serper": {
            **book, "calls": searches + 1, "by_endpoint": {"search": searches, "account": 1},
            "by_status": {"200": searches, "429": 1}, "rate_limited": 1, "credits": 30,
        },
        "llm": {
            **book, "calls": 27, "by_endpoint": {"chat/completions": 27}, "cost_usd": 0.1,
            "by_status": {"200": 26, "503": 1}, "faults": faults, "completion_tokens": 9,
        },
        "apollo": {
            **book, "calls": 24, "items": people, "credits": 200, "rate_limited": 2,
            "by_endpoint": {"people/bulk_match": 22, "people/match": 1, "users/api_profile": 1},
            "by_status": {"200": 21, "429": 2, "reset": 1}, "distinct_people_paid": 195,
            "paid_again": 5,
        },
    }  # fmt: skip


def test_the_sandbox_is_read_as_the_court_of_record() -> None:
    court = read_court(books())

    assert (court.bulk_calls, court.single_calls, court.free_calls) == (22, 1, 2)
    assert (court.paid_calls, court.rate_limited, court.people_asked) == (82, 3, 225)
    assert (court.people_paid_again, court.usd) == (5, pytest.approx(5.0 + 0.03 + 0.1))


def test_an_answer_with_status_200_that_cannot_be_read_has_failed_too() -> None:
    assert read_court(books()).failed == 2
    assert read_court(books(cut=3, truncate=1, drop=4)).failed == 6


def test_a_column_has_the_runs_of_one_variant_on_one_profile() -> None:
    rows = [
        judge(measured(seconds=seconds, step=step), TRUTH)
        for seconds, step in ((8.0, "cold"), (9.0, "cold"), (30.0, "cold"), (0.2, "warm"))
    ]

    cold = column(rows, "storm", "ours")

    assert cold is not None
    assert [cold.seconds(share) for share in (0.5, 0.95, 1.0)] == [9.0, 30.0, 30.0]
    assert cold.middle("bound", "seconds") == 7.0
    assert column(rows, "storm", "script") is None


def test_percentiles_are_values_that_were_measured() -> None:
    five = [5.0, 1.0, 4.0, 2.0, 3.0]

    assert [percentile(five, share) for share in (0.5, 0.95, 1.0)] == [3.0, 5.0, 5.0]
    assert percentile(list(map(float, range(1, 101))), 0.95) == 95.0
    assert percentile([], 0.5) == 0.0


def test_the_exponent_tells_proportion_from_square() -> None:
    assert exponent((10_000, 3.0), (100_000, 30.0)) == pytest.approx(1.0)
    assert exponent((100, 1.0), (1_000, 100.0)) == pytest.approx(2.0)


def test_memory_that_is_held_from_the_start_has_not_grown() -> None:
    flat = [(float(second), 100.0) for second in range(10)]

    assert growth(flat, 0.0, 10.0) == (100.0, 0.0)
    assert growth([*flat, (9.5, 130.0)], 0.0, 10.0) == (130.0, 30.0)


def test_addresses_are_told_apart_without_case_and_spaces() -> None:
    assert address(" Ada@Acme.com ") == "ada@acme.com"
    assert [list(batch) for batch in batches([1, 2, 3], 2)] == [[1, 2], [3]]


def test_idle_time_is_skipped_and_work_is_not() -> None:
    real = Hand()
    clock = SkippingClock(real)
    woke: list[float] = []

    async def wait_and_work() -> None:
        loop = asyncio.get_running_loop()
        loop.time = clock.now  # type: ignore[method-assign]
        before = clock.now()
        await asyncio.sleep(3600)
        real.nanoseconds += 2_000_000_000
        woke.append(clock.now() - before)

    began = time.monotonic()
    run_skipping(wait_and_work(), clock)

    assert woke == [pytest.approx(3602, abs=0.5)]
    assert time.monotonic() - began < 60


def test_a_thread_at_work_is_waited_for_before_time_is_skipped() -> None:
    clock = SkippingClock()

    async def work_beside_a_timer() -> float:
        loop = asyncio.get_running_loop()
        loop.time = clock.now  # type: ignore[method-assign]
        loop.call_later(3600, lambda: None)
        before = clock.now()
        await asyncio.to_thread(pbkdf2_hmac, "sha256", b"", b"", 1_000_000)  # without the GIL
        return clock.now() - before

    assert run_skipping(work_beside_a_timer(), clock) < 3000


def test_virtual_time_passes_by_timers_alone() -> None:
    async def wait() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time() - began

    assert run_virtually(wait()) == pytest.approx(86_400)


class Hand:
    """A clock that a test moves."""

    nanoseconds = 0

    def __call__(self) -> int:
        return self.nanoseconds
