"""An account's signals in one to three sentences for a seller."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from enrico.domain.signals.records import NEGATIVE, POSITIVE, TYPE_ORDER, TYPE_WORDS, Signal
from enrico.domain.signals.score import AccountScore, score_part

_MONTHS_TEXT = """
January February March April May June July August September October November December
"""

_MONTHS = _MONTHS_TEXT.split()

_HEADLINE_LENGTH = 140


def compose_summary(
    account_name: str, signals: Iterable[Signal], score: AccountScore, as_of: date
) -> str:
    """One to three sentences for a seller, made of the signals and of nothing else.

    The heaviest signal first, then up to two more, then the count of all. Without signals: `No news
    found about Acme.`; whether anybody searched at all is the caller's to say. Deterministic in any
    order.

    `Funding at Acme: “Acme raises $40M” (March 2026, techcrunch.com, on 3 sites). Also hiring: “…”
    (…).`
    """
    name = _clean(account_name) or "this account"
    ranked = _ranked(signals, as_of)
    if not ranked:
        return f"No news found about {name.removesuffix('.')}."
    told: list[Signal] = []
    headlines: set[str] = set()
    for signal in ranked:
        if len(told) < 3 and _clean(signal.headline).casefold() not in headlines:
            told.append(signal)
            headlines.add(_clean(signal.headline).casefold())
    kinds = _words_of(ranked, told[0])
    sentences = [f"{kinds[0].upper()}{kinds[1:]} at {name}: {_quoted(told[0])}."]
    if told[1:]:
        rest = "; ".join(f"{_words_of(ranked, signal)}: {_quoted(signal)}" for signal in told[1:])
        sentences.append(f"Also {rest}.")
    if len(ranked) > 1:
        good = sum(signal.type in POSITIVE for signal in ranked)
        bad = sum(signal.type in NEGATIVE for signal in ranked)
        sentences.append(
            f"{len(ranked)} signals in all, {good} positive and {bad} negative;"
            f" score {score.value:+.2f}."
        )
    return " ".join(sentences)


def _ranked(signals: Iterable[Signal], as_of: date) -> list[Signal]:
    def heaviest_first(signal: Signal) -> tuple[object, ...]:
        return (
            -score_part(signal, as_of).weight,
            TYPE_ORDER[signal.type],
            _clean(signal.headline),
            signal.url,
            signal.published or date.min,
            signal.source_host,
            -signal.seen_on,
        )

    return sorted(signals, key=heaviest_first)


def _words_of(signals: list[Signal], told: Signal) -> str:
    headline = _clean(told.headline).casefold()
    same = {s.type for s in signals if _clean(s.headline).casefold() == headline}
    return " and ".join(TYPE_WORDS[kind] for kind in sorted(same, key=TYPE_ORDER.__getitem__))


def _quoted(signal: Signal) -> str:
    headline = _clean(signal.headline).rstrip(".") or "(no headline)"
    if len(headline) > _HEADLINE_LENGTH:
        headline = headline[: _HEADLINE_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    where = [_when(signal), _clean(signal.source_host)]
    if signal.seen_on > 1:
        where.append(f"on {signal.seen_on} sites")
    return f"“{headline}” ({', '.join(part for part in where if part)})"


def _when(signal: Signal) -> str:
    if signal.published is None:
        return "date unknown"
    if signal.precision == "year":
        return f"about {signal.published.year}"
    return f"{_MONTHS[signal.published.month - 1]} {signal.published.year}"


def _clean(text: str) -> str:
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())
