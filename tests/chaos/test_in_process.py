"""The harnesses that need no other process, in their quick form."""

from __future__ import annotations

import pytest

from tests.chaos.adversary import adversary, obeyed
from tests.chaos.answers import answers, mutated, try_one
from tests.chaos.callpath import CallHistory
from tests.chaos.histories import KINDS, histories, stage
from tests.chaos.injections import injections
from tests.chaos.planted import IN_ADVERSARY, IN_ANSWERS, IN_HISTORIES
from tests.chaos.record import Plan

QUICK = Plan(full=False, seed=7)
SOON = 300
"""Histories, and tens of spoilt answers, within which a planted bug must show."""


@pytest.mark.parametrize("harness", [histories, answers, adversary])
def test_nothing_breaks(harness) -> None:
    record = harness(QUICK)

    assert record.failures == []
    assert all(of > 100 for _, of in record.never.values())


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        ("whole", 7000833),  # a call that could not be sent stood in a limit's books for ever
        ("calls", 7017835),  # it died between Apollo's new counters and the hold
        ("calls", 7021128),
        ("calls", 7022074),
        ("calls", 7046901),  # the clock was set while a call was in flight
    ],
)
def test_what_the_full_form_found_once_holds(kind: str, seed: int) -> None:
    with stage() as ground:
        assert KINDS[kind](ground, seed).play().broken == []


def test_a_history_is_the_same_each_time_it_is_played() -> None:
    with stage() as ground:
        first, second = (CallHistory(ground, 7_000_003).play().trace for _ in range(2))

    assert len(first) > 20
    assert first == second


@pytest.mark.parametrize("bug", IN_HISTORIES)
def test_histories_find(bug: str) -> None:
    with stage() as ground:
        for number in range(0, 60):
            ground.right(number)
        with IN_HISTORIES[bug]():
            assert any(
                CallHistory(ground, QUICK.seed * 1_000_000 + n).play().broken for n in range(SOON)
            )


@pytest.mark.parametrize("bug", IN_ANSWERS)
def test_spoilt_answers_find(bug: str) -> None:
    with IN_ANSWERS[bug]():
        assert any(try_one(*mutated(QUICK.seed, n))[1] for n in range(10 * SOON))


@pytest.mark.parametrize("bug", IN_ADVERSARY)
def test_a_lying_model_finds(bug: str) -> None:
    with IN_ADVERSARY[bug]():
        assert any(obeyed(injection) for injection in injections())
