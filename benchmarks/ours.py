"""Enrico as a user runs it: open the database, load the export, run."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.variants import Ready, Result
from enrico.cli.demo import settings_for
from enrico.client import Enrico
from enrico.pipeline.run import Run
from enrico.settings import load_settings

SANDBOX_NAMES = {"serper": "serper", "llm": "deepseek", "apollo": "apollo"}


async def run(crm: Path, ready: Ready) -> Result:
    """One run over a database that stays in ``ready.state``, with all that a user pays for:
    migrations, loading, the journal."""
    began = time.perf_counter()
    database = f"sqlite:///{ready.state / 'enrico.db'}"
    settings = load_settings(
        ready.profile, database_url=database, **settings_for(dict(ready.sandbox))
    )
    started: list[Run] = []
    async with Enrico(settings) as client:
        report = await client.load(crm)
        scope = client.scope(load_id=report.load_id)
        summary = await client.run(scope, on_start=started.append)
        seconds = time.perf_counter() - began
        seats = await client.rows("deal_contacts", scope)
        verified = {seat["email"].lower(): seat["status"] for seat in seats}
        accounts = await client.rows("accounts", scope)
    if summary["status"] != "done":
        raise RuntimeError(f"the run ended as {summary['status']}: {summary['messages']}")
    stats = {str(name): item for name, item in started[0].stats.providers.items()}
    return Result(
        seconds=seconds,
        phases={name: phase["duration_ms"] / 1000 for name, phase in summary["phases"].items()},
        latencies={
            name: [ms / 1000 for ms in stats[provider].latencies_ms]
            for name, provider in SANDBOX_NAMES.items()
        },
        searched=0,
        classified=0,
        people_found=sum(status == "found" for status in verified.values()),
        people_missing=sum(status == "not_found" for status in verified.values()),
        roles=sum(bool(seat["role"]) for seat in seats),
    )
