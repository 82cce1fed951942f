"""How much an account's signals say on a day: each one's weight, and the score of all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from enrico.domain.signals.records import NEGATIVE, POSITIVE, TYPE_ORDER, Signal, SignalType

HALF_LIFE_DAYS = 60
"""A signal counts half as much for every 60 days of age: two months is about one buying stage."""

UNKNOWN_DATE_FACTOR = 0.35
"""What a signal without a date counts, as if it were about 91 days old: it may be new or years
old."""


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one signal adds to its account's score."""

    type: SignalType
    headline: str
    weight: float
    """Relevance times the age factor, 0 to 1."""
    sign: int
    """1, -1, or 0 for types that do not count."""
    age_days: int | None
    """None when the date is unknown; 0 at least."""
    contribution: float
    """``sign * weight``. The score is ``x / (1 + |x|)`` of the sum x of these."""


@dataclass(frozen=True, slots=True)
class AccountScore:
    """An account's score from -1 (bad news) to 1 (good news), and what it is made of."""

    value: float
    """Rounded to 3 digits. 0.0 without signals, found or not searched: the caller knows which."""
    parts: tuple[ScorePart, ...]
    """One for each signal, heaviest first."""


def score_account(signals: Iterable[Signal], as_of: date) -> AccountScore:
    """The account's score on a day, with its parts; the order of the signals does not matter.

    Each signal weighs its relevance times ``0.5 ** (age / HALF_LIFE_DAYS)``, or
    ``UNKNOWN_DATE_FACTOR`` without a date. With x the sum of the good minus the bad weights, the
    score is ``x / (1 + |x|)``: one fresh signal of full relevance → 0.5, two → 0.667, one good and
    one bad → 0.0. One more positive signal never lowers it. Pass each story once
    (``stories.one_story_once``).
    """
    parts = [score_part(signal, as_of) for signal in signals]
    parts.sort(key=lambda p: (-p.weight, TYPE_ORDER[p.type], p.headline, _age_key(p.age_days)))
    total = math.fsum(part.contribution for part in parts)
    value = round(total / (1 + abs(total)), 3) + 0.0  # + 0.0: no minus zero
    return AccountScore(value, tuple(parts))


def score_part(signal: Signal, as_of: date) -> ScorePart:
    """What one signal adds to the score on a day."""
    age = None if signal.published is None else max(0, (as_of - signal.published).days)
    factor = UNKNOWN_DATE_FACTOR if age is None else 0.5 ** (age / HALF_LIFE_DAYS)
    weight = round(clamped(signal.relevance) * factor, 6)
    sign = 1 if signal.type in POSITIVE else -1 if signal.type in NEGATIVE else 0
    return ScorePart(signal.type, signal.headline, weight, sign, age, sign * weight + 0.0)


def _age_key(age: int | None) -> int:
    return -1 if age is None else age


def clamped(relevance: float) -> float:
    """A relevance within 0 to 1; what is no number counts as 0."""
    return 0.0 if math.isnan(relevance) else min(1.0, max(0.0, relevance))
