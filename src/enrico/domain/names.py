"""Whether two ways of writing a name can mean one person, and which of several is meant.

Tolerant of how people are written (accents, order, nicknames, initials, a slip in a long name) and
never of who they are: Mark is not Mary, and two first names with one surname are two people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar, overload

from rapidfuzz.distance import OSA

from enrico.domain.spelling import fold, written_out
from enrico.domain.word_tables import csv_rows, word_set

K = TypeVar("K", bound=Hashable)

SAME_PERSON: Final = 0.80
"""From this score on, two names are taken for one person."""
_DIFFERENT: Final = 0.0
_FOUND: Final = 0.50
"""The least that finding a person among a few takes: a lone surname or an initial is enough."""
_CLEAR_LEAD: Final = 0.15
"""How far ahead of the second the best candidate must be."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How well two names agree."""

    score: float
    """0 (cannot be the same, or nothing to compare) to 1 (the same name)."""
    reason: str
    """In words, without the names: ``nickname of the same first name``."""
    is_contradiction: bool = False
    """Whether the names say that these are two people, not merely too little."""


class _Word(NamedTuple):
    """One word of a name in the spellings that count as one."""

    forms: frozenset[str]

    @property
    def is_initial(self) -> bool:
        return all(len(form) == 1 for form in self.forms)

    @property
    def first_letters(self) -> frozenset[str]:
        return frozenset(form[0] for form in self.forms)


class _Name(NamedTuple):
    given: tuple[_Word, ...]
    """First name and middle names in order; compound ones (``Anne-Marie``) are two words."""
    family: tuple[_Word, ...]
    """Words of the surname without particles; empty when only one word is known."""
    suffix: str
    """``jr``, ``sr``, ``ii`` …: tells father from son."""


_HONORIFICS: Final = word_set(
    "dr mr mrs ms miss mx prof professor sir dame lord lady rev herr frau dipl mag dott dottssa dra"
    " ingeniero licenciado lic sra srta señor señora monsieur madame mme mlle mister doctor doc arq"
    " avv geom dhr mevr drs dkfm univ hon capt maj"
)
_SURNAMES_TOO: Final = word_set("lord dame lady sir herr")
"""Titles that stand in front, or are a surname: ``Thomas Lord``."""
_SHORT_HONORIFICS: Final = word_set("ing eng fr ir gen col hr")
"""Titles only before at least two more words: ``Ing. Jan Novák``, but not ``Col Needham``."""
_GENERATIONS: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "junior", "senior"})
_DEGREES: Final = word_set(
    "phd md mba cpa esq esquire pmp msc bsc mph rn jd llm llb dds dvm cfa cissp cism"
    " acca aca fca shrm sphr phr cfp facp dphil dba edd meng beng mfa csm cisa"
)
_PARTICLES: Final = word_set(
    "van von der den de del della di da do dos das du la le ter ten te zu zum zur af av bin bint"
    " ibn al el ben st san santa und y e i of"
)


@lru_cache(maxsize=1)
def _nicknames() -> tuple[dict[str, frozenset[int]], dict[str, frozenset[int]]]:
    """Every given name we know → the rows it is in; and each full name → the rows it heads."""
    groups: dict[str, set[int]] = {}
    heads: dict[str, set[int]] = {}
    for number, row in enumerate(csv_rows(__package__, "nicknames.csv")):
        for form in _forms(row["name"]):
            heads.setdefault(form, set()).add(number)
        for name in (row["name"], *row["also"].split()):
            for form in _forms(name):
                groups.setdefault(form, set()).add(number)
    return (
        {name: frozenset(rows) for name, rows in groups.items()},
        {name: frozenset(rows) for name, rows in heads.items()},
    )


def _forms(word: str) -> frozenset[str]:
    lowered = unicodedata.normalize("NFKC", word).casefold()
    return frozenset({fold(word), fold(written_out(lowered.replace("ø", "oe")))})


def _words(text: str) -> list[str]:
    """Words with initials apart: ``J.R. O'Neil-Smith`` → J, R, ONeil, Smith."""
    joined = re.sub(r"(?<=\w)['’`´](?=\w)", "", unicodedata.normalize("NFC", text))
    joined = re.sub(
        r"\b(?:[Pp]h\.? ?[Dd]|[Mm]\.[Dd]|[Bb]\.[Ss]c|[Mm]\.[Ss]c)\b\.?", " phd ", joined
    )
    return re.findall(r"[^\W_\d]+", joined)


@lru_cache(maxsize=16_000)
def _parse(name: str) -> _Name:
    text = re.sub(r"\([^)]*\)|\"[^\"]*\"|“[^”]*”", " ", name[:200])
    parts = [_words(part) for part in text.split(",")]
    suffix = ""
    kept: list[list[str]] = []
    for part in parts:
        words: list[str] = []
        for at, word in enumerate(part):
            low = fold(word)
            is_first_of_all = not words and not kept
            if low in _GENERATIONS and not is_first_of_all:
                suffix = {"junior": "jr", "senior": "sr"}.get(low, low)
            elif not (
                (low in _DEGREES and not is_first_of_all)
                or (
                    low in _HONORIFICS
                    and (len(part) > 1 or len(parts) > 1)
                    and not (low in _SURNAMES_TOO and at > 0)
                )
                or (low in _SHORT_HONORIFICS and at == 0 and len(part) > 2)
            ):
                words.append(word)
        if words:
            kept.append(words)
    if len(kept) >= 2:
        return _Name(_read(kept[1]), _read(_family(kept[0])), suffix)
    words = kept[0] if kept else []
    if len(words) < 2:
        return _Name(_read(words), (), suffix)
    start = len(words) - 1
    while start > 1 and fold(words[start - 1]) in _PARTICLES:
        start -= 1
    hyphened = re.search(r"(\w+)\s*-\s*(\w+)\s*$", text.strip())
    if hyphened and start >= 2 and words[-2:] == [*map(_plain, hyphened.groups())]:
        start = len(words) - 2
    return _Name(_read(words[:start]), _read(_family(words[start:])), suffix)


def _plain(word: str) -> str:
    return "".join(_words(word))


def _family(words: list[str]) -> list[str]:
    return [word for word in words if fold(word) not in _PARTICLES] or words


def _read(words: Iterable[str]) -> tuple[_Word, ...]:
    return tuple(_Word(_forms(word)) for word in words)


def _nickname(a: _Word, b: _Word) -> float:
    """0.95 for a full name and its short form, 0.70 for two short forms of one, else 0.

    Two full names never agree by a short form that they share: Christina and Christian are both
    Chris, and two people.
    """
    groups, heads = _nicknames()
    best = 0.0
    for one in a.forms:
        for other in b.forms:
            shared = groups.get(one, frozenset()) & groups.get(other, frozenset())
            if shared & (heads.get(one, frozenset()) | heads.get(other, frozenset())):
                return 0.95
            if shared and one not in heads and other not in heads:
                best = 0.70
    return best


def _slip(a: _Word, b: _Word, *, is_given: bool) -> bool:
    """Whether one is the other mistyped: one slip in a long word, two in a very long one."""
    _, known = _nicknames()
    for one in a.forms:
        for other in b.forms:
            shortest = min(len(one), len(other))
            if shortest < (7 if is_given else 5) or one[0] != other[0]:
                continue
            if is_given and ((one in known and other in known) or one[-3:] != other[-3:]):
                continue  # a first name's ending tells Martin from Martina
            allowed = 2 if shortest >= 10 else 1
            if OSA.distance(one, other, score_cutoff=allowed) <= allowed:
                return True
    return False


def _one_given(a: _Word, b: _Word) -> tuple[float, str]:
    if a.forms & b.forms:
        return 1.0, "same first name"
    if a.is_initial or b.is_initial:
        if a.first_letters & b.first_letters:
            return 0.60, "only an initial agrees"
        return _DIFFERENT, "different initials"
    if nickname := _nickname(a, b):
        return nickname, "nickname or other form of the same first name"
    if _slip(a, b, is_given=True):
        return 0.85, "first names differ by a slip"
    return _DIFFERENT, "different first names"


def _given(a: tuple[_Word, ...], b: tuple[_Word, ...]) -> tuple[float, str]:
    score, reason = _one_given(a[0], b[0])
    if not score:
        joined = _joined_given(a, b)
        if joined or _called_by_middle(a, b):
            return (0.95, "same first name") if joined else (0.80, "called by a middle name")
        return score, reason
    for one, other in zip(a[1:], b[1:], strict=False):
        agreed, _ = _one_given(one, other)
        if not agreed:
            return min(score, 0.40), "different middle names"
        if not one.is_initial and not other.is_initial and score == 0.60:
            score, reason = 0.75, "initial and middle name agree"
    if len(a) != len(b) and score == 1.0:
        score, reason = 0.97, "same but for a middle name"
    return score, reason


def _joined_given(a: tuple[_Word, ...], b: tuple[_Word, ...]) -> bool:
    """``Jean Luc`` and ``Jeanluc``."""
    one = {"".join(min(word.forms) for word in a)}
    other = {"".join(min(word.forms) for word in b)}
    return one == other


def _called_by_middle(a: tuple[_Word, ...], b: tuple[_Word, ...]) -> bool:
    """``J. Robert Oppenheimer`` and ``Robert Oppenheimer``."""
    short, long = sorted((a, b), key=len)
    return (
        len(short) == 1
        and len(long) == 2
        and long[0].is_initial
        and bool(short[0].forms & long[1].forms)
    )


def _family_match(a: tuple[_Word, ...], b: tuple[_Word, ...]) -> tuple[float, str]:
    short, long = sorted((a, b), key=len)
    if len(short) == len(long) and all(x.forms & y.forms for x, y in zip(a, b, strict=True)):
        return 1.0, "same surname"
    if "".join(min(w.forms) for w in a) == "".join(min(w.forms) for w in b):
        return 1.0, "same surname"
    if len(short) == 1 and len(long) == 1:
        if short[0].is_initial or long[0].is_initial:
            if short[0].first_letters & long[0].first_letters:
                return 0.60, "only an initial of the surname agrees"
            return _DIFFERENT, "different surnames"
        if _umlaut_lost(short[0], long[0]):
            return 0.95, "same surname in another spelling"
    elif all(any(x.forms & y.forms and not x.is_initial for y in long) for x in short):
        return 0.85, "part of a compound surname"
    if len(a) == len(b) and all(
        x.forms & y.forms or _umlaut_lost(x, y) or _slip(x, y, is_given=False)
        for x, y in zip(a, b, strict=True)
    ):
        return 0.85, "surnames differ by a slip"
    return _DIFFERENT, "different surnames"


def _umlaut_lost(a: _Word, b: _Word) -> bool:
    """``Mueller`` and ``Muller``: both from Müller."""

    def bare(form: str) -> str:
        return re.sub(r"(?<=[aou])e(?!$)", "", form) if len(form) > 4 else form

    return any(bare(x) == bare(y) for x in a.forms for y in b.forms)


def _compare(a: _Name, b: _Name) -> NameMatch:
    if not a.family or not b.family:
        return _compare_single(a, b)
    family, family_reason = _family_match(a.family, b.family)
    given, given_reason = _given(a.given, b.given)
    if not family:
        family, family_reason, given, given_reason = _second_look(a, b, given, given_reason)
    if not family or not given:
        reason = family_reason if not family else given_reason
        return NameMatch(_DIFFERENT, reason, is_contradiction=True)
    if a.suffix and b.suffix and a.suffix != b.suffix:
        return NameMatch(_DIFFERENT, "different generations", is_contradiction=True)
    reasons = [r for s, r in ((given, given_reason), (family, family_reason)) if s < 1.0]
    score = given * family
    if score < 0.45:
        return NameMatch(round(score, 3), "; ".join(reasons), is_contradiction=given == 0.40)
    return NameMatch(round(score, 3), "; ".join(reasons) or "same name")


def _second_look(
    a: _Name, b: _Name, given: float, given_reason: str
) -> tuple[float, str, float, str]:
    """A Spanish first surname reads as a middle name: *Ana García Márquez* is *Ana García*."""
    if given and not (a.given[0].is_initial or b.given[0].is_initial):
        for one, other in ((a, b), (b, a)):
            surnames = one.given[1:] + one.family
            if len(one.given) > 1 and any(
                x.forms & y.forms and not x.is_initial for x in surnames[:-1] for y in other.family
            ):
                first, first_reason = _one_given(a.given[0], b.given[0])
                if first:
                    return 0.85, "part of a compound surname", first, first_reason
    return _DIFFERENT, "different surnames", given, given_reason


def _compare_single(a: _Name, b: _Name) -> NameMatch:
    single, full = (a, b) if not a.family else (b, a)
    if not single.given or not full.given:
        return NameMatch(_DIFFERENT, "a name is missing")
    word = single.given[0] if len(single.given) == 1 else None
    if word is None or word.is_initial:
        return NameMatch(_DIFFERENT, "too little of a name")
    if not full.family:
        if word.forms & full.given[0].forms:
            return NameMatch(0.60, "the one word given agrees")
        if _nickname(word, full.given[0]):
            return NameMatch(0.50, "the one word given may be a nickname")
        return NameMatch(_DIFFERENT, "different names")
    if any(word.forms & other.forms for other in full.family):
        return NameMatch(0.55, "only the surname is given, and agrees")
    if word.forms & full.given[0].forms:
        return NameMatch(0.55, "only the first name is given, and agrees")
    if _nickname(word, full.given[0]):
        return NameMatch(0.50, "only a nickname is given, and agrees")
    return NameMatch(_DIFFERENT, "different names")


def _turned(name: _Name) -> _Name | None:
    """Surname first, as in *Byrne Ada*; only for two plain words."""
    if len(name.given) == 1 and len(name.family) == 1 and not name.suffix:
        return _Name(name.family, name.given, "")
    return None


@lru_cache(maxsize=16_000)
def name_match(a: str, b: str) -> NameMatch:
    """Compares two names of people; the order of the two does not matter.

    ``Byrne, Ada`` and ``Ada Byrne`` → 1.0; ``Bob Stone`` and ``Robert Stone`` → 0.95; ``J. Doe``
    and ``Jane Doe`` → 0.6; ``Mark Hall`` and ``Mary Hall`` → 0, and so is anyone against a blank.
    """
    if b < a:
        a, b = b, a
    one, other = _parse(a), _parse(b)
    best = _compare(one, other)
    if best.score < SAME_PERSON and (turned := _turned(one)) is not None:
        again = _compare(turned, other)
        if again.score >= SAME_PERSON:
            best = NameMatch(round(again.score * 0.95, 3), "surname and first name change places")
    if best.score == 1.0 and _plain(a).lower() == _plain(b).lower():
        return NameMatch(1.0, "same name")
    return best


def same_person_name(a: str, b: str) -> bool | None:
    """Whether two names mean one person; None when one is blank or says too little to tell."""
    match = name_match(a, b)
    if match.score >= SAME_PERSON:
        return True
    return False if match.is_contradiction else None


@overload
def find_person(query: str, names: Mapping[K, str]) -> tuple[K, float] | None: ...
@overload
def find_person(query: str, names: Sequence[str]) -> tuple[int, float] | None: ...
def find_person(
    query: str, names: Mapping[K, str] | Sequence[str]
) -> tuple[K, float] | tuple[int, float] | None:
    """The one candidate that a name means, as (key or index, score).

    None when nobody matches, and when two match about equally: better no answer than the wrong
    person. Enough is a lone surname or an initial, if nobody else could be meant.
    """
    scored: list[tuple[float, K | int]] = []
    pairs: Iterable[tuple[K | int, str]] = (
        names.items() if isinstance(names, Mapping) else enumerate(names)
    )
    for key, name in pairs:
        score = name_match(query, name).score
        if score > 0.0:
            scored.append((score, key))
    if not scored:
        return None
    scored.sort(key=lambda pair: -pair[0])
    score, key = scored[0]
    if score < _FOUND or (len(scored) > 1 and score - scored[1][0] < _CLEAR_LEAD):
        return None
    return key, score  # type: ignore[return-value]
