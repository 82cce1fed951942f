"""Several processes on one key, in virtual time: no limit is passed, whoever of them dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrico.engine.limits import TooLate
from enrico.engine.rules import SPREAD
from enrico.engine.sharing import SharedLimiter
from enrico.engine.windows import Window
from tests.board import MemoryBoard, Wood
from tests.clock import run_virtually
from tests.unit.test_limits import Bucket, FixedWindow, Server, SlidingWindow

KINDS = {"fixed": FixedWindow, "sliding": SlidingWindow, "bucket": Bucket}


class Team:
    """Workers that share a heap of calls; what a dead one had in hand goes back onto it."""

    def __init__(self, server: Server, calls: int, workers: int, **options: Any) -> None:
        self.server = server
        self.wood = Wood()
        self.open = calls
        self.in_flight = self.most_in_flight = 0
        self.boards = [MemoryBoard(self.wood, f"w{n}") for n in range(workers)]
        self.limiters: list[SharedLimiter] = []
        self._heap: asyncio.Queue[bool] = asyncio.Queue()
        self._options = options
        self._chance = random.Random(3)
        self._workers: list[asyncio.Task[None]] = []

    async def work(self, deaths: Sequence[float] = (), at_once: int = 40) -> float:
        """All calls are made; the seconds that it took. Worker 0 outlives the others."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(self.open):
            self._heap.put_nowait(True)
        self._callers = at_once * len(self.boards)
        self._workers = [asyncio.create_task(self._worker(board, at_once)) for board in self.boards]
        for victim, at in enumerate(deaths, 1):
            loop.call_at(began + at, self._kill, victim)
        await self._workers[0]
        took = loop.time() - began
        await asyncio.gather(*self._workers, return_exceptions=True)
        return took

    def _heap_is_empty(self) -> None:
        for _ in range(self._callers):
            self._heap.put_nowait(False)

    def _kill(self, victim: int) -> None:
        if victim < len(self._workers) and not self._workers[victim].done():
            self.boards[victim].is_dead = True
            self._workers[victim].cancel()
            self.wood.gone(self.boards[victim].worker)

    async def _worker(self, board: MemoryBoard, at_once: int) -> None:
        async with SharedLimiter(board, **self._options) as limiter, asyncio.TaskGroup() as tasks:
            self.limiters.append(limiter)
            for _ in range(at_once):
                tasks.create_task(self._calls(limiter))

    async def _calls(self, limiter: SharedLimiter) -> None:
        while await self._heap.get():
            try:
                await self._call(limiter)
            except asyncio.CancelledError:
                self._heap.put_nowait(True)
                raise
            self.open -= 1
            if not self.open:
                self._heap_is_empty()

    async def _call(self, limiter: SharedLimiter) -> None:
        while True:
            slot = await limiter.slot()
            try:
                await asyncio.sleep(self._chance.uniform(0, 0.01))  # the intent is committed
                slot.sent()
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    # What has left arrives, though its worker dies.
                    wait = await asyncio.shield(asyncio.ensure_future(self.server.call()))
                finally:
                    self.in_flight -= 1
                if wait is None:
                    limiter.succeeded(slot)
                    return
                limiter.rate_limited(slot, None if wait < 0 else wait)
            except TooLate:
                continue
            finally:
                slot.release()


def window(kind: str, limit: int, seconds: float) -> Window:
    return Window(limit, seconds, "as a bucket" if kind == "bucket" else "rolling")


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    limit=st.integers(2, 60),
    seconds=st.sampled_from([1.0, 2.0, 60.0]),
    workers=st.integers(1, 5),
    rounds=st.floats(0.1, 5.0),
    deaths=st.lists(st.floats(0.0, 4.0), max_size=4),
    latency=st.floats(0.0, 1.0),
)
def test_a_known_limit_is_never_passed_whoever_dies(
    kind: str,
    limit: int,
    seconds: float,
    workers: int,
    rounds: float,
    deaths: list[float],
    latency: float,
) -> None:
    jitter = SPREAD / 2 if kind == "bucket" else SPREAD  # the rest is ours, until a call leaves
    server = Server(KINDS[kind](limit, seconds), jitter=jitter, latency=latency)
    calls = 1 + int(rounds * limit)
    team = Team(server, calls, workers, windows=[window(kind, limit, seconds)], concurrency=1000)

    run_virtually(team.work([at * min(seconds, 5.0) for at in deaths]))

    assert server.refused == 0
    assert team.open == 0
    assert server.accepted >= calls


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("limit", "seconds", "calls"), [(5, 1, 60), (50, 1, 500), (20, 60, 90), (1000, 60, 3500)]
)
def test_many_are_no_slower_than_one(kind: str, limit: int, seconds: float, calls: int) -> None:
    def seconds_of(workers: int) -> float:
        server = Server(KINDS[kind](limit, seconds))
        windows = [window(kind, limit, seconds)]
        team = Team(server, calls, workers, windows=windows, concurrency=1000)
        took = run_virtually(team.work(at_once=400 // workers))
        assert server.refused == 0
        return took

    alone = seconds_of(1)
    assert seconds_of(2) <= 1.05 * alone
    assert seconds_of(4) <= 1.05 * alone


@settings(max_examples=25, deadline=None)
@given(
    workers=st.integers(1, 5),
    concurrency=st.integers(1, 60),
    limit=st.sampled_from([None, 5, 50]),
    deaths=st.lists(st.floats(0.0, 10.0), max_size=4),
)
def test_all_together_have_no_more_in_flight_than_one_would(
    workers: int, concurrency: int, limit: int | None, deaths: list[float]
) -> None:
    windows = [] if limit is None else [Window(limit, 1)]
    server = Server(*([] if limit is None else [SlidingWindow(limit, 1)]), latency=1.0)
    team = Team(server, 150, workers, windows=windows, concurrency=concurrency)

    run_virtually(team.work(deaths))

    assert team.most_in_flight <= concurrency
    assert team.wood.most_shared <= concurrency
    assert server.refused == 0
    assert team.open == 0


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("limit", "seconds", "told", "assumed", "calls"),
    [
        (5, 1, 10, False, 1_200),
        (50, 1, 100, False, 4_000),
        (1000, 60, 2000, False, 4_000),
        (5, 1, 50, True, 1_200),
        (50, 1, 5, True, 4_000),
        (1000, 60, 200, True, 4_000),
    ],
)
def test_limits_that_are_wrong_or_unknown_are_learnt_by_all(
    kind: str, limit: int, seconds: float, told: int, assumed: bool, calls: int
) -> None:
    server = Server(KINDS[kind](limit, seconds))
    windows = [Window(told, seconds)]
    team = Team(server, calls, 4, windows=windows, concurrency=64, assumed=assumed)

    took = run_virtually(team.work())

    assert server.refused <= 0.01 * calls
    assert took <= 1.6 * calls / limit * seconds
