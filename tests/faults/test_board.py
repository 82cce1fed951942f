"""Limits that processes share over PostgreSQL: real processes, some of which are killed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enrico.engine.http import Http, Request
from enrico.engine.limits import TooLate
from enrico.engine.ours import LEASE
from enrico.engine.sharing import SharedLimiter
from enrico.engine.windows import Window
from enrico.sandbox import DEFAULT_KEYS, RunningSandbox, SandboxConfig, start
from enrico.sandbox.profiles import Limits, Profile
from enrico.store.board import PostgresBoard, gone
from enrico.store.postgres import Postgres
from tests.postgres import Server

SPREAD = "0.5"
"""Seconds. A machine that is busy with other tests lets the sandbox wait for that long."""
SENDING = Path(__file__).parents[1] / "sending.py"


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
def restartable() -> Iterator[Server]:
    server = Server()
    yield server
    server.remove()


async def sender(database: str, sandbox: RunningSandbox, limit: str, calls: int) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, SENDING, database, sandbox.serper_url, DEFAULT_KEYS["serper"], limit,
        str(calls), SPREAD, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def result(process: Any) -> dict[str, float]:
    out, _ = await process.communicate()
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


@pytest.mark.parametrize(("second", "calls"), [(5, 8), (50, 60)])
async def test_processes_on_one_key_meet_no_429_though_some_are_killed(stores, second, calls):
    profile = Profile("x", serper=Limits(second=second), serper_seconds=(0.1, 0.3))
    async with asyncio.timeout(60), await start(SandboxConfig(profile=profile)) as sandbox:
        url, limit = stores.url("enrico"), f"{second}/s"
        starting = (sender(url, sandbox, limit, calls) for _ in range(4))
        processes = await asyncio.gather(*starting)
        for victim in processes[2:]:
            await asyncio.sleep(0.7)  # with calls on their way
            victim.kill()
        done = [await result(process) for process in processes[:2]]
        for victim in processes[2:]:
            await victim.wait()

        books = sandbox.stats()["serper"]
        sends = stores.query("enrico", "SELECT sent FROM board_calls WHERE sent > 0 ORDER BY sent")
        times = [at for (at,) in sends]
        gaps = [b - a for a, b in zip(times, times[second:], strict=False)]
        assert min(gaps) > 1.0  # no second, wherever it begins, has seen more calls leave
        assert [one["answered"] for one in done] == [calls, calls]
        assert books["rate_limited"] == 0


async def test_what_is_too_late_is_not_written_to_the_network(bench):
    sandbox = await bench.sandbox()

    def left() -> None:
        raise TooLate

    async with Http(sandbox.serper_url, {}, connections=1) as http:
        with pytest.raises(TooLate):
            await http.send(Request("POST", "/search", b"{}"), 5.0, left)

    assert sandbox.stats()["serper"]["calls"] == 0


def limiter_on(database: str, worker: str, *windows: Window, **options: Any) -> SharedLimiter:
    board = PostgresBoard(Postgres(database), "serper 123", worker)
    return SharedLimiter(board, windows, **{"concurrency": 10, **options})


async def test_a_server_that_is_away_stops_everybody_and_costs_nothing(restartable):
    async with (
        asyncio.timeout(60),
        limiter_on(restartable.url, "one", Window(1000, 1.0)) as limiter,
    ):
        held = await limiter.slot()
        restartable.stop(at_once=True)
        waiting = asyncio.create_task(limiter.slot())
        await asyncio.sleep(LEASE + 0.1)
        assert not waiting.done()
        with pytest.raises(TooLate):
            held.sent()
        held.release()
        restartable.start()
        (await waiting).release()


async def test_one_who_joins_knows_what_the_others_have_sent(stores):
    url = stores.url("enrico")
    async with limiter_on(url, "one", Window(4, 60.0)) as one:
        for _ in range(3):
            slot = await one.slot()
            slot.sent()
            slot.release()
    async with limiter_on(url, "two", Window(4, 60.0)) as two:
        two.remember([0.1, 0.1, 0.1])  # the same calls, in the journal
        async with asyncio.timeout(1):
            (await two.slot()).sent()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(two.slot(), 0.3)


async def test_one_429_parks_all_and_what_it_taught_is_known_to_all(stores):
    url = stores.url("enrico")
    async with (
        limiter_on(url, "one", Window(50, 1.0)) as one,
        limiter_on(url, "two", Window(50, 1.0)) as two,
    ):
        slot, other = await one.slot(), await two.slot()
        slot.sent()
        other.sent()
        one.rate_limited(slot, 0.5)
        slot.release()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(two.slot(), 0.3)
        assert two.parked_for() > 0


async def test_calls_in_flight_are_divided_and_a_dead_ones_share_is_free(stores):
    url = stores.url("enrico")
    backend = Postgres(url)
    async with limiter_on(url, "two") as two:
        one = limiter_on(url, "one")
        taken = await asyncio.gather(*(one.slot() for _ in range(10)))
        waiting = [asyncio.create_task(two.slot()) for _ in range(10)]
        await asyncio.sleep(1.3)
        assert not any(task.done() for task in waiting)

        for slot in taken[:5]:
            slot.release()
        await asyncio.sleep(2.3)
        assert sum(task.done() for task in waiting) == 5

        await die(one)
        await gone(backend, "one")
        async with asyncio.timeout(2.5):
            slots = await asyncio.gather(*waiting)
        for slot in slots:
            slot.release()


async def die(limiter: SharedLimiter) -> None:
    """Without a word, as a process does that is killed."""
    limiter._closed = True
    if limiter._turning is not None:
        await limiter._turning
    await limiter._board.close()
