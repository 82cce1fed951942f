"""What a run would do: calls, credits, dollars low to high, time by the limits. Spends nothing."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from enrico.engine.money import Cost, credits_number, usd_number
from enrico.engine.stats import ProviderName
from enrico.engine.windows import Window, lower_bound_seconds, parse_windows
from enrico.pipeline.context import Branch
from enrico.providers.apollo import Apollo
from enrico.providers.llm import SYSTEM_PROMPT, Llm
from enrico.providers.serper import RESULTS_KEPT, Serper
from enrico.settings import Settings
from enrico.store.selection import Counts

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
FOUND_AT_LEAST = 0.4
"""Share of asked people that is found at the low end; the high end is everybody."""
LOST_AT_MOST = 0.1
"""Share of cheap calls that may have to be paid for twice at the high end."""
RESULT_BYTES = (90, 900)
"""Bytes of one search result as sent to the model, low and high."""
ANSWER_TOKENS = 20


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


def windows_of(settings: Settings, provider: ProviderName) -> tuple[Window, ...]:
    """The windows that a provider's limiter starts with."""
    given = {"serper": settings.serper.limits, "apollo": settings.apollo.limits}.get(provider, "")
    return parse_windows((given or ASSUMED_LIMITS[provider]).split(","))


def make_plan(counts: Counts, settings: Settings, only: tuple[Branch, ...]) -> Plan:
    """The plan for what a selection counted."""
    searches = counts.to_search if "search" in only else 0
    reads = (searches + counts.to_classify) if "classify" in only else 0
    buys = counts.to_buy if "people" in only else 0
    providers: dict[str, ProviderPlan] = {}

    search_price = Serper(settings.serper).price()
    providers["serper"] = _provider(
        settings, "serper", searches, counts.accounts - counts.to_search, searches,
        low=_times(search_price, searches),
        high=_times(search_price, searches + math.ceil(searches * LOST_AT_MOST)),
        concurrency=settings.serper.concurrency,
    )  # fmt: skip
    providers["deepseek"] = _provider(
        settings, "deepseek", reads, counts.accounts - counts.to_search - counts.to_classify, reads,
        low=_times(_reading_cost(settings, high=False), counts.to_classify if reads else 0),
        high=_times(_reading_cost(settings, high=True), reads + math.ceil(reads * LOST_AT_MOST)),
        concurrency=settings.llm.concurrency,
    )  # fmt: skip
    price = Apollo(settings.apollo).price()
    providers["apollo"] = _provider(
        settings, "apollo", buys, counts.people - counts.to_buy - counts.held,
        math.ceil(buys / settings.apollo.batch_size),
        low=_times(price, math.floor(buys * FOUND_AT_LEAST)), high=_times(price, buys),
        concurrency=settings.apollo.concurrency,
    )  # fmt: skip

    chain = providers["serper"].seconds + (TYPICAL_SECONDS["deepseek"][0] if searches else 0)
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
    name: ProviderName,
    items: int,
    cached: int,
    calls: int,
    *,
    low: Cost,
    high: Cost,
    concurrency: int,
) -> ProviderPlan:
    windows = windows_of(settings, name)
    latency, shortest = TYPICAL_SECONDS[name]
    seconds = lower_bound_seconds(
        calls, windows, latency=latency, shortest=shortest, concurrency=concurrency
    )
    return ProviderPlan(
        items=items,
        cached=max(0, cached),
        calls=calls,
        credits_low=credits_number(low.credits),
        credits_high=credits_number(high.credits),
        usd_low=usd_number(low.usd),
        usd_high=usd_number(high.usd),
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


def _times(cost: Cost, times: int) -> Cost:
    return Cost(cost.credits * times, cost.usd * times)


def _reading_cost(settings: Settings, *, high: bool) -> Cost:
    """What the classification of one account costs, at least or at most."""
    prompt = len(SYSTEM_PROMPT) + 400
    if high:
        return Llm(settings.llm).worst_cost(prompt + RESULTS_KEPT * RESULT_BYTES[1], 1)
    fresh = RESULTS_KEPT * RESULT_BYTES[0] / 6  # a few results, at six characters a token
    llm = settings.llm
    dollars = float(llm.input_usd) * fresh + float(llm.output_usd) * ANSWER_TOKENS
    return Cost(0, int(dollars * 1000))
