"""Which kind of limit refused calls, judged by those that it let through.

A limit by the second that nobody names is met twice: once by a pace that grew, once by a steady
one after a pause in which nothing was sent. What it let through both times tells the kinds apart.
Times are seconds at which calls left, in order; windows are of a second.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

PHASES = 25
"""So many places are tried at which a second may begin that stands still on the clock."""
BURST_LEAST, BURST_MOST = 0.8, 1.05
"""Seconds of refill that a bucket holds if it is refilled within a second; calls travel unequally
fast."""
LONG_BURST = 10.0
"""One that holds more than so many seconds of refill is refilled within a minute or longer."""
ALIKE = 0.1
"""What two walls of one limit may seem to differ by."""


def is_bucket(times: Sequence[float], rate: float, wall: float) -> bool:
    """Whether a bucket that is refilled at *rate* was empty at *wall* after all calls before it."""
    taken, at = 0.0, -math.inf
    for now in times[: bisect_right(times, wall)]:
        taken = max(0.0, taken - (now - at) * rate) + 1
        at = now
    taken = max(0.0, taken - (wall - at) * rate)
    a_second = BURST_LEAST * rate - 1 <= taken <= BURST_MOST * rate + 1
    return a_second or taken >= LONG_BURST * rate


def on_the_clock(times: Sequence[float], walls: tuple[float, float], late: float) -> float | None:
    """The limit of windows that stand still on the clock, were they full at both *walls*.

    Calls that left up to *late* seconds after a wall may have been counted before it. None: no
    place where they may begin explains both.
    """
    fits = []
    for phase in range(PHASES):
        begins = phase / PHASES
        opened = (wall - (wall - begins) % 1.0 for wall in walls)
        one, two = (
            bisect_right(times, wall + late) - bisect_left(times, since)
            for wall, since in zip(walls, opened, strict=True)
        )
        if abs(one - two) <= ALIKE * max(one, two):
            fits.append((one + two) / 2)
    return max(fits, default=None)
