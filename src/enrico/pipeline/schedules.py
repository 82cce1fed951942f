"""Runs that are begun every so often. One that is still under way is not begun again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import case, delete, select, update

from enrico.errors import InputError
from enrico.pipeline.context import RunOptions, new_run_id
from enrico.store.database import Database
from enrico.store.journal import moment, timestamp
from enrico.store.selection import WITH_WORKERS
from enrico.store.sql import insert
from enrico.store.tables import runs, schedules

SHORTEST_SECONDS, LONGEST_SECONDS = 60.0, 366 * 86_400.0


async def set_schedule(db: Database, name: str, seconds: float, options: RunOptions) -> None:
    """Begin such a run now, and again every so often.

    A schedule of that name is changed: its run that is under way, or the time of the next one,
    stays. Raises InputError.
    """
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise InputError("A schedule begins a run every minute at most, and every year at least.")
    now = moment(timestamp())
    row = {
        "id": name, "every_seconds": seconds, "next_at": timestamp(now), "run_id": "",
        "options": orjson.dumps(asdict(options)).decode(),
    }  # fmt: skip
    new = insert(schedules).values(**row)
    soon = timestamp(now + timedelta(seconds=seconds))
    earlier = case((schedules.c.next_at < soon, schedules.c.next_at), else_=soon)
    changed = {name: new.excluded[name] for name in ("every_seconds", "options")}
    await db.execute(
        new.on_conflict_do_update(
            index_elements=[schedules.c.id], set_={**changed, "next_at": earlier}
        )
    )


async def remove_schedule(db: Database, name: str) -> None:
    """Begin no more of them; one under way goes on. Raises InputError for an unknown name."""
    if not await db.execute(delete(schedules).where(schedules.c.id == name)):
        raise InputError(f"No schedule is called {name!r}. List them with: enrico schedule")


async def list_schedules(db: Database) -> list[dict[str, Any]]:
    """All schedules: name, seconds in between, the next time, the last run."""
    rows = await db.rows(select(schedules).order_by(schedules.c.id))
    return [
        {
            "name": row.id,
            "every_seconds": row.every_seconds,
            "next_at": row.next_at,
            "last_run": row.run_id,
        }
        for row in rows
    ]


async def begin_due(db: Database) -> list[str]:
    """Ask for the runs whose time has come; returns their ids.

    Any number of workers may do so at once: each run is asked for once. What was missed while
    nobody worked is made up for by one run.
    """
    now = moment(timestamp())
    begun = []
    for row in await db.rows(select(schedules).where(schedules.c.next_at <= timestamp(now))):
        run_id = new_run_id(now)
        options = orjson.loads(row.options)
        options["scope"]["today"] = now.date().isoformat()
        under_way = (
            select(runs.c.id)
            .where(runs.c.id == schedules.c.run_id, runs.c.status.in_(WITH_WORKERS))
            .exists()
        )
        taken = (
            update(schedules)
            .where(schedules.c.id == row.id, schedules.c.next_at == row.next_at, ~under_way)
            .values(next_at=timestamp(now + timedelta(seconds=row.every_seconds)), run_id=run_id)
        )
        run = {
            "id": run_id, "started_at": timestamp(now), "ended_at": "", "status": "asked",
            "options": orjson.dumps(options).decode(), "plan": "", "summary": "",
            "usage_before": "",
        }  # fmt: skip
        async with db.change() as connection:
            if (await connection.execute(taken)).rowcount:
                await connection.execute(insert(runs).values(**run))
                begun.append(run_id)
    return begun
