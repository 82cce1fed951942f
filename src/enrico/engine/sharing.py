"""A limiter that shares its windows and its calls in flight with other processes on the same key.

The rules are those of one process: each worker keeps a copy of the ledgers, with everybody's calls
in them. Leave is given only in a turn at the board, where nobody else does so meanwhile, and it
stands on the board before anybody leaves. Each leave ends by itself, so a worker that dies leaves
nothing open.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, NamedTuple

import structlog

from enrico.engine.board import Away, Board, Common, Entry, Said, Seen
from enrico.engine.lessons import Wall
from enrico.engine.limits import RESTED, Limiter, Slot, Waiting
from enrico.engine.others import Others, not_among
from enrico.engine.ours import LEASE, REPORT, Grant, Ours
from enrico.engine.windows import Sent, Window
from enrico.errors import StoreError

log = structlog.get_logger("enrico.limits")

AHEAD = 0.05
"""Leave is given so many seconds before it may be used: who waits for a turn loses no time."""
AHEAD_MOST = 50
"""So many calls in one turn, at most, have leave before they may use it."""
GATHER = 0.01
"""Seconds between two turns, at least."""
SPREAD_LEAST = 0.075
"""What the network is taken to vary at least: several processes also wait for a core each."""
SHARE_SECONDS = 1.0
"""How often a worker says that it still uses its share, and for how long it keeps one unused."""
SHARE_LOOKS = 0.25, 0.1
"""How often it is looked whether what everybody may have in flight is to be divided anew: by who
has a share, and by who waits for one."""
SHARE_LASTS = 15.0
"""For how long a share may be used that cannot be renewed; after 20 s the others take it."""
PROBE_SECONDS = 10.0
"""After a wall one worker's call goes first; if nobody hears of it for so long, another's does."""
KEEP_SECONDS = 600.0
"""What is on the board is kept so much longer than it counts."""
PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.25
LEAVING_SECONDS = 2.0


class _Given(NamedTuple):
    """Leave that is being written down."""

    waiting: Waiting
    slot: Slot
    grant: Grant
    at: float


@dataclass(slots=True)
class _News:
    """What all must be told beside calls."""

    wall: bool = False
    """We met one."""
    opened: float | None = None
    """When the call left that ended it."""
    learnt: bool = False

    def and_later(self, later: _News) -> _News:
        """Both, where the later one may contradict."""
        if later.wall or later.opened is not None:
            return _News(later.wall, later.opened, self.learnt or later.learnt)
        return _News(self.wall, self.opened, self.learnt or later.learnt)


@dataclass(frozen=True, slots=True)
class _Decided:
    """What one turn comes to, once it is written down."""

    now: float
    said: Said
    given: Sequence[_Given]
    told: Sequence[Grant]
    renewed: Sequence[Grant]
    share: int | None
    news: _News


class SharedLimiter(Limiter):
    """See :class:`Limiter`. Use it as ``async with``, so that its share is given back.

    Where no window is known or guessed nothing is asked of the board for a call: each worker has
    a share of the calls in flight, which are divided anew as workers come and go.
    """

    def __init__(self, board: Board, windows: Sequence[Window] = (), **options: Any) -> None:
        """*options* are those of :class:`Limiter`."""
        super().__init__(windows, **options)
        self._board = board
        self._clock = 0.0  # the board's time less the loop's
        self._stamp = 0
        self._others = Others(self._rules)
        self._ours = Ours(board.worker)
        self._remembered: list[float] = []
        self._common: Common | None = None  # as it was last seen
        self._told = (self._rules.taught, self._concurrency)
        self._news = _News()
        self._share: int | None = None
        """So many calls in flight are ours, as the others know."""
        self._fair = 0
        """So many of them we use: fewer, where another worker is to have some."""
        self._shared_at = self._needed_at = -math.inf
        self._forget_at = -math.inf
        self._turned = -math.inf
        self._turning: asyncio.Task[None] | None = None
        self._turn_timer: asyncio.TimerHandle | None = None
        self._away_since: float | None = None
        self._closed = False

    async def __aenter__(self) -> SharedLimiter:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell what is to be told, and give back the share."""
        self._closed = True
        for timer in (self._timer, self._turn_timer):
            if timer is not None:
                timer.cancel()
        if (turning := self._turning) is not None:
            await asyncio.wait((turning,), timeout=LEAVING_SECONDS)
            turning.cancel()
        try:
            async with asyncio.timeout(LEAVING_SECONDS), self._board.turn(self._stamp) as turn:
                untold = self._ours.take_untold()
                await turn.write(Said(self._entries(untold), share=-1))
        except (StoreError, TimeoutError):
            pass  # the others find out by themselves
        await self._board.close()

    # -- as for one process ---------------------------------------------------------------

    def remember(self, seconds_ago: Iterable[float]) -> None:
        """Count calls that an earlier process sent, where they are not on the board."""
        now = asyncio.get_running_loop().time()
        self._remembered = sorted(now - age for age in seconds_ago)

    def network(self, seconds: Sequence[float]) -> None:
        """See :meth:`Limiter.network`."""
        self._rules.network(seconds, SPREAD_LEAST)

    def rate_limited(self, slot: Slot, retry_after: float | None) -> float:
        """See :meth:`Limiter.rate_limited`; the others hear of it at once."""
        already = self.parked_for() > 0
        wait = super().rate_limited(slot, retry_after)
        if not already:
            self._tell_at_once(_News(wall=True))
        return wait

    def _wall_is_over(self, left: float) -> None:
        super()._wall_is_over(left)
        self._news = self._news.and_later(_News(opened=left))
        self._ours.tell_by = -math.inf

    def _tell_at_once(self, news: _News) -> None:
        self._news = self._news.and_later(news)
        self._ours.tell_by = -math.inf
        self._pump()

    def _leaves(self, call: Sent) -> None:
        self._ours.leaves(call)
        super()._leaves(call)

    def _released(self, call: Sent) -> None:
        self._ours.ended(call)
        super()._released(call)

    def _most_in_flight(self, now: float) -> int:
        if self._share is None or now > self._shared_at + SHARE_LASTS:
            return 0
        return min(self.at_once, self._share, self._fair)

    # -- when to take a turn --------------------------------------------------------------

    def _pump(self) -> None:
        """See to it that a turn is taken in time; without rules, give leave at once."""
        self._hear_no_news(asyncio.get_running_loop().time())
        if not self._rules.all:
            super()._pump()
        if self._turning is not None or self._closed:
            return
        if self._turn_timer is not None:
            self._turn_timer.cancel()
            self._turn_timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = self._due(now)
        if at <= now:
            self._turning = asyncio.create_task(self._come_to_the_board(), name="board")
        elif at < math.inf:
            self._turn_timer = loop.call_at(at, self._pump)

    def _due(self, now: float) -> float:
        """When the next turn is to be taken; infinity: when something happens."""
        at = self._ours.due
        first = self._first_waiting()
        if first is not None and self._share is None:
            at = now
        elif first is not None or self._in_flight or self._share is not None:
            in_want = first is not None and self._fair <= 0
            at = min(at, self._turned + SHARE_LOOKS[in_want])
        if first is not None and self._rules.all:
            free, self._held_by = self._free_at(now, first.lane)
            if free > now + AHEAD:
                free -= AHEAD / 2
            if self._others.may_leave or self._is_probed:
                # What somebody else is about to tell may free us sooner.
                free = min(free, self._turned + REPORT)
            at = min(at, free)
        return max(at, self._turned + GATHER)

    @property
    def _is_probed(self) -> bool:
        """Whether another worker looks if the wall still stands."""
        return self._common is not None and self._common.prober not in ("", self._board.worker)

    # -- a turn ---------------------------------------------------------------------------

    async def _come_to_the_board(self) -> None:
        try:
            await self._take_turn()
            self._away_since = None
        except Away as error:
            now = asyncio.get_running_loop().time()
            if self._away_since is None:
                self._away_since = now
                log.warning("limits cannot be shared: the database is away")
            if now > self._away_since + PATIENCE_SECONDS:
                self._fail(error)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception as error:  # whatever it is: those who wait must be told
            self._fail(error)
            await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._turning = None
            self._turned = asyncio.get_running_loop().time()
        self._pump()

    def _fail(self, error: Exception) -> None:
        for waiting in self._queue:
            if not waiting.future.done():
                waiting.future.set_exception(error)

    async def _take_turn(self) -> None:
        decided: _Decided | None = None
        try:
            async with self._board.turn(self._stamp) as turn:
                decided = self._decide(turn.seen, asyncio.get_running_loop().time())
                if decided.said:
                    await turn.write(decided.said)
        except BaseException:
            if decided is not None:
                self._undo(decided)
            raise
        self._carry_out(decided)

    def _decide(self, seen: Seen, now: float) -> _Decided:
        """What we say in this turn, knowing what the others have said."""
        news, self._news = self._news, _News()
        self._read(seen, news, now)
        told = self._ours.take_untold()
        before, share = self._share, self._divide(seen, now)
        self._share = share
        given = self._give(now)
        # Until all is written down, nothing more than what both allow.
        self._share = before and share and min(before, share)
        renewed = self._ours.expiring(now)
        entries = self._entries([*told, *(one.grant for one in given)])
        entries += self._entries(renewed, by=now + LEASE)
        said = Said(entries, self._common_now(seen, news, now, probing=bool(given)))
        if before != share:
            said = replace(said, share=-1 if share is None else share)
        elif share is not None and now >= self._shared_at + SHARE_SECONDS:
            said = replace(said, share=share)
        if now >= self._forget_at:
            said = replace(said, forget_before=now + self._clock - self._kept)
        return _Decided(now, said, given, told, renewed, share, news)

    def _carry_out(self, decided: _Decided) -> None:
        """The others know."""
        now, said = decided.now, decided.said
        self._share = decided.share
        if said.share is not None:
            self._shared_at = -math.inf if decided.share is None else now
        if said.forget_before:
            self._others.forget(now)
            self._forget_at = now + KEEP_SECONDS / 10
        self._common = said.common or self._common
        self._ours.renew(decided.renewed, now + LEASE)
        loop = asyncio.get_running_loop()
        for one in decided.given:
            if one.at > loop.time():
                loop.call_at(one.at, _let_go, one)
            else:
                _let_go(one)

    def _undo(self, decided: _Decided) -> None:
        """It could not be written down: everybody waits on."""
        for one in decided.given:
            self._ours.take_back(one.grant)
            self._rules.take_back(one.slot.call)
            self._in_flight -= 1
            self._expected += 1
            if one.slot.call is self._probe:
                self._probe = None
            heapq.heappush(self._queue, one.waiting)
        if not self._in_flight:
            self._calm.set()
        self._news = decided.news.and_later(self._news)
        self._ours.put_back(decided.told)

    def _read(self, seen: Seen, news: _News, now: float) -> None:
        """Take over what the others have written; add to *news* what they cannot know."""
        mine = (self._rules.taught, self._concurrency)
        news.learnt = news.learnt or mine != self._told
        self._clock = seen.clock
        for at in not_among(self._remembered, seen.entries, seen.clock):
            self._rules.count(call := Sent(at=at, over=at), at)
            self._ours.remember(call, at)
        self._remembered = []
        self._stamp = seen.stamp
        self._others.read(seen.entries, seen.clock, now)
        theirs = seen.common
        if theirs is not None and theirs != self._common:
            taught, concurrency = mine
            if concurrency == self._told[1]:
                self._concurrency = theirs.concurrency
            if (both := theirs.taught.after(self._told[0], taught)) != taught:
                self._rules.adopt(both, now)
            self._adopt_wall(theirs, news, now)
        self._common = theirs
        self._told = (self._rules.taught, self._concurrency)

    def _adopt_wall(self, theirs: Common, news: _News, now: float) -> None:
        wall = None if theirs.wall is None else Wall(*(at - self._clock for at in theirs.wall))
        parked_until = theirs.parked_until - self._clock
        if news.wall:
            if self._wall is not None and wall is not None:  # it is one and the same
                self._wall.at = min(self._wall.at, wall.at)
                self._wall.ends = max(self._wall.ends, wall.ends)
                self._parked_until = max(self._parked_until, parked_until)
            return
        if news.opened is not None and (wall is None or wall.at <= news.opened):
            return
        news.opened = None
        if theirs.prober not in ("", self._board.worker):
            parked_until = max(parked_until, theirs.probe_until - self._clock)
        if wall is not None and self._wall is None and not self._by_concurrency:
            self._first, self._answered = 1, 0
        if wall is None and self._wall is not None:
            self._rules.saw(self._wall, now)
            self._probe = None
            if self._rules.is_paced and now - self._wall.at >= RESTED:
                self._first = math.inf
        self._wall, self._parked_until, self._parks_in_a_row = wall, parked_until, theirs.parks

    def _common_now(self, seen: Seen, news: _News, now: float, *, probing: bool) -> Common | None:
        """What holds for all after this turn; None when that is as it was."""
        theirs = seen.common
        probing = probing and self._wall is not None
        walled = news.wall or news.opened is not None or probing
        if theirs is not None and not (walled or news.learnt):
            return None
        taught, concurrency = self._told
        if theirs is not None and not walled:
            return replace(theirs, taught=taught, concurrency=concurrency)
        wall = self._wall
        return Common(
            concurrency,
            taught,
            parked_until=self._parked_until + self._clock,
            parks=self._parks_in_a_row,
            wall=None if wall is None else (wall.at + self._clock, wall.ends + self._clock),
            prober=self._board.worker if probing else "",
            probe_until=now + self._clock + PROBE_SECONDS if probing else 0.0,
        )

    def _divide(self, seen: Seen, now: float) -> int | None:
        """How many calls in flight are ours: no more than the others leave of all.

        None: we need none at present.
        """
        if self._first_waiting() is not None or self._in_flight:
            self._needed_at = now
        elif now >= self._needed_at + SHARE_SECONDS:
            return None
        every, theirs = self.at_once, seen.shares.values()
        self._fair = min(math.ceil(every / (len(theirs) + 1)), every - sum(theirs))
        return max(self._in_flight, self._fair)

    def _give(self, now: float) -> list[_Given]:
        """Leave for all who may go now or in a moment."""
        given: list[_Given] = []
        if not self._rules.all:
            return given
        ahead = 0
        while ahead < AHEAD_MOST and (first := self._first_waiting()) is not None:
            at, why = self._free_at(now, first.lane)
            if at > now + AHEAD or self._waits_for_news:
                break
            ahead += at > now
            slot = self._admit(at, why or self._held_by)
            given.append(_Given(first, slot, self._ours.grant(slot.call, at), at))
        return given

    def _entries(self, grants: Sequence[Grant], by: float | None = None) -> list[Entry]:
        return [self._ours.entry(grant, self._clock, by) for grant in grants]

    @property
    def _kept(self) -> float:
        return max((rule.seconds for rule in self._rules.all), default=0.0) + KEEP_SECONDS


def _let_go(one: _Given) -> None:
    if one.waiting.future.done():  # cancelled, or turned away, meanwhile
        one.slot.release()
    else:
        one.waiting.future.set_result(one.slot)
