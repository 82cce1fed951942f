"""Whatever the text and the order: bounds hold, nothing raises, once is as good as twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from enrico.domain.aboutness import about_account
from enrico.domain.dates import resolve_date
from enrico.domain.signals import (
    POSITIVE,
    Signal,
    SignalType,
    checked_relevance,
    compose_summary,
    score_account,
    supports,
)
from enrico.domain.stories import canonical_url, one_story_once

AS_OF = date(2026, 3, 31)
FETCHED = datetime(2026, 3, 31, tzinfo=UTC)
WORDS = [
    "Acme",
    "Globex",
    "raises",
    "$5M",
    "$40M",
    "Series B",
    "seed",
    "new",
    "CEO",
    "names",
    "- Reuters",
]
HEADLINES = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), st.text(max_size=40)
)
DAYS = st.none() | st.dates(AS_OF - timedelta(days=40), AS_OF)
SIGNALS = st.builds(
    Signal,
    type=st.sampled_from(SignalType),
    headline=HEADLINES,
    url=st.sampled_from(["https://a.com/1", "https://b.com/1", "https://b.com/2?utm_x=1", ""])
    | st.text(max_size=30),
    source_host=st.sampled_from(["a.com", "b.com", ""]),
    published=DAYS,
    precision=st.just("day"),
    relevance=st.floats(0, 1),
    snippet=st.sampled_from(["", "It raised $5 million in all"]),
    result_index=st.integers(0, 9),
    fetched_at=st.just(FETCHED),
    seen_on=st.integers(1, 3),
)
LISTS = st.lists(SIGNALS, max_size=8)


@given(LISTS, st.randoms())
@settings(max_examples=300)
def test_stories_are_the_same_in_any_order_and_done_twice(
    signals: list[Signal], random: object
) -> None:
    shuffled = list(signals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    once = one_story_once(signals)

    assert one_story_once(shuffled) == once
    assert one_story_once(once) == once


@given(LISTS)
def test_stories_invent_nothing(signals: list[Signal]) -> None:
    given_ones = {replace(signal, seen_on=1) for signal in signals}

    found = one_story_once(signals)

    assert {replace(signal, seen_on=1) for signal in found} <= given_ones
    assert bool(found) is bool(signals)
    assert all(signal.seen_on >= 1 for signal in found)


@given(LISTS, st.randoms())
def test_score_and_summary_do_not_depend_on_order(signals: list[Signal], random: object) -> None:
    shuffled = list(signals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    score = score_account(signals, AS_OF)

    assert score_account(shuffled, AS_OF) == score
    assert -1 <= score.value <= 1
    assert len(score.parts) == len(signals)
    assert compose_summary("Acme", signals, score, AS_OF) == compose_summary(
        "Acme", shuffled, score, AS_OF
    )


@given(LISTS, SIGNALS)
def test_a_positive_signal_never_lowers_the_score(signals: list[Signal], one: Signal) -> None:
    before = score_account(signals, AS_OF).value
    after = score_account([*signals, one], AS_OF).value

    if one.type in POSITIVE:
        assert after >= before
    else:
        assert after <= before


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=120), st.text(max_size=60))
def test_no_text_raises(title: str, snippet: str, url: str, name: str) -> None:
    for domain in ("", "acme.com", name):
        found = about_account(name, domain, title, snippet, url)
        assert 0 <= found.confidence <= 1
    for kind in SignalType:
        assert supports(kind, title, snippet) in (True, False, None)
        assert 0 <= checked_relevance(0.7, kind, title, snippet) <= 0.7
    assert resolve_date(title, FETCHED).raw == title
    assert canonical_url(canonical_url(url)) in ("", canonical_url(url))


@given(
    st.lists(
        st.sampled_from([*WORDS, "former", "'s", "(acme.io)", "customers such as", "Dental"]),
        max_size=9,
    )
)
def test_names_in_any_setting_get_a_verdict(words: list[str]) -> None:
    found = about_account("Acme Corp", "acme.com", " ".join(words), "", "")

    assert found.verdict in {"about", "mention", "other_firm", "no_mention"}
    if "Acme" not in words and "(acme.io)" not in words:
        assert found.verdict == "no_mention"


@given(st.text(alphabet="0123456789 agodyshmnJFMarb,./-:TZ", max_size=25))
def test_a_resolved_date_is_never_far_in_the_future(text: str) -> None:
    resolved = resolve_date(text, FETCHED, day_first=True)

    assert (resolved.value is None) is (resolved.precision == "")
    assert resolved.value is None or date(1990, 1, 1) <= resolved.value <= AS_OF + timedelta(days=1)
