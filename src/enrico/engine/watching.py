"""What a run tells those who watch it: each attempt of a call, walls, its beginning and its end.

Watchers only look: they get no personal data, may not block, and cannot fail a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from enrico.engine.money import Cost
from enrico.engine.stats import ProviderName

log = structlog.get_logger("enrico.watching")


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One attempt of a call, as it ended. Times in seconds; ``began`` is Unix time."""

    run_id: str
    call_id: str
    provider: ProviderName
    endpoint: str
    state: str
    """answered, refused, not_sent, failed or unknown, as in the journal."""
    status: int
    began: float
    took: float
    waited: float
    """For leave to be sent, before that."""
    waited_for: str
    """What it waited longest for: ``5/s``, ``concurrency``, ``429``; empty when it did not wait."""
    items: int
    cost: Cost
    budget_used: float | None
    """Share of the run's cap that is spent with this call, 0 to 1; None without a cap."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something beside the calls: ``rate_limited`` (a wall), ``limit`` (one that was learnt)."""

    run_id: str
    provider: ProviderName
    kind: str
    at: float
    """Unix time."""
    seconds: float
    """How long nothing is sent for it; 0 for a moment."""
    detail: str


class Watcher(Protocol):
    """Whoever looks on. All methods are called in the event loop."""

    def began(self, run_id: str, plan: Mapping[str, Any], at: float) -> None:
        """The run is planned and begins, or began *at* that Unix time."""

    def call(self, seen: CallSeen) -> None:
        """An attempt of a call ended."""

    def happened(self, what: Happened) -> None:
        """A wall, or a learnt limit."""

    def ended(self, summary: Mapping[str, Any]) -> None:
        """The run ended; its summary is kept."""


class Watchers:
    """All who look on. One that fails is told of in the log, and the run goes on."""

    def __init__(self, watchers: Sequence[Watcher] = ()) -> None:
        self._watchers = watchers
        self.anyone = bool(watchers)
        """Whether anybody looks on; if not, nothing needs to be made to look at."""

    def began(self, run_id: str, plan: Mapping[str, Any], at: float) -> None:
        """Pass it on."""
        self._tell("began", run_id, plan, at)

    def call(self, seen: CallSeen) -> None:
        """Pass it on."""
        self._tell("call", seen)

    def happened(self, what: Happened) -> None:
        """Pass it on."""
        self._tell("happened", what)

    def ended(self, summary: Mapping[str, Any]) -> None:
        """Pass it on."""
        self._tell("ended", summary)

    def _tell(self, what: str, *facts: Any) -> None:
        for watcher in self._watchers:
            try:
                getattr(watcher, what)(*facts)
            except Exception as error:
                log.warning("a watcher failed", watcher=type(watcher).__name__, error=str(error))
