"""Which rules hold for which summary; and work beside the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from enrico.alerts.rules import RULES, findings, spend_per_minute
from enrico.engine.beside import beside
from enrico.engine.budget import Budget, Caps
from enrico.engine.money import MICRO, NANO, Cost
from enrico.pipeline.summary import usual_spend
from enrico.settings import AlertSettings, Settings

CALM: dict[str, Any] = {
    "deals": 50,
    "duration_ms": 60_000,
    "error_rate": 0.10,
    "cache": {"people_cached_pct": 30.0, "search_cached_pct": 30.0},
    "ran_before": True,
    "unique_people": 225,
    "cost_usd": 3.0,
    "usual_usd_per_min": 1.0,
    "budget_used": 0.49,
    "in_doubt_usd": 0.0,
    "providers": {name: {"held": 0} for name in ("serper", "deepseek", "apollo")},
    "refused": [],
}


def lines(**changes: Any) -> list[str]:
    return [finding.line for finding in findings({**CALM, **changes}, AlertSettings())]


def test_at_its_thresholds_a_run_is_still_well() -> None:
    assert lines() == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"duration_ms": 60_600}, "slow: 61 s for 50 deals; 60 s is allowed"),
        ({"duration_ms": 121_000, "deals": 100, "cost_usd": 0},
         "slow: 121 s for 100 deals; 120 s is allowed"),
        ({"error_rate": 0.101}, "failing: 10.1% of calls; 10 % is allowed"),
        ({"cache": {"people_cached_pct": 29.9, "search_cached_pct": 90.0}},
         "cold cache: 29.9 % cached; 30 % is expected after an earlier run"),
        ({"cost_usd": 3.01}, "burn rate: $3.01 a minute; the last runs spent $1.00 (median)"),
        ({"cost_usd": 3.01, "duration_ms": 1000},
         "burn rate: $3.01 a minute; the last runs spent $1.00 (median)"),
        ({"budget_used": 0.5}, "budget: 50 % of the run's cap is spent"),
        ({"budget_used": 0.99}, "budget: 80 % of the run's cap is spent"),
        ({"budget_used": 1.0}, "budget: 100 % of the run's cap is spent"),
        ({"providers": {"apollo": {"held": 20}}, "in_doubt_usd": 0.5},
         "held calls: 20 people at apollo, up to $0.50 in doubt; decide with: enrico held"),
        ({"refused": ["serper"]},
         "key refused: serper refuses the key, or its balance is spent; check with: enrico doctor"),
    ],
)  # fmt: skip
def test_past_its_threshold_a_rule_says_so_in_one_line(changes: Any, line: str) -> None:
    assert lines(**changes) == [line]


@pytest.mark.parametrize(
    "changes",
    [
        {"ran_before": False, "cache": {"people_cached_pct": 0.0, "search_cached_pct": 0.0}},
        {"usual_usd_per_min": None, "cost_usd": 1000.0},
        {"budget_used": None},
    ],
)
def test_without_anything_to_compare_with_a_rule_is_silent(changes: Any) -> None:
    assert lines(**changes) == []


def test_every_rule_says_what_why_and_what_to_do_in_a_sentence_each() -> None:
    for rule in RULES.values():
        assert all(text.endswith(".") for text in (rule.what, rule.why, rule.do))


def test_a_usual_spend_is_the_median_of_runs_that_spent_something() -> None:
    runs = [{"cost_usd": usd, "duration_ms": 120_000} for usd in (2.0, 0.0, 8.0, 4.0)]

    assert usual_spend(runs) == 2.0
    assert usual_spend(runs[:3]) is None


def test_a_short_run_counts_as_a_minute() -> None:
    assert spend_per_minute(1.0, 500) == 1.0
    assert spend_per_minute(1.0, 120_000) == 0.5


@pytest.mark.parametrize(
    ("caps", "used"),
    [
        (Caps(), None),
        (Caps(credits=40 * MICRO), 0.5),
        (Caps(usd=NANO), 0.4),
        (Caps(provider_credits={"serper": 100 * MICRO, "apollo": 20 * MICRO}), 0.75),
        (Caps(credits=0), 1.0),
        (Caps(credits=40 * MICRO, usd=NANO, provider_credits={"serper": 5 * MICRO}), 1.0),
    ],
)
async def test_what_is_used_of_a_budget_is_the_largest_share_of_a_cap(
    caps: Caps, used: float | None
) -> None:
    budget = Budget(caps)
    budget.settle("serper", Cost(), Cost(5 * MICRO, NANO // 10))
    budget.settle("apollo", Cost(), Cost(5 * MICRO, NANO // 10))

    assert budget.used("apollo", Cost(10 * MICRO, NANO // 5)) == used


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///enrico.db", "enrico"),
        ("sqlite:////srv/data/west.db", "west"),
        ("postgresql://user:s3cret@host/sales?password=s3cret", "sales"),
        ("sqlite://", "enrico"),
    ],
)
def test_the_workspace_is_the_databases_name_and_nothing_more_of_its_url(
    url: str, name: str
) -> None:
    assert Settings(database_url=url).workspace_name == name


async def test_work_beside_the_loop_gives_its_result_or_its_error() -> None:
    def fails() -> None:
        raise ValueError("no")

    assert await beside(lambda: 7, 5) == 7
    with pytest.raises(ValueError, match="no"):
        await beside(fails, 5)


async def test_work_that_hangs_is_left_behind() -> None:
    over = threading.Event()

    with pytest.raises(TimeoutError):
        await beside(over.wait, 0.01)

    over.set()
    await asyncio.sleep(0)
