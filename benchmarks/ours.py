"""Enrico as a user runs it: open the database, load the export, run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson

from benchmarks.salesforce import address
from benchmarks.variants import Ready, Result
from enrico.cli import collect_rarely
from enrico.cli.demo import settings_for
from enrico.client import Enrico
from enrico.holding import settle_held
from enrico.pipeline.run import Run
from enrico.settings import Settings, load_settings

TABLES = ("deal_contacts", "accounts", "signals", "deals")
ENDED_WELL = ("done", "partial", "held")


def settings_of(ready: Ready) -> Settings:
    """The profile's settings with those of *ready* on top."""
    database = f"sqlite:///{ready.state / 'enrico.db'}"
    settings = load_settings(
        ready.profile, database_url=database, **settings_for(dict(ready.sandbox))
    )
    update = {
        section: getattr(settings, section).model_copy(update=dict(values))
        for section, values in ready.settings.items()
    }
    return settings.model_copy(update=update)


async def run(crm: Path, ready: Ready) -> Result:
    """One run over a database that stays in ``ready.state``, with all that a user pays for:
    migrations, loading, the journal."""
    collect_rarely()  # as the command line does
    began = time.perf_counter()
    started: list[float] = []

    def on_start(_: Run) -> None:
        started.append(time.perf_counter() - began)

    async with Enrico(settings_of(ready)) as client:
        report = await client.load(crm, roles=False)
        scope = client.scope(load_id=report.load_id)
        part = client.scope(load_id=report.load_id, limit=ready.deals)
        summary = await client.run(part, on_start=on_start)
        seconds = time.perf_counter() - began
        tables = {name: await client.rows(name, scope) for name in TABLES}
    if summary["status"] not in ENDED_WELL:
        raise RuntimeError(f"the run ended as {summary['status']}: {summary['messages']}")
    if ready.tables is not None:
        ready.tables.write_bytes(orjson.dumps(tables, default=str))
    phases = {name: phase["duration_ms"] / 1000 for name, phase in summary["phases"].items()}
    accounts, seats = tables["accounts"], tables["deal_contacts"]
    return Result(
        seconds=seconds,
        phases={"prepare": started[0], **phases},
        searched=_where(accounts, "account_id", "enriched", "not_found"),
        classified=_where(accounts, "account_id", "enriched"),
        found=_where(seats, "email", "enriched"),
        missed=_where(seats, "email", "not_found"),
        held=_where(seats, "email", "held"),
        roles=sum(bool(seat["role"]) for seat in seats),
    )


async def free_held(ready: Ready) -> None:
    """Decide, as a user may, to ask again for whoever is held."""
    async with Enrico(settings_of(ready)) as client:
        await settle_held(client.db, "retry", (), everything=True)


def _where(rows: list[dict[str, Any]], column: str, *statuses: str) -> frozenset[str]:
    return frozenset(address(row[column]) if column == "email" else row[column]
                     for row in rows if row["status"] in statuses)  # fmt: skip
