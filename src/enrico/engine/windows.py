"""Rate-limit windows: how they are written, what counts in them, and the least time they allow.

A fixed window opens at the first request and a sliding one never closes, so a token bucket as
large as the limit lets up to twice the limit through (rule L1). A ledger of sends serves both: a
call counts from its send until one window after the latest moment at which the provider may have
counted it. That moment is the send plus the spread of the network's delay, or the answer if that
came sooner.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from enrico.errors import ConfigError

_PERIODS = {
    "s": 1.0, "sec": 1.0, "second": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
}  # fmt: skip
CLOCK_SKEW = 0.25
"""Seconds by which the provider's clock and ours may differ, where windows follow the clock."""
SLACK = 0.004
"""Share of a window that is given away to be sure of it: a quarter of a second in a minute."""
RESERVED = 100
"""One call in so many is kept free for the fast lane, at least one."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` calls in any ``seconds``; by the clock: from one full period to the next.

    A rolling window is right for windows that open at the first request and for sliding ones.
    """

    limit: int
    seconds: float
    by_clock: bool = False

    def __str__(self) -> str:
        kind = " by the clock" if self.by_clock else ""
        for name, seconds in (("day", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0)):
            if self.seconds == seconds:
                return f"{self.limit}/{name}{kind}"
        return f"{self.limit}/{self.seconds:g}s{kind}"


def parse_windows(texts: Iterable[str]) -> tuple[Window, ...]:
    """``["5/s", "1000/min by the clock"]`` to windows; ``"none"`` means no limit.

    Raises ConfigError.
    """
    windows = []
    for text in texts:
        if text.strip().lower() in ("none", "unlimited", ""):
            continue
        count, _, period = text.lower().partition("/")
        unit, by_clock, _ = period.partition(" by the clock")
        unit = unit.strip().rstrip(".")
        factor = ""
        while unit and (unit[0].isdigit() or unit[0] == "."):
            factor, unit = factor + unit[0], unit[1:]
        if not count.strip().isdigit() or int(count) < 1 or unit not in _PERIODS:
            raise ConfigError(
                f"The limit {text!r} is not understood. Write it as calls per period, "
                "such as '5/s', '1000/min', '100/h', '600/day' or '1000/min by the clock'; "
                "'none' for no limit."
            )
        windows.append(Window(int(count), _PERIODS[unit] * float(factor or 1), bool(by_clock)))
    return tuple(windows)


@dataclass(eq=False, slots=True)
class Sent:
    """One call as the ledgers see it; times are the event loop's."""

    at: float | None = None
    """When it left; None while it has leave and has not left yet."""
    over: float | None = None
    """When its answer came."""
    refused: bool = False

    def counted_by(self, spread: float) -> float:
        """The latest moment at which the provider may have counted it."""
        if self.at is None:
            return math.inf
        latest = self.at + spread
        return latest if self.over is None else min(latest, self.over)


class Ledger:
    """The calls that still count in one window, oldest first, and what is known of its limit."""

    def __init__(
        self, window: Window, *, ceiling: float = math.inf, guessed: bool = False, clock: float = 0
    ) -> None:
        """*clock*: Unix time less the event loop's time, for windows that follow the clock."""
        self.limit = window.limit
        self.seconds = window.seconds
        self.by_clock = window.by_clock
        self.ceiling = ceiling
        self.calls: deque[Sent] = deque()
        self.guessed = guessed
        """Whether the limit is ours: assumed at first, or learnt from walls."""
        self.learned = False
        self.proven = 0
        """The place in its window of the furthest call that was ever accepted."""
        self._places: dict[Sent, int] = {}  # kept while the limit is guessed
        self._clock = clock
        self._patience = 1 if guessed else 8
        self._passed = 0  # calls that left the window since the limit was last changed
        self._pressed = False
        self._step = 1.0 if guessed else 0.02
        self._good = 0  # the limit that ran clean before it was last raised

    def __str__(self) -> str:
        return str(self.window)

    @property
    def window(self) -> Window:
        """The window as it is kept to at present."""
        return Window(self.limit, self.seconds, self.by_clock)

    def add(self, call: Sent) -> None:
        """*call* has leave."""
        self.calls.append(call)
        if self.guessed:
            self._places[call] = len(self.calls)

    def take_back(self, call: Sent) -> None:
        """*call* never left."""
        self._places.pop(call, None)
        if call in self.calls:
            self.calls.remove(call)

    @property
    def raised(self) -> bool:
        """Whether the limit was raised beyond one that ran clean, and not proven since."""
        return self._good > 0

    @property
    def feels_its_way(self) -> bool:
        """Whether the next call goes further than was ever let through, and too many do already."""
        beyond = len(self.calls) - self.proven
        return self.guessed and beyond >= max(2, self.proven // 8)

    def free_at(self, now: float, spread: float, *, reserve: bool = False) -> float:
        """When one more call may leave: *now*, later, or infinity while that waits for an answer.

        *reserve* leaves room for the fast lane.
        """
        spread = max(spread, self.seconds * SLACK if self.seconds > 10 else 0.0)
        limit = self.limit
        if reserve and self.seconds > 5 and limit > 1:
            limit -= max(1, limit // RESERVED)
        if self.by_clock:
            # The provider's clock may still be in the last period.
            began = now - (now - CLOCK_SKEW + self._clock) % self.seconds
            self._forget(began - 2 * CLOCK_SKEW, spread)
            free = began + self.seconds
        else:
            self._forget(now - self.seconds, spread)
            free = math.inf
        if len(self.calls) < limit:
            return now
        self._pressed = True
        return min(free, self.calls[len(self.calls) - limit].counted_by(spread) + self.seconds)

    def _forget(self, until: float, spread: float) -> None:
        while self.calls and self.calls[0].counted_by(spread) <= until:
            self.calls.popleft()
            self._passed += 1

    def refused(self, call: Sent) -> None:
        """*call* met a wall."""
        self._places.pop(call, None)

    def accepted(self, call: Sent) -> None:
        """*call* was served; a guessed limit creeps up after clean windows that were full."""
        self.proven = max(self.proven, self._places.pop(call, 0))
        if self.guessed and self._pressed and self._passed >= self.limit * self._patience:
            self._good = self.limit
            raised = max(self.limit + 1, int(self.limit * (1 + self._step)))
            self.limit = int(min(self.ceiling, raised))
            self._passed, self._pressed = 0, False
            self._step = min(self._step * 2, 1.0)

    def lower(self, let_through: int) -> None:
        """A wall showed that less is allowed. The next try to go up comes later each time."""
        self.limit = self._good or max(1, min(let_through, self.limit))
        self._good = 0
        self._patience = min(max(self._patience * 2, 8), 64)
        self._step = 0.02
        self.guessed = self.learned = True
        self.proven = min(self.proven, self.limit) or self.limit
        self._passed, self._pressed = 0, False
        self._places.clear()

    def trust(self) -> None:
        """The limit is no guess, or it does no harm as one."""
        self.guessed = False
        self._places.clear()

    def counted_elsewhere(self, used: int, now: float) -> None:
        """The provider counts *used* calls: what we did not send, another program did."""
        used = min(used, self.limit)
        # They may have come at any time until now, so they count until one window from now.
        self.calls.extend(Sent(at=now, over=now) for _ in range(used - len(self.calls)))


def lower_bound_seconds(
    calls: int, windows: Iterable[Window], *, latency: float, shortest: float, concurrency: int
) -> float:
    """The least time in which *calls* can be answered, in seconds (design section 6).

    *latency* is the mean and *shortest* the least time of one call.
    """
    if calls <= 0:
        return 0.0
    by_concurrency = calls * latency / max(1, concurrency)
    bounds = [max(shortest, by_concurrency)]
    for window in windows:
        rounds = -(-calls // window.limit)
        bounds.append(max((rounds - 1) * window.seconds + shortest, by_concurrency))
    return max(bounds)
