"""A run of a benchmark, as its tests need it."""

from __future__ import annotations

from typing import Any

from benchmarks.bound import Bound
from benchmarks.compare import Truth
from benchmarks.court import Court
from benchmarks.one import Measured

COURT = Court(
    searches=32, classifications=27, bulk_calls=23, single_calls=0, free_calls=2, people_asked=225,
    people_bought=195, people_paid_again=0, searches_paid_again=0, search_credits=32,
    people_credits=195, llm_usd=0.0022, output_tokens=1247, rate_limited=0, failed=0,
)  # fmt: skip
TRUTH = Truth(frozenset({"ann@a.com", "bo@a.com", "cy@a.com"}), 4, 2, frozenset({"A1", "A2"}))


def measured(**changes: Any) -> Measured:
    given: dict[str, Any] = {
        "variant": "ours", "profile": "storm", "clock": "skipping", "step": "cold", "seconds": 8.0,
        "cpu_seconds": 1.0, "phases": {}, "roles": 1, "searched": ["A1", "A2"],
        "classified": ["A1", "A2"], "found": ["ann@a.com", "bo@a.com", "cy@a.com"],
        "missed": ["di@a.com"], "held": [], "court": COURT, "bound": Bound(7.0, 7.5, "search"),
    }  # fmt: skip
    return Measured(**{**given, **changes})
