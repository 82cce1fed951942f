"""The limiter alone, against providers that count in four ways, in virtual time.

A call travels 20-120 ms to the provider, is counted there, is served in 0.4-1.2 s and travels back
for as long again; a refused call is not counted. Time is held against the least that the limit
and the concurrency allow, from the actual start.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from unittest import mock

from benchmarks.clock import run_virtually
from benchmarks.stats import percentile
from enrico.engine.limits import Limiter
from enrico.engine.windows import Kind as WindowKind
from enrico.engine.windows import Window

Kind = Literal["anchored", "aligned", "sliding", "bucket"]
Knowledge = Literal["known", "twice too high", "told by answers", "never told"]
KINDS: tuple[Kind, ...] = ("anchored", "aligned", "sliding", "bucket")
COUNTED: dict[Kind, WindowKind] = {
    "anchored": "rolling", "aligned": "by the clock", "sliding": "rolling", "bucket": "as a bucket",
}  # fmt: skip
"""How a setting says that a provider counts so; clocks differ too much for seconds by the clock."""
CONCURRENCY = (20, 64, 400)
ONE_WAY = (0.02, 0.12)
SERVICE = (0.4, 1.2)
JITTER = ONE_WAY[1] - ONE_WAY[0]
MINUTE_GOAL = 1.01
SECOND_SLACK = 0.02
REFUSED_GOAL = 0.005
SETTLED_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One limit, and what the limiter is told of it."""

    limit: int
    seconds: float
    knowledge: Knowledge
    windows: int
    """So many windows' worth of calls."""

    @property
    def goal(self) -> float | None:
        """The most time, as a multiple of the bound; None where only 429s are judged."""
        if self.knowledge != "known":
            return None
        return 1 + JITTER / self.seconds + SECOND_SLACK if self.seconds <= 1 else MINUTE_GOAL


CASES = (
    Case(20, 60.0, "known", 6),
    Case(1000, 60.0, "known", 6),
    Case(5, 1.0, "known", 100),
    Case(50, 1.0, "known", 100),
    Case(1000, 60.0, "twice too high", 10),
    Case(50, 1.0, "twice too high", 40),
    Case(1000, 60.0, "told by answers", 10),
    Case(1000, 60.0, "never told", 10),
    Case(50, 1.0, "never told", 40),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of the limiter."""

    calls: int
    ratio: float
    """Time over the bound."""
    refused: int
    """429s."""
    settling: float
    """From the first 429 to the last, in windows; 0 for none."""


@dataclass(frozen=True, slots=True)
class Row:
    """All trials of a case against one kind of provider."""

    limit: int
    seconds: float
    knowledge: Knowledge
    kind: Kind
    trials: int
    calls: int
    ratio_p50: float
    ratio_most: float
    goal: float | None
    refused: int
    settled_windows: float
    held: bool


def measure(seeds: int = 3, cases: Sequence[Case] = CASES) -> list[Row]:
    """Each case against each kind of provider, at every concurrency, with so many seeds."""
    return [_row(case, kind, seeds) for case in cases for kind in KINDS]


def _row(case: Case, kind: Kind, seeds: int) -> Row:
    trials = [
        run_virtually(_trial(case, kind, most, random.Random(f"{seed} {kind} {case} {most}")))
        for most in CONCURRENCY
        for seed in range(seeds)
    ]
    return judge(case, kind, trials)


def judge(case: Case, kind: Kind, trials: Sequence[Trial]) -> Row:
    """The trials as one line, and whether they keep the goal."""
    ratios = [trial.ratio for trial in trials]
    calls, refused = sum(t.calls for t in trials), sum(t.refused for t in trials)
    settled = max(trial.settling for trial in trials)
    if case.goal is not None:
        held = max(ratios) <= case.goal and not refused
    else:
        held = refused <= REFUSED_GOAL * calls and settled <= SETTLED_WINDOWS
    return Row(
        case.limit, case.seconds, case.knowledge, kind, len(trials), calls,
        percentile(ratios, 0.5), max(ratios), case.goal, refused, settled, held,
    )  # fmt: skip


# -- providers ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast calls may follow each other where no window binds."""

    at_once: int
    mean: float
    """Seconds of a call."""
    shortest: float

    def all_of(self, calls: int) -> float:
        """The least seconds until so many are answered."""
        return max(self.shortest, calls * self.mean / self.at_once)

    def begun_within(self, seconds: float) -> int:
        """The most that can be sent in this time."""
        return int(seconds / self.mean * self.at_once) + self.at_once


class Provider(Protocol):
    """Counts calls as they arrive."""

    def admits(self, now: float) -> bool:
        """Whether a call that arrives now is served; then it is counted."""

    def opens(self, now: float) -> float:
        """Seconds until a call is served again."""

    def least(self, calls: int, began: float, pace: Pace) -> float:
        """The least seconds for so many calls, the first sent at *began* on the loop's clock."""


class _Fixed:
    """A window that opens at a call (``anchored``), or at the clock's own minutes (``aligned``)."""

    def __init__(self, limit: int, seconds: float, clock: float | None = None) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._opened, self._used = -math.inf, 0

    def admits(self, now: float) -> bool:
        if now >= self._opened + self._seconds:
            self._opened = now - self._elapsed(now)
            self._used = 0
        if self._used == self._limit:
            return False
        self._used += 1
        return True

    def _elapsed(self, now: float) -> float:
        return 0.0 if self._clock is None else (now + self._clock) % self._seconds

    def opens(self, now: float) -> float:
        return self._opened + self._seconds - now

    def least(self, calls: int, began: float, pace: Pace) -> float:
        return in_windows(calls, self._limit, self._seconds, pace, self._elapsed(began))


class _Sliding:
    """Counts what was served within the last window."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._seconds = limit, seconds
        self._times: deque[float] = deque()

    def admits(self, now: float) -> bool:
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        if len(self._times) >= self._limit:
            return False
        self._times.append(now)
        return True

    def opens(self, now: float) -> float:
        return self._times[0] + self._seconds - now

    def least(self, calls: int, began: float, pace: Pace) -> float:
        return in_windows(calls, self._limit, self._seconds, pace)


class _Bucket:
    """As many tokens as the limit, refilled evenly over the window."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._rate = limit, limit / seconds
        self._tokens, self._at = float(limit), 0.0

    def admits(self, now: float) -> bool:
        refilled = self._tokens + (now - self._at) * self._rate
        self._tokens, self._at = min(self._limit, refilled), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def opens(self, now: float) -> float:
        return (1 - self._tokens) / self._rate

    def least(self, calls: int, began: float, pace: Pace) -> float:
        return max((calls - self._limit) / self._rate + pace.shortest, pace.all_of(calls))


def in_windows(calls: int, limit: int, seconds: float, pace: Pace, elapsed: float = 0.0) -> float:
    """The least seconds for so many calls, when *elapsed* of the first window is over already.

    45 calls at 20 a minute, each 1 s, ten at once: two whole minutes, then five calls, so 121 s.
    """
    by_concurrency = pace.all_of(calls)
    began, ends = 0.0, seconds - elapsed
    while calls > (most := min(limit, pace.begun_within(ends - began))):
        calls -= most
        began, ends = ends, ends + seconds
    return max(began + pace.all_of(calls), by_concurrency)


def provider_of(kind: Kind, limit: int, seconds: float, clock: float = 0.0) -> Provider:
    """A provider that counts in this way; *clock* is wall time less the loop's time."""
    if kind == "sliding":
        return _Sliding(limit, seconds)
    if kind == "bucket":
        return _Bucket(limit, seconds)
    return _Fixed(limit, seconds, clock=clock if kind == "aligned" else None)


# -- one trial ----------------------------------------------------------------------------


async def _trial(case: Case, kind: Kind, concurrency: int, chance: random.Random) -> Trial:
    loop = asyncio.get_running_loop()
    # An aligned window began before us. Where its last second is left, nobody can know in which
    # window a call arrives.
    began = chance.uniform(0, case.seconds - 1 if case.seconds > 1 else case.seconds)
    await asyncio.sleep((began - loop.time()) % case.seconds)
    calls = case.limit * case.windows
    provider = provider_of(kind, case.limit, case.seconds)
    with mock.patch.object(time, "time", loop.time):  # the provider's clock and ours agree
        limiter = _limiter(case, kind, concurrency)
    limiter.expect(calls)
    refusals: list[float] = []
    times: list[float] = []

    async def call() -> None:
        while True:
            slot = await limiter.slot()
            slot.sent()
            sent = loop.time()
            await asyncio.sleep(chance.uniform(*ONE_WAY))
            served = provider.admits(loop.time())
            wait = None if served else _retry_after(provider, case, loop.time())
            if served:
                await asyncio.sleep(chance.uniform(*SERVICE))
            await asyncio.sleep(chance.uniform(*ONE_WAY))
            if served:
                times.append(loop.time() - sent)
                if case.knowledge == "told by answers":
                    limiter.told([Window(case.limit, case.seconds)])
                limiter.succeeded(slot)
            else:
                refusals.append(loop.time())
                limiter.rate_limited(slot, wait)
            slot.release()
            if served:
                return

    began = loop.time()
    await asyncio.gather(*(call() for _ in range(calls)))
    took = loop.time() - began
    least = provider.least(calls, began, Pace(concurrency, sum(times) / calls, min(times)))
    settling = (max(refusals) - min(refusals)) / case.seconds if refusals else 0.0
    return Trial(calls, took / least, len(refusals), settling)


def _limiter(case: Case, kind: Kind, concurrency: int) -> Limiter:
    """As a run makes it: a limit that is not known is assumed to be 5/s and 60/min at first."""
    if case.knowledge in ("told by answers", "never told"):
        guesses = [Window(5, 1.0), *([Window(60, 60.0)] if case.seconds > 1 else [])]
        return Limiter(guesses, concurrency=concurrency, assumed=True)
    factor = 2 if case.knowledge == "twice too high" else 1
    known = case.knowledge == "known" and (kind != "aligned" or case.seconds > 1)
    counted = COUNTED[kind] if known else "rolling"
    return Limiter([Window(factor * case.limit, case.seconds, counted)], concurrency=concurrency)


def _retry_after(provider: Provider, case: Case, now: float) -> float | None:
    """Whole seconds where windows are minutes, as Apollo; nothing where they are seconds, as
    Serper."""
    return math.ceil(provider.opens(now)) if case.seconds > 1 else None
