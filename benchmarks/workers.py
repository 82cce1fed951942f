"""A run by 1, 2 and 4 workers over PostgreSQL, beside the same run in the foreground.

Real processes on the real clock: a server of its own with every commit flushed, a sandbox, and the
workers. On ``modern`` and ``classic`` limits bind, and more workers must not be slower; on
``instant`` nothing does, and they must be faster as long as there are cores for them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.court import Remote, read_court
from benchmarks.processes import command, cpu_seconds, environment
from enrico.cli.demo import sandbox_process, settings_for
from enrico.client import Enrico
from enrico.pipeline.detached import summary_of
from enrico.sandbox import write_sample_crm
from enrico.settings import load_settings
from tests.postgres import Server, ask, named

CASES = (("instant", 1_000, 3), ("modern", 1_000, 1), ("classic", 150, 1))
"""Profile, deals, and how often: without limits it is over in seconds, which vary."""
WORKERS = (0, 1, 2, 4)
"""0 is a run in the foreground."""
LOOK_SECONDS = 0.05
MOST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Row:
    """One run."""

    profile: str
    deals: int
    workers: int
    seconds: float
    """From asking for it to its summary; in the foreground, its whole time."""
    cpu_seconds: float
    """Of the workers, or of the process in the foreground; without the server's."""
    paid_calls: int
    people: int
    credits: float
    rate_limited: int
    paid_again: int
    """People and searches."""
    status: str


def measure(folder: Path, say: Callable[[str], None], runs: int = 1) -> list[dict[str, Any]]:
    """Every case with every number of workers, *runs* times, by turns."""
    server = Server("fsync=on", "full_page_writes=on")
    rows: list[dict[str, Any]] = []
    try:
        for profile, deals, often in CASES:
            crm = folder / f"crm-{deals}"
            if not crm.exists():
                write_sample_crm(crm, deals=deals)
            for turn in range(runs * often):
                for workers in WORKERS:
                    name = f"{profile}_{workers}_{turn}"
                    asyncio.run(ask(server.url, f'CREATE DATABASE "{name}" TEMPLATE template0'))
                    row = asyncio.run(_run(named(server.url, name), crm, profile, workers))
                    say(f"{profile}, {workers} workers: {row['seconds']:.1f} s")
                    rows.append({**row, "deals": deals})
    finally:
        server.remove()
    return rows


async def _run(url: str, crm: Path, profile: str, workers: int) -> dict[str, Any]:
    with sandbox_process(profile) as sandbox, ExitStack() as stack:
        settings = load_settings(profile, database_url=url, **settings_for(dict(sandbox)))
        async with Enrico(settings) as client:
            await client.load(crm)
            env = environment(url, sandbox)
            fleet = [
                stack.enter_context(
                    command("worker", "--profile", profile, env=env, says="This is worker")
                )
                for _ in range(workers)
            ]
            before = sum(map(cpu_seconds, fleet)) if fleet else time.process_time()
            began = time.monotonic()
            if fleet:
                summary = await _until_done(client, await client.ask())
            else:
                summary = await client.run()
            seconds = time.monotonic() - began
            cpu = (sum(map(cpu_seconds, fleet)) if fleet else time.process_time()) - before
        court = read_court(Remote(sandbox["base_url"]).stats())
    return {
        "profile": profile,
        "workers": workers,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "paid_calls": court.paid_calls,
        "people": court.people_asked,
        "credits": court.people_credits,
        "rate_limited": court.rate_limited,
        "paid_again": court.people_paid_again + court.searches_paid_again,
        "status": summary["status"],
    }


async def _until_done(client: Enrico, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(MOST_SECONDS):
        while (summary := await summary_of(client.db, run_id)) is None:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
    return summary


def middle(rows: Sequence[dict[str, Any]], profile: str, workers: int, name: str) -> float | None:
    """The median of one figure; None where it was not measured."""
    found = sorted(
        row[name] for row in rows if (row["profile"], row["workers"]) == (profile, workers)
    )
    return found[len(found) // 2] if found else None
