"""One limiter for each (provider, key): several windows and a concurrency limit at once.

It gives leave so that a known limit yields no 429, learns limits that nobody names, and lets the
fast lane go first. It takes time from the running event loop only, so a test may run it on a
virtual clock.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from enrico.engine.windows import Ledger, Sent, Window

SPREAD_FLOOR = 0.05
"""Seconds. Two requests sent together may be counted this far apart at the provider; a wall that
no limit explains teaches more."""
SPREAD_MOST = 0.5
PARK_WITHOUT_RETRY_AFTER = 1.5
PARK_GROWTH = 1.5
PARK_LONGEST = 10.0
FAST_LANE = 0
BATCH_LANE = 1
LONGEST_SHARED = 60.0
LONG_BATCH = 10
"""Windows that a batch must fill before it leaves room for the fast lane."""
HEADROOM = 1.5
"""Calls take up to so many times their mean, where as many as needed are let out at once."""


class Slot:
    """Leave to send one call. Mark it ``sent`` when it leaves; always release it."""

    __slots__ = ("_limiter", "call", "waited", "waited_for")

    def __init__(self, limiter: Limiter, waited: float, waited_for: str) -> None:
        self._limiter = limiter
        self.call = Sent()
        self.waited = waited
        """Seconds from asking to leave."""
        self.waited_for = waited_for
        """What held it back at last: a window, ``concurrency`` or ``429``; empty: nothing."""

    def sent(self) -> None:
        """The request leaves now."""
        self.call.at = asyncio.get_running_loop().time()
        self._limiter._pump()

    def release(self) -> None:
        """The answer is in, or the call will not be made."""
        self._limiter._released(self.call)


class Limiter:
    """Admits calls so that a known limit yields no 429, and learns limits that are not known.

    ``assumed`` windows are guesses: the first figure that the provider gives replaces them.
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
        by_concurrency: bool = False,
        typical_seconds: float | None = None,
        spread: float = SPREAD_FLOOR,
    ) -> None:
        self._ledgers = [
            self._ledger(w, ceiling=math.inf if assumed else w.limit, guessed=assumed)
            for w in windows
        ]
        self._assumed = assumed
        self._configured = bool(windows) and not assumed
        self._spread = spread
        self._concurrency = self._most_at_once = concurrency
        self._by_concurrency = by_concurrency
        self._seconds = typical_seconds
        self._expected = math.inf
        self._accepted = 0  # calls accepted since the concurrency was last changed
        self._in_flight = 0
        self._queue: list[tuple[int, int, float, object, object, asyncio.Future[Slot]]] = []
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None
        self._recent: deque[Sent] = deque(maxlen=4096)
        # When the refused call left, and its Retry-After.
        self._wall: tuple[float, float | None] | None = None
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
        heapq.heappush(self._queue, (lane, self._order, loop.time(), owner, call, future))
        self._order += 1
        self._pump()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                future.result().release()
            raise

    def expect(self, calls: int) -> None:
        """About so many more calls are to come: it decides which windows bind at all."""
        self._expected = calls + (max(0, self._expected) if self._expected < math.inf else 0)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows kept to at present."""
        return tuple(ledger.window for ledger in self._ledgers)

    @property
    def learned(self) -> list[str]:
        """Windows that 429s taught, as text; a later run may begin with them."""
        return [str(ledger) for ledger in self._ledgers if ledger.learned]

    @property
    def concurrency(self) -> int:
        """The most calls in flight at once."""
        return self._concurrency

    @property
    def at_once(self) -> int:
        """The most calls in flight at present: fewer where the windows allow no more anyway."""
        if self._seconds is None:
            return self._concurrency
        rates = [item.limit / item.seconds for item in self._ledgers if item.limit < self._expected]
        if not rates:
            return self._concurrency
        needed = math.ceil(min(rates) * self._seconds * HEADROOM)
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
            self._count(Sent(at=now - age))

    # -- being told -----------------------------------------------------------------------

    def told(self, windows: Iterable[Window], used: Mapping[float, int] | None = None) -> None:
        """The provider named its own limits: they replace guesses, and only tighten settings.

        A limit of 0 means that the provider has none for that period. *used*: the calls that it
        has counted, by period; what we did not send, another program on the same key did.
        """
        all_named = {window.seconds: window.limit for window in windows}
        if not all_named:
            return
        named = {seconds: limit for seconds, limit in all_named.items() if limit > 0}
        if self._assumed:
            self._replace_guesses(all_named)
        now = asyncio.get_running_loop().time()
        for ledger in self._ledgers:
            limit = named.pop(ledger.seconds, None)
            if limit is not None:
                ledger.ceiling = min(ledger.ceiling, limit)
                ledger.limit = int(min(ledger.limit, limit))
        for seconds, limit in sorted(named.items()):
            self._add(self._ledger(Window(limit, seconds), ceiling=limit))
        for ledger in self._ledgers:
            # In long windows a wrong guess would cost hours, and a 429 costs no more than it says.
            if used and ledger.seconds in used and ledger.seconds <= LONGEST_SHARED:
                ledger.counted_elsewhere(used[ledger.seconds], now)
        self._pump()

    def _replace_guesses(self, named: Mapping[float, int]) -> None:
        """Drop guesses for periods that the provider names, and slacker ones for longer periods.

        A guess for a shorter period is kept, no tighter than an even spread of what is named: it
        costs nothing over a long run, and a burst may meet a limit that the provider is silent on.
        """
        self._assumed = False
        kept = []
        for ledger in self._ledgers:
            if ledger.learned:
                kept.append(ledger)
            elif ledger.seconds < min(named):
                even = max(
                    (math.ceil(limit * ledger.seconds / s) for s, limit in named.items()), default=0
                )
                ledger.limit = max(ledger.limit, even)
                ledger.trust()
                kept.append(ledger)
        self._ledgers = kept

    def rate_limited(self, slot: Slot, retry_after: float | None) -> float:
        """A 429 came for *slot*: park the whole key once. Returns the seconds it is parked."""
        now = asyncio.get_running_loop().time()
        slot.call.refused = True
        for ledger in self._ledgers:
            ledger.refused(slot.call)
        if now < self._parked_until:
            return self._parked_until - now  # the same wall, met by calls already under way
        if self._wall is None:
            self._wall = (slot.call.at or now, retry_after)
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
        self._parks_in_a_row = 0
        now = asyncio.get_running_loop().time()
        taught = ""
        if self._wall is not None and now >= self._parked_until:
            at, retry_after = self._wall
            self._wall = None
            taught = self._learn(at, retry_after)
        for ledger in self._ledgers:
            ledger.accepted(slot.call)
        if self._seconds is not None and slot.call.at is not None:
            self._seconds += (now - slot.call.at - self._seconds) / 16
        self._accepted += 1
        if self._accepted > 2 * self._concurrency and self._concurrency < self._most_at_once:
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
        for place, (_, *rest) in enumerate(self._queue):
            if rest[3] is call:
                self._queue[place] = (FAST_LANE, *rest)  # type: ignore[assignment]
        heapq.heapify(self._queue)
        self._pump()

    def turn_away(self, owner: object, error: Exception) -> None:
        """Everybody who waits for *owner* is told why nothing more is sent."""
        for *_, whose, _, future in self._queue:
            if whose is owner and not future.done():
                future.set_exception(error)
        self._pump()

    # -- inside ---------------------------------------------------------------------------

    def _ledger(self, window: Window, *, ceiling: float, guessed: bool = False) -> Ledger:
        clock = time.time() - asyncio.get_running_loop().time() if window.by_clock else 0.0
        return Ledger(window, ceiling=ceiling, guessed=guessed, clock=clock)

    def _add(self, ledger: Ledger) -> None:
        since = asyncio.get_running_loop().time() - ledger.seconds
        ledger.calls.extend(c for c in self._recent if c.at is not None and c.at > since)
        self._ledgers.append(ledger)

    def _learn(self, wall_at: float, retry_after: float | None) -> str:
        """What was let through before the wall is the limit, unless a known one explains it."""
        if self._by_concurrency:
            self._concurrency, self._accepted = max(1, self._concurrency * 2 // 3), 0
            return f"{self._concurrency} at once"
        seconds = 1.0
        if retry_after is not None and retry_after > 2.0:
            seconds = next((s for s in (60.0, 3600.0) if retry_after <= s), 86400.0)
        opened = wall_at - seconds
        if seconds > 1.0 and retry_after is not None:
            opened += retry_after - 1.0  # it ends then, in seconds that are rounded up
        let_through = sum(
            not call.refused
            for call in self._recent
            if call.at is not None and opened - self._spread < call.at <= wall_at
        )
        ledger = next((item for item in self._ledgers if item.seconds == seconds), None)
        if ledger is None:
            if self._configured:
                return ""
            ledger = self._ledger(Window(max(1, let_through), seconds), ceiling=math.inf)
            self._add(ledger)
        elif 3 * let_through < ledger.limit and not ledger.guessed:
            return ""  # far fewer than the limit were let through: a storm, no wrong limit
        elif 4 * let_through > 3 * ledger.limit and not (
            ledger.raised or self._spread >= SPREAD_MOST
        ):
            # The limit is right, and the network's delay varies more than was thought.
            self._spread = min(self._spread * 1.5, SPREAD_MOST)
            return ""
        ledger.lower(let_through)
        return str(ledger)

    def _count(self, call: Sent) -> None:
        self._recent.append(call)
        for ledger in self._ledgers:
            ledger.add(call)

    def _released(self, call: Sent) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._calm.set()
        if call.at is None:  # never left: it counts nowhere
            for ledger in self._ledgers:
                ledger.take_back(call)
        else:
            call.over = asyncio.get_running_loop().time()
        self._pump()

    def _pump(self) -> None:
        """Give leave to those who wait, as many as every window and the concurrency allow."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._queue and not self._hushed:
            lane, _, asked, *_, future = self._queue[0]
            if future.done():  # the one who waited was cancelled, or turned away
                heapq.heappop(self._queue)
                continue
            now = loop.time()
            at, why = self._free_at(now, lane)
            if at > now:
                self._held_by = why
                if at != math.inf:
                    self._timer = loop.call_at(at, self._pump)
                return
            heapq.heappop(self._queue)
            waited = now - asked
            slot = Slot(self, waited, self._held_by if waited > 0 else "")
            self._in_flight += 1
            self._expected -= 1
            self._count(slot.call)
            future.set_result(slot)
        self._held_by = ""

    def _free_at(self, now: float, lane: int) -> tuple[float, str]:
        """When the next call may leave, and what holds it back; infinity: after an answer."""
        # After a wall one call goes first, so that the next wall is not met by all.
        if self._wall is not None and self._in_flight:
            return math.inf, "429"
        if self._in_flight >= self.at_once:
            return math.inf, "concurrency"
        at, why = self._parked_until, "429"
        for ledger in self._ledgers:
            if self._in_flight and ledger.feels_its_way:
                return math.inf, f"{ledger}, a guess"
            long = LONG_BATCH * ledger.limit < self._expected < math.inf
            reserve = long and lane > FAST_LANE
            free = ledger.free_at(now, self._spread, reserve=reserve)
            if free > at:
                at, why = free, str(ledger)
        return at, why
