"""Dates in all the ways exports write them; each column decides on day or month first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from enrico.domain.dates import MONTH_NUMBERS
from enrico.intake.vocabulary import fold

Order = Literal["day", "month", ""]

_NUMERIC = re.compile(r"(\d{1,2})\s?[./\-\s]\s?(\d{1,2})\s?[./\-\s]\s?(\d{4}|\d{2})(?=$|[\sT,].*)")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?=$|[\sT,].*)")
_COMPACT = re.compile(r"(19|20)(\d\d)(\d\d)(\d\d)")
_TEXTUAL = re.compile(
    r"(?:[a-z]+\.?,?\s+)?(\d{1,2})(?:st|nd|rd|th|\.|º|er)?[\s\-/]+(?:de\s+)?([a-z]{3,})\.?,?[\s\-/]+(?:de\s+|del\s+)?(\d{4}|\d{2})(?!\d)"
)
_MONTH_FIRST = re.compile(
    r"(?:[a-z]+\.?,?\s+)?([a-z]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
)
_YEAR_TEXT = re.compile(r"(\d{4})[\s-]([a-z]{3,})\.?[\s-](\d{1,2})")


@dataclass(frozen=True, slots=True)
class DateStyle:
    """Which part of ``03/04/2026`` is the day, and how we know."""

    order: Order
    why: str
    ambiguous: bool = False


Votes = tuple[int, int, int, int]


def vote(values: Iterable[str]) -> Votes:
    """How many values can only be day first, only month first, either, or are plain ISO."""
    day = month = either = plain = 0
    for value in values:
        match = _NUMERIC.match(value.strip())
        if not match:
            plain += bool(_ISO.match(value.strip()))
            continue
        first, second = int(match.group(1)), int(match.group(2))
        if first > 12 >= second:
            day += 1
        elif second > 12 >= first:
            month += 1
        elif "." in match.group() and "/" not in match.group():
            day += 1  # 03.04.2026: countries that write points put the day first
        elif first != second:
            either += 1
    return day, month, either, plain


def style_of(votes: Votes, hint: Order, hint_why: str) -> DateStyle:
    """The order of a column: its own values decide, then the hint, then month first."""
    day, month, either, plain = votes
    if day and month:
        better: Order = "day" if day >= month else "month"
        return DateStyle(better, f"both orders occur ({day} day first, {month} month first)", True)
    if day or month:
        return DateStyle("day" if day else "month", f"{day or month} of its values allow no other")
    if not either:
        return DateStyle("", "year first" if plain else "")
    if hint:
        return DateStyle(hint, hint_why)
    return DateStyle("month", "nothing tells; the US order is assumed", True)


@lru_cache(maxsize=20_000)
def parse_date(text: str, order: Order) -> date | None:
    """The day that a cell names, as written there (no change of zone); None without one.

    ``20/11/2026`` · ``2026-11-20T09:12:00.000+0000`` · ``20. November 2026`` · ``46346`` (Excel)
    """
    text = text.strip()
    if not text:
        return None
    match = _ISO.match(text)
    if match:
        return _day(int(match.group(1)), int(match.group(2)), int(match.group(3)))
    match = _NUMERIC.match(text)
    if match:
        first, second, year = int(match.group(1)), int(match.group(2)), _year(match.group(3))
        if first > 12 or (second <= 12 and order == "day"):
            return _day(year, second, first)
        return _day(year, first, second)
    if re.fullmatch(r"\d+([.,]\d+)?", text):
        return _from_number(text.replace(",", "."))
    return _textual(fold(text))


def _from_number(text: str) -> date | None:
    match = _COMPACT.fullmatch(text)
    if match:
        return _day(int(match.group(1) + match.group(2)), int(match.group(3)), int(match.group(4)))
    number = float(text)
    if 18_000 <= number < 110_000:
        return date(1899, 12, 30) + timedelta(days=int(number))
    if 5e8 < number < 5e9 or 5e11 < number < 5e12:
        return datetime.fromtimestamp(number / (1000 if number > 5e10 else 1), UTC).date()
    return None


def _textual(text: str) -> date | None:
    match = _TEXTUAL.match(text)
    if match and match.group(2) in MONTH_NUMBERS:
        return _day(_year(match.group(3)), MONTH_NUMBERS[match.group(2)], int(match.group(1)))
    match = _MONTH_FIRST.match(text)
    if match and match.group(1) in MONTH_NUMBERS:
        return _day(int(match.group(3)), MONTH_NUMBERS[match.group(1)], int(match.group(2)))
    match = _YEAR_TEXT.match(text)
    if match and match.group(2) in MONTH_NUMBERS:
        return _day(int(match.group(1)), MONTH_NUMBERS[match.group(2)], int(match.group(3)))
    return None


def _year(text: str) -> int:
    year = int(text)
    return year + (2000 if year < 70 else 1900) if len(text) == 2 else year


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1900 <= year <= 2200 else None
    except ValueError:
        return None
