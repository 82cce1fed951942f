"""The same story on several sites, or found twice, is one signal.

News agencies are reprinted under the same or nearly the same title. Counting each copy would let
one story outweigh all others in an account's score.

Two results tell one story when they have the same canonical URL, or when their titles are nearly
alike, no number, amount, round or name in them disagrees, and their days, where known, are at most
14 apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit

from rapidfuzz import fuzz

from enrico.domain.signals import TYPE_ORDER, Signal, SignalType, clamped
from enrico.domain.spelling import plain_line
from enrico.domain.word_tables import word_set

SAME_STORY_DAYS = 14
"""Days between two publications of one story, at most."""

SAME_TITLE = 88
"""rapidfuzz token-set ratio (0-100) from which two titles are nearly alike."""

SAME_NAME = 85
"""rapidfuzz ratio (0-100) from which two words of titles are one name."""

SAME_AMOUNT_TITLE = 45
"""The same, for two dated results of one type that name the same sum of money and the same firm:
reporters word one round very differently."""

TYPES_PER_STORY = 2
"""A story may be an acquisition and a change of leadership; a third type is the classifier
guessing."""


def one_story_once(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Each story once for each of its types (two types at most), ordered by date, newest first.

    The representative is the result of highest relevance, then the earliest, then the first URL;
    among results that have a date and an amount before those that lack one, so that a vague title
    cannot join two different rounds. ``seen_on`` counts the hosts that carry the story. Of more
    than two types those of the highest relevance stay. Independent of the order; done twice is the
    same as done once.

    Pass the signals of one account: titles are compared two by two.
    """
    found = tuple(sorted(set(signals), key=_total_order))
    while len(found) > 1:  # a representative can be nearer to another story than its copies were
        merged = _merged_once(found)
        if merged == found:
            break
        found = merged
    return tuple(sorted(found, key=_newest_first))


@lru_cache(maxsize=4_096)
def canonical_url(url: str) -> str:
    """One spelling for one page: no scheme, www, m, amp, fragment, trailing slash or tracking
    parameter.

    `https://www.news.com/a/?utm_source=x#top` → `news.com/a`. Empty for what is no web address.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""
    if not host:
        return ""
    host = re.sub(r"^(?:www\d?|m|amp|mobile)\.(?=[^.]+\.)", "", host)
    path = re.sub(r"/(?:amp|index\.html?)?/?$", "", re.sub(r"/{2,}", "/", parts.path))
    kept = sorted(
        (key, value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
        if not re.fullmatch(
            r"utm_\w+|[a-z]{2,3}clid|ref|ref_src|source|src|cmpid|ito|amp|smid|guccounter|\.\w+|mc_\w+",
            key.casefold(),
        )
    )
    return host + path + (f"?{urlencode(kept)}" if kept else "")


def host_of(signal: Signal) -> str:
    """The host that carries the story, without www: from the URL, else as the provider named it."""
    canonical = canonical_url(signal.url)
    host = re.split(r"[/?]", canonical, maxsplit=1)[0] if canonical else signal.source_host
    return re.sub(r"^www\.", "", host.strip().casefold())


# --- what a title says ------------------------------------------------------------------

_MULTIPLES = {
    **dict.fromkeys(("k", "thousand"), 10**3),
    **dict.fromkeys(("m", "mn", "mln", "mm", "mio", "million", "millions", "millionen"), 10**6),
    **dict.fromkeys(("millones", "milhoes", "milioni", "miljoen"), 10**6),
    **dict.fromkeys(("b", "bn", "billion", "billions", "mrd", "milliarden"), 10**9),
    **dict.fromkeys(("milliard", "milliards", "miljard", "miliardi"), 10**9),
    **dict.fromkeys(("crore", "cr"), 10**7),
}
_NUMBER = re.compile(
    r"(?P<money>us\$|[$€£¥₹]|usd|eur|gbp|rs\.?)? ?(?P<n>\d[\d.,]*)"
    r"(?: ?-?(?P<multiple>" + "|".join(sorted(_MULTIPLES, key=len, reverse=True)) + r")\b)?"
    r"(?P<after> ?(?:€|\$|%|percent|euros?|eur|usd|dollars?))?"
)
_DIGIT = re.compile(r"\d")  # without one there is no number, which is much dearer to look for
_ROUND = re.compile(r"series[ -]([a-k])(?![a-z])|(pre-?seed|seed)\b|serie[ -]([a-k])(?![a-z])")
_PUBLISHER = re.compile(r"\s+[-–—|·•]\s+(?P<tail>[^-–—|·•]{2,40})$")
_WORD = re.compile(r"[^\W_]+(?:['’.&][^\W_]+)*")
_ENDING = re.compile(r"'s?$")

_COMMON = word_set(
    """
    a an and the of to in on for from with by at as its his her their is are was be it that this
    into over after amid up out new latest more than how why what who when about per via or but not
    no you your our raises raise raised raising secures secure secured closes close closed lands
    land nabs bags gets get announces announce announced announcing says said say reports report
    reported unveils unveiled launches launch launched launching introduces introduced debuts rolls
    releases release released names named naming appoints appointed appoint appointment hires hired
    hire hiring taps promotes joins join joined acquires acquire acquired acquiring acquisition buys
    buy bought purchase purchases merger merges takeover deal deals partners partner partnership
    partnering teams team signs signed agreement collaboration alliance opens open opening expands
    expand expansion expanding plans plan planned cuts cut lays laying off layoffs layoff jobs job
    workers staff employees workforce positions roles office offices headquarters hq round funding
    financing fund funds series seed investment investors investor capital venture led million
    billion valuation growth business company startup firm maker group inc corp ltd llc plc gmbh co
    ceo cfo cto coo cmo cro chief executive officer president chair director vice head leader
    leadership board global first major big top best wins win award awards awarded recognized
    platform product products service services software technology tech ai data digital market news
    update exclusive breaking today year years month months week days day fresh us usd eur dollars
    euros round's company's raise's sum undisclosed worth valued total latest reportedly officially
    next time
    """
)
"""Words that differ between reports of one story; never the name of a firm."""


@dataclass(frozen=True, slots=True)
class _Title:
    text: str
    """Folded, without the publisher's name."""
    words: frozenset[str]
    names: frozenset[str]
    """Capitalised words that are not common news words: firms, people, places, products."""
    money: frozenset[int]
    counts: frozenset[str]
    """Numbers that are not money: 200 jobs, 2025, 15%."""
    rounds: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Node:
    """All signals of one page."""

    key: str
    signals: tuple[Signal, ...]
    titles: tuple[_Title, ...]
    day: date | None
    types: frozenset[SignalType]
    level: int
    """0 is most specific: a date and a sum. Vaguer pages join one more specific story, never two.
    """


@lru_cache(maxsize=1_024)  # an account's signals are merged until nothing changes
def _title_of(headline: str, source_host: str, snippet: str) -> _Title:
    raw = _without_publisher(unicodedata.normalize("NFKC", headline), source_host)
    text = plain_line(raw)
    money: set[int] = set()
    counts: set[str] = set()
    for found in _numbers(text):
        digits = found["n"].rstrip(".,")
        amount = _amount(digits, _MULTIPLES.get(found["multiple"] or "", 1))
        after = (found["after"] or "").strip()
        if found["money"] or found["multiple"] or after not in ("", "%", "percent"):
            money.add(amount)
        else:
            counts.add(str(amount) if digits.replace(",", "").isdigit() else digits)
    if not money:
        money = _money_in(plain_line(snippet))
    words = [_word_and_name(word) for word in _WORD.findall(raw)]
    rounds = frozenset(next(g for g in groups if g) for groups in _ROUND.findall(text))
    return _Title(
        text,
        frozenset([word for word, _ in words]),
        frozenset([name for _, name in words if name]),
        frozenset(money),
        frozenset(counts),
        rounds,
    )


def _money_in(text: str) -> set[int]:
    """The first sum in a snippet: what the story is about, when the title names none."""
    for found in _numbers(text):
        if found["money"] and found["multiple"]:
            return {_amount(found["n"].rstrip(".,"), _MULTIPLES[found["multiple"]])}
    return set()


def _numbers(text: str) -> Iterable[re.Match[str]]:
    return _NUMBER.finditer(text) if _DIGIT.search(text) else ()


def _amount(digits: str, multiple: int) -> int:
    if multiple == 1:
        return int(re.sub(r"\D", "", digits)[:18] or 0)
    number = digits.replace(",", ".")
    whole, _, part = number.partition(".")
    part = part.replace(".", "")
    if len(part) == 3 and multiple == 10**3:
        return int((whole + part)[:18]) * multiple
    return round(float(f"{whole[:15] or 0}.{part[:6] or 0}") * multiple)


def _without_publisher(title: str, host: str) -> str:
    """Cut ` - Reuters` and ` | TechCrunch`: a tail of a few words without digits or a verb of the
    story."""
    while found := _PUBLISHER.search(title):
        tail = found["tail"].strip()
        rest = title[: found.start()]
        squeezed = re.sub(r"\W", "", tail).casefold()
        of_host = squeezed and squeezed in re.sub(r"\W", "", host).casefold()
        separator = found.group().strip()[0]
        short = len(tail.split()) <= 4 and not re.search(r"\d", tail) and tail[:1].isupper()
        if len(rest.split()) < 3 or not (of_host or (short and separator in "-|–—·•")):
            break
        title = rest
    return title.strip()


@lru_cache(maxsize=16_000)
def _word_and_name(word: str) -> tuple[str, str]:
    """A word of a title folded, and what it names if it names anything: ``Acme's`` → acme."""
    folded = plain_line(word)
    name = _ENDING.sub("", folded) if word[0].isupper() else ""
    return folded, name if len(name) > 1 and name not in _COMMON else ""


# --- one story? -------------------------------------------------------------------------


def _alike(a: _Node, b: _Node) -> float:
    """How sure it is that two pages tell one story: 0 for not, else up to 100."""
    if a.day and b.day and abs((a.day - b.day).days) > SAME_STORY_DAYS:
        return 0.0
    return max((_alike_titles(x, y, a, b) for x in a.titles for y in b.titles), default=0.0)


def _alike_titles(x: _Title, y: _Title, a: _Node, b: _Node) -> float:
    if not x.text or not y.text:
        return 0.0
    if x.text == y.text:
        return 100.0
    if not _numbers_agree(x, y) or not _names_agree(x, y):
        return 0.0
    needed = SAME_TITLE
    if a.day and b.day and a.types & b.types and _share_money(x, y) and x.names & y.names:
        needed = SAME_AMOUNT_TITLE
    if min(len(x.words), len(y.words)) < 4:  # `Acme news`: token sets of short titles always agree
        return fuzz.token_sort_ratio(x.text, y.text, score_cutoff=needed)
    return fuzz.token_set_ratio(x.text, y.text, score_cutoff=needed)


def _numbers_agree(x: _Title, y: _Title) -> bool:
    if x.money and y.money and not _share_money(x, y):
        return False
    if x.counts and y.counts and not x.counts & y.counts:
        return False
    return not (x.rounds and y.rounds and not x.rounds & y.rounds)


def _share_money(x: _Title, y: _Title) -> bool:
    """One sum in common, within 3 %: one paper rounds $39.8M to $40M."""
    return bool(x.money and y.money) and any(
        abs(i - j) * 100 <= 3 * max(i, j) for i in x.money for j in y.money
    )


def _names_agree(x: _Title, y: _Title) -> bool:
    """Not when both name something that the other does not: Acme and Beta, Acme and Gamma."""
    if _share_money(x, y) and x.names & y.names:
        return True  # the same sum and firm: other words are colour
    return all(_named_in(name, y) for name in x.names) or all(
        _named_in(name, x) for name in y.names
    )


def _named_in(name: str, title: _Title) -> bool:
    return name in title.words or any(
        fuzz.ratio(name, other, score_cutoff=SAME_NAME) for other in title.words
    )


# --- clusters ---------------------------------------------------------------------------


def _merged_once(signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    stories: list[list[_Node]] = []
    nodes = _nodes(signals)
    for level in range(4):
        same_level = [node for node in nodes if node.level == level]
        fresh = _connected(same_level)
        settled = list(stories)
        for cluster in fresh:
            home = _home_of(cluster, settled)
            if home is None:
                stories.append(cluster)
            else:
                home.extend(cluster)
    merged = [signal for story in stories for signal in _told_once(story)]
    return tuple(sorted(merged, key=_total_order))


def _nodes(signals: Sequence[Signal]) -> list[_Node]:
    pages: dict[str, list[Signal]] = {}
    for n, signal in enumerate(signals):
        pages.setdefault(canonical_url(signal.url) or f"#{n}", []).append(signal)
    nodes = []
    for key, group in sorted(pages.items()):
        titles = tuple(
            dict.fromkeys(_title_of(s.headline, s.source_host, s.snippet) for s in group)
        )
        days = [signal.published for signal in group if signal.published]
        nodes.append(
            _Node(
                key=key,
                signals=tuple(group),
                titles=titles,
                day=min(days, default=None),
                types=frozenset([signal.type for signal in group]),
                level=(0 if days else 2) + (0 if any(t.money for t in titles) else 1),
            )
        )
    return nodes


def _connected(nodes: list[_Node]) -> list[list[_Node]]:
    left = list(nodes)
    clusters = []
    while left:
        cluster = [left.pop(0)]
        for member in cluster:  # grows while it is walked
            near = [node for node in left if _alike(member, node)]
            left = [node for node in left if node not in near]
            cluster.extend(near)
        clusters.append(cluster)
    return clusters


def _home_of(cluster: list[_Node], stories: list[list[_Node]]) -> list[_Node] | None:
    """The more specific story that a vague one is most alike; of equal ones the first by URL."""
    best: tuple[float, str] | None = None
    home: list[_Node] | None = None
    for story in stories:
        alike = max(_alike(a, b) for a in cluster for b in story)
        rank = (-alike, min(node.key for node in story))
        if alike and (best is None or rank < best):
            best, home = rank, story
    return home


def _told_once(story: list[_Node]) -> list[Signal]:
    signals = [signal for node in story for signal in node.signals]
    level = {id(signal): node.level for node in story for signal in node.signals}
    hosts = len({host_of(signal) for signal in signals} - {""})
    seen_on = max([hosts, 1, *(signal.seen_on for signal in signals)])
    by_type: dict[SignalType, list[Signal]] = {}
    for signal in signals:
        by_type.setdefault(signal.type, []).append(signal)
    types = sorted(
        by_type,
        key=lambda kind: (-max(clamped(s.relevance) for s in by_type[kind]), TYPE_ORDER[kind]),
    )
    return [
        replace(min(by_type[kind], key=lambda s: (level[id(s)], *_best_first(s))), seen_on=seen_on)
        for kind in types[:TYPES_PER_STORY]
    ]


def _best_first(signal: Signal) -> tuple[object, ...]:
    return (-clamped(signal.relevance), signal.published or date.max, signal.url, *_rest(signal))


def _newest_first(signal: Signal) -> tuple[object, ...]:
    day = signal.published
    return (0 if day is None else -day.toordinal(), *_total_order(signal))


def _total_order(signal: Signal) -> tuple[object, ...]:
    return (TYPE_ORDER[signal.type], *_best_first(signal))


def _rest(signal: Signal) -> tuple[object, ...]:
    return (
        signal.headline,
        signal.source_host,
        signal.result_index,
        signal.snippet,
        signal.precision,
        signal.fetched_at,
        signal.seen_on,
    )
