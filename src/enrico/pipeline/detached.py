"""Runs that workers do: asked for, cut into parts, summed up when all parts are done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import case, func, select, update

from enrico.engine.budget import Budget, Caps
from enrico.engine.limits import BATCH_LANE
from enrico.engine.money import NOTHING, credits_number, usd_number
from enrico.engine.stats import PROVIDERS, Stats
from enrico.engine.watching import Watcher, Watchers
from enrico.errors import EnricoError, InputError, Interrupted
from enrico.pipeline.apply import Applier
from enrico.pipeline.chunk import told_again
from enrico.pipeline.context import Context, RunOptions, beside, new_run_id
from enrico.pipeline.guests import options_from
from enrico.pipeline.leases import spent_in
from enrico.pipeline.lines import lines_of, open_paths
from enrico.pipeline.plan import limits_met, make_plan, windows_of
from enrico.pipeline.roles import finish_roles
from enrico.pipeline.summary import earlier_runs, summarise, usual_spend
from enrico.settings import Settings
from enrico.store.chunks import Part
from enrico.store.database import Database
from enrico.store.journal import moment, of_run, timestamp
from enrico.store.selection import (
    NO_COUNTS,
    WITH_WORKERS,
    Counts,
    Selection,
    WorkKind,
    clear_work,
    count,
    fill_work,
    unfinished_refresh,
    work_size,
)
from enrico.store.sql import insert
from enrico.store.suppressions import keep_out, load_suppressions
from enrico.store.tables import calls, chunks, runs, work

CHUNK_SECONDS = 30.0
"""A part is at most so much work by the limits, at full speed."""
SHORTEST_CHUNK_SECONDS = 6.0
"""And at least so much, so that one part keeps the limits busy while another begins or ends."""
FEWEST_PARTS = 16
"""A larger run is cut into so many at least, so that many workers end together."""
SMALLEST_CALLS = 50
LARGEST_PART = 20_000


async def ask(db: Database, options: RunOptions) -> str:
    """Write down a run for workers to do; returns its id."""
    now = moment(timestamp())
    if options.refresh and not options.refreshed_since:
        options = replace(options, refreshed_since=await unfinished_refresh(db, now))
    run_id = new_run_id(now)
    row = {
        "id": run_id, "started_at": timestamp(now), "ended_at": "", "status": "asked",
        "options": orjson.dumps(asdict(options)).decode(), "plan": "", "summary": "",
        "usage_before": "",
    }  # fmt: skip
    await db.write((insert(runs), [row]))
    return run_id


async def cancel(db: Database, settings: Settings, run_id: str) -> str:
    """Have workers stop a run; returns what it is now: ``stopping``, or ``interrupted``.

    What no worker has begun is over at once if none is there to end it. Raises InputError when
    there is nothing to stop.
    """
    found = await db.rows(select(runs.c.status).where(runs.c.id == run_id))
    if found and found[0].status == "asked" and not await db.backend.workers():
        why = Interrupted("Cancelled before a worker began it.")
        if await _end(db, settings, run_id, "interrupted", [why], ("asked",)):
            return "interrupted"
    stopping = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(("asked", "working")))
        .values(status="stopping")
    )
    if not await db.execute(stopping):
        raise InputError(
            f"No run called {run_id!r} waits for workers or is done by them. List runs with: "
            "enrico runs"
        )
    return "stopping"


async def resume(db: Database, run_id: str) -> str:
    """Ask for a run with the options of an earlier one; what that one brought is not asked again.

    Of its caps there is left what it did not spend. Raises InputError.
    """
    rows = await db.rows(
        select(runs.c.options, runs.c.status, runs.c.started_at).where(runs.c.id == run_id)
    )
    if not rows:
        raise InputError(f"No run is called {run_id!r}. List them with: enrico runs")
    if rows[0].status in WITH_WORKERS:
        raise InputError(f"The run {run_id} is not over. Watch it with: enrico runs --watch")
    options = options_from(rows[0].options)
    since = options.refreshed_since or rows[0].started_at
    left = await _left(db, run_id, options.caps)
    return await ask(db, replace(options, caps=left, refreshed_since=since))


async def _left(db: Database, run_id: str, caps: Caps) -> Caps:
    """What a run did not spend of its caps."""
    spent = await spent_in(db, run_id)
    total = sum(spent.values(), NOTHING)
    return Caps(
        None if caps.credits is None else max(0, caps.credits - total.credits),
        None if caps.usd is None else max(0, caps.usd - total.usd),
        {
            name: max(0, cap - spent.get(name, NOTHING).credits)
            for name, cap in caps.provider_credits.items()
        },
    )


async def options_of(db: Database, run_id: str) -> tuple[RunOptions, str]:
    """A run's options, and when it began."""
    row = (await db.rows(select(runs.c.options, runs.c.started_at).where(runs.c.id == run_id)))[0]
    return options_from(row.options), row.started_at


async def summary_of(db: Database, run_id: str) -> dict[str, Any] | None:
    """A run's summary; None while it has none."""
    rows = await db.rows(select(runs.c.summary).where(runs.c.id == run_id))
    return orjson.loads(rows[0].summary) if rows and rows[0].summary else None


async def progress(db: Database, run_id: str = "") -> list[dict[str, Any]]:
    """How far the runs are that workers do, or one run, over or not."""
    which = runs.c.id == run_id if run_id else runs.c.status.in_(WITH_WORKERS)
    found = []
    for row in await db.rows(select(runs).where(which).order_by(runs.c.started_at, runs.c.id)):
        items = select(work.c.kind, func.count()).where(work.c.run_id == row.id)
        tries = select(chunks.c.state, func.count()).where(chunks.c.run_id == row.id)
        to_do = await db.rows(items.group_by(work.c.kind))
        parts = await db.rows(tries.group_by(chunks.c.state))
        spent = await db.rows(
            select(
                func.count(),
                func.coalesce(func.sum(calls.c.credits), 0),
                func.coalesce(func.sum(calls.c.usd), 0),
            ).where(of_run(calls.c.run_id, row.id))
        )
        number, credits, usd = spent[0]
        found.append(
            {
                "run_id": row.id,
                "status": row.status,
                "to_do": dict(to_do),
                "parts": dict(parts),
                "calls": number,
                "credits": credits_number(int(credits)),
                "cost_usd": usd_number(int(usd)),
            }
        )
    return found


async def cut(db: Database, settings: Settings, run_id: str) -> tuple[list[Part], Counts]:
    """Select and plan a run, and cut its work into parts; none when it is over already."""
    options, _ = await options_of(db, run_id)
    under_way = select(runs.c.id).where(runs.c.id == run_id, runs.c.status.in_(WITH_WORKERS))
    if not await db.rows(under_way):
        return [], NO_COUNTS
    await keep_out(db, await load_suppressions(db, settings))
    began = moment(timestamp())
    selection = Selection(
        options.scope, settings.cache, began, options.refresh, options.refreshed_since
    )
    counts = await count(db, selection)
    kinds: list[WorkKind] = []
    if "search" in options.only and counts.to_search:
        kinds.append("search")
    if "classify" in options.only and counts.to_classify:
        kinds.append("classify")
    if "people" in options.only and counts.to_buy:
        kinds.append("people")
    await fill_work(db, run_id, selection, tuple(kinds))
    planned = make_plan(counts, settings, options.only, await limits_met(db))
    plan = orjson.dumps(planned.as_dict()).decode()
    await db.execute(
        update(runs).where(runs.c.id == run_id).values(plan=plan, started_at=timestamp(began)),
        update(runs).where(runs.c.id == run_id, runs.c.status == "asked").values(status="working"),
    )
    parts: list[Part] = []
    for kind in kinds:
        size = await work_size(db, run_id, kind)
        each = part_size(settings, kind, size)
        parts += [
            Part(run_id, kind, first, min(first + each - 1, size))
            for first in range(1, size + 1, each)
        ]
    return parts, counts


def part_size(settings: Settings, kind: WorkKind, items: int) -> int:
    """How many items make a part: a sixteenth of all, but between 6 and 30 s of work by the limits.

    Where none is known, as many as that is not too few to be worth a part.
    """
    provider = {"search": "serper", "classify": "deepseek", "people": "apollo"}[kind]
    windows = windows_of(settings, provider)  # type: ignore[arg-type]
    rate = min((window.limit / window.seconds for window in windows), default=math.inf)
    each = settings.apollo.batch_size if kind == "people" else 1
    least: float = SMALLEST_CALLS * each
    if rate < math.inf:
        least = max(least, rate * SHORTEST_CHUNK_SECONDS * each)
    most = min(rate * CHUNK_SECONDS * each, LARGEST_PART)
    size = min(max(items / FEWEST_PARTS, least), most)
    return max(each, math.ceil(size / each) * each)  # only the last call of a run is not full


async def sum_up(
    host: Context,
    run_id: str,
    counts: Counts,
    problems: Sequence[str] = (),
    watchers: Sequence[Watcher] = (),
) -> dict[str, Any]:
    """Resolve roles, add up what the parts measured, and end the run; returns its summary.

    *problems*: why parts were not done. *watchers*: who is told of the whole run.
    """
    db, settings = host.db, host.settings
    options, started_at = await options_of(db, run_id)
    stats = Stats()
    began = moment(started_at)
    halted: dict[str, EnricoError] = {problem: EnricoError(problem) for problem in problems}
    done = await db.rows(
        select(chunks.c.stats, chunks.c.started_at)
        .where(chunks.c.run_id == run_id, chunks.c.stats != "")
        .order_by(chunks.c.started_at, chunks.c.id)
    )
    for row in done:
        part = orjson.loads(row.stats)
        stats.add(part, (moment(row.started_at) - began).total_seconds())
        for why in part["halted"]:
            halted.setdefault(why["message"], told_again(why))
    applier = Applier(db, host.journal, stats, settings.serper.language)
    ctx = beside(host, run_id, options, applier)
    budget = Budget(options.caps)
    for name in PROVIDERS:
        budget.spent[name] = stats.providers[name].cost
    open_paths(ctx, lines_of(host), budget, Watchers(), BATCH_LANE)
    _known(stats, counts, options)
    if "roles" in options.only:
        phases = stats.phases["roles"]
        await finish_roles(ctx)
        seconds = (moment(timestamp()) - began).total_seconds()
        took = (phases.ended or 0.0) - (phases.started or 0.0)
        phases.started, phases.ended = max(0.0, seconds - took), seconds
    before = await earlier_runs(db)
    seconds = (moment(timestamp()) - began).total_seconds()
    summary = summarise(
        run_id=run_id,
        started_at=started_at,
        duration_seconds=seconds,
        counts=counts,
        stats=stats,
        paths=ctx.paths,
        halted=list(halted.values()),
        alerts=settings.alerts,
        ran_before=bool(before) and not options.refresh,
        usual_usd_per_min=usual_spend(before),
        only=options.only,
        prices={"apollo": ctx.apollo.price(), "serper": ctx.serper.price()},
    )
    ended = await db.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(WITH_WORKERS))
        .values(
            ended_at=timestamp(),
            status=summary["status"],
            summary=orjson.dumps(summary).decode(),
        )
    )
    await clear_work(db, run_id)
    if ended:  # not summed up a second time, after a crash
        await _tell(db, run_id, began, summary, watchers)
    return summary


async def _tell(
    db: Database,
    run_id: str,
    began: datetime,
    summary: Mapping[str, Any],
    watchers: Sequence[Watcher],
) -> None:
    """Tell who looks on of a run that is over."""
    told = Watchers(watchers)
    if told.anyone:
        plan = (await db.rows(select(runs.c.plan).where(runs.c.id == run_id)))[0].plan
        told.began(run_id, orjson.loads(plan), began.timestamp())
        told.ended(summary)


async def end_as_failed(
    db: Database,
    settings: Settings,
    run_id: str,
    why: Sequence[str],
    watchers: Sequence[Watcher] = (),
) -> None:
    """End a run that could not be summed up, so that nobody waits for it."""
    reasons = [EnricoError(words) for words in why]
    await _end(db, settings, run_id, "failed", reasons, WITH_WORKERS, watchers)
    await clear_work(db, run_id)


async def _end(
    db: Database,
    settings: Settings,
    run_id: str,
    status: str,
    why: Sequence[EnricoError],
    unless_over: Sequence[str],
    watchers: Sequence[Watcher] = (),
) -> bool:
    """End a run that brought nothing to sum up, if its status is still one of *unless_over*."""
    options, started_at = await options_of(db, run_id)
    summary = summarise(
        run_id=run_id,
        started_at=started_at,
        duration_seconds=0.0,
        counts=NO_COUNTS,
        stats=Stats(),
        paths={},
        halted=why,
        alerts=settings.alerts,
        ran_before=False,
        usual_usd_per_min=None,
        only=options.only,
        prices=dict.fromkeys(PROVIDERS, NOTHING),
    )
    summary["status"] = status
    nothing = orjson.dumps(make_plan(NO_COUNTS, settings, options.only).as_dict()).decode()
    ended = await db.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(unless_over))
        .values(
            ended_at=timestamp(),
            status=status,
            plan=case((runs.c.plan == "", nothing), else_=runs.c.plan),
            summary=orjson.dumps(summary).decode(),
        )
    )
    if ended:
        await _tell(db, run_id, moment(started_at), summary, watchers)
    return bool(ended)


def _known(stats: Stats, counts: Counts, options: RunOptions) -> None:
    """What needed no call when the run began."""
    if "search" in options.only:
        stats.providers["serper"].cached = counts.accounts - counts.to_search
    if "classify" in options.only:
        stats.providers["deepseek"].cached = counts.accounts - counts.to_search - counts.to_classify
    if "people" in options.only:
        stats.providers["apollo"].cached = counts.people - counts.to_buy - counts.held
