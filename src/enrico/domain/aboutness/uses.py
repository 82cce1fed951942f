"""Where the account's name occurs in a text, and what it is there: a firm, or only a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from enrico.domain.aboutness.account import NamedAccount, Spelling
from enrico.domain.aboutness.passing import named_in_passing
from enrico.domain.aboutness.text import Text
from enrico.domain.aboutness.words import (
    ADJECTIVES,
    ARTICLES,
    BEFORE_FIRM_PHRASES,
    BEFORE_FIRMS,
    BEFORE_THINGS,
    COUNTRIES,
    FIRM_WORDS,
    HOUSE_WORDS,
    LEADS,
    LEGAL_FORMS,
    LEGAL_GLUE,
    NO_NAMES,
    PRODUCTS,
    STRONG_VERBS,
    THINGS,
    TO_VERBS,
    VERBS,
    WEAK_VERBS,
)

_WITHIN_NAME = re.compile(r"[\s.&+\-–']{0,3}")
_CLOSE = re.compile(r"[\s,\-–:]{0,3}")
_LEGAL_TAIL = re.compile(r"^(?:\. ?com)?,?(?: (?:Inc|Corp|Corporation|Co|Ltd|plc|AG|SE)\b\.?)?")
_SENTENCE_END = re.compile(r"[.!?:|•–—\"“]\s*$|\s-\s*$")
_TICKER = re.compile(
    r"\W{0,2}\(?(?:NASDAQ|NYSE|LSE|TSX|ASX|OTC\w*|FRA|ETR|EPA|BME|NYSEARCA)[: ]"
    r"|\W{0,2}\(?\$[A-Z]{1,5}\b|\W{0,2}\([A-Z]{2,5}\)"
)
_TOLD_BEFORE = BEFORE_FIRMS | VERBS | LEGAL_GLUE | LEADS


@dataclass(frozen=True, slots=True)
class Use:
    """One place where the name occurs, and what it is there."""

    kind: Literal["subject", "listed", "longer", "word"]
    """As a firm; as a firm in somebody else's story; inside a longer name; as an ordinary word."""
    points: int
    """How much shows that it is a firm, and this one."""
    start: int
    why: str


def uses_of(account: NamedAccount, text: Text) -> list[Use]:
    """Every place where the account's name occurs, the longest spelling at each; none twice."""
    found: list[Use] = []
    taken: set[int] = set()
    for spelling in account.spellings:
        for first, last in _places(text, spelling):
            if taken.isdisjoint(range(first, last + 1)):
                taken.update(range(first, last + 1))
                found.append(_judge(text, first, last, spelling, account))
    return found


def _places(text: Text, name: Spelling) -> Iterator[tuple[int, int]]:
    """First and last word of each occurrence, however it is divided into words there."""
    if not name.splits and name.heads.isdisjoint(text.keys):
        return
    for first, word in enumerate(text.words):
        if name.joined.startswith(word.key):
            last = _end_of(text, first, name)
            if last is not None and _may_stand(text, first, last, name):
                yield first, last


def _end_of(text: Text, first: int, name: Spelling) -> int | None:
    """The last word of a spelling that begins with this one; None when it goes on otherwise."""
    length = 0
    for last in range(first, min(first + len(name.parts) + 1, len(text.words))):
        key = text.words[last].key
        if not name.joined.startswith(key, length):
            return None
        length += len(key)
        if length == len(name.joined):
            return last
        is_half = (
            name.splits
            and min(length, len(name.joined) - length) >= 3
            and text.words[first].is_capital
        )
        if not (length in name.breaks or is_half) or not _WITHIN_NAME.fullmatch(text.gap(last)):
            return None
    return None


def _may_stand(text: Text, first: int, last: int, name: Spelling) -> bool:
    word = text.words[first]
    if first != last and len(name.parts) == 1 and not text.words[last].is_capital:
        return False
    if name.kind == "acronym" or (name.is_upper and text.case in ("sentence", "title")):
        return word.text.isupper() or (word.possessive and word.text[:-2].isupper())
    return True


def _judge(text: Text, first: int, last: int, name: Spelling, account: NamedAccount) -> Use:
    at = text.words[first].start
    is_capital = any(word.is_capital for word in text.words[first : last + 1])
    if name.is_ordinary and not is_capital and text.case in ("sentence", "title"):
        return Use("word", 0, at, "the name is an ordinary word there")
    longer = _longer_name(text, first, last, name, account)
    if longer:
        return Use("longer", 0, at, f"part of a longer name: {longer}")
    if name.is_ordinary and (owner := _owner_of(text, first, last)):
        return Use("longer", 0, at, f"the name of what {owner} makes")
    points = _points_after(text, last) + _points_before(text, first)
    is_plain = len(name.parts) == 1 and name.parts[0].isalpha() and name.kind != "stem"
    if is_plain and not is_capital and text.case == "sentence" and points < 2:
        return Use("word", 0, at, "the name is written as an ordinary word there")
    before = text.words[first - 1].key if first else ""
    if name.is_ordinary and before in BEFORE_THINGS and points < 2:
        points -= 3
    elif is_plain and before in ARTICLES and points == 0:
        points -= 1
    if text.case == "sentence" and is_capital and not _begins_sentence(text, first):
        points += 2
    if name.kind == "full" and not name.is_ordinary:
        if is_capital:
            points += 2 if len(name.parts) > 1 else 1
        elif text.case == "lower":
            points += 1
    listed = named_in_passing(text, first, last)
    if listed:
        return Use("listed", points, at, listed)
    return Use("subject", points, at, "the name stands where a firm's name stands")


def _points_after(text: Text, last: int) -> int:
    """How much the words after a name show that it is a firm's: legal form, ticker, verb, noun."""
    words = text.words
    after = [word.key for word in words[last + 1 : last + 5]]
    near = _LEGAL_TAIL.sub("", text.raw[words[last].end : words[last].end + 40])
    points = 3 if _TICKER.match(near) else 0
    follows = after[0] if after and _CLOSE.fullmatch(text.gap(last)) else ""
    is_form = len(follows) > 1 and follows in LEGAL_FORMS
    if is_form and (words[last + 1].is_capital or text.case == "lower"):
        points += 3
    elif follows in STRONG_VERBS:
        points += 2
    elif follows in WEAK_VERBS or follows in HOUSE_WORDS:
        points += 1
    if words[last].possessive:
        points += 1 if STRONG_VERBS.isdisjoint(after[:3]) else 2
    elif after[:1] == ["to"] and not TO_VERBS.isdisjoint(after[1:2]):
        points += 2
    return points


def _points_before(text: Text, first: int) -> int:
    """How much the words before a name show that it is a firm's: `CEO of`, `startup`, `$`."""
    if not first:
        return 0
    words = text.words
    points = 3 if text.raw[: words[first].start].endswith("$") else 0
    if words[first - 1].key in BEFORE_FIRMS and not text.gap(first - 1).strip():
        points += 1
    if " ".join(word.key for word in words[max(0, first - 2) : first]) in BEFORE_FIRM_PHRASES:
        points += 2
    return points


def _begins_sentence(text: Text, n: int) -> bool:
    return n == 0 or bool(_SENTENCE_END.search(text.gap(n - 1)))


def _longer_name(text: Text, first: int, last: int, name: Spelling, account: NamedAccount) -> str:
    """The longer proper name that ours is part of, empty when there is none."""
    shown = text.raw[text.words[first].start : text.words[last].end]
    if _goes_on(text, last, name, account):
        return f"{shown} {text.words[last + 1].text}"
    if _began_before(text, first, name, account):
        return f"{text.words[first - 1].text} {shown}"
    return ""


def _owner_of(text: Text, first: int, last: int) -> str:
    """The firm in the possessive right before, when a thing's word follows; else empty.

    *Boston Dynamics' Atlas robot*; not *Berlin's Atlas raises* or *Tim Cook's Apple pivots*.
    """
    words = text.words
    if not first or last + 1 >= len(words) or text.gap(last) != " ":
        return ""
    owner, gap = words[first - 1], text.gap(first - 1)
    is_possessive = (owner.possessive and gap == " ") or (owner.key.endswith("s") and gap == "' ")
    is_firm = owner.is_capital and owner.key not in COUNTRIES
    if not is_possessive or not is_firm or words[last + 1].key not in THINGS:
        return ""
    start = first - 1
    while start and words[start - 1].is_capital and text.gap(start - 1) == " ":
        if words[start - 1].key in LEADS:
            break
        start -= 1
    return text.raw[words[start].start : owner.end].removesuffix("'s")


def _goes_on(text: Text, last: int, name: Spelling, account: NamedAccount) -> bool:
    """Whether the next word makes it another name: `Delta` in *Delta Dental*."""
    words = text.words
    if last + 1 >= len(words) or text.gap(last) not in (" ", "-") or words[last].possessive:
        return False
    following = words[last + 1]
    is_known = following.key in NO_NAMES or following.key in account.tail
    if is_known or not (following.is_capital or text.case == "lower"):
        return (
            following.key in FIRM_WORDS
            and following.is_capital
            and following.key not in account.tail
            and _tells_firm(text, last + 2)
        )
    if following.key in PRODUCTS or any(map(str.isdigit, following.key)):
        return False
    is_sure = name.is_ordinary or name.kind != "full" or _tells_firm(text, last + 2)
    if following.key in FIRM_WORDS and is_sure:
        return True
    if not (name.is_ordinary or name.kind == "short"):
        return False
    return _firm_word_ahead(text, last + 1) or (
        text.case == "sentence" and following.text[1:].islower()
    )


def _began_before(text: Text, first: int, name: Spelling, account: NamedAccount) -> bool:
    """Whether the word before is part of the name: `River` in *Red River*."""
    words = text.words
    if not first or text.gap(first - 1) != " " or not words[first].is_capital:
        return False
    previous = words[first - 1]
    if not name.is_ordinary or not previous.is_capital or previous.possessive:
        return False
    if previous.key in account.tail:
        return False
    is_told = previous.key in _TOLD_BEFORE or previous.key.endswith(("ing", "ed"))
    may_be_name = text.case == "sentence" or _begins_sentence(text, first - 1)
    return (not is_told and may_be_name) or previous.key in ADJECTIVES


def _tells_firm(text: Text, n: int) -> bool:
    """Whether word n is one that follows a firm's name."""
    return n < len(text.words) and (text.words[n].key in LEGAL_FORMS or text.words[n].key in VERBS)


def _firm_word_ahead(text: Text, n: int) -> bool:
    """`Phoenix Physical Therapy Names …`: capitals go on to a firm's word, before any verb."""
    for word in text.words[n : n + 3]:
        if word.key in FIRM_WORDS:
            return True
        if not word.is_capital or word.key in VERBS or word.key in LEADS:
            return False
    return False
