"""What workers on one key tell each other, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from enrico.engine.board import Entry
from enrico.engine.lessons import LearningRules, Wall
from enrico.engine.limits import TooLate
from enrico.engine.others import Others, not_among
from enrico.engine.ours import LEASE
from enrico.engine.rules import Taught
from enrico.engine.sharing import PATIENCE_SECONDS, SharedLimiter
from enrico.engine.windows import Window
from enrico.errors import StoreError
from tests.board import MemoryBoard, Wood
from tests.clock import run_virtually


def two_on(wood: Wood, *windows: Window) -> tuple[SharedLimiter, SharedLimiter]:
    one, two = (
        SharedLimiter(MemoryBoard(wood, name), windows, concurrency=100) for name in ("one", "two")
    )
    return one, two


def test_a_call_that_takes_long_to_leave_keeps_its_place() -> None:
    async def scene() -> None:
        one, two = two_on(Wood(), Window(1, 1.0))
        async with one, two:
            slow = await one.slot()
            waiting = asyncio.create_task(two.slot())
            await asyncio.sleep(5 * LEASE)
            assert not waiting.done()
            slow.sent()
            left = asyncio.get_running_loop().time()
            (await waiting).release()
            slow.release()
            assert 1.0 <= asyncio.get_running_loop().time() - left <= 1.3

    run_virtually(scene())


def test_a_call_that_never_left_counts_for_nobody() -> None:
    async def scene() -> None:
        one, two = two_on(Wood(), Window(1, 60.0))
        async with one, two:
            slot = await one.slot()
            waiting = asyncio.create_task(two.slot())
            await asyncio.sleep(0.5)
            slot.release()
            async with asyncio.timeout(0.5):
                (await waiting).release()

    run_virtually(scene())


def test_nobody_leaves_without_the_board_and_all_goes_on_when_it_is_back() -> None:
    async def scene() -> None:
        wood = Wood()
        one, two = two_on(wood, Window(100, 1.0))
        async with one, two:
            held = await one.slot()
            wood.away = True
            waiting = [asyncio.create_task(two.slot()) for _ in range(5)]
            await asyncio.sleep(PATIENCE_SECONDS / 2)
            assert not any(task.done() for task in waiting)
            with pytest.raises(TooLate):
                held.sent()
            held.release()
            wood.away = False
            async with asyncio.timeout(1):
                for slot in await asyncio.gather(*waiting):
                    slot.sent()
                    slot.release()

    run_virtually(scene())


def test_a_turn_that_breaks_at_its_end_takes_no_place_and_loses_no_news() -> None:
    async def scene() -> None:
        wood = Wood(breaks=3)
        one, _ = two_on(wood, Window(2, 60.0))
        async with one, asyncio.timeout(5):
            slots = [await one.slot() for _ in range(2)]
            wood.breaks = 2
            for slot in slots:
                slot.sent()
                slot.release()
            wood.entries.clear()
            await asyncio.sleep(2)
            assert [entry.over is None for _, entry in wood.entries.values()] == [False, False]
            assert not wood.breaks

    run_virtually(scene())


def test_a_board_that_stays_away_is_told_to_those_who_wait() -> None:
    async def scene() -> None:
        wood = Wood(away=True)
        one, _ = two_on(wood, Window(100, 1.0))
        async with one, asyncio.timeout(2 * PATIENCE_SECONDS):
            with pytest.raises(StoreError):
                await one.slot()

    run_virtually(scene())


def test_one_at_a_time_looks_whether_a_wall_still_stands() -> None:
    async def scene() -> int:
        wood = Wood()
        opens = asyncio.get_running_loop().time() + 20
        refused = 0

        async def work(name: str) -> None:
            nonlocal refused
            async with SharedLimiter(
                MemoryBoard(wood, name), [Window(100, 1.0)], concurrency=100
            ) as limiter:
                while True:
                    slot = await limiter.slot()
                    slot.sent()
                    await asyncio.sleep(0.3)
                    served = asyncio.get_running_loop().time() >= opens
                    if served:
                        limiter.succeeded(slot)
                    else:
                        refused += 1
                        limiter.rate_limited(slot, 1.0)
                    slot.release()
                    if served:
                        return

        await asyncio.gather(*(work(f"w{n}") for n in range(5)))
        assert asyncio.get_running_loop().time() <= opens + 2.0
        return refused

    refused = run_virtually(scene())
    assert 15 <= refused <= 5 + 20  # the first of each, then one for each park


def test_without_windows_no_call_asks_the_board() -> None:
    async def scene() -> int:
        wood = Wood()
        one, two = two_on(wood)
        async with one, two:
            for _ in range(1000):
                slot = await one.slot()
                slot.sent()
                slot.release()
        return wood.turns

    assert run_virtually(scene()) <= 5


def test_who_comes_while_all_calls_are_in_use_has_his_share_after_a_call_and_a_moment() -> None:
    async def scene() -> None:
        one, two = two_on(Wood())
        own: list[int] = []

        async def keep_busy(limiter: SharedLimiter) -> None:
            while True:
                slot = await limiter.slot()
                slot.sent()
                await asyncio.sleep(0.2)
                slot.release()

        async with one, two, asyncio.TaskGroup() as tasks:
            busy = [tasks.create_task(keep_busy(one)) for _ in range(150)]
            await asyncio.sleep(5.05)
            busy += [tasks.create_task(keep_busy(two)) for _ in range(150)]
            for _ in range(100):
                await asyncio.sleep(0.01)
                assert one._in_flight + two._in_flight <= 100
                own.append(two._in_flight)
            for task in busy:
                task.cancel()
        assert own[60:] == [50] * 40

    run_virtually(scene())


def test_a_calm_network_needs_more_of_a_margin_for_several_processes() -> None:
    async def scene() -> float:
        one, two = two_on(Wood(), Window(1, 1.0))
        async with one, two:
            for limiter in (one, two):
                limiter.network([0.03] * 4)
            (await one.slot()).sent()
            began = asyncio.get_running_loop().time()
            await two.slot()
            return asyncio.get_running_loop().time() - began

    assert 1.075 <= run_virtually(scene()) <= 1.075 + 0.05


def test_a_wall_is_judged_by_calls_that_are_not_told_yet_too() -> None:
    rules = LearningRules([Window(5, 1.0)], assumed=True)
    now = 100.0
    granted = [Entry("one", n, by=now - 1 + n / 40 + LEASE) for n in range(40)]
    Others(rules).read(granted, clock=0.0, now=now)

    taught = rules.learn(Wall(at=now, ends=now), resumed=now + 0.1)

    assert taught
    assert 30 <= rules.taught.rate <= 40


def test_what_one_learns_and_a_guess_that_grows_are_known_to_all() -> None:
    start, grown = Taught(rate=5.0), Taught(rate=8.0)
    walled = Taught(rate=4.0, sure=True)

    assert grown.after(start, Taught(rate=7.0)) == Taught(rate=10.0)  # both have had answers
    assert grown.after(start, start) == grown
    assert walled.after(start, Taught(rate=7.0)) == walled
    assert grown.after(start, walled) == walled


def test_a_send_in_the_journal_and_on_the_board_counts_once() -> None:
    on_board = [Entry("one", n, by=at + 1, sent=at) for n, at in enumerate([100.0, 101.0, 130.0])]

    assert not_among([100.2, 101.1, 115.0, 129.9], on_board, clock=0.0) == [115.0]
    assert not_among([100.1, 100.2, 101.0], on_board, clock=0.0) == [101.0]
