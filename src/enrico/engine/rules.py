"""All limits of one key: those that are known, a guess where none is, and what 429s teach.

Limits that settings or the provider name are kept to exactly. Where none is known, calls go out
evenly spaced and faster with every answer, until a 429. What a wall of 429s teaches depends on
how long it stands (:meth:`Rules.learn`). Knows no event loop: every time comes as an argument.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeGuard

from enrico.engine.guesses import is_bucket, on_the_clock
from enrico.engine.windows import Ledger, Pace, Sent, Window

SPREAD = 0.1
"""Seconds. Two requests sent together may be counted this far apart at the provider. A calm network
may show that it is less, a wall that it is more."""
SPREAD_LEAST = 0.05
SPREAD_MOST = 0.5
CONNECTIONS_MEASURED = 4
SHORT_WALL = 2.0
"""Seconds. Up to here a wall does not say which window is full."""
FULL = 0.75
"""A known window that let through so much of its limit was full."""
RIGHT = 0.9
"""One of a second that let through so much, counting all that may belong to it, is right."""
STORM = 0.3
"""One that let through less was not even near it: the provider is in trouble, the limit right. So
no pace that is learnt beside known limits is slower either."""
A_FIFTH_LESS = 0.8
SURE = 0.95
"""So much is kept of a pace that one second measured: calls are counted early or late."""
SURE_REFILL = 0.98
"""And so much of how fast a bucket is refilled, which is measured for longer."""
ENOUGH = 10
"""Calls let through that say how many a second are."""
CROWD = 3
"""So many calls that one wall refused at once are no accident at a window's edge."""
LATE = 3.0
"""Seconds after which a steady pace that is refused is too fast by no more than calls vary."""
DOUBT_SECONDS = 60.0
"""A wall that a known window does not explain is believed if another follows within so long, or
within two of the window."""
AGAIN_WINDOWS = 2
"""A learnt window that is full at two walls within so many of itself is too large."""
SLOWEST = 1 / 60
"""Calls a second."""
TRY_AFTER = 900.0
"""Seconds without a wall until a learnt limit is tried higher; doubles each time that fails."""
TRY_SHARE = 0.05
LONGEST_SHARED = 60.0


@dataclass(slots=True)
class Wall:
    """429s from the first one until a call is served again."""

    at: float
    """When the call left that met it first."""
    ends: float
    """Until when it is known to stand: the last call that met it, and that one's Retry-After."""
    looked: float = math.inf
    """When the last call left that was to look whether it still stands."""
    again: float | None = None
    """When the first call left after that one, or it itself, that was refused again."""

    @property
    def seconds(self) -> float:
        """How long it is known to stand."""
        return self.ends - self.at


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
        self._last_wall = -math.inf
        self._resumed = -math.inf  # when calls were let through again after it
        self._before: tuple[Pace | None, float, float] = (None, -math.inf, -math.inf)
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
        found = [str(rule) for rule in self.known if _learned(rule)]
        return [*found, str(self.pace)] if self.is_paced else found

    @property
    def taught(self) -> Taught:
        """The same for other processes, and a guess as far as it has grown."""
        return Taught(
            tuple((rule.limit, rule.seconds) for rule in self.known if _learned(rule)),
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

    # -- learning -------------------------------------------------------------------------

    def learn(self, wall: Wall, resumed: float) -> str:
        """What the end of *wall* teaches, as text; empty when nothing.

        *resumed*: when the call left that was let through again.

        A wall of more than two seconds says when it ends, and so which window is full and since
        when: what was let through since is its limit. A shorter one teaches a pace.
        """
        if wall.at == self._last_wall:  # it stands yet: what it seemed to teach was too little
            self.pace, before, began = self._before
        else:
            self._patience *= 2 if self.learned else 1
            before, began = self._last_wall, self._resumed
            self._before = self.pace, before, began
        self._try_at = wall.ends + self._patience
        self.saw(wall, resumed)
        for rule in self.known:
            through = self._let_through(rule.seconds, wall.at)
            if not isinstance(rule, Ledger):
                continue
            if rule.sure and through >= FULL * rule.sure:
                rule.learn(rule.sure)  # it was tried higher, and that was too much
                return str(rule)
            full = rule.learned and through >= FULL * rule.limit and wall.seconds <= SHORT_WALL
            if full and wall.at - before < AGAIN_WINDOWS * rule.seconds:
                rule.learn(min(through, rule.limit - max(1, rule.limit // 50)))
                return str(rule)
        if wall.seconds <= SHORT_WALL:
            return self._learn_pace(wall, before, began)
        seconds = next((s for s in (60.0, 3600.0) if wall.seconds <= s), 86400.0)
        # It ends then at the latest: providers give whole seconds, rounded up.
        opened = wall.ends - 1 - seconds
        through = self._sent(opened - self.spread, wall.at)
        ledger = next(
            (rule for rule in self.known if isinstance(rule, Ledger) and rule.seconds == seconds),
            None,
        )
        if ledger is None:
            if self._configured or not through:
                return ""
            ledger = Ledger(Window(through, seconds), clock=self._clock, learned=True)
            self._add(ledger, wall.at)
        elif not ledger.learned:
            storm = through < STORM * ledger.limit
            if storm or (through > FULL * ledger.limit and self._widen()):
                return ""
        ledger.learn(through)
        return str(ledger)

    def saw(self, wall: Wall, resumed: float) -> None:
        """*wall* stood, and calls go out again since *resumed*."""
        self._last_wall, self._resumed = wall.at, resumed

    def _learn_pace(self, wall: Wall, before: float, began: float) -> str:
        """A bucket is empty, or a window of a second full."""
        if self.pace is not None and self.is_paced:
            return self._slow_down(self.pace.rate, wall, before, began)
        rates = []
        doubtful = 0.0
        for rule in self.known:
            if not isinstance(rule, Ledger) or rule.learned:
                continue
            through = self._let_through(rule.seconds, wall.at)
            if through > RIGHT * rule.limit and rule.seconds <= SHORT_WALL and self._widen():
                return ""  # right, and the network's delay varies more than was thought
            if through >= STORM * rule.limit:
                rates.append(through / (rule.seconds + self._filled_in(rule.seconds, wall)))
                doubtful = max(doubtful, DOUBT_SECONDS, 2 * rule.seconds)
        if rates and not self._crowd(wall) and wall.at > before + doubtful:
            self._widen()
            return ""  # one call that came at a bad moment says nothing of the limit
        if not rates and not self._configured:
            through = self._sent(wall.at - 1, wall.at)
            if through < ENOUGH:  # one more that was counted late or early makes a difference
                until = wall.at + self.spread
                through = self._sent(wall.at - 1, until)
                through += self._sent(wall.at - 1 - self.spread, until) > through
            rates = [through / (1 + self.spread)]
        sure = SURE_REFILL if doubtful > DOUBT_SECONDS else SURE
        return self._keep_pace(min(rates), sure) if any(rates) else ""

    def _filled_in(self, seconds: float, wall: Wall) -> float:
        """Seconds beyond the window in which what it let through would be let through evenly.

        A long window that opened with the first call would stand for longer than the wall did. So
        it is a bucket, which was full at first and refilled meanwhile.
        """
        first = next((call.left for call in self._recent if call.left is not None), wall.at)
        took = wall.at - first
        return took if self.spread < took < seconds - SHORT_WALL else self.spread

    def _slow_down(self, pace: float, wall: Wall, before: float, began: float) -> str:
        """*pace* was too fast, at which calls went out since *began*, after the wall *before*."""
        times = sorted(call.left for call in self._recent if call.left and not call.refused)
        took = wall.at - max(began, times[0] if times else wall.at)
        through = self._sent(wall.at - took - self.spread / 2, wall.at + self.spread)
        if took <= 0 or not through:
            return ""  # nothing is let through: it is no matter of pace
        if through == 1 or before == -math.inf:  # far too fast, or learnt in another run
            return self._keep_pace(pace * A_FIFTH_LESS)
        quiet = began - max((at for at in times if at < began), default=-math.inf)
        if took <= 1 + self.spread / 2 and quiet >= 1 - self.spread:
            # Nothing counted when it began, so a window of a second is full since then.
            return self._keep_pace(min(through / (1 + self.spread), pace))
        # A bucket was empty at the wall before, and is again. One for a second fills in a second.
        empty = max(before, began - 1)
        late = self.spread / 2  # of those that left together at a wall some were let through
        refill = self._sent(empty + late, wall.at + late) / (wall.at - empty)
        if is_bucket(times, refill, before):
            return self._keep_pace(refill, SURE_REFILL)
        limit = on_the_clock(times, (before, wall.at), self.spread / 2)
        slower = pace * A_FIFTH_LESS if took < LATE else pace / (1 + self.spread)
        return self._keep_pace(slower if limit is None else min(limit / (1 + self.spread), pace))

    def _keep_pace(self, rate: float, sure: float = SURE) -> str:
        known = [rule.rate for rule in self.known if not _learned(rule)]
        rate = max(rate * sure, STORM * min(known, default=0.0), SLOWEST)
        self.pace = Pace(rate, most=rate)
        return str(self.pace)

    def _let_through(self, seconds: float, until: float) -> int:
        """Calls in a window of so many seconds, those counted that may belong to it.

        The refused one may have been counted late, and those before it early; or those after it.
        """
        # A spread that walls made wide would let in calls of other windows.
        spread = min(self.spread, 2 * SPREAD)
        return self._sent(until - seconds - 2 * spread, until + spread)

    def latest(self, wall: Wall) -> Wall:
        """*wall*; or the next one, if calls were let through after one had looked and before others
        were refused."""
        if wall.again is None or not self._sent(wall.looked, wall.again):
            return wall
        return Wall(wall.again, wall.ends)

    def in_flight_at(self, wall: Wall) -> int:
        """How many calls were under way at *wall* that were not refused; 0 if it met few calls.

        One call that is refused by itself may have come at a bad moment.
        """
        if not self._crowd(wall):
            return 0
        return sum(
            call.left <= wall.at and (call.over is None or call.over > wall.at) and not call.refused
            for call in self._recent
            if call.left is not None
        )

    def _crowd(self, wall: Wall) -> bool:
        """Whether the wall met many calls at once, before anybody knew of it."""
        met = (call for call in self._recent if call.refused and call.at is not None)
        return sum(wall.at - 1 < (call.at or 0.0) <= wall.at + 1 for call in met) >= CROWD

    def _sent(self, since: float, until: float) -> int:
        """Calls that left then and were not refused."""
        return sum(
            not call.refused
            for call in self._recent
            if call.left is not None and since < call.left <= until
        )

    def _widen(self) -> bool:
        """Take the network to vary twice as much; False when that explains no more walls."""
        if self.spread >= SPREAD_MOST:
            return False
        self.spread = min(2 * self.spread, SPREAD_MOST)
        return True

    @property
    def _configured(self) -> bool:
        """Whether all limits were known: then a new one is learnt only beside a full window."""
        return self._guessed is None and not all(_learned(rule) for rule in self.known)

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


def _learned(rule: Ledger | Pace) -> TypeGuard[Ledger]:
    return isinstance(rule, Ledger) and rule.learned
