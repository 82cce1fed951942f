"""What walls of 429s teach about the limits of a key.

A known limit that is met was counted otherwise than was thought, or is lower than it was set; one
that nobody names is found so. It depends on how long a wall stands: see
:meth:`LearningRules.learn`. Knows no event loop: every time comes as an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from enrico.engine.guesses import is_bucket, on_the_clock
from enrico.engine.rules import SPREAD, Rules, is_learned
from enrico.engine.windows import Ledger, Pace, Window

SPREAD_MOST = 0.5
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


class LearningRules(Rules):
    """Windows, buckets and a pace, and what walls say about them."""

    _last_wall = -math.inf
    _resumed = -math.inf  # when calls were let through again after it
    _before: tuple[Pace | None, float, float] = (None, -math.inf, -math.inf)

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
            if not isinstance(rule, Ledger):
                continue
            through = self._let_through(rule.seconds, wall.at)
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
        rates: list[tuple[float, float]] = []  # and how much of it is sure
        doubtful = 0.0
        for rule in self.known:
            if not isinstance(rule, Ledger) or rule.learned:
                continue
            through = self._let_through(rule.seconds, wall.at)
            if through > RIGHT * rule.limit and rule.seconds <= SHORT_WALL and self._widen():
                return ""  # right, and the network's delay varies more than was thought
            if through >= STORM * rule.limit:
                rate = through / (rule.seconds + self._filled_in(rule.seconds, wall))
                rates.append((rate, SURE if rule.seconds <= SHORT_WALL else SURE_REFILL))
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
            if through:
                rates = [(through / (1 + self.spread), SURE)]
        return self._keep_pace(*min(rates)) if rates else ""

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
        known = [rule.rate for rule in self.known if not is_learned(rule)]
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
        return self._guessed is None and not all(is_learned(rule) for rule in self.known)
