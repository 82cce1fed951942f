"""A one-deal request while a large batch runs, against the same request alone.

At the limiter, in virtual time: a batch that fills many windows, and now and then one call in the
fast lane, each to a provider as in :mod:`benchmarks.limiter`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.clock import run_virtually
from benchmarks.limiter import ONE_WAY, SERVICE
from benchmarks.stats import percentile
from enrico.engine.limits import BATCH_LANE, FAST_LANE, Limiter
from enrico.engine.windows import Window

CASES = ((5, 1.0, 20), (50, 1.0, 64), (20, 60.0, 20), (1000, 60.0, 64))
"""Calls, per seconds, at once."""
BATCH_WINDOWS = 30
REQUESTS = 40


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds from asking to the answer, of one call in the fast lane."""

    limit: int
    seconds: float
    requests: int
    alone_p50: float
    beside_p50: float
    beside_p95: float
    beside_most: float


def measure(cases: Sequence[tuple[int, float, int]] = CASES) -> list[Row]:
    """Each limit once alone and once beside a batch of thirty windows."""
    rows = []
    for limit, seconds, at_once in cases:
        alone = run_virtually(_requests(limit, seconds, at_once, batch=0))
        beside = run_virtually(_requests(limit, seconds, at_once, batch=BATCH_WINDOWS * limit))
        rows.append(
            Row(
                limit, seconds, REQUESTS, percentile(alone, 0.5),
                *(percentile(beside, share) for share in (0.5, 0.95, 1.0)),
            )
        )  # fmt: skip
    return rows


async def _requests(limit: int, seconds: float, at_once: int, batch: int) -> list[float]:
    """How long each request took; they come evenly spread over the batch."""
    loop = asyncio.get_running_loop()
    chance = random.Random(f"{limit} {seconds}")
    limiter = Limiter([Window(limit, seconds)], concurrency=at_once)
    limiter.expect(batch or REQUESTS)

    async def call(lane: int) -> float:
        began = loop.time()
        slot = await limiter.slot(lane)
        slot.sent()
        await asyncio.sleep(2 * chance.uniform(*ONE_WAY) + chance.uniform(*SERVICE))
        limiter.succeeded(slot)
        slot.release()
        return loop.time() - began

    async with asyncio.TaskGroup() as group:
        for _ in range(batch):
            group.create_task(call(BATCH_LANE))
        took = []
        for _ in range(REQUESTS):
            await asyncio.sleep(BATCH_WINDOWS * seconds / (REQUESTS + 1))
            took.append(group.create_task(call(FAST_LANE)))
    return [task.result() for task in took]
