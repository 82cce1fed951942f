"""The table of title words: phrases, single words, what compounds end with, and other forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from enrico.domain.spelling import fold, written_out
from enrico.domain.word_tables import csv_rows

_PHRASE_KINDS: Final = frozenset(
    {"rank", "work", "aide", "intern", "former", "retired", "now", "to", "field"}
)

WORD: Final = re.compile(r"\w+(?:[&+]\w+)*\+*")
"""A word of a title, with ``&`` and ``+`` inside: ``R&D``, ``C++``."""

AND_WORDS: Final = frozenset({"and", "y", "e", "plus"})
"""They only join; phrases are looked up without them."""


class Entry(NamedTuple):
    """A row of the table for one phrase."""

    kind: str
    value: str
    field: str
    position: str


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of ``titles.csv``, by how they are looked up."""

    phrases: dict[tuple[str, ...], Entry]
    starts: dict[str, int]
    """First word of a phrase → words in the longest phrase that begins so."""
    words: dict[str, frozenset[str]]
    """``modifier:deputy``, ``of``, ``scope``, ``box`` … → single words."""
    aliases: dict[str, str]
    endings: tuple[tuple[str, Entry], ...]
    """What compound words end with, longest first."""


def _spellings(phrase: str) -> set[str]:
    """With accents dropped, and with umlauts written out: ``muller``, ``mueller``."""
    return {fold(phrase)} if phrase.isascii() else {fold(phrase), fold(written_out(phrase))}


@lru_cache(maxsize=1)
def title_table() -> Table:
    """The table, read once from ``titles.csv``."""
    rows = [
        (row["kind"], row["value"], row["field"], row["position"], row["words"].split(" | "))
        for row in csv_rows(__package__, "titles.csv")
    ]
    aliases = {
        fold(word): value for kind, value, _, _, words in rows if kind == "alias" for word in words
    }
    phrases: dict[tuple[str, ...], Entry] = {}
    starts: dict[str, int] = {}
    sets: dict[str, set[str]] = {}
    endings: dict[str, Entry] = {}
    for kind, value, field, position, words in rows:
        entry = Entry(kind, value, field, position)
        for phrase in words:
            for spelling in _spellings(phrase):
                if kind == "ending":
                    endings.setdefault(spelling, entry)
                elif kind in _PHRASE_KINDS:
                    found = (aliases.get(word, word) for word in WORD.findall(spelling))
                    key = tuple(word for word in found if word not in AND_WORDS)
                    phrases.setdefault(key, entry)
                    starts[key[0]] = max(starts.get(key[0], 1), len(key))
                elif kind != "alias":
                    name = f"{kind}:{value}" if value else kind
                    word = aliases.get(spelling, spelling)
                    sets.setdefault(name, set()).add(word)
    return Table(
        phrases,
        starts,
        {name: frozenset(found) for name, found in sets.items()},
        aliases,
        tuple(sorted(endings.items(), key=lambda item: (-len(item[0]), item[0]))),
    )


def _singular_or_masculine(word: str) -> tuple[str, ...]:
    """Forms that the table may hold in place of this one: ``directoras`` → ``director``."""
    forms: list[str] = []
    for ending, others in (
        ("innen", ("",)),
        ("in", ("", "e")),
        ("oras", ("or",)),
        ("ora", ("or", "ore")),
        ("trice", ("teur", "tore")),
        ("rice", ("eur",)),
        ("euse", ("eur",)),
        ("iere", ("ier",)),
        ("ienne", ("ien",)),
        ("era", ("ero",)),
        ("aria", ("ario",)),
        ("ica", ("ico",)),
        ("ada", ("ado",)),
        ("es", ("", "e")),
        ("s", ("",)),
        ("e", ("",)),
        ("a", ("", "o")),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            forms.extend(word[: -len(ending)] + other for other in others)
    return tuple(forms)


@lru_cache(maxsize=20_000)
def entry_of_word(word: str) -> Entry | None:
    """The entry for one word that no phrase holds as written: another form, or a compound."""
    table = title_table()
    for form in _singular_or_masculine(word):
        entry = table.phrases.get((table.aliases.get(form, form),))
        if entry is not None and entry.kind in {"rank", "work", "field", "intern", "aide"}:
            return entry
    if word.endswith(_not_compounds()):
        return Entry("work", "ic", "", "")
    if not word.endswith(_all_endings()):
        return None
    for ending, entry in table.endings:
        stem = word[: -len(ending)]
        if len(stem) >= 2 and word.endswith(ending):
            return _compound(stem, entry, table)
    return None


@lru_cache(maxsize=1)
def _all_endings() -> tuple[str, ...]:
    return tuple(ending for ending, _ in title_table().endings)


@lru_cache(maxsize=1)
def _not_compounds() -> tuple[str, ...]:
    """Words, also as ends of longer ones, that look like a rank: a *Halbleiter* leads nobody."""
    return tuple(sorted(title_table().words["notcompound"]))


def _compound(stem: str, ending: Entry, table: Table) -> Entry | None:
    """``vertrieb`` + ``leiter`` → head of sales; a stem that is no word we know counts if long."""
    forms = (stem, stem.removesuffix("s"), stem + "e", stem.removesuffix("n"), stem + "en")
    known = next((e for form in forms if (e := table.phrases.get((form,)))), None)
    field = known.field if known is not None and known.kind in {"field", "work"} else ""
    if known is None and len(stem) < 3:
        return None
    if ending.value == "aide":
        is_bosss = known is not None and known.kind == "rank" and known.value == "c_level"
        return Entry("aide", "", "", "") if is_bosss else Entry("work", "ic", field, "")
    if ending.value == "ic":
        return Entry("work", "ic", field or ending.field, "")
    if ending.value == "owner":
        return Entry("rank", "c_level", "", "owner")
    return Entry("rank", ending.value, field, ending.value)
