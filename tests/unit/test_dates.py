"""Dates of search results: relative to the recorded call, calendar-correct, unknown when unread."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from enrico.domain.dates import day_first_for, resolve_date

FETCHED = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        ("5 mins ago", date(2026, 3, 31), "minute"),
        ("53 minutes ago", date(2026, 3, 31), "minute"),
        ("just now", date(2026, 3, 31), "minute"),
        ("1 hour ago", date(2026, 3, 31), "hour"),
        ("an hour ago", date(2026, 3, 31), "hour"),
        ("13 hours ago", date(2026, 3, 30), "hour"),
        ("today", date(2026, 3, 31), "day"),
        ("Yesterday", date(2026, 3, 30), "day"),
        ("1 day ago", date(2026, 3, 30), "day"),
        ("2 days ago", date(2026, 3, 29), "day"),
        ("2 weeks ago", date(2026, 3, 17), "week"),
        ("1 month ago", date(2026, 2, 28), "month"),
        ("3 months ago", date(2025, 12, 31), "month"),
        ("1 year ago", date(2025, 3, 31), "year"),
        ("3d ago", date(2026, 3, 28), "day"),
        ("vor 5 Minuten", date(2026, 3, 31), "minute"),
        ("vor 1 Stunde", date(2026, 3, 31), "hour"),
        ("vor 3 Tagen", date(2026, 3, 28), "day"),
        ("vor einer Woche", date(2026, 3, 24), "week"),
        ("vor 2 Monaten", date(2026, 1, 31), "month"),
        ("vor einem Jahr", date(2025, 3, 31), "year"),
        ("gestern", date(2026, 3, 30), "day"),
        ("il y a 2 jours", date(2026, 3, 29), "day"),
        ("il y a 2\u00a0heures", date(2026, 3, 31), "hour"),
        ("il y a un mois", date(2026, 2, 28), "month"),
        ("aujourd’hui", date(2026, 3, 31), "day"),
        ("hace 3 días", date(2026, 3, 28), "day"),
        ("hace 1 año", date(2025, 3, 31), "year"),
        ("hace una semana", date(2026, 3, 24), "week"),
        ("há 2 dias", date(2026, 3, 29), "day"),
        ("2 dias atrás", date(2026, 3, 29), "day"),
        ("há 1 mês", date(2026, 2, 28), "month"),
        ("ontem", date(2026, 3, 30), "day"),
        ("2 giorni fa", date(2026, 3, 29), "day"),
        ("un'ora fa", date(2026, 3, 31), "hour"),
        ("1 settimana fa", date(2026, 3, 24), "week"),
        ("3 dagen geleden", date(2026, 3, 28), "day"),
        ("1 uur geleden", date(2026, 3, 31), "hour"),
        ("2 maanden geleden", date(2026, 1, 31), "month"),
        ("Mar 3, 2025", date(2025, 3, 3), "day"),
        ("3 Mar 2025", date(2025, 3, 3), "day"),
        ("March 3, 2025", date(2025, 3, 3), "day"),
        ("Sept. 3rd, 2025", date(2025, 9, 3), "day"),
        ("Monday, March 3, 2025", date(2025, 3, 3), "day"),
        ("Mon, 03 Mar 2025 10:00:00 GMT", date(2025, 3, 3), "day"),
        ("2025-03-03", date(2025, 3, 3), "day"),
        ("2025-03-03T10:00:00Z", date(2025, 3, 3), "minute"),
        ("2025-03-03T23:30:00-05:00", date(2025, 3, 4), "minute"),
        ("03.03.2025", date(2025, 3, 3), "day"),
        ("04.03.2025", date(2025, 3, 4), "day"),
        ("3. März 2025", date(2025, 3, 3), "day"),
        ("3 mars 2025", date(2025, 3, 3), "day"),
        ("1er août 2025", date(2025, 8, 1), "day"),
        ("3 de marzo de 2025", date(2025, 3, 3), "day"),
        ("3 de març. de 2025", None, ""),
        ("3 de março de 2025", date(2025, 3, 3), "day"),
        ("3 ago 2025", date(2025, 8, 3), "day"),
        ("3 maart 2025", date(2025, 3, 3), "day"),
        ("3 maggio 2025", date(2025, 5, 3), "day"),
        ("Mar 2025", date(2025, 3, 1), "month"),
        ("Feb 29, 2024", date(2024, 2, 29), "day"),
        ("25/12/2025", date(2025, 12, 25), "day"),
        ("12/25/2025", date(2025, 12, 25), "day"),
        ("03/03/2025", date(2025, 3, 3), "day"),
    ],
)
def test_a_date_text_means_the_day_at_the_time_of_the_call(
    text: str, value: date | None, precision: str
) -> None:
    resolved = resolve_date(text, FETCHED)

    assert (resolved.value, resolved.precision, resolved.raw) == (value, precision, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "soon",
        "ago",
        "some days ago",
        "3 fortnights ago",
        "in 3 days",
        "Feb 29, 2025",
        "31.02.2025",
        "2025-13-01",
        "Apr 15, 2026",
        "2027-01-01",
        "Jan 1, 1970",
        "9999 years ago",
        "Mar 3",
        "3/3/25",
        "Foo 3, 2025",
        "2025",
        "March madness 3, 2025",
        "x" * 5000,
    ],
)
def test_what_cannot_be_read_is_unknown_and_never_today(text: str) -> None:
    resolved = resolve_date(text, FETCHED)

    assert resolved.value is None
    assert resolved.precision == ""


def test_a_date_with_slashes_needs_to_know_who_wrote_it() -> None:
    assert resolve_date("03/04/2025", FETCHED).value is None
    assert resolve_date("03/04/2025", FETCHED, day_first=False).value == date(2025, 3, 4)
    assert resolve_date("03/04/2025", FETCHED, day_first=True).value == date(2025, 4, 3)
    assert day_first_for("en") is False
    assert day_first_for("de") is None
    assert day_first_for("en-GB") is None


def test_tomorrow_is_allowed_for_publishers_in_the_east_and_no_later_day() -> None:
    assert resolve_date("Apr 1, 2026", FETCHED).value == date(2026, 4, 1)
    assert resolve_date("Apr 2, 2026", FETCHED).value is None


def test_days_are_counted_in_utc_whatever_the_zone_of_the_clock() -> None:
    tokyo = datetime(2026, 3, 4, 8, 0, tzinfo=timezone(timedelta(hours=9)))  # 3 March, 23:00 UTC

    assert resolve_date("today", tokyo).value == date(2026, 3, 3)
    assert resolve_date("2 days ago", tokyo).value == date(2026, 3, 1)


def test_a_stored_answer_gives_the_same_date_a_year_later() -> None:
    first = resolve_date("3 days ago", FETCHED)

    assert resolve_date(first.raw, FETCHED) == first


def test_a_clock_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        resolve_date("today", datetime(2026, 3, 3))
