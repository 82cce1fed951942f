"""One limiter for each (provider, key): who may send next, and when.

What is allowed stands in :mod:`enrico.engine.rules`, what 429s teach in
:mod:`enrico.engine.lessons`. Here are the queue with its fast lane, the calls in flight, and the
park after a 429. It takes time from the running event loop only, so a test may run it on a virtual
clock.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from enrico.engine.lessons import LearningRules, Wall
from enrico.engine.rules import SPREAD
from enrico.engine.windows import Sent, Window

PARK_WITHOUT_RETRY_AFTER = 1.0
PARK_GROWTH = 1.5
PARK_LONGEST = 10.0
FAST_LANE = 0
BATCH_LANE = 1
HEADROOM = 1.5
"""Calls take up to so many times their mean, where as many as needed are let out at once."""
NO_NEWS = 1.5
NO_NEWS_SECONDS = 0.1
"""A call that was not refused after so many times what refusals take, and so many seconds more, was
let through."""
MOST_CALM_ROUNDS = 64
"""As many calls at once as a wall taught are answered so often, at most, until one more is tried;
at first twice, and twice as often after each wall."""
RESTED = 0.9
"""Seconds from a wall to the next call, after which no call of a window of a second counts."""
FIRST_BURST = 50
"""So many calls may be in flight at first, or half of a configured limit if that is more; then as
many as were answered. A limit that is twice too high so costs few 429s, and a small run no time."""


class TooLate(Exception):
    """Leave was given too long ago to send the call now: ask anew."""


class Slot:
    """Leave to send one call. Mark it ``sent`` when it leaves; always release it."""

    __slots__ = ("_limiter", "call", "waited", "waited_for")

    def __init__(self, limiter: Limiter, waited: float, waited_for: str) -> None:
        self._limiter = limiter
        self.call = Sent()
        self.waited = waited
        """Seconds from asking to leave."""
        self.waited_for = waited_for
        """What held it back at last: a limit, ``an unknown limit``, ``concurrency``, ``429``, or
        ``earlier answers``, which show that a limit is right; empty: nothing."""

    def sent(self) -> None:
        """The request leaves now. Raises TooLate when it must not any more."""
        self._limiter._leaves(self.call)

    def release(self) -> None:
        """The answer is in, or the call will not be made."""
        self._limiter._released(self.call)


class Waiting(NamedTuple):
    """Somebody who waits for leave; whoever is first in order goes first."""

    lane: int
    order: int
    asked: float
    owner: object
    call: object
    future: asyncio.Future[Slot]


class Limiter:
    """Admits calls so that a known limit yields no 429, and learns limits that are not known.

    ``assumed`` windows are a guess: calls begin at its pace, and what the provider names replaces
    it. ``learned``: what an earlier run found out, in place of that guess.
    ``by_concurrency``: the provider limits calls at once, not a rate (DeepSeek); a 429 lowers that.
    ``typical_seconds``: for a dear provider, the mean time of a call until it is measured. No more
    calls are in flight then than the windows can keep busy (Little's law), because those are what
    a crash leaves in doubt.
    """

    def __init__(
        self,
        windows: Sequence[Window] = (),
        *,
        concurrency: int,
        assumed: bool = False,
        learned: Sequence[Window] = (),
        by_concurrency: bool = False,
        typical_seconds: float | None = None,
        spread: float = SPREAD,
    ) -> None:
        by_clock = any(window.kind == "by the clock" for window in windows)
        clock = time.time() - asyncio.get_running_loop().time() if by_clock else 0.0
        self._rules = LearningRules(
            windows, assumed=assumed, learned=learned, spread=spread, clock=clock
        )
        self._concurrency = self._most_at_once = concurrency
        self._by_concurrency = by_concurrency
        self._first: float = math.inf  # so many may be in flight before any answer
        if windows and not assumed:
            self._first = max(FIRST_BURST, min(window.limit for window in windows) // 2)
        self._answered = 0
        self._seconds = typical_seconds
        self._expected = math.inf
        self._of_batch = 0
        self._all = math.inf  # calls of the batch, those that were sent among them
        self._accepted = 0  # calls accepted since the concurrency was last changed
        self._calm_rounds = 1
        self._in_flight = 0
        self._queue: list[Waiting] = []
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wall: Wall | None = None
        self._probe: Sent | None = None  # looks whether the wall still stands
        self._rested = False
        self._refusal_takes = 0.0
        self._taught = ""
        self._parked_until = 0.0
        self._parks_in_a_row = 0
        self._hushed = 0
        self._calm = asyncio.Event()
        self._held_by = ""

    # -- asking ---------------------------------------------------------------------------

    async def slot(self, lane: int = BATCH_LANE, owner: object = None, call: object = None) -> Slot:
        """Wait for leave to send one call; a lower *lane* goes first.

        *owner* is for whom, see :meth:`turn_away`; *call* what for, see :meth:`hurry`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Slot] = loop.create_future()
        waiting = Waiting(lane, self._order, loop.time(), owner, call, future)
        heapq.heappush(self._queue, waiting)
        self._order += 1
        self._pump()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                future.result().release()
            raise

    def expect(self, calls: int, of: int = 0) -> None:
        """About so many more calls are to come: it decides which windows bind at all.

        *of*: where they are a part of a batch, how many calls all of it takes.
        """
        self._of_batch = of or self._of_batch
        self._expected = calls + (max(0, self._expected) if self._expected < math.inf else 0)
        self._all = max(self._expected, self._of_batch)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows kept to at present."""
        return tuple(rule.window for rule in self._rules.all)

    @property
    def learned(self) -> list[str]:
        """Limits that 429s taught, as text; a later run may begin with them."""
        return self._rules.learned

    @property
    def concurrency(self) -> int:
        """The most calls in flight at once."""
        return self._concurrency

    @property
    def at_once(self) -> int:
        """The most calls in flight at present: fewer where the windows allow no more anyway."""
        if self._seconds is None:
            return self._concurrency
        rate = self._rules.binding_rate(self._expected)
        if rate == math.inf:
            return self._concurrency
        needed = math.ceil(rate * self._seconds * HEADROOM)
        return max(1, min(self._concurrency, needed))

    @property
    def waiting(self) -> int:
        """How many wait for leave."""
        return len(self._queue)

    def parked_for(self) -> float:
        """Seconds until the key may be used again; 0 when it is not parked."""
        return max(0.0, self._parked_until - asyncio.get_running_loop().time())

    def remember(self, seconds_ago: Iterable[float]) -> None:
        """Count calls that an earlier process sent, so that a restart keeps a half-spent window."""
        now = asyncio.get_running_loop().time()
        for age in sorted(seconds_ago, reverse=True):
            self._rules.count(Sent(at=now - age), now - age)

    def network(self, seconds: Sequence[float]) -> None:
        """Opening connections took so long: a calm network needs less of a margin."""
        self._rules.network(seconds)

    # -- being told -----------------------------------------------------------------------

    def told(self, windows: Iterable[Window], used: Mapping[float, int] | None = None) -> None:
        """The provider named its own limits: they replace guesses, and only tighten settings.

        A limit of 0 means that the provider has none for that period. *used*: the calls that it
        has counted, by period; what we did not send, another program on the same key did.
        """
        named = {window.seconds: window.limit for window in windows}
        if named:
            self._first = math.inf
            self._rules.told(named, used, asyncio.get_running_loop().time())
            self._pump()

    def rate_limited(self, slot: Slot, retry_after: float | None) -> float:
        """A 429 came for *slot*: park the whole key once. Returns the seconds it is parked."""
        now = asyncio.get_running_loop().time()
        slot.call.refused = True
        left = slot.call.at or now
        self._refusal_takes = max(self._refusal_takes, now - left)
        if now < self._parked_until:
            return self._parked_until - now  # the same wall, met by calls already under way
        if self._wall is None:
            self._wall = Wall(at=left, ends=left)
            self._refusal_takes = now - left
            self._taught = ""
        self._wall.ends = left + (retry_after or 0.0)
        if self._wall.again is None and left >= self._wall.looked:
            self._wall.again = left
        self._probe = None
        if not self._by_concurrency:
            self._first, self._answered = 1, 0
        self._parks_in_a_row += 1
        wait = retry_after
        if wait is None:
            growth = PARK_GROWTH ** min(self._parks_in_a_row - 1, 10)
            wait = min(PARK_WITHOUT_RETRY_AFTER * growth, PARK_LONGEST)
        self._parked_until = now + max(wait, 0.05)
        self._pump()
        return wait

    def succeeded(self, slot: Slot) -> str:
        """The call of *slot* was accepted: the key is open again, and a learned limit may grow.

        Returns the limits that a wall before it has taught, as text; empty when it taught none.
        """
        now = asyncio.get_running_loop().time()
        left = slot.call.at or now
        if self._wall is not None and left >= self._parked_until:
            self._wall_is_over(left)
        taught, self._taught = self._taught, ""
        self._rules.accepted(now)
        if self._seconds is not None:
            self._seconds += (now - left - self._seconds) / 16
        self._answered += 1
        self._accepted += 1
        tried = self._accepted > self._calm_rounds * self._concurrency
        if tried and self._concurrency < self._most_at_once:
            self._concurrency, self._accepted = self._concurrency + 1, 0
        self._pump()
        return taught

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """While inside, nothing is in flight: nobody gets leave, those under way have ended."""
        self._hushed += 1
        try:
            while self._in_flight:
                self._calm.clear()
                await self._calm.wait()
            yield
        finally:
            self._hushed -= 1
            self._pump()

    def hurry(self, call: object) -> None:
        """Whoever waits for leave to send *call* goes into the fast lane."""
        for place, waiting in enumerate(self._queue):
            if waiting.call is call:
                self._queue[place] = waiting._replace(lane=FAST_LANE)
        heapq.heapify(self._queue)
        self._pump()

    def turn_away(self, owner: object, error: Exception) -> None:
        """Everybody who waits for *owner* is told why nothing more is sent."""
        for waiting in self._queue:
            if waiting.owner is owner and not waiting.future.done():
                waiting.future.set_exception(error)
        self._pump()

    # -- inside ---------------------------------------------------------------------------

    def _learn(self, wall: Wall, resumed: float) -> str:
        """What a wall teaches; if it stands yet, it is met again, and teaches again."""
        if self._by_concurrency:
            under_way = self._rules.in_flight_at(wall)
            fewer = min(under_way, self._concurrency - 1) or self._concurrency * 2 // 3
            self._concurrency, self._accepted = max(1, fewer), 0
            self._calm_rounds = min(2 * self._calm_rounds, MOST_CALM_ROUNDS)
            return f"{self._concurrency} at once"
        return self._rules.learn(wall, resumed)

    def _wall_is_over(self, left: float) -> None:
        """A call that *left* after it was let through."""
        self._wall = self._probe = None
        self._parks_in_a_row = 0

    def _try_anew(self, call: Sent, at: float) -> None:
        """*call* leaves at *at* to look whether the wall still stands."""
        assert self._wall is not None
        self._wall = self._rules.latest(self._wall)
        self._wall.looked, self._wall.again = at, None
        self._taught = self._learn(self._wall, at) or self._taught
        self._probe = call
        self._rested = at - self._wall.at >= RESTED
        if self._rules.is_paced and self._rested:
            self._first = math.inf  # evenly spaced calls never meet a wall all at once

    def _hear_no_news(self, now: float) -> None:
        """A refusal would have come by now: the call that looks was let through."""
        if self._probe is not None and self._probe.at is not None and now >= self._no_news_at:
            self._wall_is_over(self._probe.at)

    @property
    def _waits_for_news(self) -> bool:
        """Whether all wait for the call that looks; not if it costs little that the wall stands."""
        if self._wall is None or self._probe is None:
            return False
        return self._parks_in_a_row > 1 or not self._rules.is_paced or not self._rested

    @property
    def _no_news_at(self) -> float:
        if self._probe is None or self._probe.at is None:
            return math.inf
        return self._probe.at + NO_NEWS * self._refusal_takes + NO_NEWS_SECONDS

    def _released(self, call: Sent) -> None:
        if call is self._probe:
            self._probe = None
        self._in_flight -= 1
        if not self._in_flight:
            self._calm.set()
        if call.at is None:  # never left: it counts nowhere
            self._rules.take_back(call)
        else:
            call.over = asyncio.get_running_loop().time()
        self._pump()

    def _leaves(self, call: Sent) -> None:
        call.at = asyncio.get_running_loop().time()
        self._pump()

    def _pump(self) -> None:
        """Give leave to those who wait, as many as every window and the concurrency allow."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while (first := self._first_waiting()) is not None:
            now = loop.time()
            self._hear_no_news(now)
            at, why = self._free_at(now, first.lane)
            if at > now:
                self._held_by = why
                if at != math.inf:
                    self._timer = loop.call_at(at, self._pump)
                return
            first.future.set_result(self._admit(now, self._held_by))
        self._held_by = ""

    def _first_waiting(self) -> Waiting | None:
        """Whose turn it is, if anybody may go."""
        while self._queue and not self._hushed:
            if not self._queue[0].future.done():
                return self._queue[0]
            heapq.heappop(self._queue)  # the one who waited was cancelled, or turned away
        return None

    def _admit(self, at: float, why: str) -> Slot:
        """The first who waits may go at *at*; *why* held him back until then."""
        waited = at - heapq.heappop(self._queue).asked
        slot = Slot(self, waited, why if waited > 0 else "")
        self._in_flight += 1
        self._expected -= 1
        if self._wall is not None and self._probe is None:
            self._try_anew(slot.call, at)
        self._rules.count(slot.call, at)
        return slot

    def _free_at(self, now: float, lane: int) -> tuple[float, str]:
        """When the next call may leave, and what holds it back; infinity: after an answer."""
        # After a wall one call goes first, so that the next wall is not met by all.
        if self._waits_for_news:
            return self._no_news_at, "429"
        if self._in_flight >= self._most_in_flight(now):
            return math.inf, "concurrency"
        if self._in_flight >= max(self._first, self._answered):
            return math.inf, "earlier answers"
        to_come = max(self._expected, self._of_batch) if lane > FAST_LANE else 0
        free, why = self._rules.free_at(now, to_come=to_come, of=self._all)
        return (free, why) if free > self._parked_until else (self._parked_until, "429")

    def _most_in_flight(self, now: float) -> int:
        return self.at_once
