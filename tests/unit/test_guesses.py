"""Kinds of limit told apart by what they let through before two walls."""

from __future__ import annotations

import pytest

from enrico.engine.guesses import is_bucket, on_the_clock

PACES = (40.0, 60.0, 90.0)


def bucket(rate: float, burst: float, pace: float) -> tuple[list[float], float]:
    """What a full one lets through of a steady *pace* until it is empty, and when that is."""
    times, left, at = [], burst, 0.0
    for n in range(100_000):
        now = n / pace
        left, at = min(burst, left + (now - at) * rate), now
        if left < 1:
            return times, now
        left -= 1
        times.append(now)
    raise AssertionError("never empty")


def standing(limit: int, pace: float, began: float, phase: float) -> tuple[list[float], float]:
    """The same of windows of a second that begin *phase* after each full one."""
    times: list[float] = []
    for n in range(100_000):
        now = began + n / pace
        opened = now - (now - phase) % 1.0
        if sum(at >= opened for at in times) == limit:
            return times, now
        times.append(now)
    raise AssertionError("never full")


@pytest.mark.parametrize("pace", PACES)
def test_a_bucket_is_known_by_what_it_held(pace: float) -> None:
    for burst in (30.0, 1800.0):  # refilled within a second, within a minute
        times, wall = bucket(30.0, burst, pace)
        assert is_bucket(times, 30.0, wall)
        assert not is_bucket(times, 20.0, wall) or burst > 30
        assert not is_bucket(times, 38.0, wall) or burst > 30


@pytest.mark.parametrize("pace", PACES[:2])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.72])
def test_windows_on_the_clock_are_found_wherever_they_begin(pace: float, phase: float) -> None:
    before, wall = standing(35, pace, began=10.4, phase=phase)
    after, again = standing(35, pace * 0.95, began=wall + 1.37, phase=phase)

    limit = on_the_clock([*before, *after], (wall, again), late=0.0)

    assert limit == pytest.approx(35, rel=0.2)


def test_walls_that_no_standing_window_explains() -> None:
    times = [n / 50 for n in range(50)] + [5 + n / 50 for n in range(5)]
    assert on_the_clock(times, (1.0, 5.1), late=0.0) is None
