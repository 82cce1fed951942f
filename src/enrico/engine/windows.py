"""Rate limits: how they are written, what counts against them, and the least time they allow.

A fixed window opens at the first request and a sliding one never closes, so a token bucket as
large as the limit lets up to twice the limit through (rule L1). A ledger of sends serves both: a
call counts from its send until one window after the latest moment at which the provider may have
counted it. That moment is the send plus the spread of the network's delay, or the answer if that
came sooner. Calls that are evenly spaced are right for every kind of provider, buckets included.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal, get_args

from enrico.errors import ConfigError

Kind = Literal["rolling", "by the clock", "as a bucket", "evenly"]
_PERIODS = {
    "s": 1.0, "sec": 1.0, "second": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
}  # fmt: skip
CLOCK_SKEW = 0.25
"""Seconds by which the provider's clock and ours may differ, where windows follow the clock."""
SLACK = 0.002
"""Share of a window that is given away to be sure of it: an eighth of a second in a minute."""
OTHERS_MOST = 100_000
"""More calls of other programs in a window are not believed: a header may say anything."""
RESERVED = 100
"""One call in so many is kept free for the fast lane, at least one."""
LONG_BATCH = 10
"""A batch that fills so many windows leaves room for the fast lane in each; a smaller one where it
fills no more windows for that."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` calls in ``seconds``, counted as *kind* says.

    ``rolling``: in any so many seconds, right for windows that open at the first request and for
    sliding ones. ``by the clock``: from one full period to the next. ``as a bucket``: so many at
    once, refilled evenly. ``evenly``: one after the other, never two at once.
    """

    limit: int
    seconds: float
    kind: Kind = "rolling"

    def __str__(self) -> str:
        kind = "" if self.kind == "rolling" else f" {self.kind}"
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
        unit, _, kind = " ".join(period.split()).partition(" ")
        unit = unit.rstrip(".")
        kind = kind or "rolling"
        factor = ""
        while unit and (unit[0].isdigit() or unit[0] == "."):
            factor, unit = factor + unit[0], unit[1:]
        if (
            not count.strip().isdigit()
            or int(count) < 1
            or unit not in _PERIODS
            or kind not in get_args(Kind)
        ):
            raise ConfigError(
                f"The limit {text!r} is not understood. Write it as calls per period, "
                "such as '5/s', '1000/min', '100/h', '600/day', '1000/min by the clock' or "
                "'1000/min as a bucket'; 'none' for no limit."
            )
        windows.append(Window(int(count), _PERIODS[unit] * float(factor or 1), kind))  # type: ignore[arg-type]
    return tuple(windows)


@dataclass(eq=False, slots=True)
class Sent:
    """One call as the limits see it; times are the event loop's."""

    at: float | None = None
    """When it left; None while it has leave and has not left yet."""
    over: float | None = None
    """When its answer came."""
    refused: bool = False
    leave: float | None = None
    """Since when another worker's call had leave that is not yet told to have left: ``at`` is then
    as late as may be."""

    @property
    def left(self) -> float | None:
        """When it left, as far as anybody knows."""
        return self.at if self.leave is None else self.leave

    def counted_by(self, spread: float) -> float:
        """The latest moment at which the provider may have counted it."""
        if self.at is None:
            return math.inf
        latest = self.at + spread
        return latest if self.over is None else min(latest, self.over)


class Ledger:
    """The calls that still count in one window, oldest first."""

    def __init__(self, window: Window, *, clock: float = 0, learned: bool = False) -> None:
        """*clock*: Unix time less the event loop's time, for windows that follow the clock.

        *learned*: the limit was found from 429s.
        """
        self.limit = window.limit
        self.seconds = window.seconds
        self.ceiling: float = math.inf if learned else window.limit
        self.learned = learned
        self.sure: int | None = None
        """What a learnt limit was before it was last tried higher."""
        self.calls: deque[Sent] = deque()
        self._kind = window.kind
        self._clock = clock

    def __str__(self) -> str:
        return str(self.window)

    @property
    def window(self) -> Window:
        """The window as it is kept to at present."""
        return Window(self.limit, self.seconds, self._kind)

    @property
    def rate(self) -> float:
        """Calls per second, in the long run."""
        return self.limit / self.seconds

    @property
    def at_once(self) -> int:
        """Calls that need not wait for each other."""
        return self.limit

    def add(self, call: Sent, at: float, spread: float) -> None:
        """*call* has leave."""
        self.calls.append(call)

    def take_back(self, call: Sent) -> None:
        """*call* never left."""
        if call in self.calls:
            self.calls.remove(call)

    def tighten(self, limit: int) -> None:
        """The provider names *limit*."""
        self.ceiling = min(self.ceiling, limit)
        self.limit = min(self.limit, limit)

    def learn(self, limit: int) -> None:
        """A 429 showed that no more than *limit* are let through."""
        self.limit = max(1, min(limit, self.limit))
        self.learned, self.sure = True, None

    def stretch(self, share: float) -> None:
        """Try a learnt limit higher by *share*, never beyond what is known."""
        self.sure = self.limit
        self.limit = int(min(self.ceiling, max(self.limit + 1, self.limit * (1 + share))))

    def free_at(
        self, now: float, spread: float, *, to_come: float = 0, of: float = math.inf
    ) -> float:
        """When one more call may leave: *now*, later, or infinity while that waits for an answer.

        *to_come*: for a call of a batch, how many *of* all its calls are to come.
        """
        spread = max(spread, self.seconds * SLACK if self.seconds > 10 else 0.0)
        if self._kind == "by the clock":
            # The provider's clock may still be in the last period.
            began = now - (now - CLOCK_SKEW + self._clock) % self.seconds
            self._forget(began - 2 * CLOCK_SKEW, spread)
            free = began + self.seconds
        else:
            self._forget(now - self.seconds, spread)
            free = math.inf
        limit = self.limit - self._kept_free(to_come, of)
        if len(self.calls) < limit:
            return now
        # Calls may leave in another order than they had leave.
        must_go = islice(self.calls, len(self.calls) - limit + 1)
        latest = max(call.counted_by(spread) for call in must_go)
        return min(free, latest + self.seconds)

    def _kept_free(self, to_come: float, of: float) -> int:
        """How much room a batch of which so many calls are to come leaves for the fast lane."""
        limit, calls = self.limit, to_come + len(self.calls)
        if self.seconds <= 5 or to_come <= 0 or not limit < calls < math.inf:
            return 0
        room = max(1, limit // RESERVED)
        is_long = calls > LONG_BATCH * limit
        # By all calls of the batch: what is left of it may begin in the middle of a window.
        costs_nothing = limit > room and -(-of // (limit - room)) == -(-of // limit)
        return room if limit > 1 and (is_long or costs_nothing) else 0

    def _forget(self, until: float, spread: float) -> None:
        while self.calls and self.calls[0].counted_by(spread) <= until:
            self.calls.popleft()

    def counted_elsewhere(self, used: int, now: float) -> None:
        """The provider counts *used* calls: what we did not send, another program did."""
        others = min(min(used, self.limit) - len(self.calls), OTHERS_MOST)
        # They may have come at any time until now, so they count until one window from now.
        self.calls.extend(Sent(at=now, over=now) for _ in range(others))


class Pace:
    """Calls a second, evenly spaced once a *burst* is spent: a bucket, and a pace if that is 1."""

    def __init__(
        self, rate: float, *, burst: int = 1, most: float = math.inf, seconds: float = 0.0
    ) -> None:
        """*most*: what the rate may grow to. *seconds*: the period that it was given for."""
        self.rate = rate
        self.at_once = burst
        self.most = most
        self.seconds = seconds
        self._full_at = -math.inf

    def __str__(self) -> str:
        return str(self.window)

    @property
    def window(self) -> Window:
        """As a limit that can be written down, rounded down."""
        if self.at_once > 1:
            return Window(self.at_once, self.seconds, "as a bucket")
        seconds = next((s for s in (60.0, 3600.0) if self.rate * s >= 10), 86400.0)
        return Window(max(1, int(self.rate * seconds + 1e-6)), seconds, "evenly")

    def tighten(self, limit: int) -> None:
        """The provider names *limit* for the period."""
        self.rate = self.most = min(self.rate, limit / self.seconds)
        self.at_once = min(self.at_once, limit)

    def add(self, call: Sent, at: float, spread: float) -> None:
        """*call* has leave."""
        # A full bucket takes no more in until the provider has counted the call.
        idle_until = at + spread if self.at_once > 1 else at
        self._full_at = max(self._full_at, idle_until) + 1 / self.rate

    def take_back(self, call: Sent) -> None:
        """*call* never left."""
        self._full_at -= 1 / self.rate

    def free_at(
        self, now: float, spread: float, *, to_come: float = 0, of: float = math.inf
    ) -> float:
        """When one more call may leave."""
        return max(now, self._full_at - (self.at_once - 1) / self.rate)


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
        if window.kind in ("as a bucket", "evenly"):
            burst = window.limit if window.kind == "as a bucket" else 1
            held = max(0, calls - burst) * window.seconds / window.limit
        else:
            held = (-(-calls // window.limit) - 1) * window.seconds
        bounds.append(max(held + shortest, by_concurrency))
    return max(bounds)
