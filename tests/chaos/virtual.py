"""A world without waiting: virtual time, a wall clock that may jump, and no threads.

Whatever the client hands to a thread (its writer, SQLite's driver) is done at once in the loop, so
a history depends on its seed alone and can be played again.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

import aiosqlite.core
import sqlalchemy.ext.asyncio

from enrico.engine import call, limits, stats
from enrico.pipeline import context, guests, lines, run
from enrico.store import journal, sqlite

T = TypeVar("T")

# A Friday noon in UTC: off-peak prices, an hour and a day either way too.
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Hung(AssertionError):
    """Everybody waits for something that will never come."""


class Clock:
    """``now`` is the loops' time, which only grows; the wall clock is that and what it was set."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Noon again."""
        self.now = 1_000.0
        self.shift = 0.0
        self.until = float("inf")
        """Who goes on for longer hangs."""

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.now - 1_000.0 + self.shift)


CLOCK = Clock()


class VirtualDatetime(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return CLOCK.wall().astimezone(tz)


VIRTUAL_TIME = SimpleNamespace(
    time=lambda: CLOCK.wall().timestamp(),
    monotonic=lambda: CLOCK.now,
    perf_counter=lambda: CLOCK.now,
)


class _Selector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Hung("all tasks wait, and no timer is set")
        if timeout > 0:
            CLOCK.now += timeout
        if CLOCK.now > CLOCK.until:
            CLOCK.until = float("inf")  # for the loop's own end
            raise Hung("it goes on and on")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return CLOCK.now

    def run_in_executor(self, executor: Any, work: Callable[..., Any], *args: Any) -> Any:
        future = self.create_future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end; raises Hung where that never comes."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class _Inline(aiosqlite.core.Connection):
    """SQLite's driver without its thread."""

    async def _execute(self, work: Any, *args: Any, **named: Any) -> Any:
        return work(*args, **named)

    async def _connect(self) -> Any:
        self._connection = self._connection or self._connector()
        return self

    def stop(self) -> None:
        self._running = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __await__(self) -> Any:
        return self._connect().__await__()


def _one_dialect(create: Callable[..., Any]) -> Callable[..., Any]:
    """Engines that share what they have compiled: a restart would cost 30 ms of it each time."""
    first: list[Any] = []

    def created(url: Any, **options: Any) -> Any:
        engine = create(url, **options)
        if engine.dialect.name == "sqlite":
            made = engine.sync_engine
            if first:
                made.dialect = made.pool._dialect = first[0].dialect
                made._compiled_cache = first[0]._compiled_cache
            else:
                first.append(made)
        return engine

    return created


ENGINES = _one_dialect(sqlalchemy.ext.asyncio.create_async_engine)


@contextmanager
def virtual_world(http: type, draw: random.Random) -> Iterator[None]:
    """Inside, the client's clocks, chances and network are ours."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(journal, "datetime", VirtualDatetime))
        for module in (run, call, stats, guests, limits):
            stack.enter_context(patch.object(module, "time", VIRTUAL_TIME))
        stack.enter_context(patch.object(call, "random", draw))
        token = SimpleNamespace(token_hex=lambda n: f"{draw.getrandbits(8 * n):0{2 * n}x}")
        stack.enter_context(patch.object(context, "secrets", token))
        stack.enter_context(patch.object(lines, "Http", http))
        # A run that waits an hour would ask 18,000 times whether a guest has come.
        stack.enter_context(patch.object(guests, "POLL_SECONDS", 30.0))
        stack.enter_context(patch.object(sqlite, "create_async_engine", ENGINES))
        for name, own in vars(_Inline).items():
            if callable(own):
                stack.enter_context(patch.object(aiosqlite.core.Connection, name, own))
        yield
