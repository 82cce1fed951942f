"""Finds people in texts and JSON documents, and takes them out.

A person is found by an address, a profile, a phone number, or the full name; never by a first name
or a family name alone, for those are other people's too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from enrico.domain.identity import addresses_in, linkedin_key
from enrico.domain.spelling import fold

GONE = "[forgotten]"
_ADDRESS = re.compile(r"[^\s\"'<>()\[\]{},;|]+@[^\s\"'<>()\[\]{},;|]+")
_PROFILE = re.compile(r"(?:https?://)?[\w.]*linkedin\.com/in/[^\s\"'<>,;]+", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d[\d\s().\-/]{5,}\d")
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"[\s\W_]{1,3}")
LEAST_DIGITS = 7


def words_of(name: str) -> tuple[str, ...]:
    """A name as it is compared: ``Jean-Luc O'Neil`` → ``("jean", "luc", "o", "neil")``."""
    return tuple(fold(word) for word in _WORD.findall(name))


def digits_of(phone: str) -> str:
    """The digits of a phone number; empty for what is too short to be one."""
    digits = "".join(character for character in phone if character.isdigit())
    return digits if len(digits) >= LEAST_DIGITS else ""


@dataclass(slots=True)
class Finder:
    """Knows how some people are written. Matching forms: see ``domain.identity``."""

    keys: set[str] = field(default_factory=set)
    profiles: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    names: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    """First word → the names that begin with it."""

    def add_name(self, *parts: str) -> None:
        """A full name, in both orders; a single word is nobody's alone."""
        if not all(parts):
            return
        for order in (parts, parts[::-1]):
            words = words_of(" ".join(order))
            if len(words) > 1 and max(map(len, words)) > 1:
                self.names.setdefault(words[0], set()).add(words)

    def unnamed(self) -> Finder:
        """The same without names: for what is about other people, too."""
        return Finder(self.keys, self.profiles, self.phones)

    # -- texts ----------------------------------------------------------------------------

    def without(self, text: str) -> str:
        """*text* with everybody known replaced by ``[forgotten]``."""
        if "@" in text:
            text = _ADDRESS.sub(self._address, text)
        if "linkedin" in text.lower():
            text = _PROFILE.sub(self._profile, text)
        if self.phones:
            text = _PHONE.sub(self._phone, text)
        return self._without_names(text) if self.names else text

    def names_one(self, text: str) -> bool:
        """Whether anybody known is in *text*."""
        return self.without(text) != text

    def _address(self, match: re.Match[str]) -> str:
        known = any(check.key in self.keys for check in addresses_in(match[0]))
        return GONE if known else match[0]

    def _profile(self, match: re.Match[str]) -> str:
        return GONE if linkedin_key(match[0]) in self.profiles else match[0]

    def _phone(self, match: re.Match[str]) -> str:
        return GONE if digits_of(match[0]) in self.phones else match[0]

    def _without_names(self, text: str) -> str:
        spans = self._spans(text)
        for start, end in reversed(spans):
            text = text[:start] + GONE + text[end:]
        return text

    def _spans(self, text: str) -> list[tuple[int, int]]:
        found = list(_WORD.finditer(text))
        spans: list[tuple[int, int]] = []
        for place, match in enumerate(found):
            names = self.names.get(fold(match[0]))
            if not names or (spans and match.start() < spans[-1][1]):
                continue
            ends = [end for name in names if (end := _end_of(name, text, found, place))]
            if ends:
                spans.append((match.start(), max(ends)))
        return spans

    # -- documents ------------------------------------------------------------------------

    def without_in(self, value: Any) -> Any:
        """A JSON value with every text in it treated as by :meth:`without`."""
        if isinstance(value, str):
            return self.without(value)
        if isinstance(value, list):
            return [self.without_in(inner) for inner in value]
        if isinstance(value, dict):
            return {name: self.without_in(inner) for name, inner in value.items()}
        return value

    def knows(self, texts: Iterable[str]) -> bool:
        """Whether one of these addresses or profiles is of somebody known."""
        return any(self.unnamed().names_one(text) for text in texts if text)


def _end_of(name: tuple[str, ...], text: str, found: list[re.Match[str]], first: int) -> int:
    """Where *name* ends that begins with the word at *first*; 0 when it does not stand there."""
    words = found[first : first + len(name)]
    if len(words) < len(name):
        return 0
    for place, (match, wanted) in enumerate(zip(words, name, strict=True)):
        if fold(match[0]) != wanted:
            return 0
        if place and not _BETWEEN.fullmatch(text, words[place - 1].end(), match.start()):
            return 0
    return words[-1].end()
