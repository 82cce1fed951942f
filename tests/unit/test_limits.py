"""The limiter against servers that count as the vendors do, in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clock import run_virtually
from enrico.engine.lessons import LearningRules, Wall
from enrico.engine.limits import FAST_LANE, NO_NEWS, NO_NEWS_SECONDS, Limiter
from enrico.engine.rules import SPREAD
from enrico.engine.windows import SLACK, Sent, Window, lower_bound_seconds, parse_windows
from enrico.errors import ConfigError


class FixedWindow:
    """Opens at the first request it serves, as Apollo's do."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.opened, self.used = float("-inf"), 0

    def admits(self, now: float) -> bool:
        if now >= self.opened + self.seconds:
            self.opened, self.used = now, 0
        self.used += 1
        return self.used <= self.limit

    def closes_in(self, now: float) -> float:
        return self.opened + self.seconds - now


class ClockWindow(FixedWindow):
    """Opens at every full period of the clock."""

    def admits(self, now: float) -> bool:
        began = now - now % self.seconds
        if began != self.opened:
            self.opened, self.used = began, 0
        self.used += 1
        return self.used <= self.limit


class SlidingWindow:
    """Counts what was admitted in the last *seconds*."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.times: deque[float] = deque()

    def admits(self, now: float) -> bool:
        while self.times and self.times[0] <= now - self.seconds:
            self.times.popleft()
        if len(self.times) >= self.limit:
            return False
        self.times.append(now)
        return True

    def closes_in(self, now: float) -> float:
        return self.times[0] + self.seconds - now


class Bucket:
    """As many tokens as the limit, refilled evenly."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.rate = limit, limit / seconds
        self.tokens, self.at = float(limit), 0.0

    def admits(self, now: float) -> bool:
        self.tokens = min(self.limit, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def closes_in(self, now: float) -> float:
        return (1 - self.tokens) / self.rate


Counter = FixedWindow | SlidingWindow | Bucket


class Server:
    """Answers after a delay, and refuses what its windows do not admit."""

    def __init__(
        self,
        *windows: Counter,
        jitter: float = SPREAD,
        latency: float = 0.5,
        retry_after: bool = True,
        whole_seconds: bool = False,
    ) -> None:
        self.windows = windows
        self.whole_seconds = whole_seconds
        self.jitter, self.latency, self.retry_after = jitter, latency, retry_after
        self.accepted = self.refused = 0
        self.random = random.Random(7)

    async def call(self) -> float | None:
        """None when accepted, else seconds to wait (-1 when the server does not say)."""
        await asyncio.sleep(self.random.uniform(0, self.jitter))
        now = asyncio.get_running_loop().time()
        full = [window for window in self.windows if not window.admits(now)]
        if full:
            self.refused += 1
            if not self.retry_after:
                return -1.0
            wait = max(window.closes_in(now) for window in full)
            return float(math.ceil(wait)) if self.whole_seconds else wait
        self.accepted += 1
        await asyncio.sleep(self.latency)
        return None


async def drive(limiter: Limiter, server: Server, calls: int) -> float:
    """Make so many calls succeed; returns the seconds that it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one() -> None:
        while True:
            slot = await limiter.slot()
            try:
                slot.sent()
                wait = await server.call()
                if wait is None:
                    limiter.succeeded(slot)
                    return
                limiter.rate_limited(slot, None if wait < 0 else wait)
            finally:
                slot.release()

    await asyncio.gather(*(one() for _ in range(calls)))
    return loop.time() - began


async def drive_and_watch(limiter: Limiter, server: Server, calls: int) -> list[float]:
    """The same; returns when refusals were heard of."""
    loop = asyncio.get_running_loop()
    heard: list[float] = []
    asked = server.call

    async def call() -> float | None:
        if (wait := await asked()) is not None:
            heard.append(loop.time())
        return wait

    server.call = call  # type: ignore[method-assign]
    await drive(limiter, server, calls)
    return heard


KINDS: list[Callable[[int, float], Counter]] = [FixedWindow, SlidingWindow, ClockWindow]
JITTER = 0.1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("limit", "seconds", "calls", "jitter", "factor"),
    [
        (20, 60, 70, JITTER, 1.01),
        (1000, 60, 3500, JITTER, 1.01),
        (5, 1, 60, SPREAD, 1 + SPREAD + 0.02),
        (50, 1, 400, SPREAD, 1 + SPREAD + 0.02),
        (50, 1, 400, JITTER, 1 + JITTER + 0.02),
    ],
)
def test_a_known_limit_is_reached_and_never_passed(
    kind: Callable[[int, float], Counter],
    limit: int,
    seconds: float,
    calls: int,
    jitter: float,
    factor: float,
) -> None:
    server = Server(kind(limit, seconds), jitter=jitter)
    spread = max(SPREAD, jitter) if seconds < 10 else SPREAD
    limiter = Limiter([Window(limit, seconds)], concurrency=10_000, spread=spread)

    took = run_virtually(drive(limiter, server, calls))

    bound = lower_bound_seconds(
        calls, [Window(limit, seconds)], latency=0.5, shortest=0.5, concurrency=10_000
    )
    assert server.refused == 0
    assert took <= factor * bound


def test_room_for_the_fast_lane_costs_whole_windows_no_time_though_few_calls_go_at_once() -> None:
    server = Server(FixedWindow(1000, 60), latency=0.9)
    limiter = Limiter([Window(1000, 60)], concurrency=20)
    limiter.expect(6_000)

    took = run_virtually(drive(limiter, server, 6_000))

    assert server.refused == 0
    assert took <= 1.01 * (5 * 60 + 1_000 * (0.9 + SPREAD / 2) / 20)


@pytest.mark.parametrize(("limit", "calls"), [(20, 70), (1000, 3500)])
def test_a_window_that_follows_the_clock_is_not_waited_out_from_the_first_call(
    limit: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(ClockWindow(limit, 60), jitter=JITTER)

    async def scene() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr("time.time", loop.time)  # the provider's clock and ours agree
        limiter = Limiter([Window(limit, 60, "by the clock")], concurrency=10_000)
        return 60 - loop.time() % 60, await drive(limiter, server, calls)

    until_the_next, took = run_virtually(scene())

    assert server.refused == 0
    full = -(-calls // limit) - 2  # windows between the one it began in and the last one
    assert took <= 1.01 * (until_the_next + full * 60 + 0.5)


def test_the_harness_refuses_a_bucket_as_large_as_the_limit() -> None:
    """Proof that the server above can refuse: refilling evenly lets twice the limit through."""

    async def bucket(server: Server) -> None:
        async def one(at: float) -> None:
            await asyncio.sleep(at)
            await server.call()

        # A full bucket of 20 at once, then one every 3 s.
        await asyncio.gather(*(one(max(0.0, (n - 19) * 3.0)) for n in range(60)))

    for kind in KINDS:
        server = Server(kind(20, 60))
        run_virtually(bucket(server))
        assert server.refused > 0


def test_several_windows_hold_at_once() -> None:
    windows = [Window(5, 1), Window(20, 60), Window(50, 3600)]
    server = Server(FixedWindow(5, 1), FixedWindow(20, 60), FixedWindow(50, 3600))
    limiter = Limiter(windows, concurrency=100)

    took = run_virtually(drive(limiter, server, 60))

    assert server.refused == 0
    assert 3600 < took < 3600 * 1.01


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 30),
    seconds=st.sampled_from([1.0, 2.0, 60.0]),
    second=st.integers(1, 60),
    calls=st.integers(1, 120),
    concurrency=st.integers(1, 50),
    latency=st.floats(0.0, 2.0),
)
def test_no_window_is_ever_passed(
    limit: int, seconds: float, second: int, calls: int, concurrency: int, latency: float
) -> None:
    windows = [Window(limit, seconds), Window(second, 10 * seconds)]
    server = Server(
        SlidingWindow(limit, seconds), FixedWindow(second, 10 * seconds), latency=latency
    )
    run_virtually(drive(Limiter(windows, concurrency=concurrency), server, calls))
    assert server.refused == 0
    assert server.accepted == calls


def test_at_most_so_many_calls_are_in_flight() -> None:
    class Counting(Server):
        most = now = 0

        async def call(self) -> float | None:
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                return await super().call()
            finally:
                self.now -= 1

    server = Counting()
    run_virtually(drive(Limiter(concurrency=7), server, 50))
    assert server.most == 7


@settings(max_examples=30, deadline=None)
@given(
    limit=st.integers(2, 200),
    seconds=st.sampled_from([1.0, 10.0, 60.0]),
    calls=st.integers(1, 600),
    concurrency=st.integers(1, 300),
    idle=st.floats(0.0, 30.0),
)
def test_a_bucket_that_is_known_is_emptied_and_never_overdrawn(
    limit: int, seconds: float, calls: int, concurrency: int, idle: float
) -> None:
    server = Server(Bucket(limit, seconds), jitter=SPREAD, latency=0.3)
    limiter = Limiter([Window(limit, seconds, "as a bucket")], concurrency=concurrency)

    async def scene() -> float:
        await drive(limiter, server, calls)
        await asyncio.sleep(idle)
        return await drive(limiter, server, 2 * limit + calls)

    took = run_virtually(scene())

    assert server.refused == 0
    bound = max((2 * limit + calls) / limit * seconds, (2 * limit + calls) * 0.4 / concurrency)
    assert took <= bound + 8


WRONG = [
    (5, 1, 10, False, 1_200),
    (50, 1, 100, False, 4_000),
    (1000, 60, 2000, False, 4_000),
    (5, 1, 50, True, 1_200),
    (50, 1, 5, True, 4_000),
    (20, 60, 40, True, 800),
    (1000, 60, 200, True, 4_000),
]


@pytest.mark.parametrize("kind", [*KINDS, Bucket])
@pytest.mark.parametrize(("limit", "seconds", "told", "assumed", "calls"), WRONG)
def test_limits_that_are_wrong_or_unknown_are_learnt_without_a_storm(
    kind: Callable[[int, float], Counter],
    limit: int,
    seconds: float,
    told: int,
    assumed: bool,
    calls: int,
) -> None:
    server = Server(kind(limit, seconds))
    limiter = Limiter([Window(told, seconds)], concurrency=64, assumed=assumed)

    took = run_virtually(drive(limiter, server, calls))

    assert server.accepted == calls
    assert server.refused <= 0.005 * calls
    rate = min(window.limit / window.seconds for window in limiter.windows)
    assert 0.7 * limit / seconds <= rate <= 1.1 * limit / seconds
    assert took <= 1.45 * calls / limit * seconds


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from([*KINDS, Bucket]),
    limit=st.integers(3, 100),
    seconds=st.sampled_from([1.0, 60.0]),
    told=st.one_of(st.none(), st.integers(110, 300)),
    concurrency=st.integers(1, 128),
    latency=st.floats(0.05, 2.0),
    retry_after=st.booleans(),
)
def test_whatever_the_limit_is_few_calls_are_refused(
    kind: Callable[[int, float], Counter],
    limit: int,
    seconds: float,
    told: int | None,
    concurrency: int,
    latency: float,
    retry_after: bool,
) -> None:
    """*told*: the setting in percent of the truth; None: nothing is known."""
    window = Window(5, 1) if told is None else Window(limit * told // 100 + 1, seconds)
    server = Server(kind(limit, seconds), latency=latency, retry_after=retry_after)
    limiter = Limiter([window], concurrency=concurrency, assumed=told is None)
    calls = 30 * limit

    run_virtually(drive(limiter, server, calls))

    assert server.accepted == calls
    # At the first wall as many as were in flight, then few.
    assert server.refused <= min(concurrency, limit + 50) + 0.02 * calls + 12


def test_what_is_known_to_be_right_goes_out_at_once() -> None:
    async def scene(window: str, calls: int, concurrency: int) -> float:
        limiter = Limiter(parse_windows([window]), concurrency=concurrency)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(limiter.slot() for _ in range(calls)))
        return asyncio.get_running_loop().time() - began

    assert run_virtually(scene("50/s", 32, 64)) == 0
    assert run_virtually(scene("50/s", 50, 64)) == 0
    assert run_virtually(scene("1000/min", 400, 400)) == 0


def test_a_limit_that_is_set_too_high_is_not_met_by_all_at_once() -> None:
    server = Server(SlidingWindow(50, 1), latency=1.0)
    limiter = Limiter([Window(100, 1)], concurrency=400)

    run_virtually(drive(limiter, server, 300))

    assert server.refused <= 15


def test_a_limit_is_learnt_though_the_server_does_not_say_how_long_to_wait() -> None:
    for window in (FixedWindow(5, 1), FixedWindow(100, 60), SlidingWindow(100, 60)):
        server = Server(window, retry_after=False)
        limiter = Limiter([Window(50, 1)], concurrency=64, assumed=True)

        run_virtually(drive(limiter, server, 2_000))

        assert server.accepted == 2_000
        assert server.refused <= 0.01 * 2_000


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("kind", "windows"), [(FixedWindow, 3.5), (SlidingWindow, 3.5), (Bucket, 3.5), (ClockWindow, 8)]
)
def test_a_limit_by_the_second_that_nobody_names_is_found_in_a_few_windows(
    kind: Callable[[int, float], Counter], windows: float, seed: int
) -> None:
    server = Server(kind(50, 1), retry_after=False)
    server.random = random.Random(seed)
    limiter = Limiter([Window(5, 1)], concurrency=400, assumed=True)

    walls = run_virtually(drive_and_watch(limiter, server, 2_000))

    (window,) = limiter.windows
    assert 0.85 * 50 / (1 + JITTER) <= window.limit / window.seconds <= 50
    assert max(walls) - min(walls) <= windows
    assert server.refused <= 0.01 * 2_000


def test_a_call_that_is_not_refused_in_time_was_let_through() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limiter = Limiter(concurrency=9, by_concurrency=True)
        refused = await limiter.slot()
        refused.sent()
        await asyncio.sleep(0.2)
        limiter.rate_limited(refused, 1.0)
        refused.release()
        looks = await limiter.slot()
        looks.sent()
        began = loop.time()
        await limiter.slot()  # though no answer is in
        return loop.time() - began

    assert run_virtually(scene()) == pytest.approx(0.2 * NO_NEWS + NO_NEWS_SECONDS)


def test_a_call_that_never_left_counts_in_no_limit_that_is_named_later() -> None:
    async def scene() -> None:
        limiter = Limiter(concurrency=9)
        (await limiter.slot()).release()
        limiter.told([Window(1, 1)])
        await asyncio.wait_for(limiter.slot(), 5)

    run_virtually(scene())


class AtOnce:
    """Lets so many calls be under way at once."""

    def __init__(self, limit: int, latency: float) -> None:
        self.limit, self.latency = limit, latency
        self.refused = self.under_way = 0
        self.walls: list[float] = []
        self.random = random.Random(7)

    async def call(self) -> float | None:
        await asyncio.sleep(self.random.uniform(0, 0.05))
        if self.under_way >= self.limit:
            self.refused += 1
            self.walls.append(asyncio.get_running_loop().time())
            return -1.0
        self.under_way += 1
        await asyncio.sleep(self.latency * self.random.uniform(0.7, 1.3))
        self.under_way -= 1
        return None


@pytest.mark.parametrize("limit", [1, 4, 20])
def test_how_many_calls_at_once_are_allowed_is_learnt_from_one_wall(limit: int) -> None:
    server = AtOnce(limit, latency=1.0)
    limiter = Limiter(concurrency=64, by_concurrency=True)

    took = run_virtually(drive(limiter, server, 100 * limit))  # type: ignore[arg-type]

    burst = sum(wall < server.walls[0] + 0.5 for wall in server.walls)
    assert 30 - limit <= burst <= 64  # whoever was under way before the first refusal was back
    assert server.refused - burst <= 6
    assert took <= 1.35 * 100  # a hundred rounds of a second


def test_a_wrong_limit_is_lowered_within_three_windows() -> None:
    server = Server(FixedWindow(1000, 60))
    limiter = Limiter([Window(2000, 60)], concurrency=64)

    run_virtually(drive(limiter, server, 3_000))

    assert limiter.windows == (Window(1000, 60),)
    assert limiter.learned == ["1000/min"]


@pytest.mark.parametrize("concurrency", [20, 64, 400])
@pytest.mark.parametrize("window", [Window(2000, 60), None])
@pytest.mark.parametrize("whole_seconds", [False, True])
def test_a_bucket_is_known_by_a_wall_that_is_much_shorter_than_its_window(
    window: Window | None, concurrency: int, *, whole_seconds: bool
) -> None:
    server = Server(Bucket(1000, 60), latency=0.8, whole_seconds=whole_seconds)
    limiter = Limiter([window or Window(5, 1)], concurrency=concurrency, assumed=window is None)

    walls = run_virtually(drive_and_watch(limiter, server, 10_000))

    (text,) = limiter.learned
    # Of 400 at once a third is under way when the wall is met.
    assert server.refused <= max(0.005 * 10_000, concurrency / 3)
    assert text.endswith("/min evenly")
    assert 950 <= int(text.partition("/")[0]) <= (1000 if window else 1005)
    assert max(walls) - min(walls) <= 3 * 60


def test_a_bucket_that_lets_through_one_call_at_a_time_slows_the_pace() -> None:
    server = Server(Bucket(30, 60), latency=2.0, retry_after=False)
    limiter = Limiter([Window(5, 1)], concurrency=8, assumed=True)

    run_virtually(drive(limiter, server, 900))

    assert server.refused <= 15
    assert limiter.learned in (["28/min evenly"], ["29/min evenly"], ["30/min evenly"])


@pytest.mark.parametrize("kind", [ClockWindow, Bucket])
def test_a_learnt_limit_that_is_met_in_window_after_window_is_lowered(
    kind: Callable[[int, float], Counter],
) -> None:
    """Tried higher after a long calm, it held by chance: calls fell into two windows."""
    server = Server(kind(5, 60), latency=2.0, retry_after=False)
    limiter = Limiter([Window(5, 1)], concurrency=1, assumed=True)

    run_virtually(drive(limiter, server, 150))

    assert server.refused <= 10
    assert limiter.learned == ["5/min"]


def test_a_pace_that_is_refused_far_below_itself_is_a_bucket() -> None:
    def send(calls: int, began: float) -> None:
        for n in range(calls):
            rules.count(Sent(at=began + n / calls), began + n / calls)

    rules = LearningRules([Window(5, 1)], assumed=True)
    send(300, 9.0)
    rules.learn(Wall(at=10.0, ends=11.0), 11.0)
    send(35, 11.0)  # what was refilled since the wall began
    rules.learn(Wall(at=12.1, ends=13.0), 13.0)

    assert rules.pace is not None
    assert 15 <= rules.pace.rate <= 35 / 2.1


def test_a_window_that_was_far_from_full_is_not_lowered() -> None:
    rules = LearningRules([Window(1000, 60)])
    for n in range(200):
        rules.count(Sent(at=n / 20), n / 20)

    assert rules.learn(Wall(at=10.0, ends=25.0), 25.0) == ""
    assert rules.learn(Wall(at=30.0, ends=31.0), 31.0) == ""
    assert [str(rule) for rule in rules.all] == ["1000/min"]


def test_a_later_run_begins_with_what_was_learnt() -> None:
    for learned in ("1000/min", "980/min evenly"):
        server = Server(FixedWindow(1000, 60))
        limiter = Limiter(
            [Window(5, 1)], concurrency=64, assumed=True, learned=parse_windows([learned])
        )

        took = run_virtually(drive(limiter, server, 4_000))

        assert server.refused == 0
        assert limiter.learned == [learned]
        assert took <= 4_000 / 980 * 60 + 2


@pytest.mark.parametrize("learned", ["10/min", "10/min evenly"])
def test_what_was_learnt_too_low_is_tried_higher_after_a_long_calm(learned: str) -> None:
    async def scene() -> tuple[list[str], list[str]]:
        server = Server(FixedWindow(1000, 60))
        limiter = Limiter(concurrency=9, assumed=True, learned=parse_windows([learned]))
        await drive(limiter, server, 140)
        before = limiter.learned
        await drive(limiter, server, 1_000)
        assert server.refused == 0
        return before, limiter.learned

    before, after = run_virtually(scene())
    assert before == [learned]
    assert int(after[0].partition("/")[0]) >= 15


def test_what_was_tried_too_high_is_taken_back() -> None:
    # A call at a time, and a server that says nothing: the wall is over before it is looked at.
    server = Server(FixedWindow(3, 60), latency=1.0, retry_after=False)
    limiter = Limiter([Window(5, 1)], concurrency=1, assumed=True)

    run_virtually(drive(limiter, server, 90))

    assert limiter.learned == ["3/min"]
    assert server.refused <= 11


def test_a_wall_ends_with_a_call_that_left_after_it() -> None:
    async def scene() -> list[bool]:
        limiter = Limiter(concurrency=3)
        early, refused = await limiter.slot(), await limiter.slot()
        early.sent()
        refused.sent()
        limiter.rate_limited(refused, 1.0)
        refused.release()
        await asyncio.sleep(2)  # the wall has ended, and nothing was sent since
        assert limiter.succeeded(early) == ""
        early.release()
        waiting = [asyncio.create_task(limiter.slot()) for _ in range(2)]
        await asyncio.sleep(0.1)
        return [task.done() for task in waiting]

    assert run_virtually(scene()) == [True, False]  # one looks whether it still stands


def test_connections_show_that_the_network_is_calm() -> None:
    async def scene(seconds: list[float]) -> float:
        limiter = Limiter([Window(1, 1)], concurrency=9)
        limiter.network(seconds)
        (await limiter.slot()).sent()
        began = asyncio.get_running_loop().time()
        await limiter.slot()
        return asyncio.get_running_loop().time() - began

    assert run_virtually(scene([0.03, 0.031, 0.03, 0.04])) == pytest.approx(1.05)
    assert run_virtually(scene([0.03, 0.1, 0.03, 0.04])) == pytest.approx(1.07)
    assert run_virtually(scene([0.03, 0.9, 0.03, 0.04])) == pytest.approx(1.1)
    assert run_virtually(scene([0.03])) == pytest.approx(1.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("earliest", [0.02, 0.08])
@pytest.mark.parametrize("calm", [False, True])
def test_a_known_limit_is_not_passed_by_calls_that_are_counted_late(
    kind: Callable[[int, float], Counter], seed: int, earliest: float, calm: bool
) -> None:
    """A provider's own way to its counter may vary more than a calm network: that is met once."""
    latest = 0.12
    server = Server(kind(5, 1), jitter=latest - earliest, latency=0.3)
    server.random = random.Random(seed)
    limiter = Limiter([Window(5, 1)], concurrency=4)
    if calm:
        limiter.network([0.03] * 4)

    run_virtually(drive(limiter, server, 200))

    assert server.refused <= (2 if calm and latest - earliest > 0.05 else 0)
    assert limiter.windows == (Window(5, 1),)


def test_refusals_at_random_do_not_stop_a_limit_that_is_known() -> None:
    class Moody(Server):
        async def call(self) -> float | None:
            if self.random.random() < 0.02:
                self.refused += 1
                return -1.0
            return await super().call()

    server = Moody(SlidingWindow(50, 1))
    limiter = Limiter([Window(50, 1)], concurrency=64)

    run_virtually(drive(limiter, server, 2_000))

    assert min(window.limit / window.seconds for window in limiter.windows) >= 0.3 * 50


def test_a_network_that_varies_more_than_thought_does_not_lower_a_known_limit() -> None:
    server = Server(SlidingWindow(50, 1), jitter=0.4)
    limiter = Limiter([Window(50, 1)], concurrency=10_000)

    run_virtually(drive(limiter, server, 3_000))

    assert limiter.windows == (Window(50, 1),)
    assert 0 < server.refused <= 0.01 * 3_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_calls_that_are_counted_late_do_not_lower_five_a_second(
    kind: Callable[[int, float], Counter], seed: int
) -> None:
    server = Server(kind(5, 1), jitter=0.3)
    server.random = random.Random(seed)
    limiter = Limiter([Window(5, 1)], concurrency=6)

    run_virtually(drive(limiter, server, 300))

    assert limiter.windows == (Window(5, 1),)
    assert server.refused <= 8


def test_one_wall_teaches_nothing_below_a_known_window_unless_it_met_many() -> None:
    def half_full(rules: LearningRules, began: float, refused: int) -> str:
        calls = [Sent(at=began + n / 50) for n in range(25)]
        calls += [Sent(at=began + 0.5, refused=True) for _ in range(refused)]
        for call in calls:
            assert call.at is not None
            rules.count(call, call.at)
        return rules.learn(Wall(at=began + 0.5, ends=began + 1), began + 1.5)

    doubtful, many = LearningRules([Window(50, 1)]), LearningRules([Window(50, 1)])
    assert half_full(doubtful, 100.0, refused=1) == ""
    assert half_full(doubtful, 1_000.0, refused=1) == ""  # that was long ago
    assert [str(rule) for rule in doubtful.all] == ["50/s"]
    assert doubtful.spread > SPREAD
    assert half_full(doubtful, 1_010.0, refused=1)
    assert half_full(many, 100.0, refused=5)


def test_calls_that_another_program_sends_count_too() -> None:
    async def scene() -> tuple[float, float, float]:
        loop = asyncio.get_running_loop()
        limiter = Limiter([Window(10, 60)], concurrency=99)
        slot = await limiter.slot()
        slot.sent()
        limiter.told([Window(10, 60)], used={60.0: 8})
        began = loop.time()
        for _ in range(2):
            (await limiter.slot()).sent()
        at_once = loop.time() - began
        (await limiter.slot()).sent()
        third = loop.time() - began
        lying = Limiter([Window(10, 60)], concurrency=99)
        lying.told([Window(10, 60)], used={60.0: 9_999})
        began = loop.time()
        await lying.slot()
        return at_once, third, loop.time() - began

    at_once, third, after_a_lie = run_virtually(scene())
    assert at_once == 0
    assert third == pytest.approx(60, abs=0.5)
    assert after_a_lie == pytest.approx(60, abs=0.5)


def test_a_header_that_counts_without_measure_costs_no_memory() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limiter = Limiter([Window(10, 1)], concurrency=99)
        limiter.told([Window(10**12, 60)], used={60.0: 10**12 - 1})
        began = loop.time()
        for _ in range(11):
            (await limiter.slot()).sent()
        return loop.time() - began

    assert run_virtually(scene()) == pytest.approx(1.1, abs=0.05)


def test_no_more_is_in_flight_than_the_windows_keep_busy() -> None:
    async def scene() -> list[int]:
        rates = []
        for windows, calls in (
            (["1000/min"], 100_000),
            (["1000/min"], 23),  # it all fits into the window
            (["5/s"], 23),
            (["20/min", "100/h", "600/day"], 23),
            (["none"], 100_000),
        ):
            limiter = Limiter(parse_windows(windows), concurrency=24, typical_seconds=0.55)
            limiter.expect(calls)
            rates.append(limiter.at_once)
        return rates

    assert run_virtually(scene()) == [14, 24, 5, 1, 24]


def test_slower_answers_need_more_in_flight() -> None:
    async def scene() -> int:
        limiter = Limiter([Window(1000, 60)], concurrency=99, typical_seconds=0.5)
        limiter.expect(5_000)
        server = Server(latency=2.0)
        await drive(limiter, server, 300)
        return limiter.at_once

    assert 40 <= run_virtually(scene()) <= 55


@pytest.mark.parametrize(
    ("calls", "of"), [(1_000_000, 0), (2_500, 0), (300, 2_500)], ids=["long", "short", "a part"]
)
def test_a_batch_leaves_room_for_the_fast_lane(calls: int, of: int) -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limiter = Limiter([Window(1000, 60)], concurrency=64)
        limiter.expect(calls, of)
        server = Server(FixedWindow(1000, 60))

        async def batch() -> None:
            await drive(limiter, server, 2_500)

        running = asyncio.create_task(batch())
        waits = []
        for _ in range(14):
            await asyncio.sleep(8.3)
            asked = loop.time()
            slot = await limiter.slot(FAST_LANE)
            waits.append(loop.time() - asked)
            slot.sent()
            assert await server.call() is None
            slot.release()
        await running
        assert server.refused == 0
        return max(waits)

    longest = run_virtually(scene())
    assert longest < 0.5  # a batch alone would fill the window within 8 s and then wait 52


@pytest.mark.parametrize("calls", [990, 1000, 1990, 2000])
def test_room_for_the_fast_lane_costs_a_batch_no_further_window(calls: int) -> None:
    limiter = Limiter([Window(1000, 60)], concurrency=64)
    limiter.expect(calls)

    took = run_virtually(drive(limiter, Server(FixedWindow(1000, 60), latency=0.1), calls))

    assert took < 60 * (-(-calls // 1000) - 1) + 10


def test_a_storm_does_not_lower_a_limit_that_is_known() -> None:
    class Storm(Server):
        async def call(self) -> float | None:
            if asyncio.get_running_loop().time() < 1_010:
                self.refused += 1
                return 2.0
            return await super().call()

    server = Storm(FixedWindow(50, 1))
    limiter = Limiter([Window(50, 1)], concurrency=64)

    took = run_virtually(drive(limiter, server, 500))

    assert limiter.windows == (Window(50, 1),)
    # Parked once for each wall, and one call looks whether it still stands.
    assert server.refused <= 64 + 6
    assert took < 10 + 2 + 500 / 50 * 1.05 + 2


def test_a_429_parks_the_key_once_for_all() -> None:
    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()
        limiter = Limiter([Window(100, 1)], concurrency=10)
        first = [await limiter.slot() for _ in range(5)]
        began = loop.time()
        for slot in first:
            slot.sent()
        assert limiter.rate_limited(first[0], 30.0) == 30.0
        # The others of the same burst meet the same wall: it does not stand longer for it.
        await asyncio.sleep(1)
        assert limiter.rate_limited(first[1], 30.0) == pytest.approx(29.0)
        for slot in first:
            slot.release()
        times = []

        async def one() -> None:
            slot = await limiter.slot()
            slot.sent()
            times.append(loop.time() - began)
            await asyncio.sleep(1)
            limiter.succeeded(slot)
            slot.release()

        await asyncio.gather(*(one() for _ in range(4)))
        return times

    times = run_virtually(scene())
    # One looks whether the wall still stands; then as many at once as were answered.
    assert times == pytest.approx([30.0, 31.0, 32.0, 32.0])


def test_what_the_provider_names_replaces_guesses_and_tightens_settings() -> None:
    async def scene() -> tuple[tuple[Window, ...], ...]:
        guess = Limiter([Window(5, 1), Window(60, 60)], concurrency=9, assumed=True)
        guess.told([Window(1000, 60), Window(0, 3600)])
        free = Limiter([Window(5, 1), Window(60, 60)], concurrency=9, assumed=True)
        free.told([Window(0, 60)])
        setting = Limiter([Window(50, 60)], concurrency=9)
        setting.told([Window(1000, 60), Window(600, 3600)])
        setting.told([Window(40, 60)])
        setting.told([])
        return guess.windows, free.windows, setting.windows

    guess, free, setting = run_virtually(scene())
    # An even spread of 1,000 a minute: a burst may meet a limit that nobody names.
    assert guess == (Window(1000, 60), Window(1000, 60, "evenly"))
    assert free == (Window(300, 60, "evenly"),)
    assert setting == (Window(40, 60), Window(600, 3600))


def test_a_provider_that_limits_calls_at_once_is_asked_with_fewer() -> None:
    class AtOnce(Server):
        now = 0

        async def call(self) -> float | None:
            if self.now >= 8:
                self.refused += 1
                return -1.0
            self.now += 1
            try:
                return await super().call()
            finally:
                self.now -= 1

    server = AtOnce(latency=1.0)
    limiter = Limiter(concurrency=32, by_concurrency=True)

    run_virtually(drive(limiter, server, 400))

    assert server.accepted == 400
    assert limiter.windows == ()
    assert limiter.concurrency <= 12
    assert server.refused < 0.25 * 400


def test_a_slot_that_was_not_used_counts_nowhere() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limiter = Limiter([Window(1, 60)], concurrency=9)
        (await limiter.slot()).release()
        began = loop.time()
        (await limiter.slot()).sent()
        return loop.time() - began

    assert run_virtually(scene()) == 0


def test_a_restart_remembers_a_half_spent_window() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limiter = Limiter([Window(2, 60)], concurrency=9)
        limiter.remember([10.0, 50.0])
        began = loop.time()
        await limiter.slot()
        return loop.time() - began

    assert run_virtually(scene()) == pytest.approx(10 + 60 * SLACK)


def test_a_lower_lane_goes_first() -> None:
    async def scene() -> list[str]:
        limiter = Limiter([Window(1, 1)], concurrency=9)
        order: list[str] = []

        async def one(name: str, lane: int) -> None:
            slot = await limiter.slot(lane)
            slot.sent()
            order.append(name)
            slot.release()

        batch = [asyncio.create_task(one(f"batch {n}", 1)) for n in range(3)]
        await asyncio.sleep(0.1)
        await asyncio.gather(one("webhook", 0), *batch)
        return order

    assert run_virtually(scene()) == ["batch 0", "webhook", "batch 1", "batch 2"]


def test_who_waits_is_told_when_nothing_more_is_sent() -> None:
    async def scene() -> None:
        limiter = Limiter([Window(1, 60)], concurrency=9)
        slot = await limiter.slot()
        slot.sent()
        waiting = asyncio.create_task(limiter.slot(owner="us"))
        another = asyncio.create_task(limiter.slot(owner="them"))
        await asyncio.sleep(0)
        limiter.turn_away("us", ConfigError("over"))
        with pytest.raises(ConfigError):
            await waiting
        await another

    run_virtually(scene())


def test_a_cancelled_waiter_leaves_no_hole() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limiter = Limiter([Window(1, 60)], concurrency=1)
        slot = await limiter.slot()
        slot.sent()
        waiting = asyncio.create_task(limiter.slot())
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        slot.release()
        began = loop.time()
        await limiter.slot()
        return loop.time() - began

    assert run_virtually(scene()) == pytest.approx(59 + 60 * SLACK)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("5/s", Window(5, 1)),
        ("1000/min", Window(1000, 60)),
        ("100/h", Window(100, 3600)),
        ("600/day", Window(600, 86400)),
        ("100/10s", Window(100, 10)),
        ("1000/min by the clock", Window(1000, 60, "by the clock")),
        ("1000/min as a bucket", Window(1000, 60, "as a bucket")),
        ("980/min evenly", Window(980, 60, "evenly")),
    ],
)
def test_limits_are_read_as_people_write_them(text: str, window: Window) -> None:
    assert parse_windows([text]) == (window,)
    assert str(window) == text


@pytest.mark.parametrize("text", ["5", "x/s", "0/s", "5/fortnight", "-1/s", "5/s later"])
def test_a_limit_that_makes_no_sense_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="1000/min"):
        parse_windows([text])


def test_the_lower_bound_is_the_formula_of_the_design() -> None:
    assert lower_bound_seconds(
        32, [Window(5, 1)], latency=0.35, shortest=0.2, concurrency=128
    ) == pytest.approx(6.2)
    assert lower_bound_seconds(10, [], latency=2.0, shortest=1.0, concurrency=4) == pytest.approx(
        5.0
    )
    assert lower_bound_seconds(0, [Window(5, 1)], latency=1, shortest=1, concurrency=1) == 0
