"""From a column's header to its meaning: ``Nombre de la empresa`` → ``account.name``.

The words are data, in ``vocabulary.toml``; here is only how headers are compared.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from enrico.domain.spelling import without_accents
from enrico.domain.word_tables import word_set

LITTLE_WORDS = word_set(
    """
    the of for de del la las los du des d l der die das den dem von vom van het een el lo il della
    dell delle di do da dos to an und and y et le les zum zur im o
    """
)
_SLOT_WORDS = {"secondary": "2", "second": "2", "2nd": "2", "third": "3", "3rd": "3", "1st": "1"}
_WRAPPERS = word_set("properties records results items associations data fields attributes")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a header says by itself, before the sheet and the values are looked at."""

    target: str
    """``deal.name``, ``any.title`` (the sheet decides), ``role.champion``, ``ignore``."""
    slot: str = ""
    """Which person of the row: ``2`` for *Contact 2 email*, ``champion`` for *Champion email*."""
    rank: int = 0
    """Of several columns for one field the lowest comes first."""
    note: str = ""
    """What stood in brackets: *Amount (USD)* → ``USD``."""
    named: bool = True
    """The header names the kind of record or is a word of only one kind."""


def fold(text: str) -> str:
    """Lower case, without accents, marks at the end and doubled spaces: what headers share."""
    if not text.isascii():
        text = without_accents(text.replace("ß", "ss").replace("ø", "o"))
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z]{2,}\b)", " ", text).casefold()
    return re.sub(r"\b[ec][- ](?=mails?)", "e", text)


def words(text: str) -> list[str]:
    """The words of a header that carry meaning."""
    return [w for w in re.findall(r"[^\W_]+|#", fold(text)) if w not in LITTLE_WORDS]


def squeeze(parts: list[str]) -> str:
    """Words to one key; *ae*, *oe*, *ue* count as the plain vowel, in tables and headers alike."""
    return "".join(parts).replace("ae", "a").replace("oe", "o").replace("ue", "u")


class _Combined:
    """What a kind of record and a field mean as one word: ``contactemail``, ``emailcontact``.

    A word is taken apart when it is asked for: all of them together are some 70,000.
    """

    def __init__(self, entities: dict[str, str], fields: dict[str, dict[str, str]]) -> None:
        self._kinds = {word: (place, kind) for place, (word, kind) in enumerate(entities.items())}
        self._fields: dict[str, dict[str, tuple[str, int]]] = {}
        """Kind of record → alias of a field → its target and rank."""
        for kind, targets in fields.items():
            known = self._fields[kind] = {}
            for target, text in targets.items():
                full = target if target == "ignore" else f"{kind}.{target}"
                for rank, alias in enumerate(_aliases(text)):
                    known.setdefault(alias, (full, rank))

    def get(self, key: str) -> Meaning | None:
        """Of several ways to take *key* apart, the kind that the vocabulary names first decides;
        then that it stands in front."""
        ways = [
            (known[0], after, found)
            for cut in range(1, len(key))
            for after, (word, alias) in enumerate(((key[:cut], key[cut:]), (key[cut:], key[:cut])))
            if (known := self._kinds.get(word)) and (found := self._fields[known[1]].get(alias))
        ]
        if not ways:
            return None
        _, after, (target, rank) = min(ways)
        return Meaning(target, rank=rank + (60 if after else 50))


@dataclass(frozen=True, slots=True)
class _Tables:
    full: dict[str, Meaning]
    combined: _Combined
    entities: dict[str, str]
    roles: dict[str, str]


@cache
def _vocabulary() -> dict[str, Any]:
    return tomllib.loads(files("enrico.intake").joinpath("vocabulary.toml").read_text("utf-8"))


@cache
def hints(name: str) -> frozenset[str]:
    """Words by which the values of a column, or its language, are told: ``job_title`` …"""
    return frozenset(_vocabulary()["hint"][name].split("|"))


@cache
def tables() -> _Tables:
    """What headers mean, read once."""
    raw = _vocabulary()
    full: dict[str, Meaning] = {}
    for target, aliases in [*raw["bare"].items(), *raw["full"].items()]:
        for rank, alias in enumerate(_aliases(aliases)):
            known = full.get(alias)
            if known is None or known.target == "ignore":
                full[alias] = Meaning(target, rank=rank, named=not target.startswith("any."))
    entities = {
        alias: entity
        for entity, languages in raw["entity"].items()
        for text in languages.values()
        for alias in _aliases(text)
    }
    roles = {alias: role for role, text in raw["role"].items() for alias in _aliases(text)}
    return _Tables(
        full,
        _Combined(entities, raw["field"]),
        entities,
        roles,
    )


def _aliases(text: str) -> list[str]:
    found = [squeeze(words(alias)) for alias in text.replace("\n", " ").split("|")]
    return [alias for alias in found if alias]


@lru_cache(maxsize=20_000)
def meaning(header: str) -> Meaning | None:
    """What this header means; None when it is not in the vocabulary.

    ``Deal - Title`` → deal.name · ``Contact 2 email`` → contact.email, slot 2
    """
    header = unicodedata.normalize("NFC", header).strip().strip("*").strip()
    if not header or len(header) > 120:
        return None
    note = ""
    bracket = re.search(r"[(\[]([^)\]]*)[)\]]", header)
    if bracket:
        note = bracket.group(1).strip()
    custom = header.endswith(("__c", "__r"))
    if custom:
        header = re.sub(r"^[A-Za-z0-9]+__(?=.)", "", header[:-3])
    plain = re.sub(r"[(\[][^)\]]*[)\]]", " ", header)
    plain = re.sub(r"[/:*]in(?:nen)?\b", "", plain)
    options = [header, plain]
    if "/" in plain:
        options += plain.split("/")  # "Kunde / Firma"
    for text in dict.fromkeys(options):
        found = _by_words([w for w in words(text) if w != "#"] or words(text))
        if found is not None:
            return Meaning(found.target, found.slot, found.rank, note, found.named)
    return None


def _by_words(parts: list[str]) -> Meaning | None:
    if len(parts) > 1:
        parts = [p for p in parts if p not in _WRAPPERS] or parts
    found = _lookup(parts)
    if found is not None:
        return found
    slot, rest = _without_slot(parts)
    if slot and rest:
        found = _lookup(rest)
        if found is not None:
            many = found.target.startswith(("contact.", "any.", "role."))
            rank = found.rank + (0 if many else 200)
            return Meaning(found.target, slot if many else "", rank, named=found.named)
    return _role_column(parts)


def _lookup(parts: list[str]) -> Meaning | None:
    key = squeeze(parts)
    table = tables()
    role = table.roles.get(key)
    if role is not None:
        return Meaning(f"role.{role}")
    found = table.full.get(key) or table.combined.get(key)
    if found is None and len(parts) > 2 and parts[0] == parts[1]:
        found = _lookup(parts[1:])  # "Deal - Deal created"
    if (
        found is None
        and len(parts) > 1
        and parts[0] in ("hs", "crm", "sf", "sfdc", "hubspot", "current")
    ):
        found = _lookup(parts[1:])
    for size in range(min(3, len(parts) - 1), 0, -1):
        entity = table.entities.get(squeeze(parts[:size])) if found is None else None
        if entity:
            found = _within(entity, parts[size:])
    return found


def _within(entity: str, parts: list[str]) -> Meaning | None:
    """``Contact: Account Name`` keeps its inner meaning; ``Opportunity.Account.Website`` too."""
    inner = tables().full.get(squeeze(parts)) or tables().combined.get(squeeze(parts))
    if inner is None:
        return None
    if inner.target.startswith("any."):
        return None
    if entity == "role" and inner.target == "contact.name" and len(parts) == 1:
        return inner
    return Meaning(inner.target, rank=inner.rank + 100)


def _without_slot(parts: list[str]) -> tuple[str, list[str]]:
    """The number that tells people of one row apart, and the words without it."""
    for place, part in enumerate(parts):
        if part in _SLOT_WORDS:
            return _SLOT_WORDS[part], parts[:place] + parts[place + 1 :]
        match = re.fullmatch(r"([^\W\d]*?)0*(\d{1,2})([^\W\d]*)", part)
        if match:
            kept = [w for w in (match.group(1), match.group(3)) if w]
            return match.group(2), parts[:place] + kept + parts[place + 1 :]
    return "", parts


def _role_column(parts: list[str]) -> Meaning | None:
    """``Champion email``: a field of the person in that role."""
    roles = tables().roles
    for size in range(1, len(parts)):
        for head, tail in ((parts[:size], parts[size:]), (parts[-size:], parts[:-size])):
            role = roles.get(squeeze(head))
            if role is None:
                continue
            key = squeeze(tail)
            if key in ("ja", "yesno", "flag", "yn", "name") or key in tables().entities:
                return Meaning(f"role.{role}")
            inner = tables().combined.get("contact" + key) or tables().full.get(key)
            if inner is not None and inner.target.startswith("contact."):
                return Meaning(inner.target, slot=role)
    return None


def entity_of(text: str) -> str:
    """Which record a file or sheet is named after: ``hubspot-crm-exports-all-deals`` → ``deal``."""
    parts = words(re.sub(r"\d+", " ", text))
    table = tables()
    for size in (3, 2, 1):
        for place in range(len(parts) - size, -1, -1):
            entity = table.entities.get(squeeze(parts[place : place + size]))
            if entity:
                return entity
    return ""
