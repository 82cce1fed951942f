"""What a run's calls come to, counted in one pass; memory does not grow with their number."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from enrico.engine.money import credits_number, usd_number
from enrico.engine.stats import PROVIDERS
from enrico.pipeline.summary import percentile
from enrico.report.calls import OUTCOMES, SeenCall
from enrico.report.mends import MADE_AGAIN, mend_of
from enrico.store.journal import WITHOUT_PROOF

BINS = 180
"""Intervals that a run's time is divided into where single calls are too many to show."""
SPANS_MOST = 1_000
"""Calls of one provider that are shown one by one."""
SLOWEST = 10
HELD_SHOWN = 50
ID_SHOWN = 8
"""The beginning of a call's id that commands are shown with."""
CAUSES_KEPT = 500
CAUSES_SHOWN = 12
SAMPLE_MOST = 8_192


class Sample:
    """Every k-th value, k doubling when there are too many: enough for percentiles."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._every = 1
        self._seen = 0

    def add(self, value: float) -> None:
        """Take or leave one value."""
        if self._seen % self._every == 0:
            self._values.append(value)
            if len(self._values) > SAMPLE_MOST:
                self._values, self._every = self._values[::2], self._every * 2
        self._seen += 1

    def percentile(self, share: float) -> float:
        """The value below which *share* of all lie; 0 for none."""
        return percentile(self._values, share)


@dataclass(slots=True)
class Lane:
    """One provider's calls: each of them while they are few, and counts by interval always."""

    spans: list[SeenCall] | None = field(default_factory=list)
    """None when there are more than ``SPANS_MOST``."""
    sent: dict[str, list[int]] = field(default_factory=lambda: {o: [0] * BINS for o in OUTCOMES})
    """Calls sent in each interval, by outcome."""
    queue: list[int] = field(default_factory=lambda: [0] * (BINS + 1))
    """Changes in how many wait, by interval."""
    outcomes: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    credits: int = 0
    usd: int = 0
    items: int = 0
    took: Sample = field(default_factory=Sample)
    waits: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds that calls waited for leave, by what held them back."""

    @property
    def waiting(self) -> list[int]:
        """How many calls wait in each interval."""
        return list(accumulate(self.queue))[:BINS]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "calls": self.outcomes.total(),
            "states": dict(sorted(self.states.items())),
            "outcomes": {outcome: self.outcomes[outcome] for outcome in OUTCOMES},
            "credits": credits_number(self.credits),
            "usd": usd_number(self.usd),
            "p50_ms": round(self.took.percentile(0.5) * 1000, 1),
            "p95_ms": round(self.took.percentile(0.95) * 1000, 1),
            "waited_ms": {
                why: round(seconds * 1000) for why, seconds in sorted(self.waits.items())
            },
        }


class Tally:
    """Counts calls as they come, in any order, over a run of *seconds*."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(seconds, 0.001)
        self.lanes: dict[str, Lane] = {name: Lane() for name in PROVIDERS}
        self.money = {name: [0] * (BINS + 1) for name in ("credits", "usd")}
        """Charged in each interval, by the end of the call."""
        self.in_doubt = {name: [0] * (BINS + 1) for name in ("credits", "usd")}
        """The part of it of which nobody knows whether it was charged."""
        self.reserved = {name: [0] * (BINS + 1) for name in ("credits", "usd")}
        """Changes in what is set aside for calls in flight."""
        self.held: list[dict[str, Any]] = []
        self.held_count = 0
        self._slowest: list[tuple[float, str, SeenCall]] = []
        self._causes: Counter[tuple[str, str, int, str]] = Counter()

    def add(self, call: SeenCall) -> None:
        """Count one call."""
        lane = self.lanes[call.provider]
        if lane.spans is not None:
            lane.spans.append(call)
            if len(lane.spans) > SPANS_MOST:
                lane.spans = None
        outcome = call.outcome
        begin, end = self._bin(call.began), self._bin(call.ended)
        lane.sent[outcome][begin] += 1
        lane.outcomes[outcome] += 1
        lane.outcomes["refused"] += call.rate_limited
        lane.states[call.state] += 1
        lane.items += call.items
        lane.credits += call.credits
        lane.usd += call.usd
        if call.waited_for:
            lane.waits[call.waited_for] += call.waited
            lane.queue[self._bin(call.began - call.waited)] += 1
            lane.queue[begin] -= 1
        if outcome == "answered":
            lane.took.add(call.took)
            slow = (call.took, call.id, call)
            if len(self._slowest) < SLOWEST:
                heapq.heappush(self._slowest, slow)
            elif slow > self._slowest[0]:
                heapq.heapreplace(self._slowest, slow)
        if outcome != "answered" or call.error:
            self._trouble(call)
        doubtful = outcome == "open"
        for name, charged, reserved in (
            ("credits", call.credits, call.reserved_credits),
            ("usd", call.usd, call.reserved_usd),
        ):
            self.money[name][end] += charged
            if doubtful:
                self.in_doubt[name][end] += charged
            self.reserved[name][begin] += reserved
            self.reserved[name][end] -= reserved

    def _bin(self, at: float) -> int:
        return min(BINS - 1, max(0, int(at / self.seconds * BINS)))

    def _trouble(self, call: SeenCall) -> None:
        cause = (call.provider, call.state, call.status, call.error)
        if cause in self._causes or len(self._causes) < CAUSES_KEPT:
            self._causes[cause] += 1
        if call.is_held:
            self.held_count += 1
            if len(self.held) < HELD_SHOWN:
                self.held.append(
                    {
                        "call": call.id,
                        "provider": call.provider,
                        "at_ms": round(call.began * 1000),
                        "items": call.items,
                        "credits": credits_number(call.credits),
                        "usd": usd_number(call.usd),
                        "why": call.error,
                        "ask_again": f"enrico held retry {call.id[:ID_SHOWN]}",
                        "give_up": f"enrico held drop {call.id[:ID_SHOWN]}",
                    }
                )

    def slowest(self) -> list[dict[str, Any]]:
        """The calls that took longest to be answered, the slowest first."""
        return [
            {
                "call": call.id,
                "provider": call.provider,
                "endpoint": call.endpoint,
                "ms": round(took * 1000, 1),
                "at_ms": round(call.began * 1000),
                "items": call.items,
                "waited_ms": round(call.waited * 1000, 1),
                "waited_for": call.waited_for,
            }
            for took, _, call in sorted(self._slowest, reverse=True)
        ]

    def troubles(self, left: Collection[str]) -> list[dict[str, Any]]:
        """Calls without a usable answer by cause, the most frequent first, and what to do.

        *left*: the providers of which something was left without an answer in the end.
        """
        return [
            {
                "provider": provider,
                "state": state,
                "count": count,
                "reason": error or (f"HTTP {status}" if status else "no answer is recorded"),
                "mend": MADE_AGAIN
                if state in ("failed", "not_sent")
                and provider not in left
                and WITHOUT_PROOF not in error
                else mend_of(provider, state, status, error),
            }
            for (provider, state, status, error), count in sorted(
                self._causes.items(), key=lambda found: (-found[1], found[0])
            )[:CAUSES_SHOWN]
        ]
