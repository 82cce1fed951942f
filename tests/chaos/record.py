"""What a harness brings back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    """The figures of one harness, and what it found wrong."""

    name: str
    counts: Mapping[str, float] = field(default_factory=dict)
    """What was done and met; words → number."""
    never: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """What must not happen; words → (times it did, times it could have)."""
    failures: list[str] = field(default_factory=list)
    """One line each, with what it takes to replay it. Empty: all is well."""


@dataclass(frozen=True)
class Plan:
    """How much is wanted of a harness."""

    full: bool
    """Most of an hour for all harnesses together, instead of most of a minute."""
    seed: int


Harness = Callable[[Plan], Record]
