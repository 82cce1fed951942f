"""A cap is never passed, at any concurrency, and room that comes free is used."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clock import run_virtually
from enrico.engine.budget import Budget, BudgetReached, Caps, Overcharged
from enrico.engine.money import MICRO, Cost, cost_of_credits, micro_credits, nano_usd


def credits(number: int) -> Cost:
    return Cost(number * MICRO, number * 25_000_000)


async def spend(budget: Budget, workers: int, seed: int) -> int:
    """Calls of ten that cost less than is reserved, until nothing fits; returns what was spent."""
    dice = random.Random(seed)
    most = 0

    async def one() -> None:
        nonlocal most
        while True:
            try:
                room = await budget.room_for("apollo", credits(1), 10)
            except BudgetReached:
                return
            reserved = credits(room)
            budget.reserve("apollo", reserved)
            total = budget.spent["apollo"] + budget.reserved["apollo"]
            most = max(most, total.credits)
            await asyncio.sleep(dice.random())
            budget.settle("apollo", reserved, credits(dice.randint(0, room)))

    await asyncio.gather(*(one() for _ in range(workers)))
    assert budget.reserved["apollo"] == Cost()
    assert most <= (budget.caps.credits or 0)
    return budget.spent["apollo"].credits


@settings(max_examples=50, deadline=None)
@given(cap=st.integers(0, 300), workers=st.integers(1, 64), seed=st.integers(0, 999))
def test_a_cap_is_reached_exactly_and_never_passed(cap: int, workers: int, seed: int) -> None:
    budget = Budget(Caps(credits=cap * MICRO))

    assert run_virtually(spend(budget, workers, seed)) == cap * MICRO


def test_a_cap_holds_over_all_providers_together() -> None:
    async def scene() -> None:
        budget = Budget(Caps(credits=10 * MICRO))
        budget.reserve("serper", credits(4))
        assert await budget.room_for("apollo", credits(1), 10) == 6
        budget.reserve("apollo", credits(6))
        budget.settle("serper", credits(4), credits(4))
        waiting = asyncio.create_task(budget.room_for("apollo", credits(1), 10))
        await asyncio.sleep(0)
        budget.settle("apollo", credits(6), credits(5))
        assert await waiting == 1

    run_virtually(scene())


def test_a_provider_and_dollars_may_have_caps_of_their_own() -> None:
    async def scene() -> None:
        budget = Budget(Caps(usd=nano_usd("0.10"), provider_credits={"serper": 2 * MICRO}))
        assert await budget.room_for("apollo", credits(1), 10) == 4
        assert await budget.room_for("serper", Cost(MICRO, 0), 10) == 2
        with pytest.raises(BudgetReached, match="--max-credits"):
            await budget.room_for("serper", Cost(3 * MICRO, 0), 1)

    run_virtually(scene())


def test_money_is_exact() -> None:
    assert micro_credits("0.1") + micro_credits("0.2") == micro_credits("0.3")
    # One cached token of DeepSeek: three billionths of a dollar.
    assert nano_usd("0.000000003") == 3
    assert cost_of_credits(micro_credits("1.5"), __import__("decimal").Decimal("0.025")) == Cost(
        1_500_000, 37_500_000
    )


@pytest.mark.parametrize(
    ("caps", "actual", "ends"),
    [
        (Caps(credits=99 * MICRO), Cost(1 * MICRO + 1, 0), True),
        (Caps(provider_credits={"apollo": 99 * MICRO}), Cost(2 * MICRO, 0), True),
        (Caps(provider_credits={"serper": 99 * MICRO}), Cost(2 * MICRO, 0), False),
        (Caps(usd=nano_usd(99)), Cost(0, 25_000_001), True),
        (Caps(usd=nano_usd(99)), Cost(2 * MICRO, 1), False),
        (Caps(credits=99 * MICRO), Cost(0, 25_000_001), False),
        (Caps(), Cost(2 * MICRO, 25_000_001), False),
        (Caps(credits=1, usd=1), credits(1), False),
    ],
)
def test_a_call_that_cost_more_than_was_set_aside_ends_spending_where_there_is_a_cap(
    caps: Caps, actual: Cost, ends: bool
) -> None:
    async def scene() -> None:
        budget = Budget(caps)
        above = actual != credits(1)
        assert budget.charged("apollo", credits(1), actual) is above
        if not ends:
            budget.check()
            return
        with pytest.raises(Overcharged, match=r"apollo charged .* set aside"):
            await budget.room_for("serper", Cost(), 1)

    run_virtually(scene())


def test_who_waits_for_room_hears_that_no_cap_can_be_kept() -> None:
    async def scene() -> None:
        budget = Budget(Caps(credits=2 * MICRO))
        budget.reserve("apollo", credits(2))
        waiting = asyncio.create_task(budget.room_for("apollo", credits(1), 1))
        await asyncio.sleep(0)
        budget.charged("apollo", credits(1), credits(2))
        with pytest.raises(Overcharged):
            await waiting

    run_virtually(scene())
