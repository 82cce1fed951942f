"""All limits of one key: those that are known, a guess where none is, and what was learnt.

Limits that settings or the provider name are kept to exactly. Where none is known, calls go out
evenly spaced and faster with every answer, until a 429; :mod:`enrico.engine.lessons` says what that
teaches. Knows no event loop: every time comes as an argument.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeGuard

from enrico.engine.windows import Ledger, Pace, Sent, Window

SPREAD = 0.1
"""Seconds. Two requests sent together may be counted this far apart at the provider. A calm network
may show that it is less, a wall that it is more."""
SPREAD_LEAST = 0.05
CONNECTIONS_MEASURED = 4
TRY_AFTER = 900.0
"""Seconds without a wall until a learnt limit is tried higher; doubles each time that fails."""
TRY_SHARE = 0.05
LONGEST_SHARED = 60.0


@dataclass(frozen=True, slots=True)
class Taught:
    """What answers and walls have taught beyond what is known, for others on the same key."""

    windows: tuple[tuple[int, float], ...] = ()
    """(limit, seconds) of each window that 429s taught."""
    rate: float = 0.0
    """The pace in calls a second; 0: none."""
    sure: bool = False
    """Whether a wall taught the pace; else it is a guess that grows."""
    spread: float = 0.0
    """What a wall made of the network's spread, in seconds; 0: nothing."""

    def after(self, base: Taught, mine: Taught) -> Taught:
        """What both know: this one, and *mine*, which was *base* when it was last told."""
        if mine == base or (self.sure and not base.sure):
            return self
        if self.sure or mine.sure or not self.rate or not mine.rate:
            return mine
        return replace(self, rate=self.rate + mine.rate - base.rate)


class Rules:
    """Windows, buckets and a pace, all kept at once."""

    def __init__(
        self,
        windows: Sequence[Window],
        *,
        assumed: bool = False,
        learned: Sequence[Window] = (),
        spread: float = SPREAD,
        clock: float = 0.0,
    ) -> None:
        """*windows* are known, or *assumed*; *learned*: what an earlier run found out.

        *clock*: Unix time less the times that are given later, for windows by the clock.
        """
        self.known: list[Ledger | Pace] = []
        self.pace: Pace | None = None
        self._clock = clock
        self._guessed: Window | None = None
        self._recent: deque[Sent] = deque(maxlen=8192)
        self.spread = spread
        """How far apart two calls may be counted that left together, in seconds."""
        self._patience = TRY_AFTER
        self._try_at: float | None = None
        for window in learned:
            if window.kind == "evenly":
                rate = window.limit / window.seconds
                self.pace = Pace(rate, most=rate)
            else:
                self.known.append(Ledger(window, clock=clock, learned=True))
        if assumed and not learned and windows:
            self._guessed = min(windows, key=lambda window: window.seconds)
            self.pace = Pace(self._guessed.limit / self._guessed.seconds)
        elif not assumed:
            self.known += [self._rule(window) for window in windows]

    # -- what they are --------------------------------------------------------------------

    @property
    def all(self) -> list[Ledger | Pace]:
        """Every rule that is kept to at present."""
        return [*self.known, self.pace] if self.pace is not None else self.known

    @property
    def learned(self) -> list[str]:
        """What 429s taught, as text."""
        found = [str(rule) for rule in self.known if is_learned(rule)]
        return [*found, str(self.pace)] if self.is_paced else found

    @property
    def taught(self) -> Taught:
        """The same for other processes, and a guess as far as it has grown."""
        return Taught(
            tuple((rule.limit, rule.seconds) for rule in self.known if is_learned(rule)),
            rate=0.0 if self.pace is None else self.pace.rate,
            sure=self.is_paced,
            spread=self.spread if self.spread > SPREAD else 0.0,
        )

    def adopt(self, taught: Taught, now: float) -> None:
        """Another process on the same key found this out."""
        for limit, seconds in taught.windows:
            same = (r for r in self.known if isinstance(r, Ledger) and r.seconds == seconds)
            ledger = next(same, None)
            if ledger is None:
                ledger = Ledger(Window(limit, seconds), clock=self._clock, learned=True)
                self._add(ledger, now)
            ledger.limit, ledger.learned, ledger.sure = limit, True, None
        if taught.rate and (taught.sure or self.pace is not None):
            self.pace = self.pace or Pace(taught.rate)
            self.pace.rate = taught.rate
            self.pace.most = taught.rate if taught.sure else math.inf
        self.spread = max(self.spread, taught.spread)
        # It was just tried, or just refused: that is enough for all.
        self._try_at = max(self._try_at or 0.0, now + LONGEST_SHARED)

    def network(self, seconds: Sequence[float], least: float = SPREAD_LEAST) -> None:
        """Connecting took so long each time: where that hardly varies, no call's way does.

        *least*: what it is taken to vary at least.
        """
        if len(seconds) >= CONNECTIONS_MEASURED and self.spread == SPREAD:
            self.spread = min(max(max(seconds) - min(seconds), least), SPREAD)

    def binding_rate(self, calls: float) -> float:
        """Calls a second that the tightest rule allows which so many calls would meet."""
        rates = [rule.rate for rule in self.all if rule.at_once < calls]
        return min(rates, default=math.inf)

    @property
    def is_paced(self) -> bool:
        """Whether a wall taught the pace; else it is a guess that grows."""
        return self.pace is not None and self.pace.most < math.inf

    # -- counting -------------------------------------------------------------------------

    def free_at(self, now: float, *, to_come: float = 0, of: float = math.inf) -> tuple[float, str]:
        """When the next call may leave, and what holds it back.

        *to_come*: for a call of a batch, how many *of* all its calls are to come; it leaves room
        for the fast lane.
        """
        at, why = now, ""
        for rule in self.all:
            free = rule.free_at(now, self.spread, to_come=to_come, of=of)
            if free > at:
                guess = rule is self.pace and not self.is_paced
                at, why = free, "an unknown limit" if guess else str(rule)
        return at, why

    def count(self, call: Sent, at: float) -> None:
        """*call* has leave from *at* on."""
        self._recent.append(call)
        for rule in self.all:
            rule.add(call, at, self.spread)

    def take_back(self, call: Sent) -> None:
        """*call* never left."""
        with suppress(ValueError):  # it may be long ago that it had leave
            self._recent.remove(call)
        for rule in self.all:
            rule.take_back(call)

    def accepted(self, now: float) -> None:
        """A call was served: a guess grows, and after a long calm what was learnt is tried."""
        if self.pace is not None and not self.is_paced:
            self.pace.rate += 1.0
        if self._try_at is None:
            self._try_at = now + self._patience
        if now >= self._try_at and self.learned:
            self._try_at = now + LONGEST_SHARED
            for rule in self.known:
                if isinstance(rule, Ledger) and rule.learned:
                    rule.stretch(TRY_SHARE)
            if self.pace is not None and self.is_paced:
                self.pace.rate = self.pace.most = self.pace.rate * (1 + TRY_SHARE)

    # -- being told -----------------------------------------------------------------------

    def told(
        self, named: Mapping[float, int], used: Mapping[float, int] | None, now: float
    ) -> None:
        """The provider named its limits by period in seconds; 0 means none.

        They replace a guess, and only tighten settings. A guess for a shorter period stays, no
        slower than what is named evenly spread: a burst may meet a limit that nobody names.
        """
        limits = {seconds: limit for seconds, limit in named.items() if limit > 0}
        if self._guessed is not None and self.pace is not None and not self.is_paced:
            if self._guessed.seconds >= min(named):
                self.pace = self._guessed = None
            else:
                even = max((limit / s for s, limit in limits.items()), default=0.0)
                self.pace.rate = max(self.pace.rate, even)
        for rule in self.known:
            if (limit := limits.pop(rule.seconds, None)) is not None:
                rule.tighten(limit)
        for seconds, limit in sorted(limits.items()):
            self._add(Ledger(Window(limit, seconds), clock=self._clock), now)
        for rule in self.known:
            # In long windows a wrong guess would cost hours, and a 429 costs no more than it says.
            if used and isinstance(rule, Ledger) and rule.seconds <= LONGEST_SHARED:
                rule.counted_elsewhere(used.get(rule.seconds, 0), now)

    def _rule(self, window: Window) -> Ledger | Pace:
        rate = window.limit / window.seconds
        if window.kind in ("as a bucket", "evenly"):
            burst = window.limit if window.kind == "as a bucket" else 1
            return Pace(rate, burst=burst, most=rate, seconds=window.seconds)
        return Ledger(window, clock=self._clock)

    def _add(self, ledger: Ledger, now: float) -> None:
        since = now - ledger.seconds
        ledger.calls.extend(call for call in self._recent if call.at is None or call.at > since)
        self.known.append(ledger)


def is_learned(rule: Ledger | Pace) -> TypeGuard[Ledger]:
    """Whether it is a window that 429s taught."""
    return isinstance(rule, Ledger) and rule.learned
