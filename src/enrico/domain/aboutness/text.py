"""A title or snippet read into words, each with its comparable form and its place."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from enrico.domain.spelling import plain

Case = Literal["sentence", "title", "upper", "lower"]

TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
"""A word of a ``unified`` text, with its apostrophes."""

_LONGEST = 2000
_EXCHANGE = re.compile(r"\bNASDAQ ?: ?|\bNYSE ?: ?")
_DOTTED_LETTER = re.compile(r"\b([A-Za-z])\.(?=[A-Za-z]\b\.?)")


class Word(NamedTuple):
    """One word of a text."""

    text: str
    key: str
    """Folded, without a possessive ending."""
    possessive: bool
    is_capital: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text in words."""

    raw: str
    """The text after ``unified``; the words' places are places in it."""
    words: tuple[Word, ...]
    keys: frozenset[str]
    """The words' keys."""
    case: Case
    """How it is capitalised: a headline in title case gives no name away by its capitals."""

    def gap(self, n: int) -> str:
        """What stands between word n and the next one."""
        if n + 1 >= len(self.words):
            return ""
        return self.raw[self.words[n].end : self.words[n + 1].start]


def folded(text: str) -> str:
    """``spelling.plain``, and the Turkish ı as i: ``Işbank`` and ``Isbank`` are one bank."""
    return plain(text).replace("ı", "i")


def unified(text: str) -> str:
    """One way of writing what is written in several: ``S.A.`` → ``SA.``, ``&`` → ``and``."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("’", "'")
    text = text.replace("&", " and ")
    return _DOTTED_LETTER.sub(r"\1", text) if "." in text else text


def read_text(text: str) -> Text:
    """Reads the first 2,000 characters of a title or snippet; HTML entities are resolved."""
    raw = unified(html.unescape(text[:_LONGEST]))
    if "NASDAQ" in raw or "NYSE" in raw:
        raw = _EXCHANGE.sub(lambda found: found.group().replace(" ", ""), raw)
    words = tuple([Word._make(_read(found[0]) + found.span()) for found in TOKEN.finditer(raw)])
    return Text(raw, words, frozenset([word.key for word in words]), _case_of(words))


@lru_cache(maxsize=16_000)
def _read(text: str) -> tuple[str, str, bool, bool]:
    """What a word is wherever it stands: the first fields of :class:`Word`."""
    key, possessive = folded(text), False
    if "'" in key:
        possessive = key.endswith("'s") and len(key) > 2
        key = key.removesuffix("'s").replace("'", "")
    return text, key, possessive, text[0].isupper()


def _case_of(words: Sequence[Word]) -> Case:
    # Most texts have a word that begins with a capital, which is known already.
    if words and not any(word.is_capital or _has_capital(word.text) for word in words):
        return "lower"
    long = [word for word in words[1:] if len(word.text) >= 4 and word.text.isalpha()]
    if len(long) >= 2 and all(word.text.isupper() for word in long):
        return "upper"
    capitals = sum(word.is_capital for word in long)
    if long and not capitals:
        return "sentence"
    return "title" if len(long) < 2 or capitals >= 0.65 * len(long) else "sentence"


def _has_capital(text: str) -> bool:
    return text != text.lower() and any(map(str.isupper, text))
