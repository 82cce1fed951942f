"""A backlog on paper: what it takes, risks and costs by formula, and what must hold of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.limiter import ONE_WAY, SERVICE
from enrico.engine.rules import SPREAD
from enrico.engine.windows import LONG_BATCH, RESERVED, SLACK, Window, lower_bound_seconds
from enrico.settings import UnknownPolicy

PEOPLE_A_CALL = 10


@dataclass(frozen=True, slots=True)
class Job:
    """Bulk calls on one key: under which limits, and by whom."""

    calls: int
    windows: tuple[Window, ...] = (Window(1000, 60.0),)
    concurrency: int = 24
    service: tuple[float, float] = SERVICE
    """Seconds that the provider works on a call; the network takes its own on top."""
    hosts: int = 4
    at_night: int | None = None
    """Hosts in every other half day, those in excess being told to end; None: as by day."""
    each: int = 1
    """Workers on a host, which die with it."""
    life: float = 3600.0
    """Mean seconds until a host is killed; lifetimes are exponential."""
    chunk: int = 500
    """Calls that a worker takes at a time."""
    policy: UnknownPolicy = "hold"

    @property
    def call_seconds(self) -> float:
        """The mean time from a call's leaving to its answer."""
        return sum(ONE_WAY) + sum(self.service) / 2

    @property
    def bound(self) -> float:
        """Seconds that nobody can go below (design section 6)."""
        return lower_bound_seconds(
            self.calls, self.windows, latency=self.call_seconds,
            shortest=2 * ONE_WAY[0] + self.service[0], concurrency=self.concurrency,
        )  # fmt: skip

    @property
    def expected_seconds(self) -> float:
        """The bound with what the limiter gives away, while somebody is always at work."""
        by_concurrency = self.calls * self.call_seconds / self.concurrency
        return max(by_concurrency, *(self._paced(window) for window in self.windows))

    def _paced(self, window: Window) -> float:
        """One call in a hundred is left to the fast lane until ten windows are left to fill, then
        where that costs no further one. A window counts from the latest moment at which its first
        call may have been counted."""
        last = min(self.calls, LONG_BATCH * window.limit)
        kept = window.limit - max(1, window.limit // RESERVED)
        rounds = math.ceil((self.calls - last) / kept) + math.ceil(last / window.limit) - 1
        counted = min(max(SPREAD, window.seconds * SLACK), self.call_seconds)
        return rounds * (window.seconds + counted)

    @property
    def expected_deaths(self) -> float:
        """Hosts killed, while all of them are there."""
        return self.hosts * self.expected_seconds / self.life

    @property
    def expected_in_doubt(self) -> float:
        """Calls in flight at a death: each call is at risk for as long as it takes."""
        return self.calls * self.call_seconds / self.life


@dataclass(slots=True)
class Outcome:
    """What became of a backlog, by our books and by the provider's."""

    seconds: float = 0.0
    refused: int = 0
    """429s by the provider's own count."""
    in_doubt: list[int] = field(default_factory=list)
    """Calls in flight at each death of a host."""
    taken_over: int = 0
    """Chunks that a dead worker left behind."""
    held: int = 0
    sent_again: int = 0
    paid_again: int = 0
    """Calls charged a second time, by the provider's own count."""
    missing: int = 0
    """Calls neither answered nor held at the end."""
    most_in_flight: int = 0


def broken(job: Job, outcome: Outcome) -> list[str]:
    """Which promises were not kept, in words; empty when all were."""
    in_doubt = sum(outcome.in_doubt)
    may_be_paid_again = in_doubt if job.policy == "retry" else 0
    found = {
        f"{outcome.refused} calls met a 429 under a known limit": outcome.refused,
        f"{outcome.missing} calls were lost": outcome.missing,
        f"{outcome.paid_again} calls were paid for again": outcome.paid_again > may_be_paid_again,
        f"{in_doubt} calls in doubt, {outcome.held} held and {outcome.sent_again} sent again": (
            outcome.held + outcome.sent_again != in_doubt
        ),
        f"{outcome.most_in_flight} calls at once": outcome.most_in_flight > job.concurrency,
        "it took less than the limits allow": outcome.seconds < job.bound,
    }
    return [words for words, wrong in found.items() if wrong]


@dataclass(frozen=True, slots=True)
class Package:
    """Credits as Serper sells them (its price page of August 2026)."""

    name: str
    usd: int
    credits: int
    searches_per_second: int


PACKAGES: Sequence[Package] = (
    Package("Starter", 50, 50_000, 50),
    Package("Standard", 375, 500_000, 100),
    Package("Scale", 1_250, 2_500_000, 200),
    Package("Ultimate", 3_750, 12_500_000, 300),
)


def whole_packages(searches: int, package: Package) -> int:
    """Dollars for so many searches, in whole packages."""
    return math.ceil(searches / package.credits) * package.usd
