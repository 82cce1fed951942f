"""Whether the words of a search result carry the type of signal that is claimed for it."""

from __future__ import annotations

import re
from functools import cache

from enrico.domain.signals.patterns import PATTERNS
from enrico.domain.signals.records import SignalType
from enrico.domain.signals.score import clamped
from enrico.domain.spelling import plain_line
from enrico.domain.word_tables import word_set

UNSUPPORTED_FACTOR = 0.5
"""What is left of the relevance when the words of the result do not carry the type (`supports`)."""


@cache
def _words_of(kind: SignalType) -> re.Pattern[str]:
    """What carries a type; compiled when it is first claimed, for these patterns are large."""
    return re.compile(rf"(?<!\w)(?:{PATTERNS[kind]})")


_STOP_WORDS = word_set(
    """
    the of and to in for with on from at by its is as are after new says has have will over
    der die das und von mit fur den dem ein eine im zu auf ist sich nach bei wird aus hat
    le la les des et du un une pour dans est sur avec au aux par son ses en que qui
    el la los las de del y en un una para con por su se al que es sus
    """
)
"""Little words of English, German, French and Spanish: they show that a text is in one of these."""

_WORDS_TO_ONE = 12
"""A text is in one of the languages when at least one word of so many is a little one."""

_ENOUGH_WORDS = 5
_LONGEST = 4000


def supports(kind: SignalType, title: str, snippet: str) -> bool | None:
    """Whether the words of a search result carry a signal of this type.

    A soft check, against real sources that do not say what is claimed: True when a pattern of the
    type is there (English, German, French, Spanish), False when the text is long enough, in one of
    those languages, and none is; None when the language is unknown or there are fewer than five
    words. `funding`, `Acme opens its office in Berlin` → False.
    """
    text = plain_line(f"{title} . {snippet}"[:_LONGEST])
    if _words_of(kind).search(text):
        return True
    words = re.findall(r"[^\W\d_]+", text)
    if len(words) < _ENOUGH_WORDS or not _STOP_WORDS.intersection(words):
        return None
    hits = sum(word in _STOP_WORDS for word in words)
    return False if hits * _WORDS_TO_ONE >= len(words) else None


def checked_relevance(relevance: float, kind: SignalType, title: str, snippet: str) -> float:
    """The classifier's relevance, halved (``UNSUPPORTED_FACTOR``) when the text does not carry the
    type.

    Never raised, and never dropped to nothing: a headline may say it in words that we do not know.
    Apply it once, when the signal is made.
    """
    factor = UNSUPPORTED_FACTOR if supports(kind, title, snippet) is False else 1.0
    return round(clamped(relevance) * factor, 6)
