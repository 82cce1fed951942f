"""Calls that may have been charged: cleared by the provider's own counters, or held.

Apollo has no idempotency key, so a call that was cut off can be resent only when it was provably
not charged. The proof is Apollo's own count of consumed credits: what it rose by since the last
reading, less what our journal says was charged, is what the cut-off calls cost. Readings are taken
while no call is in flight, and right after each cut-off, so that one charged call does not throw
doubt on the next. Another program on the same team can only make the difference larger: that holds
a call which could have been resent, and never frees one that was charged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, select, update

from enrico.engine.asking import BadAnswer
from enrico.engine.http import HUNG_UP, Http, Lost, NotSent, Request
from enrico.engine.money import NOTHING, credits_number, micro_credits
from enrico.engine.windows import Window
from enrico.pipeline.apply import asked_people, known_keys, trouble_row
from enrico.pipeline.context import Context
from enrico.providers.apollo import BULK, PersonToFind
from enrico.providers.common import json_object
from enrico.store import facts
from enrico.store.journal import WITHOUT_PROOF, CallRow, moment, timestamp
from enrico.store.tables import calls, runs

READING_SECONDS = 5.0
ANSWER_SECONDS = 4.0
"""Apollo takes up to three seconds for a bulk call: it may be at work for so long after its send,
whoever broke the connection."""
CRASHED = "the process ended before the answer came"
MOST_CRASHES = 3
"""A call that may be the reason why the process ends is paid for so often, and then held."""
LATE = "Apollo may still charge it; the next run looks again"
GATEWAY_HUNG_UP = (408, 504, 522, 524)
"""Whoever stands before Apollo did not wait for its answer; the last two are Cloudflare's."""
RESEND_ROUNDS = 3
"""How often people are asked for at most when no call brings a clear answer."""
PERIODS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
_SAVE = update(runs).where(runs.c.id == bindparam("run"))
_ENDED = update(runs).where(runs.c.status == "running").values(status=bindparam("new_status"))
_OVER = _ENDED.where(runs.c.id == bindparam("run"))


@dataclass(frozen=True, slots=True)
class Reading:
    """Apollo's counters at one moment. None where the key may not read them."""

    at: str
    credits: int | None = None  # micro-credits consumed in this cycle
    cycle: str = ""
    requests: int | None = None  # bulk calls counted today
    # Of our own books: what a clock that was set back makes look later than this moment.
    ahead_credits: int = 0
    ahead_answers: int = 0


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
    ahead_credits, ahead_answers, _ = await ctx.journal.totals("apollo", at, BULK)
    return Reading(at, credits, cycle, requests, ahead_credits, ahead_answers)


async def _get(http: Http, request: Request) -> dict[str, Any]:
    try:
        reply = await http.send(request, READING_SECONDS)
    except (NotSent, Lost):
        return {}
    return (json_object(reply.body) or {}) if reply.status == 200 else {}


async def note_counters(http: Http, ctx: Context) -> None:
    """Keep Apollo's counters as they are before this run's first paid call."""
    async with ctx.paths["apollo"].limiter.quiet():  # a guest's host may have calls in flight
        await _keep(ctx, await read_counters(http, ctx))


async def _keep(ctx: Context, reading: Reading) -> None:
    row = {"run": ctx.run_id, "usage_before": orjson.dumps(asdict(reading)).decode()}
    await ctx.db.write((_SAVE, [row]))


async def waited_long_enough(ctx: Context) -> bool:
    """Whether a call of this run that was too young to be sent again is so no more."""
    if not ctx.stats.providers["apollo"].held:
        return False
    patience = ctx.settings.apollo.late_charge_seconds
    return any(_age(call) >= patience for call in await _late(ctx, ctx.run_id))


async def settle_unknown(ctx: Context) -> list[tuple[str, list[PersonToFind]]]:
    """Settle this run's calls of unknown outcome by the policy.

    Returns those to send again, each with its endpoint: a person asked for alone may have been in
    a bulk call that was answered, whose record must stand. Nothing new is sent meanwhile. Several
    callers may meet here: the first one settles for all.
    """
    path = ctx.paths["apollo"]
    async with ctx.settling, path.limiter.quiet():
        found = [
            call
            async for call in ctx.journal.find(
                states=("unknown",), provider="apollo", run_id=ctx.run_id
            )
        ]
        found += await _late(ctx, ctx.run_id)
        if not found:
            return []
        verdict = await _judge(ctx, ctx.run_id, found)
        resend = [
            (call.endpoint, asked_people(call))
            for call in found
            if await _settle(ctx, call, verdict)
        ]
        if verdict.now is not None:
            # Not before: after a crash, these calls would be judged by counters that have them in.
            await _keep(ctx, verdict.now)
        path.stats.retries += len(resend)
        return resend


async def _late(ctx: Context, run_id: str) -> list[CallRow]:
    """Calls that are held only because they might still have been charged; of all runs for ""."""
    held = ctx.journal.find(states=("held",), provider="apollo", run_id=run_id)
    return [call async for call in held if call.error.endswith(LATE)]


async def may_pay_again(ctx: Context, call_id: str, keys: Sequence[str]) -> bool:
    """Whether to ask again for people who were perhaps paid for in a call, for so says the policy.

    Says so in the call's record. Nobody is paid for more than RESEND_ROUNDS times in a run.
    """
    if ctx.settings.apollo.unknown_outcome != "retry":
        return False
    if any(ctx.paid_perhaps[key] + 1 >= RESEND_ROUNDS for key in keys):
        return False
    ctx.paid_perhaps.update(keys)
    ctx.stats.providers["apollo"].sent_again += 1
    await ctx.journal.mark(call_id, "answered", WITHOUT_PROOF)
    return True


async def apply_left_over(ctx: Context, run_id: str = "") -> None:
    """Answers that were recorded and not yet read when a process ended cost nothing now.

    *run_id*: only those of that run.
    """
    async for call in ctx.journal.find(states=("answered",), unapplied=True, run_id=run_id):
        try:
            await ctx.applier.recorded(call)
        except BadAnswer as error:
            # As in a live run: a useless answer of a dear provider may have been charged.
            dear = ctx.paths[call.provider].provider.dear
            state = "unknown" if dear else "failed"
            await ctx.journal.mark(call.id, state, str(error), applied=not dear)


async def settle_left_over(ctx: Context, run_id: str = "") -> None:
    """After a crash: sort the calls that were in flight; with *run_id* those of that run only.

    Cheap calls are simply made again when their item is selected. Dear ones are cleared, and their
    people selected again, or held.
    """
    async for call in ctx.journal.find(states=("sent",), run_id=run_id):
        dear = call.provider == ctx.apollo.name
        state = "unknown" if dear else "failed"
        await ctx.journal.mark(call.id, state, CRASHED, cost=call.reserved)
    by_run: dict[str, list[CallRow]] = {}
    unknown = [call async for call in ctx.journal.find(states=("unknown",), run_id=run_id)]
    for call in [*unknown, *await _late(ctx, run_id)]:
        by_run.setdefault(call.run_id, []).append(call)
    for whose, found in by_run.items():
        verdict = await _judge(ctx, whose, found)
        for call in found:
            if verdict.free and await _crashes_before(ctx, call) + 1 >= MOST_CRASHES:
                await _hold(ctx, call, f"the process ended {MOST_CRASHES} times in calls like it")
            else:
                await _settle(ctx, call, verdict)
    if not run_id:
        await ctx.db.write((_ENDED, [{"new_status": "interrupted"}]))


async def settle_dead_runs(ctx: Context) -> None:
    """Sort out what runs in the foreground left that died. Nobody spends alone meanwhile.

    Any number of workers may do so at once: they come to the same.
    """
    for row in await ctx.db.rows(select(runs.c.id).where(runs.c.status == "running")):
        await apply_left_over(ctx, row.id)
        await settle_left_over(ctx, row.id)
        await ctx.db.write((_OVER, [{"run": row.id, "new_status": "interrupted"}]))


async def _crashes_before(ctx: Context, call: CallRow) -> int:
    """How many earlier calls that may have been charged for one of its people ended in a crash."""
    rows = await ctx.db.rows(
        select(calls.c["items"]).where(
            calls.c.provider == call.provider,
            calls.c.state == "failed",
            calls.c.error.startswith(CRASHED),
        )
    )
    times = Counter(key for (items,) in rows for key in orjson.loads(items))
    return max((times[key] for key in call.items), default=0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether calls of unknown outcome may be sent again, on what evidence, and which not yet."""

    free: bool
    evidence: str
    late: frozenset[str] = frozenset()
    now: Reading | None = None
    """The counters by which it was judged."""


async def _settle(ctx: Context, call: CallRow, verdict: Verdict) -> bool:
    """Free a call's people or hold them; returns whether they may be asked for again."""
    if not verdict.free or call.id in verdict.late:
        await _hold(ctx, call, LATE if verdict.free else verdict.evidence)
        return False
    keys = known_keys(call)
    if ctx.settings.apollo.unknown_outcome != "retry":
        why = f"{_cause(call)}; sent again: {verdict.evidence}"
        marked = ctx.journal.marked(call.id, "refused", why, cost=NOTHING)
        if call.run_id == ctx.run_id:
            ctx.paths["apollo"].budget.give_back("apollo", call.cost)
    elif any(ctx.paid_perhaps[key] + 1 >= RESEND_ROUNDS for key in keys):
        await _hold(ctx, call, f"it was perhaps paid for {RESEND_ROUNDS} times")
        return False
    else:
        marked = ctx.journal.marked(call.id, "failed", f"{_cause(call)}; {WITHOUT_PROOF}")
        ctx.paid_perhaps.update(keys)
        ctx.stats.providers["apollo"].sent_again += 1
        ctx.stats.providers["apollo"].in_doubt += call.reserved
    if call.state != "held":
        await ctx.db.write(marked)
    else:
        await ctx.db.write(marked, *facts.people_released(keys))
        if call.run_id == ctx.run_id:
            ctx.stats.providers["apollo"].held -= len(keys)
            ctx.stats.providers["apollo"].in_doubt -= call.reserved
    return True


async def _hold(ctx: Context, call: CallRow, evidence: str) -> None:
    reason = f"{_cause(call)}; held: {evidence}"
    rows = [trouble_row(key, "held", reason, call.id) for key in known_keys(call)]
    # Together: a process that dies in between must not leave people who would be bought again.
    marked = ctx.journal.marked(call.id, "held", reason, applied=True)
    await ctx.db.write(marked, facts.people_held(rows))
    if call.state != "held":
        ctx.stats.providers["apollo"].held += len(rows)
        ctx.stats.providers["apollo"].in_doubt += call.reserved


def _cause(call: CallRow) -> str:
    """Why a call's outcome is unknown, without what was found out about it."""
    return call.error.partition("; held: ")[0]


async def _judge(ctx: Context, run_id: str, found: Sequence[CallRow]) -> Verdict:
    """Whether calls of unknown outcome may be sent again, and on what evidence."""
    policy = ctx.settings.apollo.unknown_outcome
    if policy == "retry":
        return Verdict(True, "the policy is to send again")
    if policy == "hold":
        return Verdict(False, "the policy is to hold")
    if ctx.is_chunk:
        return Verdict(
            False, "other calls on the key are in flight, so Apollo's counters say nothing of it"
        )
    rows = await ctx.db.rows(select(runs.c.usage_before).where(runs.c.id == run_id))
    if not rows or not rows[0].usage_before:
        return Verdict(False, "Apollo's counters were not read before the call")
    before = Reading(**orjson.loads(rows[0].usage_before))
    free, evidence, now = await _nothing_charged(ctx, before, found)
    if free:
        # The charge for a call may be booked after its connection broke: look once more.
        if wait := ctx.settings.apollo.settle_seconds:
            await asyncio.sleep(max(wait, ANSWER_SECONDS - min(map(_age, found))))
        free, evidence, now = await _nothing_charged(ctx, before, found)
    late: frozenset[str] = frozenset()
    if free:
        # And later still, where nobody waited for Apollo's answer: it may still be at work.
        _, answers, _ = await _booked_since(ctx, before)
        arrived = _arrived(before, now, answers, [c for c in found if c.sent_at >= before.at])
        late = frozenset(
            call.id
            for call in found
            if _may_go_on(call)
            and _age(call) < ctx.settings.apollo.late_charge_seconds
            and not (arrived == 0 and call.sent_at >= before.at)
        )
    return Verdict(free, evidence, late, now)


def _may_go_on(call: CallRow) -> bool:
    """Whether Apollo may still be at work on it: we hung up, or a gateway did."""
    we_did = call.error.startswith((HUNG_UP, CRASHED))
    return we_did or call.reply.status in GATEWAY_HUNG_UP


def _age(call: CallRow) -> float:
    """Seconds since it was sent; those of its flight by a clock that nobody can set."""
    now = moment(timestamp())
    if not call.ended_at:  # nobody lived to see its end
        return (now - moment(call.sent_at)).total_seconds()
    return (now - moment(call.ended_at)).total_seconds() + call.duration_ms / 1000


def _arrived(before: Reading, now: Reading, answers: int, unknown: Sequence[CallRow]) -> int | None:
    """How many bulk calls Apollo counted beyond those answered; None when that cannot tell.

    Its count of bulk calls says nothing of a single match.
    """
    if before.requests is None or now.requests is None:
        return None
    if any(call.endpoint != BULK for call in unknown):
        return None
    return now.requests - before.requests - answers


async def _booked_since(ctx: Context, before: Reading) -> tuple[int, int, int]:
    """What our own books say came after a reading: (micro-credits, answers to bulk calls, and how
    many of the micro-credits no answer named).

    A single match does not say what it cost; it is booked as if it had cost something.
    """
    credits, answers, unnamed = await ctx.journal.totals("apollo", before.at, BULK)
    return credits - before.ahead_credits, answers - before.ahead_answers, unnamed


async def _nothing_charged(
    ctx: Context, before: Reading, unknown: Sequence[CallRow]
) -> tuple[bool, str, Reading]:
    """Whether the counters prove that no unknown call since *before* cost anything."""
    now = await read_counters(ctx.paths["apollo"].http, ctx)
    charged, answers, unnamed = await _booked_since(ctx, before)
    if before.credits is not None and now.credits is not None:
        if before.cycle != now.cycle:
            return False, "Apollo's credit cycle changed in between", now
        # What was booked too high would hide what an unknown call cost.
        extra = now.credits - before.credits - (charged - unnamed)
        if extra == 0:
            return True, "Apollo's own count shows no credit for it", now
        words = f"Apollo counts {credits_number(extra)} credits more than answers have named"
        return False, words, now
    arrived = _arrived(before, now, answers, unknown)
    if arrived is None or any(call.sent_at < before.at for call in unknown):
        return False, "Apollo's counters cannot be read, or say nothing of this call", now
    if arrived == 0:
        return True, "Apollo's own count shows that the call never arrived", now
    return False, f"Apollo counts {arrived} bulk calls more than were answered", now
