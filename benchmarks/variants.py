"""What a variant is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a variant finds its providers, and what it may keep."""

    profile: str
    """The limits that hold, by the name of a sandbox profile."""
    sandbox: Mapping[str, Any]
    """The sandbox's own line: base URLs ``apollo``, ``serper``, ``llm``, and ``keys``."""
    state: Path
    """A folder of the variant's own: empty before a cold run, as it was left before a warm one."""
    deals: int | None = None
    """Ours only: how many deals to run, where not all."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Ours only: settings on top of the profile's, by section."""
    tables: Path | None = None
    """Ours only: where the result tables go, to be compared."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one run took and brought. Calls and credits are not here: the sandbox counts them."""

    seconds: float
    """From the first look at the CRM's files to the last result."""
    phases: Mapping[str, float]
    """Seconds from first start to last end of search, classify, roles and people; ``prepare`` is
    all that comes before the first of them."""
    searched: frozenset[str]
    """Ids of accounts with a whole search answer, from this run or an earlier one."""
    classified: frozenset[str]
    """Ids of accounts whose search results the model has sorted."""
    found: frozenset[str]
    """Addresses of people about whom there are facts."""
    missed: frozenset[str]
    """Addresses of people whom the variant holds to be unknown to the provider."""
    roles: int
    """Deal contacts that were given a buying role."""
    held: frozenset[str] = frozenset()
    """Addresses put aside because their call may have been charged; listed for the user."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of doing the job. ``run`` gets the folder with the CRM export."""

    name: str
    run: Callable[[Path, Ready], Coroutine[Any, Any, Result]]
    about: str
    """What it is, in half a sentence."""
    remembers: bool
    """Whether a second run knows what the first one bought; only then there is a warm run."""


def all_variants() -> dict[str, Variant]:
    """All variants by name, ours first."""
    from benchmarks import older, ours, script

    found = (
        Variant("ours", ours.run, "Enrico with its defaults for the profile", True),
        Variant(
            "script", script.run,
            "a careful asyncio script: off-the-shelf limiter and retries, bulk calls of ten, "
            "everything at once, a JSON file of what is known", True,
        ),
        Variant(
            "projected", older.projected,
            "what the older design hoped for: phases overlap, three bulk calls at once", True,
        ),
        Variant(
            "phased", older.phased,
            "the older design: one phase after the other, one classification or bulk call at a "
            "time", True,
        ),
        Variant(
            "sequential", older.sequential,
            "the older design's beginnings: deal by deal, one call at a time, people singly", False,
        ),
    )  # fmt: skip
    return {variant.name: variant for variant in found}
