"""Calls that may have been charged: cleared by the provider's own counters, or held.

Apollo has no idempotency key, so a call that was cut off can be resent only when it was provably
not charged. The proof is Apollo's own count of consumed credits: what it rose by since the start,
less what our journal says was charged, is what the cut-off calls cost. Another program on the same
team can only make that difference larger, which holds a call that could have been resent; it can
never free one that was charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, select, update

from enrico.engine.http import Http, Lost, NotSent, Request
from enrico.engine.limits import Window
from enrico.engine.money import NOTHING, Cost, credits_number, micro_credits
from enrico.pipeline.apply import asked_people, trouble_row
from enrico.pipeline.context import Context
from enrico.providers.apollo import PersonToFind
from enrico.providers.common import json_object
from enrico.store import facts
from enrico.store.journal import timestamp
from enrico.store.tables import runs

READING_SECONDS = 5.0
PERIODS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
_SAVE = update(runs).where(runs.c.id == bindparam("run"))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call that may have been charged, and the people in it."""

    call_id: str
    people: Sequence[PersonToFind]
    reason: str
    reserve: Cost


@dataclass(frozen=True, slots=True)
class Reading:
    """Apollo's counters at one moment. None where the key may not read them."""

    at: str
    credits: int | None = None  # micro-credits consumed in this cycle
    cycle: str = ""
    requests: int | None = None  # bulk calls counted today


async def read_counters(http: Http, ctx: Context) -> Reading:
    """Ask Apollo what it has counted. Costs nothing; needs a master key or the scope."""
    at = timestamp()
    credits, cycle = None, ""
    found = await _get(http, ctx.apollo.credits())
    usage = found.get("credit_usage_stats")
    lead = usage.get("lead_credit") if isinstance(usage, dict) else None
    if isinstance(lead, dict) and isinstance(lead.get("consumed"), int | float):
        credits = micro_credits(lead["consumed"])
        dates = found.get("current_credit_cycle") or (usage or {}).get("current_credit_cycle")
        cycle = orjson.dumps(dates, option=orjson.OPT_SORT_KEYS).decode()
    requests = None
    windows = []
    for key, stats in (await _get(http, ctx.apollo.usage())).items():
        if "bulk_match" not in key or "people" not in key or not isinstance(stats, dict):
            continue
        for name, period in PERIODS.items():
            entry = stats.get(name)
            if not isinstance(entry, dict):
                continue
            limit = entry.get("limit")
            if isinstance(limit, int) and 0 < limit < 10**9:
                windows.append(Window(limit, period))
            if name == "day" and isinstance(entry.get("consumed"), int):
                requests = entry["consumed"]
    ctx.paths["apollo"].limiter.told(windows)
    return Reading(at, credits, cycle, requests)


async def _get(http: Http, request: Request) -> dict[str, Any]:
    try:
        reply = await http.send(request, READING_SECONDS)
    except (NotSent, Lost):
        return {}
    return (json_object(reply.body) or {}) if reply.status == 200 else {}


async def note_counters(http: Http, ctx: Context) -> None:
    """Keep Apollo's counters as they are before this run's first paid call."""
    reading = await read_counters(http, ctx)
    row = {"run": ctx.run_id, "usage_before": orjson.dumps(asdict(reading)).decode()}
    await ctx.db.write((_SAVE, [row]))


async def clear_or_hold(
    ctx: Context, unknown: Sequence[Unknown], run_id: str = ""
) -> list[list[PersonToFind]]:
    """Settle calls of unknown outcome by the policy; returns the people to send again.

    Call it while no call is in flight. *run_id* names the run that sent them, this one by default.
    """
    if not unknown:
        return []
    policy = ctx.settings.apollo.unknown_outcome
    free, evidence = policy == "retry", "the policy is to send again"
    if policy == "reconcile":
        free, evidence = await _nothing_charged(ctx, run_id or ctx.run_id)
    elif policy == "hold":
        evidence = "the policy is to hold"
    resend = []
    for call in unknown:
        if free:
            why = f"{call.reason} Sent again: {evidence}."
            if policy == "retry":  # it may have cost something: it stays in the ledger
                await ctx.journal.mark(call.call_id, "failed", why)
            else:
                await ctx.journal.mark(call.call_id, "refused", why, cost=NOTHING)
                if not run_id:
                    await ctx.paths["apollo"].budget.settle("apollo", call.reserve, NOTHING)
            resend.append(list(call.people))
        else:
            await _hold(ctx, call, evidence)
    ctx.stats.providers["apollo"].retries += len(resend)
    return resend


async def _hold(ctx: Context, call: Unknown, evidence: str) -> None:
    reason = f"{call.reason} Held: {evidence}. Decide with: enrico held"
    await ctx.journal.mark(call.call_id, "held", reason, applied=True)
    rows = [trouble_row(person.key, "held", reason, call.call_id) for person in call.people]
    await ctx.db.write(facts.people_held(rows))
    ctx.stats.providers["apollo"].held += len(rows)


async def _nothing_charged(ctx: Context, run_id: str) -> tuple[bool, str]:
    """Whether the counters prove that the unknown calls cost nothing, and the evidence in words."""
    rows = await ctx.db.rows(select(runs.c.usage_before).where(runs.c.id == run_id))
    saved = orjson.loads(rows[0].usage_before) if rows and rows[0].usage_before else None
    if saved is None:
        return False, "Apollo's counters were not read before the run"
    before = Reading(**saved)
    now = await read_counters(ctx.paths["apollo"].http, ctx)
    charged, answers = await ctx.journal.totals("apollo", before.at)
    if before.credits is not None and now.credits is not None:
        if before.cycle != now.cycle:
            return False, "Apollo's credit cycle changed in between"
        extra = now.credits - before.credits - charged
        if extra == 0:
            return True, "Apollo's own count shows no credit for it"
        return False, f"Apollo counts {credits_number(extra)} credits more than were answered for"
    if before.requests is not None and now.requests is not None:
        seen = now.requests - before.requests - answers
        if seen == 0:
            return True, "Apollo's own count shows that the call never arrived"
        return False, f"Apollo counts {seen} bulk calls more than were answered"
    return False, "the key may not read Apollo's counters"


async def settle_left_over(ctx: Context) -> None:
    """After a crash: sort the calls that were in flight, apply the answers that were only recorded.

    Cheap calls are simply made again when their item is selected. Dear ones are cleared or held.
    """
    why = "the process ended before the answer came"
    async for call in ctx.journal.find(states=("sent",)):
        dear = call.provider == ctx.apollo.name
        await ctx.journal.mark(call.id, "unknown" if dear else "failed", why)
    by_run: dict[str, list[Unknown]] = {}
    async for call in ctx.journal.find(states=("unknown",)):
        words = f"{call.error.rstrip('.')}."
        found = Unknown(call.id, asked_people(call), words, call.reserved)
        by_run.setdefault(call.run_id, []).append(found)
    for run_id, calls in by_run.items():
        # Whoever is cleared has no fact yet, and so is selected again by the run that follows.
        await clear_or_hold(ctx, calls, run_id)
