"""One limiter for each (provider, key): several windows and a concurrency limit at once.

A fixed window opens at the first request and a sliding one never closes, so a token bucket as
large as the limit lets up to twice the limit through (rule L1). This limiter keeps a ledger of
sends instead: a call counts from its send until one window after the latest moment at which the
provider may have counted it. That moment is the send plus the spread of the network's delay.

It takes time from the running event loop only, so a test may run it on a virtual clock.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from enrico.errors import ConfigError

_PERIODS = {
    "s": 1.0, "sec": 1.0, "second": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
}  # fmt: skip
SPREAD_FLOOR = 0.05
"""Seconds. Two requests sent together may be counted this far apart at the provider."""
PARK_WITHOUT_RETRY_AFTER = 1.5
PARK_GROWTH = 1.5
PARK_LONGEST = 10.0
GROWTH_PATIENCE_MOST = 64


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` calls in any ``seconds``."""

    limit: int
    seconds: float

    def __str__(self) -> str:
        for name, seconds in (("day", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0)):
            if self.seconds == seconds:
                return f"{self.limit}/{name}"
        return f"{self.limit}/{self.seconds:g}s"


def parse_windows(texts: Iterable[str]) -> tuple[Window, ...]:
    """``["5/s", "1000/min"]`` to windows; ``"none"`` means no limit. Raises ConfigError."""
    windows = []
    for text in texts:
        if text.strip().lower() in ("none", "unlimited", ""):
            continue
        count, _, period = text.partition("/")
        unit = period.strip().lower().rstrip(".")
        factor = ""
        while unit and (unit[0].isdigit() or unit[0] == "."):
            factor, unit = factor + unit[0], unit[1:]
        if not count.strip().isdigit() or int(count) < 1 or unit not in _PERIODS:
            raise ConfigError(
                f"The limit {text!r} is not understood. Write it as calls per period, "
                "such as '5/s', '1000/min', '100/h' or '600/day'; 'none' for no limit."
            )
        windows.append(Window(int(count), _PERIODS[unit] * float(factor or 1)))
    return tuple(windows)


class Slot:
    """Leave to send one call. Mark it ``sent`` when it leaves; always release it."""

    __slots__ = ("_limiter", "refused", "sent_at", "waited", "waited_for")

    def __init__(self, limiter: Limiter, waited: float = 0.0, waited_for: str = "") -> None:
        self._limiter = limiter
        self.waited = waited
        """Seconds from asking to leave."""
        self.waited_for = waited_for
        """What held it back at last: a window, ``concurrency`` or ``429``; empty: nothing."""
        self.sent_at: float | None = None
        self.refused = False

    def sent(self) -> None:
        """The request leaves now."""
        self.sent_at = asyncio.get_running_loop().time()
        self._limiter._pump()

    def release(self) -> None:
        """The answer is in, or the call will not be made."""
        self._limiter._released(self)


class _Ledger:
    """The slots that still count in one window, oldest first."""

    __slots__ = ("ceiling", "learned", "limit", "passed", "patience", "seconds", "slots")

    def __init__(self, window: Window, *, ceiling: float = float("inf")) -> None:
        self.limit = window.limit
        self.seconds = window.seconds
        self.ceiling = ceiling
        self.slots: deque[Slot] = deque()
        self.learned = False
        self.patience = 1
        self.passed = 0  # slots that left the window since the limit was last changed

    def __str__(self) -> str:
        return str(Window(self.limit, self.seconds))

    def free_at(self, now: float, spread: float) -> float:
        """When one more call may be sent: *now*, later, or infinity while the oldest is unsent."""
        slots = self.slots
        while slots and slots[0].sent_at is not None:
            if slots[0].sent_at + self.seconds + spread > now:
                break
            slots.popleft()
            self.passed += 1
        if len(slots) < self.limit:
            return now
        blocking = slots[len(slots) - self.limit].sent_at
        return float("inf") if blocking is None else blocking + self.seconds + spread

    def lower(self, limit: int) -> None:
        self.limit = max(1, min(limit, self.limit))
        if self.learned:
            self.patience = min(self.patience * 2, GROWTH_PATIENCE_MOST)
        self.learned = True
        self.passed = 0

    def grow(self) -> None:
        """A learned limit creeps up after clean windows, more slowly each time it was wrong."""
        if self.learned and self.passed >= self.limit * self.patience:
            self.passed = 0
            self.limit = int(min(self.ceiling, max(self.limit + 1, self.limit * 1.25)))


class Limiter:
    """Admits calls so that a known limit yields no 429, and learns limits that are not known.

    ``assumed`` windows are guesses: the first figure that the provider gives replaces them.
    ``by_concurrency``: the provider limits calls at once, not a rate (DeepSeek); a 429 lowers that.
    """

    def __init__(
        self,
        windows: Sequence[Window] = (),
        *,
        concurrency: int,
        assumed: bool = False,
        by_concurrency: bool = False,
        spread: float = SPREAD_FLOOR,
    ) -> None:
        self._ledgers = [
            _Ledger(window, ceiling=float("inf") if assumed else window.limit) for window in windows
        ]
        self._assumed = assumed
        self._configured = bool(windows) and not assumed
        self._spread = spread
        self._concurrency = self._most_at_once = concurrency
        self._by_concurrency = by_concurrency
        self._accepted = 0  # calls accepted since the concurrency was last changed
        self._in_flight = 0
        self._queue: list[tuple[int, int, float, asyncio.Future[Slot]]] = []
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None
        self._recent: deque[Slot] = deque(maxlen=4096)
        self._wall: tuple[float, float | None] | None = None  # when the last 429 came, Retry-After
        self._parked_until = 0.0
        self._parks_in_a_row = 0
        self._closed: Exception | None = None
        self._hushed = 0
        self._calm = asyncio.Event()
        self._held_by = ""

    # -- asking ---------------------------------------------------------------------------

    async def slot(self, lane: int = 0) -> Slot:
        """Wait for leave to send one call; lower *lane* goes first."""
        if self._closed is not None:
            raise self._closed
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Slot] = loop.create_future()
        heapq.heappush(self._queue, (lane, self._order, loop.time(), future))
        self._order += 1
        self._pump()
        try:
            slot = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                future.result().release()
            raise
        return slot

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows kept to at present."""
        return tuple(Window(ledger.limit, ledger.seconds) for ledger in self._ledgers)

    @property
    def learned(self) -> list[str]:
        """Windows that 429s taught, as text; a later run may begin with them."""
        return [str(item) for item in self._ledgers if item.learned]

    @property
    def concurrency(self) -> int:
        """The most calls in flight at once."""
        return self._concurrency

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
            slot = Slot(self)
            slot.sent_at = now - age
            self._count(slot)

    # -- being told -----------------------------------------------------------------------

    def told(self, windows: Iterable[Window]) -> None:
        """The provider named its own limits: they replace guesses, and only tighten settings.

        A limit of 0 means that the provider has none for that period.
        """
        all_named = {window.seconds: window.limit for window in windows}
        if not all_named:
            return
        named = {seconds: limit for seconds, limit in all_named.items() if limit > 0}
        if self._assumed:
            self._replace_guesses(all_named)
        for ledger in self._ledgers:
            limit = named.pop(ledger.seconds, None)
            if limit is not None:
                ledger.ceiling = min(ledger.ceiling, limit)
                ledger.limit = int(min(ledger.limit, limit))
        for seconds, limit in sorted(named.items()):
            ledger = _Ledger(Window(limit, seconds), ceiling=limit)
            ledger.slots.extend(self._sent_within(seconds))
            self._ledgers.append(ledger)
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
                kept.append(ledger)
        self._ledgers = kept

    def rate_limited(self, slot: Slot, retry_after: float | None) -> float:
        """A 429 came for *slot*: park the whole key once. Returns the seconds it is parked."""
        now = asyncio.get_running_loop().time()
        slot.refused = True
        if now < self._parked_until:
            return self._parked_until - now  # the same wall, met by calls already under way
        if self._wall is None:
            self._wall = (now, retry_after)
        self._spread = min(self._spread * 1.5, 0.5)
        self._parks_in_a_row += 1
        wait = retry_after
        if wait is None:
            growth = PARK_GROWTH ** min(self._parks_in_a_row - 1, 10)
            wait = min(PARK_WITHOUT_RETRY_AFTER * growth, PARK_LONGEST)
        self._parked_until = now + max(wait, 0.05)
        self._pump()
        return wait

    def succeeded(self) -> None:
        """A call was accepted: the key is open again, and a learned limit may grow."""
        self._parks_in_a_row = 0
        now = asyncio.get_running_loop().time()
        if self._wall is not None and now >= self._parked_until:
            at, retry_after = self._wall
            self._wall = None
            self._learn(at, retry_after)
        for ledger in self._ledgers:
            ledger.grow()
        self._accepted += 1
        if self._accepted > 2 * self._concurrency and self._concurrency < self._most_at_once:
            self._concurrency, self._accepted = self._concurrency + 1, 0
        self._pump()

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

    def turn_away(self, error: Exception) -> None:
        """Everybody who waits is told why nothing more is sent; so is whoever comes later."""
        self._closed = error
        while self._queue:
            future = heapq.heappop(self._queue)[3]
            if not future.done():
                future.set_exception(error)

    # -- inside ---------------------------------------------------------------------------

    def _sent_within(self, seconds: float, until: float | None = None) -> list[Slot]:
        end = asyncio.get_running_loop().time() if until is None else until
        return [
            slot
            for slot in self._recent
            if slot.sent_at is not None and end - seconds < slot.sent_at <= end
        ]

    def _learn(self, wall_at: float, retry_after: float | None) -> None:
        """What was let through before the wall is the limit, unless a known one explains it."""
        if self._by_concurrency:
            self._concurrency, self._accepted = max(1, self._concurrency * 2 // 3), 0
            return
        seconds = 1.0
        if retry_after is not None and retry_after > 2.0:
            seconds = next((s for s in (60.0, 3600.0) if retry_after <= s), 86400.0)
        sent = self._sent_within(seconds, wall_at)
        let_through = max(1, sum(not slot.refused for slot in sent))
        ledger = next((item for item in self._ledgers if item.seconds == seconds), None)
        if ledger is not None:
            # Far fewer than the limit were let through: a storm, not a wrong limit.
            if 3 * let_through >= ledger.limit or self._assumed:
                ledger.lower(let_through)
        elif not self._configured:
            ledger = _Ledger(Window(let_through, seconds))
            ledger.learned = True
            ledger.slots.extend(self._sent_within(seconds))
            self._ledgers.append(ledger)

    def _count(self, slot: Slot) -> None:
        self._recent.append(slot)
        for ledger in self._ledgers:
            ledger.slots.append(slot)

    def _released(self, slot: Slot) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._calm.set()
        if slot.sent_at is None:  # never left: it counts nowhere
            for ledger in self._ledgers:
                if slot in ledger.slots:
                    ledger.slots.remove(slot)
        self._pump()

    def _pump(self) -> None:
        """Give leave to those who wait, as many as every window and the concurrency allow."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._queue and not self._hushed:
            _, _, asked, future = self._queue[0]
            if future.done():  # the one who waited was cancelled
                heapq.heappop(self._queue)
                continue
            # After a wall one call goes first, so that the next wall is not met by all.
            if self._in_flight >= (1 if self._wall else self._concurrency):
                self._held_by = "429" if self._wall else "concurrency"
                return
            now = loop.time()
            at, why = self._parked_until, "429"
            for ledger in self._ledgers:
                free = ledger.free_at(now, self._spread)
                if free > at:
                    at, why = free, str(ledger)
            if at > now:
                self._held_by = why
                if at != float("inf"):
                    self._timer = loop.call_at(at, self._pump)
                return
            heapq.heappop(self._queue)
            waited = now - asked
            slot = Slot(self, waited, self._held_by if waited > 0 else "")
            self._in_flight += 1
            self._count(slot)
            future.set_result(slot)
        self._held_by = ""


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
