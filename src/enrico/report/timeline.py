"""A run's calls laid out over its time: where each bar stands, in percent, and what it says.

While a provider's calls are few each has a bar; beyond that, a column for each interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from enrico.engine.money import credits_number
from enrico.engine.stats import PHASES, PROVIDERS
from enrico.report.calls import OUTCOMES, SeenCall
from enrico.report.mends import TITLES
from enrico.report.run import PHASE_OF, RunRecord
from enrico.report.tally import BINS, Lane
from enrico.report.words import OUTCOME_WORDS, plural, seconds_words, wait_words

ROWS_MOST = 48
"""Rows of bars in one lane; more of them become columns."""
THINNEST = 0.3
"""Percent of the width that a bar takes up at least."""
TICKS_MOST = 8
_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
    900, 1800, 3600, 7200, 21600, 43200, 86400, 604800,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasts: left and width in percent of the run's time, row from 0."""

    left: float
    width: float
    kind: str
    tip: str
    row: int = 0
    waited: float = 0.0
    """Percent of the width that it waited before."""


@dataclass(frozen=True, slots=True)
class Column:
    """One interval: heights in percent of the tallest, by outcome, and of the longest queue."""

    left: float
    parts: tuple[tuple[str, float], ...]
    queue: float
    tip: str


@dataclass(frozen=True, slots=True)
class LaneView:
    """One provider's lane; it has bars or columns, never both."""

    name: str
    title: str
    note: str
    rows: int = 0
    bars: Sequence[Bar] = ()
    columns: Sequence[Column] = ()
    most_sent: int = 0
    most_waiting: int = 0
    walls: Sequence[Bar] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """Money over time as SVG paths in a box of 180 by 100, the lowest layer first."""

    unit: str
    layers: Sequence[tuple[str, str]]
    charged: float
    in_doubt: float
    cap: float | None
    cap_height: float | None
    """Percent from the bottom; None when the cap is far above."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that is drawn over time."""

    ticks: Sequence[tuple[float, str]]
    phases: Sequence[Bar]
    lanes: Sequence[LaneView]
    curves: Sequence[Curve]
    cut_short: bool
    column_width: float = field(default=100 / BINS)


def lay_out(record: RunRecord) -> Timeline:
    """The timeline of a run; a run that ended at once gets a second of it."""
    data, tally, seconds = record.data, record.tally, record.tally.seconds
    cut_short = "duration_ms" not in data and data["status"] != "running"
    lanes = [
        _lane(name, tally.lanes[name], _walls(data["walls"], name, seconds), seconds)
        for name in PROVIDERS
    ]
    caps = data["options"]["caps"]
    return Timeline(
        ticks=ticks(seconds),
        phases=_phases(data, tally.lanes, seconds),
        lanes=lanes,
        curves=[
            _curve("credits", record, 1e6, caps["credits"]),
            _curve("usd", record, 1e9, caps["usd"]),
        ],
        cut_short=cut_short,
    )


def ticks(seconds: float) -> list[tuple[float, str]]:
    """(percent, label) at round times, at most ``TICKS_MOST`` and the beginning."""
    step = next((s for s in _STEPS if seconds / s <= TICKS_MOST), _STEPS[-1])
    count = min(int(seconds / step), TICKS_MOST)
    return [(n * step / seconds * 100, seconds_words(n * step)) for n in range(count + 1)]


def pack(bars: Iterable[tuple[float, float]]) -> list[int]:
    """The row for each (begin, end), in their order: the first that is free, so none overlap."""
    free: list[float] = []
    rows = []
    for begin, end in bars:
        row = next((n for n, until in enumerate(free) if until <= begin), len(free))
        free[row : row + 1] = [end]
        rows.append(row)
    return rows


def _lane(name: str, lane: Lane, walls: Sequence[Bar], seconds: float) -> LaneView:
    title, total = TITLES[name], lane.outcomes.total()
    note = plural(total, "call")
    if not total:
        return LaneView(name, title, "no calls", walls=walls)
    if lane.spans is not None:
        spans = sorted(lane.spans, key=lambda call: (call.began, call.id))
        gap = seconds * THINNEST / 100
        rows = pack(
            (call.began - call.waited, max(_end(call, seconds), call.began + gap)) for call in spans
        )
        if max(rows) < ROWS_MOST:
            bars = [_bar(call, row, seconds) for call, row in zip(spans, rows, strict=True)]
            return LaneView(name, title, note, max(rows) + 1, bars, walls=walls)
    return _columns(name, title, note, lane, walls, seconds)


def _end(call: SeenCall, seconds: float) -> float:
    """A call that never ended lasts until the process did."""
    return call.ended if call.took > 0 or call.state == "not_sent" else seconds


def _bar(call: SeenCall, row: int, seconds: float) -> Bar:
    begin, end = call.began / seconds * 100, _end(call, seconds) / seconds * 100
    left = min(max(0.0, begin), 100 - THINNEST)
    return Bar(
        left=left,
        width=min(max(end - begin, THINNEST), 100 - left),
        kind=call.outcome,
        tip=tip_of(call),
        row=row,
        waited=min(call.waited / seconds * 100, left) if call.waited_for else 0.0,
    )


def tip_of(call: SeenCall) -> str:
    """What a call's bar says when it is pointed at."""
    words = [
        f"{TITLES[call.provider]} {call.endpoint}",
        plural(call.items, "person" if call.provider == "apollo" else "account"),
        OUTCOME_WORDS[call.outcome] + (f" (HTTP {call.status})" if call.outcome != "answered" and
                                       call.status else ""),
        f"took {seconds_words(call.took)}" if call.took > 0 else "no end known",
    ]  # fmt: skip
    if call.rate_limited:
        words.append(f"after {call.rate_limited} × 429")
    if call.waited_for:
        words.append(f"waited {seconds_words(call.waited)} for {wait_words(call.waited_for)}")
    if call.credits:
        words.append(plural(credits_number(call.credits), "credit"))
    if call.usd:
        words.append(f"${call.usd / 1e9:.4f}")
    return " · ".join([*words, f"call {call.id}"])


def _columns(
    name: str, title: str, note: str, lane: Lane, walls: Sequence[Bar], seconds: float
) -> LaneView:
    waiting = lane.waiting
    totals = [sum(lane.sent[outcome][n] for outcome in OUTCOMES) for n in range(BINS)]
    tallest, longest = max(totals), max(waiting)
    columns = []
    for n in range(BINS):
        if not totals[n] and not waiting[n]:
            continue
        sent = [(outcome, lane.sent[outcome][n]) for outcome in OUTCOMES if lane.sent[outcome][n]]
        begin, end = (seconds_words(seconds * at / BINS) for at in (n, n + 1))
        told = ", ".join(f"{count} {OUTCOME_WORDS[outcome]}" for outcome, count in sent)
        tip = f"{title}, {begin} to {end}: {told or 'none sent'}"
        if waiting[n]:
            tip += f"; {waiting[n]} waiting"
        columns.append(
            Column(
                left=n * 100 / BINS,
                parts=tuple((outcome, count / tallest * 100) for outcome, count in sent),
                queue=waiting[n] / longest * 100 if longest else 0.0,
                tip=tip,
            )
        )
    return LaneView(
        name, title, note, columns=columns, most_sent=tallest, most_waiting=longest, walls=walls
    )


def _walls(events: Iterable[Mapping[str, Any]], provider: str, seconds: float) -> list[Bar]:
    """Walls and other events of a provider; what lies outside the run is left out."""
    bars = []
    for event in events:
        at = event["at_ms"] / 1000
        if event["provider"] != provider or not 0 <= at <= seconds:
            continue
        lasts = seconds_words(event["seconds"])
        if event["kind"] == "rate_limited":
            tip = f"{TITLES[provider]} said 429: nothing is sent for {lasts}"
        else:
            tip = f"{TITLES[provider]}: {event['kind']} {event['detail']}"
        left = at / seconds * 100
        width = max(THINNEST, min(event["seconds"] / seconds * 100, 100 - left))
        kind = "wall" if event["kind"] == "rate_limited" else "event"
        bars.append(Bar(min(left, 100 - THINNEST), width, kind, tip))
    return bars


def _phases(data: Mapping[str, Any], lanes: Mapping[str, Lane], seconds: float) -> list[Bar]:
    """The phases by the summary; without one, search, classify and people by their calls."""
    times: dict[str, tuple[float, float]] = {}
    if "phases" in data:
        for name, phase in data["phases"].items():
            if phase["started_ms"] is not None:
                times[name] = phase["started_ms"] / 1000, phase["ended_ms"] / 1000
    else:
        for provider, phase in PHASE_OF.items():
            sent = [sum(counts) for counts in zip(*lanes[provider].sent.values(), strict=True)]
            if any(sent):
                first = next(n for n in range(BINS) if sent[n])
                last = next(n for n in reversed(range(BINS)) if sent[n])
                times[phase] = first * seconds / BINS, (last + 1) * seconds / BINS
    return [
        Bar(
            left=min(begin / seconds * 100, 100 - THINNEST),
            width=max(THINNEST, min((end - begin) / seconds * 100, 100 - begin / seconds * 100)),
            kind=name,
            tip=f"{name}: {seconds_words(begin)} to {seconds_words(end)}",
        )
        for name in PHASES
        if name in times
        for begin, end in [times[name]]
    ]


def _curve(unit: str, record: RunRecord, scale: float, cap: float | None) -> Curve:
    """Spent for certain, in doubt on top of it, set aside for calls in flight on top of that."""
    tally = record.tally
    spent = list(accumulate(tally.money[unit]))[:BINS]
    doubt = list(accumulate(tally.in_doubt[unit]))[:BINS]
    aside = list(accumulate(tally.reserved[unit]))[:BINS]
    sure = [all_ - unsure for all_, unsure in zip(spent, doubt, strict=True)]
    top = [all_ + more for all_, more in zip(spent, aside, strict=True)]
    most = max(top) / scale
    shown = cap is not None and cap <= 3 * most
    height = max(most, cap if shown and cap is not None else 0.0, 1e-9) * scale
    layers = [("aside", _steps(top, height))]
    if any(doubt):
        layers.append(("doubt", _steps(spent, height)))
    layers.append(("sure", _steps(sure, height)))
    cap_height = cap * scale / height * 100 if shown and cap is not None else None
    return Curve(unit, layers, sure[-1] / scale, doubt[-1] / scale, cap, cap_height)


def _steps(values: Sequence[int], height: float) -> str:
    """A closed step path; equal neighbours share a step."""
    path, last = ["M0 100"], None
    for n, value in enumerate(values):
        y = f"{100 - value / height * 100:.1f}"
        if y != last:
            path.append(f"H{n}V{y}")
            last = y
    return "".join([*path, f"H{BINS}V100Z"])
