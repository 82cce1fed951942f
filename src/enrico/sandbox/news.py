"""What the press says about a company: a function of its name, for any name ever asked.

Real, doubled, foreign and stray stories mix as on a results page, so that whoever reads them has
to check that a story is about the account at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from enrico.sandbox import storywords as words
from enrico.sandbox.draw import Draw
from enrico.sandbox.names import culture_of, draw_name, firm, plain

_QUOTED = re.compile(r'"([^"]+)"')
_OPERATORS = re.compile(r"\([^)]*\)|\b\w+:\S+|(?<!\S)-\S+|\bOR\b|\bAND\b|\b20\d\d\b|\|")
_NEWSWORDS = frozenset(
    {
        *("news", "latest", "recent", "company", "announcement", "announcements", "announces"),
        *("press", "release", "funding", "raises", "round", "hiring", "jobs", "expansion"),
        *("expands", "leadership", "ceo", "partnership", "partners", "product", "launch"),
        *("launches", "acquisition", "acquires", "layoff", "layoffs", "regulatory", "award"),
    }
)
_LEGAL = re.compile(
    r"[,\s]+(inc|llc|ltd|corp|corporation|gmbh|ag|sas|sa|s\.a|s\.l|s\.p\.a|s\.r\.l|ab|plc|ltda|"
    r"pvt ltd|co|limited)\.?$",
    re.IGNORECASE,
)
_AGES = (1, 2, 3, 5, 8, 12, 17, 24, 31, 45, 60, 75, 100, 140, 200, 280, 330, 420, 600)
_MOST = 10


@dataclass(frozen=True, slots=True)
class Story:
    """One result as the search engine shows it, and what is true of it."""

    title: str
    snippet: str
    link: str
    source: str
    date: str | None
    """The text shown: relative, absolute, or none at all."""
    age_days: float
    kind: str | None
    """The signal that it tells of; None for what is no news of this company."""


def company_in(query: str) -> str:
    """The company that a search is about: ``"Acme Corp" (funding OR hiring)`` → ``Acme Corp``."""
    quoted = _QUOTED.search(query)
    if quoted:
        return quoted.group(1).strip()
    bare = _OPERATORS.sub(" ", query).split()
    named = [word for word in bare if word.lower().strip(".,") not in _NEWSWORDS]
    return " ".join(named) or query.strip()


def short_name(name: str) -> str:
    """The name as the press writes it: ``Northwind Robotics, Inc.`` → ``Northwind Robotics``."""
    return _LEGAL.sub("", name).strip() or name


class Press:
    """All that is written about anybody, for one seed."""

    def __init__(self, seed: int, today: Callable[[], date]) -> None:
        self._seed = seed
        self._today = today

    def stories(self, company: str) -> list[Story]:
        """Up to ten results about a company, in the order of the results page; often with noise."""
        name = short_name(company)
        key = plain(name)
        draw = Draw(self._seed, "news", key)
        if draw.chance(0.12):
            return []
        kinds = list(words.STORIES)
        stories: list[Story] = []
        for number in range(draw.between(0, 5)):
            kind = kinds.pop(draw.below(len(kinds)))
            pattern = draw.pick(words.STORIES[kind])
            stories.append(self._write(name, key, f"story{number}", pattern, kind))
        if stories and draw.chance(0.35):
            stories.append(self._copy(draw, stories[0]))
        if draw.chance(0.3):
            stories.append(self._write(name, key, "others", draw.pick(words.OTHERS_NEWS)))
        if draw.chance(0.12):
            stories.append(self._write(name, key, "namesake", draw.pick(words.NAMESAKES_NEWS)))
        if draw.chance(0.6):
            stories.append(self._write(name, key, "page", draw.pick(words.PLAIN_PAGES), page=True))
        if stories and draw.chance(0.04):
            text = draw.pick(words.INJECTIONS)
            spoiled = stories[-1]
            stories[-1] = replace(spoiled, snippet=f"{spoiled.snippet} {text}")
        draw.shuffle(stories)
        return stories[:_MOST]

    def _write(
        self,
        name: str,
        key: str,
        part: str,
        pattern: words.Pattern,
        kind: str | None = None,
        page: bool = False,
    ) -> Story:
        draw = Draw(self._seed, "story", key, part)
        other = short_name(firm(self._seed, draw.below(1_800)).name)
        person, person2 = (" ".join(draw_name(draw, culture_of(draw, ".com"))) for _ in range(2))
        filled = {
            "c": name,
            "other": other,
            "person": person,
            "person2": person2,
            "chief": draw.pick(words.CHIEFS),
            "investor": draw.pick(words.INVESTORS),
            "city": draw.pick(words.CITIES),
            "country": draw.pick(words.COUNTRIES),
            "topic": draw.pick(words.TOPICS),
            "product": draw.pick(words.PRODUCTS),
            "namesake": draw.pick(words.NAMESAKES),
            "day": draw.pick(words.DAYS),
            "s": draw.pick("ABCD"),
            "n": draw.between(3, 180),
            "m": draw.between(190, 400),
            "v": f"{draw.between(11, 79) / 10:.1f}",
            "h": draw.between(2, 90) * 10,
            "k": draw.between(2, 18),
            "p": draw.between(4, 30),
        }
        title, snippet = (text.format_map(filled) for text in pattern)
        source, host = draw.pick(words.HOSTS)
        link = f"https://{host}/{plain(title)[:40]}-{draw.below(1 << 30):x}"
        shown, age = (None, 0.0) if page else self._date(draw)
        return Story(title, snippet, link, source, shown, age, kind)

    def _copy(self, draw: Draw, story: Story) -> Story:
        """The same story on another host, its title a little longer or louder."""
        source, host = draw.pick(words.HOSTS)
        suffix = draw.pick((f" - {source}", f" | {source}", "", "!"))
        link = f"https://{host}/news/{draw.below(1 << 40):x}?utm_source=feed"
        return replace(story, title=story.title + suffix, source=source, link=link)

    def _date(self, draw: Draw) -> tuple[str | None, float]:
        """A date as shown, and the age in days that it means."""
        form = draw.below(20)
        if form < 3:
            return None, float(draw.pick(_AGES))
        if form < 4:
            minutes = draw.between(2, 58)
            return f"{minutes} mins ago", minutes / 1440
        if form < 6:
            hours = draw.between(1, 23)
            return f"{hours} hour{'s' * (hours > 1)} ago", hours / 24
        if form < 7:
            return "Yesterday", 1.0
        age = draw.pick(_AGES)
        if form < 13:
            return _relative(age)
        day = self._today() - timedelta(days=age)
        if form < 17:
            return f"{day:%b} {day.day}, {day.year}", float(age)
        return (f"{day.day} {day:%b} {day.year}" if form < 19 else day.isoformat()), float(age)


def _relative(age: int) -> tuple[str, float]:
    for length, unit in ((365, "year"), (30, "month"), (7, "week"), (1, "day")):
        count = age // length
        if count:
            return f"{count} {unit}{'s' * (count > 1)} ago", float(count * length)
    return "1 day ago", 1.0
