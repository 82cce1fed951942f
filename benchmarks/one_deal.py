"""A whole run of one deal while a large batch is under way, beside the same run alone.

Real processes on the real clock, on ``modern``. Over an SQLite file the process of the batch takes
the run in; over PostgreSQL two workers do both. Each deal is one that the batch has not come to, so
that all of its answers must be bought.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks.court import Remote, read_court
from benchmarks.processes import command, environment
from benchmarks.stats import percentile
from enrico.cli.demo import sandbox_process, settings_for
from enrico.client import Enrico
from enrico.looking import Looker
from enrico.sandbox import write_sample_crm
from enrico.settings import Settings, load_settings
from enrico.store.tables import accounts, claims, deals, searches
from tests.postgres import Server, ask, named

PROFILE = "modern"
REQUESTS = 5
WORKERS = 2
ALONE = "one process"
WAYS = (ALONE, f"{WORKERS} workers")
_UNTOUCHED = (
    select(deals.c.id)
    .join(accounts, accounts.c.id == deals.c.account_id)
    .outerjoin(searches, searches.c.key == accounts.c.key)
    .outerjoin(claims, claims.c.key == accounts.c.key)
    .where(accounts.c.key != "", searches.c.key.is_(None), claims.c.key.is_(None))
    .order_by(accounts.c.key.desc(), deals.c.id)
    .limit(1)
)
"""The last deal whose account nobody has searched, or is about to."""


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds from asking for a run of one deal to its summary."""

    way: str
    batch_deals: int
    requests: int
    alone_p50: float
    beside_p50: float
    beside_most: float
    batch_went_on: bool
    """Whether the batch was still under way after the last request."""
    rate_limited: int
    paid_again: int


def measure(folder: Path, batch_deals: int, say: Callable[[str], None]) -> list[Row]:
    """Both ways, each alone and beside the batch, on databases and sandboxes of their own."""
    crm = folder / "crm"
    write_sample_crm(crm, deals=batch_deals)
    server = Server("fsync=on", "full_page_writes=on")
    rows = []
    try:
        for way in WAYS:
            urls = [f"sqlite:///{folder / name}.db" for name in ("alone", "beside")]
            if way != ALONE:
                urls = [named(server.url, name) for name in ("alone", "beside")]
                for name in ("alone", "beside"):
                    asyncio.run(ask(server.url, f'CREATE DATABASE "{name}" TEMPLATE template0'))
            row = asyncio.run(_compare(way, crm, urls, batch_deals))
            say(f"one deal, {way}: {row.beside_p50:.2f} s beside, {row.alone_p50:.2f} s alone")
            rows.append(row)
    finally:
        server.remove()
    return rows


async def _compare(way: str, crm: Path, urls: Sequence[str], batch_deals: int) -> Row:
    workers = 0 if way == ALONE else WORKERS
    alone, *_ = await _requests(crm, urls[0], workers, batch=False)
    beside, went_on, books = await _requests(crm, urls[1], workers, batch=True)
    return Row(
        way, batch_deals, REQUESTS, percentile(alone, 0.5), percentile(beside, 0.5), max(beside),
        went_on, books.rate_limited, books.people_paid_again + books.searches_paid_again,
    )  # fmt: skip


async def _requests(
    crm: Path, url: str, workers: int, *, batch: bool
) -> tuple[list[float], bool, Any]:
    """How long each took, whether the batch outlived them, and the sandbox's books."""
    with sandbox_process(PROFILE) as sandbox, ExitStack() as stack:
        settings = load_settings(PROFILE, database_url=url, **settings_for(dict(sandbox)))
        async with Enrico(settings) as client:
            await client.load(crm)
        env = environment(url, sandbox)
        for _ in range(workers):
            stack.enter_context(
                command("worker", "--profile", PROFILE, env=env, says="This is worker")
            )
        books = Remote(sandbox["base_url"])
        if batch and workers:
            async with Enrico(settings) as client:
                await client.ask()
        elif batch:
            stack.enter_context(command("run", "--profile", PROFILE, "--quiet", env=env))
        while batch and not read_court(books.stats()).bulk_calls:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        took = [await _one(settings) for _ in range(REQUESTS)]
        went_on = batch and await _under_way(settings)
        return took, went_on, read_court(books.stats())


async def _one(settings: Settings) -> float:
    async with Enrico(settings) as client:
        deal = (await client.db.rows(_UNTOUCHED))[0].id
        began = time.monotonic()
        summary = await client.run(client.scope(deals=(deal,)))
        seconds = time.monotonic() - began
    if summary["status"] != "done" or summary["deals"] != 1:
        raise RuntimeError(f"the run of {deal} ended as {summary['status']}")
    if not sum(part["calls"] for part in summary["providers"].values()):
        raise RuntimeError(f"nothing was left to buy for {deal}")
    return seconds


async def _under_way(settings: Settings) -> bool:
    async with Enrico(settings) as client:
        return any(
            run["status"] in ("running", "working") for run in await Looker(client.db).runs(20)
        )
