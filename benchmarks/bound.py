"""The least time in which a workload can be done at all, by the providers' limits and delays.

Reckoned here and not by Enrico, so that the one who is judged is not the judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from enrico.sandbox.profiles import UNLIMITED, Limits, Profile

WINDOWS = (("second", 1.0), ("minute", 60.0), ("hour", 3600.0), ("day", 86400.0))


@dataclass(frozen=True, slots=True)
class Bound:
    """Seconds that nobody can go below, and what holds them there."""

    seconds: float
    """By the formula: all calls as quick as the quickest."""
    drawn_seconds: float
    """The same where the slowest search or people call that came must be waited for too. Tells
    apart what the delays cost from what we cost; it trusts the client's clock, so the formula is
    what counts."""
    bound_by: str
    """``search`` (then one classification), ``classify`` or ``people``."""


def provider_bound(
    latencies: Sequence[float], limits: Limits = UNLIMITED, concurrency: int | None = None
) -> float:
    """``max((k-1)·W + Lmin, N·L/C)`` with ``k = ceil(N/R)``, the largest over all windows.

    32 calls at 5/s of which the quickest took 0.2 s: six windows must pass, so 6.2 s.
    """
    calls = len(latencies)
    if not calls:
        return 0.0
    shortest = min(latencies)
    by_concurrency = sum(latencies) / concurrency if concurrency else 0.0
    bounds = [shortest, by_concurrency]
    for name, seconds in WINDOWS:
        limit = getattr(limits, name)
        if limit is not None:
            bounds.append((-(-calls // limit) - 1) * seconds + shortest)
    return max(bounds)


def run_bound(latencies: Mapping[str, Sequence[float]], profile: Profile) -> Bound:
    """The bound of a run: the longest of search with one classification, all classifications,
    and people."""
    search, model, people = (latencies.get(name, ()) for name in ("serper", "llm", "apollo"))
    searching = provider_bound(search, profile.serper)
    buying = provider_bound(people, profile.apollo_bulk)
    one_reading = min(model, default=0.0)
    chains = {
        "search": searching + one_reading,
        "classify": provider_bound(model, concurrency=profile.llm_concurrency),
        "people": buying,
    }
    name = max(chains, key=lambda chain: chains[chain])
    drawn = (
        max(searching, max(search, default=0.0)) + one_reading,
        chains["classify"],
        max(buying, max(people, default=0.0)),
    )
    return Bound(chains[name], max(drawn), name)
