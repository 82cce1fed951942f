"""Enrico as a user runs it: open the database, load the export, run."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from benchmarks.variants import Ready, Result
from enrico.cli.demo import settings_for
from enrico.client import Enrico
from enrico.pipeline.run import Run
from enrico.settings import load_settings

OUR_NAMES = {"serper": "serper", "llm": "deepseek", "apollo": "apollo"}


async def run(crm: Path, ready: Ready) -> Result:
    """One run over a database that stays in ``ready.state``, with all that a user pays for:
    migrations, loading, the journal."""
    began = time.perf_counter()
    database = f"sqlite:///{ready.state / 'enrico.db'}"
    settings = load_settings(
        ready.profile, database_url=database, **settings_for(dict(ready.sandbox))
    )
    started: list[tuple[Run, float]] = []

    def on_start(run: Run) -> None:
        started.append((run, time.perf_counter() - began))

    async with Enrico(settings) as client:
        report = await client.load(crm)
        scope = client.scope(load_id=report.load_id)
        summary = await client.run(scope, on_start=on_start)
        seconds = time.perf_counter() - began
        accounts = Counter(row["status"] for row in await client.rows("accounts", scope))
        seats = await client.rows("deal_contacts", scope)
    if summary["status"] != "done":
        raise RuntimeError(f"the run ended as {summary['status']}: {summary['messages']}")
    planned, prepared = started[0]
    stats = {str(name): item for name, item in planned.stats.providers.items()}
    phases = {name: phase["duration_ms"] / 1000 for name, phase in summary["phases"].items()}
    people = summary["providers"]["apollo"]
    return Result(
        seconds=seconds,
        phases={"prepare": prepared, **phases},
        latencies={
            name: [ms / 1000 for ms in stats[provider].latencies_ms]
            for name, provider in OUR_NAMES.items()
        },
        searched=accounts["enriched"] + accounts["not_found"],
        classified=accounts["enriched"],
        people=people["found"] + people["not_found"] + people["cached"],
        roles=sum(bool(seat["role"]) for seat in seats),
    )
