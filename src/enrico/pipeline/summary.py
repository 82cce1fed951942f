"""A run's measures, under the names that others rely on (design section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import orjson
from sqlalchemy import select

from enrico.alerts.rules import findings, spend_per_minute
from enrico.engine.call import CallPath
from enrico.engine.money import Cost, credits_number, usd_number
from enrico.engine.stats import PHASES, PROVIDERS, Phase, ProviderStats, Stats
from enrico.engine.windows import lower_bound_seconds
from enrico.errors import EnricoError, Fatal
from enrico.pipeline.context import Branch
from enrico.pipeline.plan import TYPICAL_SECONDS, what_binds
from enrico.settings import AlertSettings
from enrico.store.database import Database
from enrico.store.selection import Counts
from enrico.store.tables import runs

FAILURES_KEPT = 10
RUNS_COMPARED = 30
RUNS_NEEDED = 3
"""So many runs must have spent something before a usual spend is spoken of."""


async def earlier_runs(db: Database) -> list[dict[str, Any]]:
    """The summaries of the last runs that did all they had to do, the newest first."""
    rows = await db.rows(
        select(runs.c.summary)
        .where(runs.c.status == "done")
        .order_by(runs.c.started_at.desc())
        .limit(RUNS_COMPARED)
    )
    return [orjson.loads(row.summary) for row in rows]


def usual_spend(earlier: Sequence[Mapping[str, Any]]) -> float | None:
    """Median dollars a minute of earlier runs that spent something; None for too few."""
    rates = [
        spend_per_minute(summary["cost_usd"], summary["duration_ms"])
        for summary in earlier
        if summary["cost_usd"]
    ]
    return round(median(rates), 6) if len(rates) >= RUNS_NEEDED else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which *share* of the sorted *values* lie; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def summarise(
    *,
    run_id: str,
    started_at: str,
    duration_seconds: float,
    counts: Counts,
    stats: Stats,
    paths: dict[str, CallPath],
    halted: Sequence[EnricoError],
    alerts: AlertSettings,
    ran_before: bool,
    usual_usd_per_min: float | None,
    only: Sequence[Branch],
    prices: dict[str, Cost],
) -> dict[str, Any]:
    """The summary of a finished run."""
    providers = {name: _provider(stats.providers[name]) for name in PROVIDERS}
    calls = sum(item.calls for item in stats.providers.values())
    failures = sum(item.useless + item.failed for item in stats.providers.values())
    asked = calls + sum(item.failed for item in stats.providers.values() if not item.calls)
    error_rate = round(min(1.0, failures / asked), 4) if asked else 0.0
    bounds = {name: _bound(stats.providers[name], paths.get(name)) for name in PROVIDERS}
    signals = bounds["serper"][0]
    if stats.providers["deepseek"].calls:
        shortest = min(stats.providers["deepseek"].latencies_ms, default=0.0) / 1000
        signals = max(signals + shortest, bounds["deepseek"][0])
    bound = max(signals, bounds["apollo"][0])
    if bounds["apollo"][0] >= signals:
        bound_by = bounds["apollo"][1]
    else:
        bound_by = bounds["serper" if bounds["serper"][0] else "deepseek"][1]
    if not calls:
        bound_by = "nothing to ask"
    if halted:
        bound_by = halted[0].code
    people_cached = _share(counts.people - counts.to_buy, counts.people)
    search_cached = _share(counts.accounts - counts.to_search, counts.accounts)
    status = _status(stats, halted, counts)
    summary = {
        "run_id": run_id,
        "status": status,
        "started_at": started_at,
        "duration_ms": round(duration_seconds * 1000),
        "deals": counts.deals,
        "accounts": counts.accounts,
        "deal_contacts": counts.deal_contacts,
        "unique_people": counts.people,
        "phases": {name: _phase(stats.phases[name]) for name in PHASES},
        "providers": providers,
        "cache": {"people_cached_pct": people_cached, "search_cached_pct": search_cached},
        "throughput": {
            "deals_per_s": _per(counts.deals, duration_seconds),
            "contacts_per_s": _per(counts.deal_contacts, duration_seconds),
            "calls_per_deal": _per(calls, counts.deals),
        },
        "error_rate": error_rate,
        "cost_usd": usd_number(sum(item.cost.usd for item in stats.providers.values())),
        "in_doubt_usd": usd_number(sum(i.in_doubt.usd for i in stats.providers.values())),
        "saved_usd": _saved(counts, prices, only),
        "lower_bound_ms": round(bound * 1000),
        "efficiency": round(min(1.0, bound / duration_seconds), 3) if duration_seconds else 0.0,
        "bound_by": bound_by,
        "budget_used": _budget_used(paths),
        "usual_usd_per_min": usual_usd_per_min,
        "ran_before": ran_before,
        "refused": sorted(
            {why.provider for why in halted if why.exit_code == 5 and isinstance(why, Fatal)}
        ),
        "skipped": counts.unusable,
        "failures": [
            {"provider": provider, "reason": reason, "count": count}
            for (provider, reason), count in sorted(
                stats.failures.items(), key=lambda failure: (-failure[1], failure[0])
            )[:FAILURES_KEPT]
        ],
        "unfinished": {
            name: item.total - item.done
            for name, item in stats.providers.items()
            if item.total > item.done
        },
        "learned": {n: learned for n, p in paths.items() if (learned := p.limiter.learned)},
        "dropped": stats.dropped,
        "role_notes": stats.role_notes,
        "unasked": {n: stats.providers[n].unasked for n in PROVIDERS if stats.providers[n].unasked},
        "limits": {
            name: [str(window) for window in path.limiter.windows] for name, path in paths.items()
        },
        "messages": [str(why) for why in halted],
    }
    return {**summary, "alerts": [finding.line for finding in findings(summary, alerts)]}


def _provider(item: ProviderStats) -> dict[str, Any]:
    return {
        "calls": item.calls,
        "batches": item.batches,
        "items": item.items,
        "cached": item.cached,
        "found": item.found,
        "not_found": item.not_found,
        "failed": item.failed,
        "held": item.held,
        "sent_again": item.sent_again,
        "overcharged": item.overcharged,
        "retries": item.retries,
        "rate_limited": item.rate_limited,
        "credits": credits_number(item.cost.credits),
        "cost_usd": usd_number(item.cost.usd),
        "p50_ms": round(percentile(item.latencies_ms, 0.5), 1),
        "p95_ms": round(percentile(item.latencies_ms, 0.95), 1),
        "waited_ms": {why: round(seconds * 1000) for why, seconds in sorted(item.waits.items())},
    }


def _phase(phase: Phase) -> dict[str, int | None]:
    if phase.started is None or phase.ended is None:
        return {"started_ms": None, "ended_ms": None, "duration_ms": 0}
    started, ended = round(phase.started * 1000), round(phase.ended * 1000)
    return {"started_ms": started, "ended_ms": ended, "duration_ms": ended - started}


def _budget_used(paths: dict[str, CallPath]) -> float | None:
    """Share of the run's cap, which all paths have in common; never rounded up to a whole."""
    used = next((path.budget.used() for path in paths.values()), None)
    return None if used is None else math.floor(used * 10_000) / 10_000


def _bound(item: ProviderStats, path: CallPath | None) -> tuple[float, str]:
    """(seconds, what binds) for the calls that were answered, at the times that were measured."""
    if path is None or not item.latencies_ms:
        return 0.0, ""
    name = path.provider.name
    mean = sum(item.latencies_ms) / len(item.latencies_ms) / 1000
    shortest = min(item.latencies_ms) / 1000
    calls = len(item.latencies_ms) if len(item.latencies_ms) < 10_000 else item.calls
    windows, most = path.limiter.windows, path.limiter.concurrency
    seconds = lower_bound_seconds(calls, windows, latency=mean, shortest=shortest, concurrency=most)
    mean = mean or TYPICAL_SECONDS[name][0]
    return seconds, what_binds(name, calls, windows, mean, shortest, most)


def _status(stats: Stats, halted: Sequence[EnricoError], counts: Counts) -> str:
    """One word; the exit code follows from it and from the reasons."""
    codes = {why.exit_code for why in halted}
    if 130 in codes:
        return "interrupted"
    if 5 in codes:
        return "refused"
    if 4 in codes:
        return "budget_reached"
    if counts.held or any(item.held for item in stats.providers.values()):
        return "held"
    if halted or any(item.failed for item in stats.providers.values()):
        return "partial"
    return "done"


EXIT_CODES = {
    "done": 0, "failed": 1, "partial": 3, "budget_reached": 4, "refused": 5, "held": 6,
    "interrupted": 130,
}  # fmt: skip


def _saved(counts: Counts, prices: dict[str, Cost], only: Sequence[Branch]) -> dict[str, float]:
    """What asking for everything at each use would have cost more; parts left out save nothing."""
    person = prices["apollo"].usd if "people" in only else 0
    search = prices["serper"].usd if "search" in only else 0
    cached = counts.known * person  # a cached miss would have been free
    cached += (counts.accounts - counts.to_search) * search
    # Who is known already costs nothing however often they are asked for.
    bought = counts.to_buy / counts.people if counts.people else 0
    searched = counts.to_search / counts.accounts if counts.accounts else 0
    dedupe = round((counts.seats_with_address - counts.people) * person * bought)
    dedupe += round((counts.deals_with_account - counts.accounts) * search * searched)
    skipped = sum(n for why, n in counts.unusable.items() if why != "no_email") * person
    return {
        "cache": usd_number(max(0, cached)),
        "dedupe": usd_number(max(0, dedupe)),
        "skipped": usd_number(skipped),
    }


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _per(count: float, over: float) -> float:
    return round(count / over, 3) if over else 0.0
