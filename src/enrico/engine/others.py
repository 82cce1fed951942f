"""The calls of other workers on the same key, as they tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from enrico.engine.board import Entry
from enrico.engine.ours import LEASE
from enrico.engine.rules import Rules
from enrico.engine.windows import Sent

SAME_SEND = 5.0
"""A send in the journal and one on the board that are so close may be one, in seconds."""
OVERDUE = 0.5
"""Who has not told of a call so many seconds after it must have left is dead, or away."""
ENDED = 600.0
"""Seconds after which nobody tells any more how a call ended."""


class Others:
    """Puts other workers' calls into *rules*, and knows which of them may still leave."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._calls: dict[tuple[str, int], Sent] = {}
        self._open: dict[tuple[str, int], float] = {}

    @property
    def may_leave(self) -> bool:
        """Whether some call has leave, and its worker has not told yet that it left."""
        return bool(self._open)

    def read(self, entries: Iterable[Entry], clock: float, now: float) -> None:
        """*entries* are new, or have changed; *clock*: their time less the loop's."""
        for entry in entries:
            key = (entry.worker, entry.n)
            call = self._calls.get(key)
            by = entry.by - clock
            if entry.void:
                self._open.pop(key, None)
                if call is not None:
                    self._rules.take_back(self._calls.pop(key))
                continue
            # As long as nobody says when it left, it leaves as late as it may.
            left = by if entry.sent is None else entry.sent - clock
            if call is None:
                call = self._calls[key] = Sent()
                self._rules.count(call, min(left, now))
            call.at = left
            call.leave = min(by - LEASE, now) if entry.sent is None else None
            call.over = None if entry.over is None else entry.over - clock
            call.refused = entry.refused
            if entry.sent is None:
                self._open[key] = by
            else:
                self._open.pop(key, None)
            if call.over is not None:
                del self._calls[key]
        for key in [key for key, by in self._open.items() if by + OVERDUE < now]:
            del self._open[key]

    def forget(self, now: float) -> None:
        """Let go of calls whose end nobody will tell."""
        ended = [key for key, call in self._calls.items() if (call.at or now) < now - ENDED]
        for key in ended:
            del self._calls[key]


def not_among(remembered: Sequence[float], entries: Iterable[Entry], clock: float) -> list[float]:
    """Those of the *remembered* times of sends, in order, that no entry tells of."""
    told = sorted((e.by if e.sent is None else e.sent) - clock for e in entries if not e.void)
    unknown, place = [], 0
    for at in remembered:
        while place < len(told) and told[place] < at - SAME_SEND:
            place += 1
        if place < len(told) and told[place] <= at + SAME_SEND:
            place += 1
        else:
            unknown.append(at)
    return unknown
