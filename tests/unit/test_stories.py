"""One story once: reprints are merged, different rounds are not."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import pytest

from enrico.domain.signals import Signal, SignalType
from enrico.domain.stories import canonical_url, one_story_once

FETCHED = datetime(2026, 3, 31, tzinfo=UTC)


def a_signal(
    headline: str,
    url: str = "",
    *,
    kind: SignalType = SignalType.FUNDING,
    day: date | None = date(2026, 3, 3),
    relevance: float = 0.8,
    index: int = 0,
    seen_on: int = 1,
    snippet: str = "",
) -> Signal:
    url = url or f"https://news{abs(hash_of(headline))}.com/a"
    return Signal(
        type=kind,
        headline=headline,
        url=url,
        source_host=url.split("/")[2],
        published=day,
        precision="day" if day else "",
        relevance=relevance,
        snippet=snippet,
        result_index=index,
        fetched_at=FETCHED,
        seen_on=seen_on,
    )


def hash_of(text: str) -> int:
    return sum(ord(c) * (n + 1) for n, c in enumerate(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme raises $40M Series B", "Acme raises $40M Series B - Reuters"),
        ("Acme raises $40M Series B | TechCrunch", "Acme Raises $40M Series B – Business Wire"),
        ("Acme raises $40M Series B", "Acme raises $40 million Series B round"),
        ("Acme Raises $40M to Build Robots", "Acme secures $40 million for warehouse automation"),
        ("Acme raises $39.8M Series B", "Acme raises $40M in Series B"),
        (
            "Acme names Jane Doe as chief financial officer",
            "Acme Names Jane Doe Chief Financial Officer",
        ),
        ("Acme to lay off 200 workers in Ohio", "Acme to lay off 200 Ohio workers"),
    ],
)
def test_one_story_in_two_wordings_is_one(one: str, other: str) -> None:
    found = one_story_once([a_signal(one, "https://a.com/1"), a_signal(other, "https://b.com/2")])

    assert [signal.seen_on for signal in found] == [2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme raises $5M seed", "Acme raises $40M Series B"),
        ("Acme raises $5M", "Acme raises $40M"),
        ("Acme raises Series A round", "Acme raises Series B round"),
        ("Acme lays off 200 workers", "Acme lays off 1,500 workers"),
        ("Acme partners with Globex on logistics", "Acme partners with Initech on logistics"),
        ("Acme opens new office in Berlin", "Acme opens new office in Paris"),
        ("Acme named best place to work 2025", "Acme named best place to work 2024"),
        ("Globex raises $40M Series B", "Initech raises $40M Series B"),
    ],
)
def test_two_stories_in_like_words_stay_two(one: str, other: str) -> None:
    found = one_story_once([a_signal(one, "https://a.com/1"), a_signal(other, "https://b.com/2")])

    assert len(found) == 2


def test_two_stories_of_one_firm_that_share_a_few_words_stay_two() -> None:
    prices = a_signal("Acme raises prices for small customers in spring")
    office = a_signal("Acme opens its first office for customers in the north")

    assert len(one_story_once([prices, office])) == 2


def test_a_vague_title_does_not_join_two_rounds() -> None:
    found = one_story_once(
        [
            a_signal("Acme raises $5M in new funding", "https://a.com/1"),
            a_signal("Acme raises $40M in new funding", "https://b.com/2"),
            a_signal("Acme raises new funding", "https://c.com/3"),
        ]
    )

    assert {s.headline for s in found} == {
        "Acme raises $5M in new funding",
        "Acme raises $40M in new funding",
    }


def test_the_same_words_a_month_later_are_another_story() -> None:
    early = a_signal("Acme named a leader in its field", "https://a.com/1", day=date(2025, 3, 1))
    late = a_signal("Acme named a leader in its field", "https://b.com/2", day=date(2026, 3, 1))
    undated = a_signal("Acme named a leader in its field", "https://c.com/3", day=None)

    assert len(one_story_once([early, late])) == 2
    assert len(one_story_once([early, late, undated])) == 2
    assert [s.published for s in one_story_once([late, undated])] == [late.published]


def test_the_same_page_is_one_story_whatever_its_titles() -> None:
    found = one_story_once(
        [
            a_signal("Acme grows", "https://www.a.com/story/?utm_source=x"),
            a_signal("How a robot maker found money", "http://a.com/story#top", relevance=0.9),
        ]
    )

    assert [(s.headline, s.seen_on) for s in found] == [("How a robot maker found money", 1)]


def test_the_representative_is_the_most_relevant_then_the_earliest() -> None:
    title = "Acme raises $40M Series B"
    signals = [
        a_signal(title, "https://c.com/1", relevance=0.9, day=date(2026, 3, 4)),
        a_signal(title, "https://b.com/1", relevance=0.9, day=date(2026, 3, 3)),
        a_signal(title, "https://a.com/1", relevance=0.5, day=date(2026, 3, 1)),
    ]

    found = {one_story_once(order) for order in itertools.permutations(signals)}

    assert len(found) == 1
    ((representative,),) = found
    assert (representative.url, representative.seen_on) == ("https://b.com/1", 3)


def test_a_story_keeps_two_types_at_most() -> None:
    kinds = [
        (SignalType.ACQUISITION, 0.9),
        (SignalType.LEADERSHIP_CHANGE, 0.8),
        (SignalType.EXPANSION, 0.3),
    ]

    found = one_story_once(
        a_signal("Acme buys Globex and names CEO", "https://a.com/1", kind=kind, relevance=r)
        for kind, r in kinds
    )

    assert {s.type for s in found} == {SignalType.ACQUISITION, SignalType.LEADERSHIP_CHANGE}


def test_a_representative_still_names_its_own_result() -> None:
    one = a_signal("Acme raises $40M Series B", "https://a.com/1", index=3, relevance=0.9)
    other = a_signal("Acme raises $40M Series B", "https://b.com/1", index=7)

    (found,) = one_story_once([one, other])

    assert (found.url, found.result_index) == ("https://a.com/1", 3)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://www.news.com/a/?utm_source=x#top", "news.com/a"),
        ("http://m.news.com/a/amp/", "news.com/a"),
        ("https://news.com/a?id=2&fbclid=y", "news.com/a?id=2"),
        ("HTTPS://News.com//a/", "news.com/a"),
        ("not a url", ""),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_one_page_has_one_spelling(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
