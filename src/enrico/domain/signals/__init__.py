"""What is happening at an account: typed, dated signals, the account's score and a summary.

The classifier only chooses a type and a relevance; whether the text carries that type
(``evidence``), the ``score`` and the sentences (``summary``) are ours, and the same signals give
the same ones in any order. A signal rests on one search result, named by its index.
"""

from enrico.domain.signals.evidence import UNSUPPORTED_FACTOR, checked_relevance, supports
from enrico.domain.signals.records import (
    NEGATIVE,
    POSITIVE,
    TYPE_ORDER,
    TYPE_WORDS,
    Signal,
    SignalType,
)
from enrico.domain.signals.score import (
    HALF_LIFE_DAYS,
    UNKNOWN_DATE_FACTOR,
    AccountScore,
    ScorePart,
    clamped,
    score_account,
)
from enrico.domain.signals.summary import compose_summary

__all__ = [
    "HALF_LIFE_DAYS",
    "NEGATIVE",
    "POSITIVE",
    "TYPE_ORDER",
    "TYPE_WORDS",
    "UNKNOWN_DATE_FACTOR",
    "UNSUPPORTED_FACTOR",
    "AccountScore",
    "ScorePart",
    "Signal",
    "SignalType",
    "checked_relevance",
    "clamped",
    "compose_summary",
    "score_account",
    "supports",
]
