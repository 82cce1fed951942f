"""How an account's name may be written: in full, short, as initials, as its domain has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Literal

from enrico.domain.aboutness.text import TOKEN, folded, unified
from enrico.domain.aboutness.words import (
    FIRM_WORDS,
    HOUSE_WORDS,
    LEGAL_FORMS,
    LEGAL_GLUE,
    ORDINARY_ENDING,
    ORDINARY_WORDS,
    PLACEHOLDERS,
    SHARED_HOSTS,
)
from enrico.domain.identity import registered_part
from enrico.domain.identity_tables import CJK_LEGAL_FORMS

_LEFT_OUT = FIRM_WORDS | HOUSE_WORDS | LEGAL_GLUE
"""What the end of a name may lack when it is written short."""

SpellingKind = Literal["full", "short", "acronym", "stem"]
"""``short``: without its last words (`Acme` for Acme Software). ``acronym``: the initials.
``stem``: what the domain begins with."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One spelling of the account's name."""

    parts: tuple[str, ...]
    """Folded words, split at CamelCase too: `SimpleIcons` → simple, icons."""
    joined: str
    """The parts in one word."""
    heads: frozenset[str]
    """What its first word may be in a text: its first parts in one word, as many as you like."""
    breaks: frozenset[int]
    """Places in ``joined`` where one part ends and the next begins."""
    kind: SpellingKind
    is_ordinary: bool
    """An ordinary word, or so short that it may be one."""
    is_upper: bool
    """Written in capitals only (`SAP`): lower case is another word."""
    splits: bool
    """One long word without a visible break, which others may write as two."""


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """What is known of an account when a text is searched for it."""

    spellings: tuple[Spelling, ...]
    """The longest first: what is part of a longer spelling is not found again."""
    tail: frozenset[str]
    """Words of its own full name: no sign of another firm when they follow."""
    legal: frozenset[str]
    """Its legal form, word by word."""
    domain: str
    """The registered part; empty when unknown."""
    stem: str
    """The first label of the domain, without hyphens."""
    has_own_site: bool
    """Whether the domain is the account's own, and not a host that many share."""
    has_ordinary_stem: bool


@lru_cache(maxsize=4096)
def account_of(name: str, domain: str) -> NamedAccount:
    """The spellings of one account; kept, because each account is asked about many times.

    `Acme Software, Inc.`, acme.com → acme software (full), acme (short).
    """
    host = registered_host(domain)
    label = host.split(".")[0]
    stem = label.replace("-", "")
    if not name.strip() or folded(name).strip() in (folded(domain).strip(), host):
        name = label.replace("-", " ")  # its domain is all that is known of it
    for form in CJK_LEGAL_FORMS:
        name = name.replace(form, " ").strip() or name
    bare = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", unified(name[:200]))
    bare = re.sub(r"\.(?:com|io|ai|net|org)\b", "", bare, flags=re.IGNORECASE)
    words = TOKEN.findall(bare)
    legal: set[str] = set()
    while len(words) > 1 and (
        folded(words[-1]) in LEGAL_FORMS or (legal and folded(words[-1]) in LEGAL_GLUE)
    ):
        legal.add(folded(words.pop()))
    if len(words) > 1 and folded(words[0]) == "the":
        words = words[1:]
    is_placeholder = "".join(map(folded, words)) in PLACEHOLDERS or not any(map(str.isalnum, bare))
    spellings = [] if is_placeholder else _spellings(words, label, host)
    return NamedAccount(
        spellings=tuple(sorted(spellings, key=lambda s: (-len(s.joined), s.kind))),
        tail=frozenset(map(folded, words)),
        legal=frozenset(legal),
        domain=host,
        stem=stem,
        has_own_site=bool(host) and host not in SHARED_HOSTS,
        has_ordinary_stem=is_ordinary(stem),
    )


def _spellings(words: list[str], label: str, host: str) -> list[Spelling]:
    found: dict[tuple[str, ...], Spelling] = {}
    stem = label.replace("-", "")

    def add(words: Sequence[str], kind: SpellingKind) -> None:
        spelling = _spelling(words, kind)
        if len(spelling.joined) >= 2:
            found.setdefault(spelling.parts, spelling)

    if words:
        add(words, "full")
        short = list(words)
        while len(short) > 1 and folded(short[-1]) in _LEFT_OUT:
            short.pop()
        if len(short) < len(words):
            add(short, "short")
        initials = "".join(word[0] for word in words if folded(word) not in LEGAL_GLUE)
        if len(initials) >= 3 and initials.isalpha():
            if initials.casefold() == stem:  # ibm.com says whose letters they are
                add([initials], "stem")
            else:
                add([initials.upper()], "acronym")
        if host not in SHARED_HOSTS and (longer := _as_in_domain(words, label)):
            found.setdefault(longer.parts, longer)
    if len(stem) >= 4 and host not in SHARED_HOSTS and not is_ordinary(stem):
        is_told = any(stem.startswith(known.joined) for known in found.values())  # aiming-inc.com
        if not is_told:
            add([stem], "stem")
    return list(found.values())


def _as_in_domain(words: Sequence[str], label: str) -> Spelling | None:
    """The name with the words that the domain adds: `Atlas`, atlas-shipping.com → atlas shipping;
    atlascopperworks.com → atlas copperworks. None when it adds none."""
    name = _spelling(words, "full")
    rest, at = label, 0
    while rest and at < len(name.joined) and rest[0] in (name.joined[at], "-"):
        at += rest[0] != "-"
        rest = rest[1:]
    added = tuple(filter(None, rest.split("-")))
    if at < len(name.joined) or not added or len("".join(added)) < 3:
        return None
    parts = name.parts + added
    return Spelling(
        parts=parts,
        joined="".join(parts),
        heads=frozenset(accumulate(parts)),
        breaks=frozenset(accumulate(map(len, parts[:-1]))),
        kind="full",
        is_ordinary=False,
        is_upper=False,
        splits=len(added) == 1 and len(added[0]) >= 8 and added[0].isalpha(),
    )


def _spelling(words: Sequence[str], kind: SpellingKind) -> Spelling:
    parts = tuple(folded(part).replace("'", "") for word in words for part in _camel_parts(word))
    joined = "".join(parts)
    is_one_word = len(words) == 1 and kind != "stem"
    is_one_part = is_one_word and len(parts) == 1
    return Spelling(
        parts=parts,
        joined=joined,
        heads=frozenset(accumulate(parts)),
        breaks=frozenset(accumulate(map(len, parts[:-1]))),
        kind=kind,
        is_ordinary=is_one_part and (is_ordinary(joined) or len(joined) <= 3),
        is_upper=is_one_word and words[0].isupper() and len(joined) <= 5,
        splits=is_one_part and len(joined) >= 8 and joined.isalpha(),
    )


def _camel_parts(word: str) -> list[str]:
    """`SimpleIcons` → Simple, Icons; `GitHub` → Git, Hub; `eBay` and `IBMers` stay."""
    pieces = re.findall(r"[^\W\d_][^\WA-Z\d_]+|[A-Z]+(?![^\WA-Z\d_])|\d+", word)
    if "".join(pieces) != word or any(len(piece) < 2 for piece in pieces):
        return [word]
    return pieces


def is_ordinary(word: str) -> bool:
    """Whether a folded word is one of the dictionary, so that it may stand for anything."""
    return (
        word in ORDINARY_WORDS
        or word in FIRM_WORDS
        or (word.endswith("s") and word[:-1] in ORDINARY_WORDS)
        or bool(ORDINARY_ENDING.fullmatch(word))
    )


def registered_host(host: str) -> str:
    """The registered part of a host as written: `News.Acme.co.uk:8080` → `acme.co.uk`."""
    host = folded(host).strip().strip(".").split("/")[0].split(":")[0]
    return registered_part(host) if host else ""
