"""What a run measures while it goes: calls, money and times by provider, and the phases."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from enrico.engine.money import Cost

ProviderName = Literal["serper", "deepseek", "apollo"]
PhaseName = Literal["search", "classify", "roles", "people"]
PROVIDERS: tuple[ProviderName, ...] = ("serper", "deepseek", "apollo")
PHASES: tuple[PhaseName, ...] = ("search", "classify", "roles", "people")
LATENCIES_KEPT = 10_000
SAMPLE = 200


@dataclass(slots=True)
class ProviderStats:
    """Counts of one provider in one run. ``items`` are accounts or people; ``total`` is planned."""

    total: int = 0
    calls: int = 0
    batches: int = 0
    items: int = 0
    cached: int = 0
    found: int = 0
    not_found: int = 0
    failed: int = 0
    held: int = 0
    retries: int = 0
    rate_limited: int = 0
    useless: int = 0
    cost: Cost = field(default_factory=Cost)
    in_doubt: Cost = field(default_factory=Cost)
    """What held calls, and those sent again without proof, may have cost beside that."""
    overcharged: int = 0
    """Calls that cost more than was set aside for them."""
    sent_again: int = 0
    """Calls sent again though nothing proves that they were not charged."""
    latencies_ms: list[float] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=dict)
    """Seconds that calls waited for leave, by what held them back. They wait side by side, so the
    sum may be longer than the run."""
    unasked: str = ""
    """Why items were left unasked: budget, key refused, interrupted."""

    @property
    def done(self) -> int:
        """Items that are settled, whatever came of them."""
        return self.found + self.not_found + self.failed + self.held

    def waited(self, why: str, seconds: float) -> None:
        """Note what a call waited for before it was sent."""
        if why:
            self.waits[why] = self.waits.get(why, 0.0) + seconds

    def took(self, milliseconds: float) -> None:
        """Note one call's time; the sample is bounded, so memory does not grow with the run."""
        if len(self.latencies_ms) >= LATENCIES_KEPT:
            self.latencies_ms[self.calls % LATENCIES_KEPT] = milliseconds
        else:
            self.latencies_ms.append(milliseconds)


@dataclass(slots=True)
class Phase:
    """First start and last end of one kind of work, in seconds since the run began."""

    started: float | None = None
    ended: float | None = None


class Stats:
    """All measures of one run."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.providers: dict[ProviderName, ProviderStats] = {p: ProviderStats() for p in PROVIDERS}
        self.phases: dict[PhaseName, Phase] = {p: Phase() for p in PHASES}
        self.role_notes: list[dict[str, object]] = []
        """What in the CRM said something about roles and could not be used."""
        self.failures: dict[tuple[str, str], int] = {}
        """How many items failed, by provider and reason."""
        self.dropped: dict[str, int] = {}
        """What a provider returned and we could not accept, by reason."""

    def start(self, phase: PhaseName) -> None:
        """Work of this phase begins now, unless it has begun."""
        if self.phases[phase].started is None:
            self.phases[phase].started = time.monotonic() - self.began

    def end(self, phase: PhaseName) -> None:
        """Work of this phase ended now; the last end counts."""
        self.phases[phase].ended = time.monotonic() - self.began

    def fail(self, provider: ProviderName, reason: str, items: int = 1) -> None:
        """Count items for which nothing came, and why."""
        self.providers[provider].failed += items
        self.failures[provider, reason] = self.failures.get((provider, reason), 0) + items

    def drop(self, reason: str, count: int = 1) -> None:
        """Count something that a provider returned and that was not accepted."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; of the times of calls a sample."""
        providers = {}
        for name, item in self.providers.items():
            providers[name] = {**asdict(item), "latencies_ms": item.latencies_ms[:SAMPLE]}
        return {
            "providers": providers,
            "phases": {name: asdict(phase) for name, phase in self.phases.items()},
            "failures": [[*of, count] for of, count in self.failures.items()],
            "dropped": self.dropped,
        }

    def add(self, part: Mapping[str, Any], later: float) -> None:
        """Count in what a part of the run measured that began *later*, in seconds."""
        for name, more in part["providers"].items():
            item = self.providers[name]
            for field_name, value in more.items():
                if field_name in ("cost", "in_doubt"):
                    value = Cost(**value)
                elif field_name == "waits":
                    for why, seconds in value.items():
                        item.waited(why, seconds)
                    continue
                elif field_name == "unasked":
                    item.unasked = item.unasked or value
                    continue
                setattr(item, field_name, getattr(item, field_name) + value)
        for name, times in part["phases"].items():
            phase = self.phases[name]
            if times["started"] is not None:
                began = times["started"] + later
                phase.started = began if phase.started is None else min(phase.started, began)
            if times["ended"] is not None:
                phase.ended = max(phase.ended or 0.0, times["ended"] + later)
        for provider, reason, count in part["failures"]:
            of = (provider, reason)
            self.failures[of] = self.failures.get(of, 0) + count
        for reason, count in part["dropped"].items():
            self.drop(reason, count)
