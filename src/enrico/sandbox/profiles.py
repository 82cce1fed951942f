"""How fast and how strict each vendor is: the five workloads that speed is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls allowed per fixed window; None means unlimited."""

    second: int | None = None
    minute: int | None = None
    hour: int | None = None
    day: int | None = None


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Profile:
    """One set of limits and delays. Pairs are (shortest, longest) seconds, drawn evenly."""

    name: str
    apollo_bulk: Limits = UNLIMITED
    apollo_match: Limits = UNLIMITED
    apollo_usage: Limits = UNLIMITED
    """Usage, profile and health calls: a class of their own, and answered without delay."""
    apollo_seconds: tuple[float, float] = (0.0, 0.0)
    serper: Limits = UNLIMITED
    serper_seconds: tuple[float, float] = (0.0, 0.0)
    serper_tail: float = 0.0
    """Share of searches that take 2-4 s, as when Serper repeats the query."""
    llm_seconds: tuple[float, float] = (0.0, 0.0)
    llm_tokens_per_second: float = 0.0
    """0 means that tokens take no time."""
    llm_concurrency: int | None = None
    faults: tuple[dict[str, Any], ...] = ()


_MODERN_BULK = Limits(minute=1000)
_PAID_USAGE = Limits(minute=200)
_CLASSIC_LLM = (0.4, 0.8)

# Bursts are 429s in a row, as a vendor sends them; rates are shares of all calls.
_STORM: tuple[dict[str, Any], ...] = (
    {"provider": "apollo", "kind": "429", "every": 40, "burst": 3, "retry_after": 1},
    {"provider": "serper", "kind": "429", "every": 40, "burst": 5},
    {"provider": "llm", "kind": "429", "every": 40, "burst": 4},
    {"provider": "*", "kind": "reset_before", "rate": 0.025},
    {"provider": "*", "kind": "reset_after", "rate": 0.025},
    {"provider": "*", "kind": "503_html", "rate": 0.02},
    {"provider": "*", "kind": "500", "rate": 0.01},
    {"provider": "*", "kind": "cut", "rate": 0.015},
    {"provider": "*", "kind": "malformed", "rate": 0.015},
    {"provider": "*", "kind": "html_200", "rate": 0.005},
    {"provider": "llm", "kind": "drop", "rate": 0.01},
    {"provider": "llm", "kind": "blank", "rate": 0.01},
    {"provider": "llm", "kind": "truncate", "rate": 0.01},
)


def _modern(name: str, serper_tail: float, faults: tuple[dict[str, Any], ...]) -> Profile:
    return Profile(
        name=name,
        apollo_bulk=_MODERN_BULK,
        apollo_match=_MODERN_BULK,
        apollo_usage=_PAID_USAGE,
        apollo_seconds=(0.3, 0.8),
        serper=Limits(second=50),
        serper_seconds=(0.9, 2.1),
        serper_tail=serper_tail,
        llm_seconds=(1.0, 1.0),
        llm_tokens_per_second=270.0,
        llm_concurrency=2500,
        faults=faults,
    )


PROFILES: dict[str, Profile] = {
    "classic": Profile(
        name="classic",
        apollo_bulk=Limits(second=5),
        apollo_match=Limits(second=5),
        apollo_usage=_PAID_USAGE,
        apollo_seconds=(0.5, 1.0),
        serper=Limits(second=5),
        serper_seconds=(0.2, 0.5),
        llm_seconds=_CLASSIC_LLM,
        llm_tokens_per_second=60.0,
    ),
    "modern": _modern("modern", 0.0, ()),
    "free": Profile(
        name="free",
        apollo_bulk=Limits(minute=20, hour=100, day=600),
        apollo_match=Limits(minute=50, hour=200, day=600),
        apollo_usage=Limits(minute=50, hour=200, day=600),
        apollo_seconds=(0.3, 0.8),
        serper=Limits(second=5),
        serper_seconds=(0.2, 0.5),
        llm_seconds=_CLASSIC_LLM,
        llm_tokens_per_second=60.0,
    ),
    "instant": Profile(name="instant"),
    "storm": _modern("storm", 0.05, _STORM),
}
