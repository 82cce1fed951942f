"""What a variant is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Result:
    """What one run took and brought. Calls and credits are not here: the sandbox counts them."""

    seconds: float
    """From the first look at the CRM's files to the last result."""
    phases: Mapping[str, float]
    """Seconds from first start to last end of search, classify, roles and people; ``prepare`` is
    all that comes before the first of them."""
    latencies: Mapping[str, list[float]]
    """Seconds of every answered call to ``serper``, ``llm`` and ``apollo``, as the client saw
    them."""
    searched: int
    """Accounts with a whole search answer. Answers kept from an earlier run count here too."""
    classified: int
    """Accounts whose search results the model has sorted."""
    people: int
    """Distinct people about whom there is a whole answer, found or not."""
    roles: int
    """Deal contacts that were given a buying role."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of doing the job. ``run`` gets the folder with the CRM export."""

    name: str
    run: Callable[[Path, Ready], Coroutine[Any, Any, Result]]
    runs: int
    """How often it is run where nobody says otherwise."""
    remembers: bool
    """Whether a second run knows what the first one bought; only then there is a warm run."""


def all_variants() -> tuple[Variant, ...]:
    """All variants, ours first."""
    from benchmarks import ours, phased

    return (
        Variant("ours", ours.run, runs=3, remembers=True),
        Variant("phased", phased.run, runs=1, remembers=False),
    )
