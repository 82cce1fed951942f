"""The kinds of news that matter to a seller, and a signal: one of them, dated, on one result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from enrico.domain.dates import Precision


class SignalType(StrEnum):
    """The kinds of news that matter to a seller. The order is used to break ties."""

    FUNDING = "funding"
    HIRING = "hiring"
    EXPANSION = "expansion"
    LEADERSHIP_CHANGE = "leadership_change"
    PARTNERSHIP = "partnership"
    PRODUCT_LAUNCH = "product_launch"
    ACQUISITION = "acquisition"
    LAYOFF = "layoff"
    REGULATORY = "regulatory"
    AWARD = "award"
    NEGATIVE_PRESS = "negative_press"


POSITIVE = frozenset(
    {
        SignalType.FUNDING,
        SignalType.HIRING,
        SignalType.EXPANSION,
        SignalType.PARTNERSHIP,
        SignalType.PRODUCT_LAUNCH,
        SignalType.AWARD,
    }
)
"""Types that raise an account's score."""

NEGATIVE = frozenset({SignalType.LAYOFF, SignalType.NEGATIVE_PRESS})
"""Types that lower it. The other types leave it as it is."""

TYPE_ORDER = {kind: n for n, kind in enumerate(SignalType)}
"""Position of each type in the list above."""

TYPE_WORDS = {
    SignalType.FUNDING: "funding",
    SignalType.HIRING: "hiring",
    SignalType.EXPANSION: "expansion",
    SignalType.LEADERSHIP_CHANGE: "change of leadership",
    SignalType.PARTNERSHIP: "partnership",
    SignalType.PRODUCT_LAUNCH: "product launch",
    SignalType.ACQUISITION: "acquisition",
    SignalType.LAYOFF: "layoffs",
    SignalType.REGULATORY: "regulation",
    SignalType.AWARD: "award",
    SignalType.NEGATIVE_PRESS: "negative press",
}
"""Each type in the words of a sentence."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A dated fact that suggests intent or change, and the search result that it rests on."""

    type: SignalType
    headline: str
    url: str
    source_host: str
    """Host of the result, e.g. ``techcrunch.com``."""
    published: date | None
    """None when the provider gave no date, or one that could not be read."""
    precision: Precision
    relevance: float
    """0 to 1: how much the result says about this account and this type."""
    snippet: str
    result_index: int
    """Position in the list of results that was sent to the classifier."""
    fetched_at: datetime
    """When the search answer came."""
    seen_on: int = 1
    """How many hosts carry the story; at least 1."""
