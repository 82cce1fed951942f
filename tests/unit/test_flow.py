"""Streaming stages: bounded, ordered shutdown, nothing waits for a stage to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from clock import run_virtually
from enrico.engine.flow import Channel, for_each, in_batches


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for n in range(count):
        yield n


def test_every_item_is_worked_on_once_by_at_most_so_many() -> None:
    async def scene() -> tuple[list[int], int]:
        done: list[int] = []
        now = most = 0

        async def work(n: int) -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(1)
            now -= 1
            done.append(n)

        await for_each(numbers(50), work, workers=7, stopped=lambda: False)
        return done, most

    done, most = run_virtually(scene())
    assert sorted(done) == list(range(50))
    assert most == 7


def test_stopping_takes_up_nothing_more_and_finishes_what_is_under_way() -> None:
    async def scene() -> list[int]:
        done: list[int] = []

        async def work(n: int) -> None:
            await asyncio.sleep(1)
            done.append(n)

        await for_each(numbers(50), work, workers=5, stopped=lambda: len(done) >= 10)
        return done

    assert len(run_virtually(scene())) in range(10, 15)


def test_an_error_in_one_worker_ends_the_others() -> None:
    async def scene() -> None:
        async def work(n: int) -> None:
            await asyncio.sleep(1)
            if n == 3:
                raise ValueError("bad")

        await for_each(numbers(50), work, workers=5, stopped=lambda: False)

    with pytest.raises(ExceptionGroup) as caught:
        run_virtually(scene())
    assert caught.group_contains(ValueError, match="bad")


def test_batches_are_full_but_for_the_last() -> None:
    async def scene() -> list[list[int]]:
        return [batch async for batch in in_batches(numbers(25), 10)]

    assert [len(batch) for batch in run_virtually(scene())] == [10, 10, 5]


def test_a_batch_may_wait_for_more_but_not_longer_than_it_was_told() -> None:
    async def scene() -> tuple[list[int], float, list[int]]:
        loop = asyncio.get_running_loop()
        channel: Channel[int] = Channel(10)
        await channel.put(0)
        batch = await channel.take(lambda: 4)
        loop.call_later(1, lambda: asyncio.ensure_future(channel.put(1)))
        began = loop.time()
        batch += await channel.more(3, 5)
        waited = loop.time() - began
        for n in range(4):
            await channel.put(n)
        return batch, waited, await channel.more(2, 5)

    batch, waited, full = run_virtually(scene())
    assert (batch, waited) == ([0, 1], 5)
    assert full == [0, 1]  # enough is there: no wait


def test_a_full_channel_stops_its_producer_and_a_closed_one_ends_its_reader() -> None:
    async def scene() -> tuple[int, list[list[int]]]:
        channel: Channel[int] = Channel(3)
        put = 0

        async def produce() -> None:
            nonlocal put
            for n in range(7):
                await channel.put(n)
                put += 1
            await channel.close()

        producer = asyncio.create_task(produce())
        await asyncio.sleep(1)
        before = put
        batches = []
        while batch := await channel.take(lambda: 2):
            batches.append(batch)
            await asyncio.sleep(1)
        await producer
        return before, batches

    before, batches = run_virtually(scene())
    assert before == 3
    assert [n for batch in batches for n in batch] == list(range(7))
    assert max(len(batch) for batch in batches) == 2
