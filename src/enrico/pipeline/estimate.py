"""What calls will cost, low to high: the one place that knows how often one is paid twice.

High is never passed by a bill, and is at most 1.3 times it at the median:
tests/faults/test_estimate.py holds generated runs against it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from enrico.engine.call import RETRIES_AT_FIRST, RETRIES_PER_SUCCESS
from enrico.engine.money import Cost
from enrico.pipeline.reconcile import RESEND_ROUNDS
from enrico.pipeline.signals import ALONE_ATTEMPTS
from enrico.providers.apollo import Apollo
from enrico.providers.llm import SYSTEM_PROMPT, Llm
from enrico.providers.serper import RESULTS_KEPT, Serper
from enrico.settings import Settings

FOUND_AT_LEAST = 0.4
"""Share of asked people that is found at the low end; the high end is everybody."""
RESULT_BYTES = (90, 600)
"""Bytes of one search result as sent to the model, low and high."""
REQUEST_BYTES = len(SYSTEM_PROMPT) + 400
ANSWER_TOKENS = 20


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most that some calls may cost."""

    low: Cost
    high: Cost


def retries(calls: int, attempts: int) -> int:
    """The most calls that the call path's retry budget allows beyond the first attempts.

    *attempts*: how often one call is made at most. What is asked again may be answered and yet say
    too little, and then it too has earned its share of a retry.
    """
    allowed = (RETRIES_AT_FIRST + RETRIES_PER_SUCCESS * calls) / (1 - RETRIES_PER_SUCCESS)
    return min(calls * (attempts - 1), math.floor(allowed))


def search_cost(settings: Settings, accounts: int) -> Range:
    """Searches: a call that was cut off may have been charged, and is made again."""
    price = Serper(settings.serper).price()
    return Range(
        _times(price, accounts), _times(price, accounts + retries(accounts, settings.attempts))
    )


def classification_cost(
    settings: Settings, *, certain: int, accounts: int, calls_per_account: int = 1
) -> Range:
    """Classifications of *accounts*, of which *certain* are known to have search results.

    At the high end each call is made as often as the retry budget allows, at the price that is set
    aside for it. An account that is asked about again, since its call broke or its answer was of
    no use, comes from the same budget. *calls_per_account* is more than 1 where an account's
    results are split over several calls.
    """
    llm = settings.llm
    fresh = RESULTS_KEPT * RESULT_BYTES[0] / 6  # a few results, at six characters a token
    dollars = float(llm.input_usd) * fresh + float(llm.output_usd) * ANSWER_TOKENS
    calls = accounts * calls_per_account
    results = math.ceil(RESULTS_KEPT / calls_per_account)
    dearest = Llm(llm).worst_cost(REQUEST_BYTES + results * RESULT_BYTES[1], 1)
    return Range(
        _times(Cost(0, int(dollars * 1000)), certain),
        _times(dearest, calls + retries(calls, settings.attempts * (1 + ALONE_ATTEMPTS))),
    )


def people_cost(settings: Settings, people: int) -> Range:
    """People: who is not found costs nothing, and nobody is asked for again who may have cost."""
    price = Apollo(settings.apollo).price()
    most = people
    if settings.apollo.unknown_outcome == "retry":  # unless the policy says so
        most *= RESEND_ROUNDS
    return Range(_times(price, math.floor(people * FOUND_AT_LEAST)), _times(price, most))


def _times(cost: Cost, times: int) -> Cost:
    return Cost(cost.credits * times, cost.usd * times)
