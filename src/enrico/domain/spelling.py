"""How words are compared: without case, accents and curly apostrophes, umlauts written out or not.

Which function a rule uses is part of the rule: what is kept by one key must be asked for by the
same key.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

LETTERS: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
"""Letters that Unicode takes for letters of their own, and other countries' keyboards lack."""

_UMLAUTS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
)


class _Marks(dict[int, int | None]):
    """For ``str.translate``: drops combining marks. Fills itself, so each character is asked once.

    Twice as quick as asking Unicode about every character of every text.
    """

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.combining(chr(code)) else code
        self[code] = kept
        return kept


_WITHOUT_MARKS: Final = _Marks()


def without_accents(text: str) -> str:
    """``Zürich`` → ``Zurich``. Case stays, and so do letters such as ø (see ``fold``)."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text).translate(_WITHOUT_MARKS)


def plain(text: str) -> str:
    """How news and search results are compared: ``L’Oréal`` → ``l'oreal``; ø stays ø."""
    if text.isascii():
        return text.lower()
    # Marks go last: lower case makes letters of some of them.
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return decomposed.casefold().translate(_WITHOUT_MARKS)


def plain_line(text: str) -> str:
    """As ``plain``, in one line with single spaces."""
    return " ".join(plain(text).split())


@lru_cache(maxsize=16_000)
def fold(text: str) -> str:
    """How names and titles are compared: ``Müller`` → ``muller``, ``Łukasz`` → ``lukasz``."""
    if text.isascii():
        return text.lower()
    return without_accents(unicodedata.normalize("NFKC", text).casefold().translate(LETTERS))


def written_out(text: str) -> str:
    """As keyboards without umlauts write it: ``Müller`` → ``Mueller``."""
    return text.translate(_UMLAUTS)
