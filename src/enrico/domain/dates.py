"""Publication dates out of the free text that search providers send.

A date is relative to the moment of the call (`2 days ago`), in the language of the query, and has
no time zone. It is resolved against the recorded time of that call, never against now, so that a
stored answer gives the same date a year later. What cannot be read is unknown: None, never today.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from enrico.domain.spelling import plain_line
from enrico.domain.word_tables import word_set

Precision = Literal["minute", "hour", "day", "week", "month", "year", ""]
"""How exact a resolved date is; empty when there is none."""

EARLIEST = date(1990, 1, 1)
"""Older dates are page furniture or clock faults (1970-01-01), not news."""

FUTURE_ALLOWANCE = timedelta(days=1)
"""A publisher east of us may already write tomorrow's date."""


@dataclass(frozen=True, slots=True)
class ResolvedDate:
    """A date, how exact it is, and the text that it came from."""

    value: date | None
    """UTC day. The first of the month for `Mar 2025`. None when the text could not be read."""
    precision: Precision
    raw: str


_UNITS: dict[Precision, str] = {
    # English, German, French, Spanish, Portuguese, Italian, Dutch; without accents, in lower case
    "minute": "m min mins minute minutes minuten minuto minutos minuti minuut minuutje",
    "hour": "h hr hrs hour hours std stunde stunden heure heures hora horas ora ore uur uren",
    "day": "d day days tag tage tagen j jour jours dia dias giorno giorni dag dagen",
    "week": (
        "wk wks w week weeks woche wochen semaine semaines semana semanas sem settimana settimane"
        " weken"
    ),
    "month": "mo mos month months monat monate monaten mois mes meses mese mesi maand maanden",
    "year": "y yr yrs year years jahr jahre jahren an ans annee annees ano anos anno anni jaar",
}
_UNIT_OF: dict[str, Precision] = {
    word: unit for unit, words in _UNITS.items() for word in words.split()
}

_ONE = word_set("a an one ein eine einem einer einen un une uno una um uma een un'")

_WORDS: dict[str, tuple[int, Precision]] = {
    **dict.fromkeys(
        ("just now", "now", "moments ago", "a moment ago", "gerade eben", "soeben", "jetzt"),
        (0, "minute"),
    ),
    **dict.fromkeys(
        ("a l'instant", "maintenant", "ahora", "ahora mismo", "agora", "agora mesmo"), (0, "minute")
    ),
    **dict.fromkeys(("adesso", "ora", "proprio ora", "zojuist", "nu", "zonet"), (0, "minute")),
    **dict.fromkeys(
        ("today", "heute", "aujourd'hui", "hoy", "hoje", "oggi", "vandaag"), (0, "day")
    ),
    **dict.fromkeys(
        ("yesterday", "gestern", "hier", "ayer", "ontem", "ieri", "gisteren"), (1, "day")
    ),
    **dict.fromkeys(
        ("vorgestern", "avant-hier", "anteayer", "anteontem", "l'altro ieri", "eergisteren"),
        (2, "day"),
    ),
}

_MONTH_WORDS = (
    "jan january januar janner januari janvier janv enero ene janeiro gennaio gen",
    "feb february februar februari fevrier fevr fev febrero fevereiro febbraio",
    "mar march marz maerz mrz mars marzo marco maart mrt",
    "apr april avril avr abril abr aprile",
    "may mai mayo maio maggio mag mei",
    "jun june juni juin junio junho giugno giu",
    "jul july juli juillet juil julio julho luglio lug",
    "aug august aout agosto ago augustus",
    "sep sept september septembre septiembre setiembre setembro set settembre",
    "oct october oktober okt octobre octubre outubro out ottobre ott",
    "nov november novembre noviembre novembro",
    "dec december dezember dez decembre diciembre dic dezembro dicembre",
)
MONTH_NUMBERS = {word: n for n, words in enumerate(_MONTH_WORDS, 1) for word in words.split()}
"""Names of months, also cut short, in all our languages → 1 to 12; without accents."""

_WEEKDAYS = re.compile(
    r"^(?:(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|fr|sa|so"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    r"|lunes|martes|miercoles|jueves|viernes|sabado|domingo"
    r"|(?:segunda|terca|quarta|quinta|sexta)(?:-feira)?"
    r"|lunedi|martedi|mercoledi|giovedi|venerdi|domenica"
    r"|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)[.,]*\s+"
)
_NUMBER = r"(?P<n>[0-9]{1,4}|[a-z]+'?)"
_BEFORE = re.compile(
    rf"(?:vor|il y a|hace|ha|faz)(?: etwa| circa| ca\.?| environ)? {_NUMBER} ?(?P<unit>[a-z]+)"
)
_AFTER = re.compile(rf"(?:about )?{_NUMBER} ?(?P<unit>[a-z]+)\.? (?:ago|fa|geleden|atras)")
_ISO = re.compile(
    r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})(?P<time>[t ][0-9]{2}:[0-9]{2}.*)?"
)
_SLASHED_YEAR_FIRST = re.compile(r"(?P<y>[0-9]{4})[/.](?P<m>[0-9]{1,2})[/.](?P<d>[0-9]{1,2})")
_NUMERIC = re.compile(r"(?P<a>[0-9]{1,2})(?P<sep>[/.-])(?P<b>[0-9]{1,2})(?P=sep)(?P<y>[0-9]{4})")
_TIME_AFTER = re.compile(
    r"[,t ]+(?:at |um |a |as |alle |om )?[0-9]{1,2}[:h.][0-9]{2}(?::[0-9]{2})?(?: ?[ap]\.?m\.?)?"
    r"(?: ?(?:uhr|utc|gmt|z|[a-z]{2,4}|[+-][0-9]{2}:?[0-9]{2}))?$"
)
_DAY_MONTH = re.compile(
    r"(?P<d>[0-9]{1,2})(?:\.|st|nd|rd|th|er|o|º)?[ -](?:de |of )?(?P<mon>[a-z]+)\.?,?[ -]"
    r"(?:de |del )?(?P<y>[0-9]{4})"
)
_MONTH_DAY = re.compile(r"(?P<mon>[a-z]+)\.? (?P<d>[0-9]{1,2})(?:st|nd|rd|th)?,? (?P<y>[0-9]{4})")
_MONTH_ONLY = re.compile(r"(?P<mon>[a-z]+)\.?,? (?:de |del |of )?(?P<y>[0-9]{4})")


def day_first_for(language: str) -> bool | None:
    """How `03/04/2025` is read in answers of a query in this language (`hl`).

    Month first (False) for English, as Google writes it; None, which leaves such dates unknown, for
    all others: `en` → False, `de` → None.
    """
    return False if language.strip().lower().replace("_", "-") in {"en", "en-us"} else None


def resolve_date(text: str, fetched_at: datetime, *, day_first: bool | None = None) -> ResolvedDate:
    """The day that a search result's date text means.

    ``fetched_at`` is the aware time of the call that brought the text; ValueError when it is naive.
    ``day_first`` settles `03/04/2025`: True is 3 April, False 4 March, None leaves it unknown (see
    ``day_first_for``). A year must be written with four digits, and must be there: `Mar 3` is
    unknown. Dates more than a day after the call, or before 1990, are unknown.

    `2 days ago` fetched 2026-03-03T00:30Z → 2026-03-01, day; `1 month ago` on 31 March → 28
    February.
    """
    if fetched_at.tzinfo is None or fetched_at.utcoffset() is None:
        raise ValueError("fetched_at has no time zone; give the recorded time of the call in UTC")
    now = fetched_at.astimezone(UTC)
    folded = plain_line(text).strip(" .,;:·•|–—-")
    if len(folded) > 80:  # prose, not a date
        return ResolvedDate(None, "", text)
    try:
        value, precision = _relative(folded, now) or _absolute(folded, day_first) or (None, "")
    except (ValueError, OverflowError):  # 31 February, 9,000 years ago
        value, precision = None, ""
    if value is None or value < EARLIEST or value > now.date() + FUTURE_ALLOWANCE:
        return ResolvedDate(None, "", text)
    return ResolvedDate(value, precision, text)


def _relative(text: str, now: datetime) -> tuple[date, Precision] | None:
    if text in _WORDS:
        days, precision = _WORDS[text]
        return (now - timedelta(days=days)).date(), precision
    found = _AFTER.fullmatch(text) or _BEFORE.fullmatch(text)
    if not found:
        return None
    unit = _UNIT_OF.get(found["unit"])
    if unit is None:
        return None
    number = found["n"]
    if number.isdigit():
        count = int(number)
    elif number in _ONE:
        count = 1
    else:
        return None
    return _back(now, count, unit), unit


def _back(now: datetime, count: int, unit: Precision) -> date:
    if unit == "minute":
        return (now - timedelta(minutes=count)).date()
    if unit == "hour":
        return (now - timedelta(hours=count)).date()
    if unit == "day":
        return now.date() - timedelta(days=count)
    if unit == "week":
        return now.date() - timedelta(weeks=count)
    months = count if unit == "month" else 12 * count
    year, month0 = divmod(now.year * 12 + now.month - 1 - months, 12)
    if year < 1:
        raise ValueError("before the calendar")
    return date(year, month0 + 1, min(now.day, monthrange(year, month0 + 1)[1]))


def _absolute(text: str, day_first: bool | None) -> tuple[date, Precision] | None:
    text = _WEEKDAYS.sub("", text)
    if iso := _ISO.fullmatch(text):
        return _iso(iso, text)
    text = _TIME_AFTER.sub("", text)
    if found := _SLASHED_YEAR_FIRST.fullmatch(text):
        return date(int(found["y"]), int(found["m"]), int(found["d"])), "day"
    if found := _NUMERIC.fullmatch(text):
        return _numeric(found, day_first)
    if (found := _MONTH_DAY.fullmatch(text) or _DAY_MONTH.fullmatch(text)) and (
        month := MONTH_NUMBERS.get(found["mon"])
    ):
        return date(int(found["y"]), month, int(found["d"])), "day"
    if (found := _MONTH_ONLY.fullmatch(text)) and (month := MONTH_NUMBERS.get(found["mon"])):
        return date(int(found["y"]), month, 1), "month"
    return None


def _iso(found: re.Match[str], text: str) -> tuple[date, Precision]:
    day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    if not found["time"]:
        return day, "day"
    try:
        moment = datetime.fromisoformat(text.upper().replace(" UTC", "Z"))
    except ValueError:
        return day, "day"  # the time is unreadable, the day is not
    if moment.tzinfo is None:
        return day, "day"  # without a zone only the day is known
    return moment.astimezone(UTC).date(), "minute"


def _numeric(found: re.Match[str], day_first: bool | None) -> tuple[date, Precision] | None:
    a, b, year = int(found["a"]), int(found["b"]), int(found["y"])
    if found["sep"] == "." or a > 12 or a == b:  # dots are written by those who put the day first
        return date(year, b, a), "day"
    if b > 12:
        return date(year, a, b), "day"
    if day_first is None:
        return None
    return (date(year, b, a) if day_first else date(year, a, b)), "day"
