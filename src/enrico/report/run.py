"""One run as data: what was planned, what came of it, what held it back, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import func, select

from enrico.engine.money import credits_number, usd_number
from enrico.engine.stats import PROVIDERS
from enrico.errors import InputError
from enrico.logs import without_addresses
from enrico.report.calls import calls_of, first_and_last
from enrico.report.mends import mend_of
from enrico.report.tally import Tally
from enrico.store.database import Database
from enrico.store.journal import moment, of_run
from enrico.store.tables import run_events, runs

PHASE_OF = {"serper": "search", "deepseek": "classify", "apollo": "people"}
EVENTS_SHOWN = 400


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All that the database knows of one run; *seconds* is how long it went."""

    data: dict[str, Any]
    """As ``enrico show run --json`` prints it."""
    tally: Tally
    seconds: float


async def read_run(db: Database, run_id: str) -> RunRecord:
    """Read a run with its calls. ``last`` will do. Raises InputError for an unknown one."""
    query = select(runs).order_by(runs.c.started_at.desc()).limit(1)
    if run_id != "last":
        query = query.where(runs.c.id == run_id)
    rows = await db.rows(query)
    if not rows:
        raise InputError(f"No run is called {run_id!r}. List them with: enrico runs")
    row = rows[0]
    if not row.plan:
        raise InputError(f"The run {row.id} waits for workers. Start one with: enrico worker")
    data = run_dict(row)
    zero, seconds = await _time_of(db, row, data)
    tally = Tally(seconds)
    async for call in calls_of(db, row.id, zero):
        tally.add(call)
    data["ledger"] = {name: lane.as_dict() for name, lane in tally.lanes.items()}
    plan = _masked(orjson.loads(row.plan))
    data["plan"] = plan
    data["beside"] = beside(plan, data)
    data["options"] = _options(row.options)
    data["walls"] = await _walls(db, row.id, zero)
    data["slowest"] = tally.slowest()
    data["waits"] = _waits(data, tally)
    data["walled_ms"] = await _walled(db, row.id)
    data["held_calls"] = tally.held
    data["failures"] = [
        {
            **failure,
            "mend": mend_of(failure["provider"], "failed", 0, failure["reason"]),
        }
        for failure in data.get("failures", ())
    ]
    left = PROVIDERS if not row.summary else {item["provider"] for item in data["failures"]}
    data["troubles"] = tally.troubles(left)
    data["went_on_from"], data["gone_on_by"] = await _neighbours(db, row)
    return RunRecord(data, tally, seconds)


def run_dict(row: Any) -> dict[str, Any]:
    """A run's summary; of one that was killed only what was noted at its start."""
    if row.summary:
        summary: dict[str, Any] = _masked(orjson.loads(row.summary))
        return summary
    return {"run_id": row.id, "status": row.status, "started_at": row.started_at}


def beside(plan: Mapping[str, Any], run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Plan beside actual, a row for each provider and one for all.

    *run* is a summary; where it has none, for the run was killed, its ``ledger``.
    """
    rows = []
    phases, parts = run.get("phases", {}), run.get("providers") or {}
    for name in PROVIDERS:
        planned, ledger = plan["providers"][name], run.get("ledger", {}).get(name, {})
        part = parts.get(name) or {**ledger, "cost_usd": ledger.get("usd", 0)}
        phase = phases.get(PHASE_OF[name], {})
        rows.append(
            {
                "provider": name,
                "planned_calls": planned["calls"],
                "calls": part.get("calls", 0),
                "credits_low": planned["credits_low"],
                "credits_high": planned["credits_high"],
                "credits": part.get("credits", 0),
                "usd_low": planned["usd_low"],
                "usd_high": planned["usd_high"],
                "usd": part["cost_usd"],
                "planned_seconds": planned["seconds"],
                "seconds": phase["duration_ms"] / 1000 if phase else None,
            }
        )
    totals = {
        key: round(sum(row[key] for row in rows), 6)
        for key in ("planned_calls", "calls", "credits_low", "credits_high", "credits", "usd")
    }
    rows.append(
        {
            "provider": "all",
            **totals,
            "usd_low": plan["usd_low"],
            "usd_high": plan["usd_high"],
            "planned_seconds": plan["seconds"],
            "seconds": run["duration_ms"] / 1000 if "duration_ms" in run else None,
        }
    )
    return rows


async def _time_of(db: Database, row: Any, data: Mapping[str, Any]) -> tuple[float, float]:
    """(Unix time at which the run's clock began, seconds that it went)."""
    if row.ended_at and "duration_ms" in data:
        seconds = data["duration_ms"] / 1000
        return moment(row.ended_at).timestamp() - seconds, seconds
    known = await first_and_last(db, row.id)
    if known is None:
        return moment(row.started_at).timestamp(), 0.0
    return known[0], known[1] - known[0]


async def _walls(db: Database, run_id: str, zero: float) -> list[dict[str, Any]]:
    """What happened beside the calls, in order: walls of 429s, limits learnt, branches ended.

    Of very many the longest.
    """
    rows = await db.rows(
        select(run_events)
        .where(of_run(run_events.c.run_id, run_id))
        .order_by(run_events.c.seconds.desc(), run_events.c.n)
        .limit(EVENTS_SHOWN)
    )
    rows.sort(key=lambda row: row.n)
    return [
        {
            "provider": row.provider,
            "kind": row.kind,
            "at_ms": round((moment(row.at).timestamp() - zero) * 1000),
            "seconds": round(row.seconds, 3),
            "detail": without_addresses(row.detail),
        }
        for row in rows
    ]


def _waits(data: Mapping[str, Any], tally: Tally) -> dict[str, dict[str, int]]:
    """Milliseconds that calls waited, by provider and cause.

    The journal keeps a call's last wait only, so the summary is to be preferred.
    """
    parts = data.get("providers", {})
    return {
        name: parts.get(name, {}).get("waited_ms", lane.as_dict()["waited_ms"])
        for name, lane in tally.lanes.items()
    }


async def _walled(db: Database, run_id: str) -> dict[str, int]:
    """Milliseconds for which nothing was sent after 429s, by provider. Walls do not overlap."""
    rows = await db.rows(
        select(run_events.c.provider, func.sum(run_events.c.seconds))
        .where(of_run(run_events.c.run_id, run_id), run_events.c.kind == "rate_limited")
        .group_by(run_events.c.provider)
    )
    return dict.fromkeys(PROVIDERS, 0) | {name: round(seconds * 1000) for name, seconds in rows}


async def _neighbours(db: Database, row: Any) -> tuple[str, str]:
    """(the run before, if it was cut short; the run after, if this one was), else empty."""
    columns = select(runs.c.id, runs.c.summary)
    before = await db.rows(
        columns.where(runs.c.started_at < row.started_at)
        .order_by(runs.c.started_at.desc())
        .limit(1)
    )
    after = await db.rows(
        columns.where(runs.c.started_at > row.started_at).order_by(runs.c.started_at).limit(1)
    )
    return (
        before[0].id if before and not before[0].summary else "",
        after[0].id if after and not row.summary else "",
    )


def _options(text: str) -> dict[str, Any]:
    """A run's options, with caps in credits and dollars."""
    options: dict[str, Any] = _masked(orjson.loads(text))
    caps = options.get("caps") or {}
    options["caps"] = {
        "credits": None if caps.get("credits") is None else credits_number(caps["credits"]),
        "usd": None if caps.get("usd") is None else usd_number(caps["usd"]),
        "provider_credits": {
            name: credits_number(most)
            for name, most in (caps.get("provider_credits") or {}).items()
        },
    }
    return options


def _masked(value: Any) -> Any:
    """JSON data without e-mail addresses: a provider's own words may hold one."""
    if isinstance(value, str):
        return without_addresses(value)
    if isinstance(value, dict):
        return {name: _masked(entry) for name, entry in value.items()}
    return [_masked(entry) for entry in value] if isinstance(value, list) else value
