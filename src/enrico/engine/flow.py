"""Stages that stream: bounded channels between them, a fixed number of workers in each.

Nothing waits for a stage to end. A full channel stops its producer, so memory does not grow with
the run, and closing a channel ends its consumers once it is empty.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """A bounded queue that can be closed, and read in batches as large as its backlog."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._changed = asyncio.Condition()
        self._closed = False

    async def put(self, item: T) -> None:
        """Add one item; waits while the channel is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._items) < self._size)
            self._items.append(item)
            self._changed.notify_all()

    async def close(self) -> None:
        """Nothing more will be put."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def take(self, most: Callable[[], int]) -> list[T]:
        """At least one item, without waiting for more; empty at the end.

        *most* is asked when there is something to take.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._items or self._closed)
            batch = [self._items.popleft() for _ in range(min(most(), len(self._items)))]
            self._changed.notify_all()
            return batch

    async def more(self, most: int, seconds: float) -> list[T]:
        """Up to *most* further items that come within *seconds*; fewer at the end."""
        async with self._changed:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait_for(lambda: len(self._items) >= most or self._closed)
            batch = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            self._changed.notify_all()
            return batch


async def for_each(
    source: AsyncGenerator[T, None],
    work: Callable[[T], Awaitable[None]],
    *,
    workers: int,
    stopped: Callable[[], bool],
) -> None:
    """Run *work* on every item, at most *workers* at once, until the end or until *stopped*.

    An exception in one worker cancels the others and is raised.
    """
    lock = asyncio.Lock()
    ended = False

    async def worker() -> None:
        nonlocal ended
        while not ended and not stopped():
            async with lock:
                if ended or stopped():
                    return
                try:
                    item = await anext(source)
                except StopAsyncIteration:
                    ended = True
                    return
            await work(item)

    async with aclosing(source), asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())


async def in_batches(source: AsyncIterator[T], size: int) -> AsyncGenerator[list[T], None]:
    """Full batches of *size*; only the last may be smaller."""
    batch: list[T] = []
    async for item in source:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
