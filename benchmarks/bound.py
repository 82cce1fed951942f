"""The least time in which a workload can be done at all, by the providers' limits and delays.

Reckoned from the sandbox's own delays and not by Enrico, so that the one who is judged is not the
judge. Both bounds start where a run's clock starts, at the first look at the CRM's files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from enrico.sandbox.meter import Drawn
from enrico.sandbox.profiles import UNLIMITED, Limits, Profile

WINDOWS = (("second", 1.0), ("minute", 60.0), ("hour", 3600.0), ("day", 86400.0))


@dataclass(frozen=True, slots=True)
class Bound:
    """Seconds that nobody can go below, and what holds them there."""

    seconds: float
    """By the formula of the design: every call as quick as the quickest."""
    drawn_seconds: float
    """With the delays that the sandbox drew: calls leave in the order in which they did, each as
    early as its windows allow, and a classification when its last search is answered."""
    bound_by: str
    """``search`` (then one classification), ``classify`` or ``people``."""


def provider_bound(
    delays: Sequence[float], limits: Limits = UNLIMITED, concurrency: int | None = None
) -> float:
    """``max((k-1)·W + Lmin, N·L/C)`` with ``k = ceil(N/R)``, the largest over all windows.

    32 calls at 5/s of which the quickest took 0.2 s: six windows must pass, so 6.2 s.
    """
    calls = len(delays)
    if not calls:
        return 0.0
    shortest = min(delays)
    by_concurrency = sum(delays) / concurrency if concurrency else 0.0
    rounds = [(-(-calls // limit) - 1) * seconds for limit, seconds in _windows(limits)]
    return max(max(rounds, default=0.0) + shortest, by_concurrency)


def ends(delays: Sequence[float], limits: Limits) -> list[float]:
    """When each call is answered at the earliest, by the order in which they leave.

    Six calls of 0.3 s at 5/s: five end at 0.3, the sixth at 1.3.
    """
    windows = _windows(limits)
    return [
        max((number // limit * seconds for limit, seconds in windows), default=0.0) + delay
        for number, delay in enumerate(delays)
    ]


def run_bound(drawn: Mapping[str, Sequence[Drawn]], profile: Profile) -> Bound:
    """The bounds of a run, from what the sandbox drew for ``serper``, ``llm`` and ``apollo``.

    The longest of search with one classification, all classifications, and people.
    """
    delays = {name: [seconds for seconds, _ in calls] for name, calls in drawn.items()}
    search, model, people = (delays.get(name, []) for name in ("serper", "llm", "apollo"))
    by_model = provider_bound(model, concurrency=profile.llm_concurrency)
    chains = {
        "search": provider_bound(search, profile.serper) + min(model, default=0.0),
        "classify": by_model,
        "people": provider_bound(people, profile.apollo_bulk),
    }
    name = max(chains, key=lambda one: chains[one])
    searched = ends(search, profile.serper)
    names = (about[0] for _, about in drawn.get("serper", ()))
    by_company = dict(zip(names, searched, strict=True))
    read = [
        max((by_company.get(company, 0.0) for company in about), default=0.0) + seconds
        for seconds, about in drawn.get("llm", ())
    ]
    bought = ends(people, profile.apollo_bulk)
    return Bound(chains[name], max((*searched, *read, *bought, by_model)), name)


def _windows(limits: Limits) -> Sequence[tuple[int, float]]:
    return list(_given(limits))


def _given(limits: Limits) -> Iterator[tuple[int, float]]:
    for name, seconds in WINDOWS:
        limit = getattr(limits, name)
        if limit is not None:
            yield limit, seconds
