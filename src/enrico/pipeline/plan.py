"""What a run would do: calls, credits, dollars low to high, time by the limits. Spends nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from sqlalchemy import select

from enrico.engine.money import credits_number, usd_number
from enrico.engine.stats import ProviderName
from enrico.engine.windows import Window, lower_bound_seconds, parse_windows
from enrico.pipeline.context import Branch
from enrico.pipeline.estimate import Range, classification_cost, people_cost, search_cost
from enrico.settings import Settings
from enrico.store.database import Database
from enrico.store.selection import Counts
from enrico.store.tables import runs

# Seconds of one call where nothing better is known (the providers' contracts, 2026).
TYPICAL_SECONDS: dict[ProviderName, tuple[float, float]] = {
    "serper": (1.5, 0.9),
    "deepseek": (1.6, 1.0),
    "apollo": (0.8, 0.3),
}
ASSUMED_LIMITS: dict[ProviderName, str] = {
    "serper": "5/s",
    "deepseek": "none",
    "apollo": "5/s, 60/min",
}


@dataclass(frozen=True, slots=True)
class ProviderPlan:
    """One provider's part. ``items`` are accounts or people; ``cached`` need no call."""

    items: int
    cached: int
    calls: int
    credits_low: int | float
    credits_high: int | float
    usd_low: float
    usd_high: float
    seconds: float
    bound_by: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run over a scope would do."""

    deals: int
    accounts: int
    deal_contacts: int
    unique_people: int
    providers: dict[str, ProviderPlan]
    skipped: dict[str, int]
    """Deal contacts that no person is bought for, by reason."""
    held: int
    usd_low: float
    usd_high: float
    seconds: float
    bound_by: str
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


Met = Mapping[str, tuple[Window, ...]]
"""The limits that the last run kept to at its end, by provider: told, learnt or set."""


def windows_of(
    settings: Settings, provider: ProviderName, met: Met | None = None
) -> tuple[Window, ...]:
    """The windows that a provider's limiter starts with; for a plan those that were *met*."""
    if given := _given(settings, provider):
        return parse_windows(given.split(","))
    if met and provider in met:
        return met[provider]
    return parse_windows(ASSUMED_LIMITS[provider].split(","))


def _given(settings: Settings, provider: ProviderName) -> str:
    return {"serper": settings.serper.limits, "apollo": settings.apollo.limits}.get(provider, "")


async def limits_met(db: Database) -> Met:
    """Of each provider that the last run called, the limits that it kept to at its end."""
    query = select(runs.c.summary).where(runs.c.summary != "")
    rows = await db.rows(query.order_by(runs.c.started_at.desc()).limit(1))
    if not rows:
        return {}
    summary = orjson.loads(rows[0].summary)
    return {
        name: parse_windows(texts)
        for name, texts in summary.get("limits", {}).items()
        if summary["providers"][name]["calls"]
    }


def make_plan(
    counts: Counts, settings: Settings, only: tuple[Branch, ...], met: Met | None = None
) -> Plan:
    """The plan for what a selection counted. *met*: see :func:`limits_met`."""
    searches = counts.to_search if "search" in only else 0
    reads = (searches + counts.to_classify) if "classify" in only else 0
    buys = counts.to_buy if "people" in only else 0
    providers: dict[str, ProviderPlan] = {}

    providers["serper"] = _provider(
        settings, met, "serper", searches, counts.accounts - counts.to_search, searches,
        cost=search_cost(settings, searches),
        concurrency=settings.serper.concurrency,
    )  # fmt: skip
    certain = counts.to_classify if reads else 0
    providers["deepseek"] = _provider(
        settings, met, "deepseek", reads,
        counts.accounts - counts.to_search - counts.to_classify, reads,
        cost=classification_cost(settings, certain=certain, accounts=reads),
        concurrency=settings.llm.concurrency,
    )  # fmt: skip
    providers["apollo"] = _provider(
        settings, met, "apollo", buys, counts.people - counts.to_buy - counts.held,
        math.ceil(buys / settings.apollo.batch_size),
        cost=people_cost(settings, buys),
        concurrency=settings.apollo.concurrency,
    )  # fmt: skip

    chain = providers["serper"].seconds + (TYPICAL_SECONDS["deepseek"][1] if searches else 0)
    signals = max(chain, providers["deepseek"].seconds)
    seconds = max(signals, providers["apollo"].seconds)
    binding = "apollo" if providers["apollo"].seconds >= signals else "serper"
    if providers["deepseek"].seconds > max(chain, providers["apollo"].seconds):
        binding = "deepseek"
    notes = []
    if counts.accounts_without_name:
        notes.append(
            f"{counts.accounts_without_name} accounts have neither a name nor a domain and are "
            "not searched."
        )
    assumed = [
        f"{name}: {ASSUMED_LIMITS[name]}"
        for name in ("serper", "apollo")
        if providers[name].calls and not _given(settings, name) and name not in (met or {})
    ]
    if assumed:
        notes.append(
            f"The time rests on assumed limits ({'; '.join(assumed)}). A run follows what the "
            "providers say and may be much faster; set the limits or a profile for a true time."
        )
    if reads and settings.llm.has_unknown_prices:
        notes.append(
            f"What {settings.llm.model} costs is not known; deepseek-flash's prices stand for it. "
            "Set llm.input_usd, llm.cached_usd and llm.output_usd."
        )
    return Plan(
        deals=counts.deals,
        accounts=counts.accounts,
        deal_contacts=counts.deal_contacts,
        unique_people=counts.people,
        providers=providers,
        skipped=counts.unusable,
        held=counts.held,
        usd_low=round(sum(p.usd_low for p in providers.values()), 6),
        usd_high=round(sum(p.usd_high for p in providers.values()), 6),
        seconds=round(seconds, 1),
        bound_by=providers[binding].bound_by if seconds else "nothing to do",
        notes=notes,
    )


def _provider(
    settings: Settings,
    met: Met | None,
    name: ProviderName,
    items: int,
    cached: int,
    calls: int,
    *,
    cost: Range,
    concurrency: int,
) -> ProviderPlan:
    windows = windows_of(settings, name, met)
    latency, shortest = TYPICAL_SECONDS[name]
    seconds = lower_bound_seconds(
        calls, windows, latency=latency, shortest=shortest, concurrency=concurrency
    )
    return ProviderPlan(
        items=items,
        cached=max(0, cached),
        calls=calls,
        credits_low=credits_number(cost.low.credits),
        credits_high=credits_number(cost.high.credits),
        usd_low=usd_number(cost.low.usd),
        usd_high=usd_number(cost.high.usd),
        seconds=round(seconds, 1),
        bound_by=what_binds(name, calls, windows, latency, shortest, concurrency),
    )


def what_binds(
    name: str,
    calls: int,
    windows: tuple[Window, ...],
    latency: float,
    shortest: float,
    concurrency: int,
) -> str:
    """The limit that holds a provider's calls back, in words."""
    best, words = 0.0, f"{name}: time of one call"
    for window in windows:
        bound = lower_bound_seconds(
            calls, (window,), latency=latency, shortest=shortest, concurrency=10**9
        )
        if calls > window.limit and bound > best:
            best, words = bound, f"{name}: {window}"
    if calls * latency / concurrency > max(best, latency):
        words = f"{name}: {concurrency} calls at once"
    return words
