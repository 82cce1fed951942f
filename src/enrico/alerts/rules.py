"""What deserves attention in a run. Pure: a summary in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from enrico.settings import AlertSettings

RuleId = Literal[
    "slow", "failing", "cold_cache", "burn_rate", "budget", "held_calls", "key_refused"
]
RUNBOOK = "docs/how-to/alerts.md"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as people read it: what it means, why it matters, what to do."""

    id: RuleId
    severity: Literal["info", "warning", "critical"]
    what: str
    why: str
    do: str

    @property
    def runbook(self) -> str:
        """The section of the documentation to read."""
        return f"{RUNBOOK}#{self.id}"


RULES: dict[RuleId, Rule] = {
    rule.id: rule
    for rule in (
        Rule(
            "slow", "warning",
            "The run took longer than is allowed for so many deals.",
            "A limit is set too low, or a provider has become slow.",
            "Look at bound_by and waited_ms in the run's summary.",
        ),
        Rule(
            "failing", "critical",
            "Too many calls brought nothing.",
            "Those items have no result, and calls that failed may have been charged.",
            "Read the failures in the summary; run again when the provider is well.",
        ),
        Rule(
            "cold_cache", "warning",
            "Little was cached although a run came before.",
            "What is not cached is bought.",
            "Check that it is the same database, and the cache ages in [cache].",
        ),
        Rule(
            "burn_rate", "warning",
            "The run spent far more a minute than the runs before it usually did.",
            "A larger export, a refresh or a wrong price is spending money.",
            "Compare with enrico runs; set --max-usd.",
        ),
        Rule(
            "budget", "warning",
            "A part of the run's cap is spent.",
            "At 100 % nothing more is bought, and the rest stays unasked.",
            "Raise --max-credits or --max-usd, or let it stop; the next run goes on from there.",
        ),
        Rule(
            "held_calls", "warning",
            "Calls may have been charged without an answer.",
            "Their people are not asked for again until somebody decides.",
            "Settle them with enrico held.",
        ),
        Rule(
            "key_refused", "critical",
            "A provider refuses the key, or its balance is spent.",
            "Nothing more comes from it.",
            "Check with enrico doctor; replace the key or buy credits.",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that holds, for one *subject*: a provider, a share of the budget, or nothing."""

    rule: RuleId
    subject: str
    text: str

    @property
    def line(self) -> str:
        """As it stands in a summary's ``alerts``."""
        return f"{self.rule.replace('_', ' ')}: {self.text}"


def findings(summary: Mapping[str, Any], settings: AlertSettings) -> list[Finding]:
    """The rules that hold for a finished run, in the order of :data:`RULES`.

    Of the budget only the highest threshold that was reached.
    """
    return [
        *_slow(summary, settings),
        *_failing(summary, settings),
        *_cold_cache(summary, settings),
        *_burn_rate(summary, settings),
        *budget_findings(summary["budget_used"], settings)[-1:],
        *_held(summary),
        *(key_refused(provider) for provider in summary["refused"]),
    ]


def _slow(summary: Mapping[str, Any], settings: AlertSettings) -> Iterator[Finding]:
    seconds, deals = summary["duration_ms"] / 1000, summary["deals"]
    allowed = settings.slow_seconds_per_50_deals * max(1.0, deals / 50)
    if seconds > allowed:
        text = f"{seconds:.0f} s for {deals} deals; {allowed:.0f} s is allowed"
        yield Finding("slow", "", text)


def _failing(summary: Mapping[str, Any], settings: AlertSettings) -> Iterator[Finding]:
    if summary["error_rate"] * 100 > settings.failing_pct:
        yield failing(summary["error_rate"], settings)


def failing(share: float, settings: AlertSettings) -> Finding:
    """So many calls failed, 0 to 1."""
    text = f"{share:.1%} of calls; {settings.failing_pct:g} % is allowed"
    return Finding("failing", "", text)


def _cold_cache(summary: Mapping[str, Any], settings: AlertSettings) -> Iterator[Finding]:
    cached = min(summary["cache"].values())
    if summary["ran_before"] and summary["unique_people"] and cached < settings.cold_cache_pct:
        text = (
            f"{cached:g} % cached; {settings.cold_cache_pct:g} % is expected after an earlier run"
        )
        yield Finding("cold_cache", "", text)


def spend_per_minute(cost_usd: float, duration_ms: float) -> float:
    """Dollars a minute. A shorter run counts as a minute: its rate would say nothing."""
    return cost_usd / max(1.0, duration_ms / 60_000)


def _burn_rate(summary: Mapping[str, Any], settings: AlertSettings) -> Iterator[Finding]:
    rate = spend_per_minute(summary["cost_usd"], summary["duration_ms"])
    usual = summary["usual_usd_per_min"]
    if usual and rate > settings.burn_rate_factor * usual:
        text = f"${rate:.2f} a minute; the last runs spent ${usual:.2f} (median)"
        yield Finding("burn_rate", "", text)


def budget_findings(used: float | None, settings: AlertSettings) -> list[Finding]:
    """The thresholds that are reached, the lowest first; *used* is a share of the cap."""
    if used is None:
        return []
    return [
        Finding("budget", f"{pct} %", f"{pct} % of the run's cap is spent")
        for pct in sorted(settings.budget_pct)
        if used * 100 >= pct
    ]


def _held(summary: Mapping[str, Any]) -> Iterator[Finding]:
    for name, part in summary["providers"].items():
        if part["held"]:
            text = (
                f"{part['held']} people at {name}, up to ${summary['in_doubt_usd']:.2f} in doubt; "
                "decide with: enrico held"
            )
            yield Finding("held_calls", name, text)


def key_refused(provider: str) -> Finding:
    """The provider refuses the key or has no balance."""
    text = f"{provider} refuses the key, or its balance is spent; check with: enrico doctor"
    return Finding("key_refused", provider, text)
