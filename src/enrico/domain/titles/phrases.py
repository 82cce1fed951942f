"""A title as written, read into words and into the phrases of the table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from enrico.domain.spelling import fold
from enrico.domain.titles.table import AND_WORDS, WORD, Entry, Table, entry_of_word, title_table

_MAX_CHARS: Final = 300
_QUOTED_BETWEEN: Final = 5

JUST_SPACE: Final = 0
AN_AND: Final = 1
BREAK: Final = 2
"""What stands before a word; a break is a comma, slash, bracket or dash."""

# "(m/w/d)", "H/F", "w/m/x": every gender is welcome, and no part of the title.
_GENDER_MARK: Final = re.compile(
    r"(?<![^\s(\[,|-])[(\[]?\s*(?:[mwfhdxvkn]\s*[/|*]\s*){1,3}[mwfhdxvkn]\s*[)\]]?(?![^\s)\],|-])",
    re.IGNORECASE,
)
# "Leiter/in", "Leiter*innen", "Directeur(trice)", "Gestor/a": the other gender's ending.
_GENDER_ENDING: Final = re.compile(
    r"(?<=\w)(?:\(e\)in|\(er\)e)(?!\w)|(?<=\w)(?:[/*:_](?:-?)|\()(?:innen|in|frau|e|a|as|ne|trice|rice|euse|ière|ère|ora|ra|esse)\)?(?!\w)"
)
_CAMEL_IN: Final = re.compile(r"(?<=[a-zäöü])In(?:nen)?(?!\w)")
_RETIRED_ABBREVIATION: Final = re.compile(r"\b(?:a\. ?D\.|i\. ?R\.)")
_DOTTED: Final = re.compile(r"\b(?:\w\.){2,}(?:\w\b)?|\b(?:\w\.)+\w\b")
_BREAK_MARK: Final = re.compile(r"[,;|/()\[\]•·:>–—\n\t\\]|\s-+\s|\s-|-\s|--|\s@\s")


class Token(NamedTuple):
    """One word of a title."""

    word: str
    """Folded, abbreviation resolved."""
    start: int
    end: int
    gap: int
    """What stands before it: ``JUST_SPACE``, ``AN_AND`` or ``BREAK``."""
    possessive: bool


class Item(NamedTuple):
    """A phrase of the table found in a title."""

    entry: Entry
    first: int
    last: int


@dataclass(slots=True)
class Title:
    """One title while it is read."""

    text: str
    tokens: list[Token]
    items: list[Item]
    table: Table

    def gap(self, item: Item, since: Item | None = None) -> int:
        """The widest gap before an item, looking back as far as the item ``since``."""
        first = item.first if since is None else since.last + 1
        return max((token.gap for token in self.tokens[first : item.first + 1]), default=0)

    def after(self, item: Item) -> Token | None:
        """The word right after an item, also beyond a break; None at the end."""
        return self.tokens[item.last + 1] if item.last + 1 < len(self.tokens) else None

    def quote(self, item: Item, other: Item | None = None) -> str:
        """The item as written; with another, all from the one to the other.

        What is long between two is left out: ``Head … Procurement``.
        """
        one, two = sorted((item, other or item), key=lambda i: (i.first, i.last))
        if two.first - one.last > _QUOTED_BETWEEN:
            return f"{self.quote(one)} … {self.quote(two)}"
        return self.text[self.tokens[one.first].start : self.tokens[two.last].end]

    def has_modifier(self, item: Item, name: str) -> bool:
        """Whether a word such as *senior* stands right before the phrase; *deputy* also after."""
        words = self.table.words[f"modifier:{name}"]
        before = item.first - 1
        while before >= 0 and self.tokens[before + 1].gap == JUST_SPACE:
            if self.tokens[before].word in words:
                return True
            if self.tokens[before].word not in self.table.words["modifier:scope"]:
                break
            before -= 1
        if name != "deputy":
            return False
        following = self.after(item)
        return following is not None and following.gap == JUST_SPACE and following.word in words

    def is_someone_elses(self, item: Item) -> bool:
        """Whether the rank is a boss's or a thing's: *Office of the CEO*, *CEO's aide*."""
        tokens, words = self.tokens, self.table.words
        if tokens[item.last].possessive:
            return True
        at = item.first - 1
        while (
            at >= 1
            and tokens[at + 1].gap == JUST_SPACE
            and tokens[at].word in words["modifier:scope"]
        ):
            if tokens[at].word in words["of"]:
                return True
            at -= 1
        if at >= 1 and tokens[at + 1].gap == JUST_SPACE and tokens[at].word in words["of"]:
            return True
        following = self.after(item)
        if following is None or following.gap:
            return False
        if following.word in words["box:aide"]:
            return True
        return (
            item.entry.position in {"owner", "founder", "partner", "president", "chief executive"}
            and following.word in words["box:thing"]
        )


def parse_title(title: str) -> Title:
    """Reads the first 300 characters of a title; whatever is in them, nothing is raised."""
    table = title_table()
    text = _normal(title)
    tokens = _tokens(text, table)
    return Title(text, tokens, _items(tokens, table), table)


def _normal(title: str) -> str:
    """Without marks of gender and without the points of abbreviations: ``V.P. (m/f)`` → ``VP``."""
    text = title[:_MAX_CHARS]
    text = _RETIRED_ABBREVIATION.sub(" (retired) ", text)
    text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text)
    text = _GENDER_MARK.sub(" ", text)
    text = _GENDER_ENDING.sub("", text)
    return _CAMEL_IN.sub("", text)


def _tokens(title: str, table: Table) -> list[Token]:
    tokens: list[Token] = []
    end, weak = 0, False
    for match in WORD.finditer(title):
        word = fold(match.group())
        word = table.aliases.get(word, word)
        between = title[end : match.start()]
        possessive = title[match.end() : match.end() + 2].lower() in {"'s", "’s"}
        if word in {"s", "t"} and between in {"'", "’"}:
            end = match.end()
            continue
        weak = weak or "&" in between or "+" in between
        gap = BREAK if _BREAK_MARK.search(between) else AN_AND if weak else JUST_SPACE
        if word in AND_WORDS and tokens and gap < BREAK:
            weak, end = True, match.end()
            continue
        tokens.append(Token(word, match.start(), match.end(), gap, possessive))
        end, weak = match.end(), False
    return tokens


def _items(tokens: list[Token], table: Table) -> list[Item]:
    """Phrases from left to right, the longest at each place; no phrase runs across a comma."""
    items: list[Item] = []
    at = 0
    while at < len(tokens):
        longest = min(table.starts.get(tokens[at].word, 1), len(tokens) - at)
        for size in range(longest, 0, -1):
            if any(token.gap == BREAK for token in tokens[at + 1 : at + size]):
                continue
            entry = table.phrases.get(tuple(token.word for token in tokens[at : at + size]))
            if entry is not None:
                items.append(Item(entry, at, at + size - 1))
                at += size - 1
                break
        else:
            found = entry_of_word(tokens[at].word)
            if found is not None:
                items.append(Item(found, at, at))
        at += 1
    return items
