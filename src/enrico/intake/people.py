"""People's names: one name into first and last, and cells that hold several people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from enrico.domain.word_tables import word_set
from enrico.intake.evidence import are_job_titles, is_buying_role
from enrico.intake.values import clean


@dataclass(frozen=True, slots=True)
class Person:
    """A person as found inside a cell."""

    name: str = ""
    email: str = ""
    title: str = ""
    role: str = ""


_SALUTATIONS = word_set(
    """
    mr mrs ms miss mx dr prof sir madam herr frau hr fr mme mlle m sr sra srta don dona dott dottssa
    sig sigra ing dhr mevr mw drs dipl
    """
)


@lru_cache(maxsize=20_000)
def split_name(full: str) -> tuple[str, str]:
    """``Doe, Jane`` and ``Dr. Jane Doe`` → (``Jane``, ``Doe``); one word is a last name."""
    text = clean(full).strip(" ,;")
    if not text:
        return "", ""
    parts = text.split(" ")
    if len(parts) == 1:
        return "", text
    plain = "," not in text and "." not in text and "(" not in text and '"' not in text
    if plain and len(parts) == 2 and parts[0].lower() not in _SALUTATIONS:
        return parts[0], parts[1]
    from nameparser import HumanName

    name = HumanName(text)
    first = " ".join(p for p in (name.first, name.middle) if p)
    last = str(name.last)
    if not first and not last:
        return "", text
    if not last:
        return ("", first) if name.title else (parts[0], " ".join(parts[1:]))
    return first, last


def people_in(cell: str) -> list[Person]:
    """``Jane Doe (CFO), Tom Roe <tom@x.com>`` → two people, in the order of the cell."""
    text = cell.replace("\r", "\n").strip()
    hard = re.split(r"[;\n|•]+", text) if re.search(r"[;\n|•]", text) else None
    pieces = [q for p in hard for q in _by_commas(p)] if hard else _by_commas(text)
    found = [_person(piece) for piece in pieces]
    return [p for p in found if p.name or p.email]


def _by_commas(text: str) -> list[str]:
    """Commas divide people, but not in brackets, before a title, or in *Doe, Jane*."""
    parts = [
        p.strip()
        for p in re.split(
            r",(?![^(<\[]*[)>\]])|/(?=\s)|\s&\s|\s(?:and|und|et|y|e|en)\s(?=[A-ZÀ-Ž])", text
        )
        if p.strip()
    ]
    if len(parts) < 2:
        return parts
    if len(parts) == 2 and not re.search(r"[@(]", text) and _is_one_name(*parts):
        return [text]
    joined: list[str] = []
    for part in parts:
        name_before = joined and "(" not in joined[-1] and re.search(r"[^\W\d]", joined[-1])
        is_address = bool(re.fullmatch(r"<?[^\s@<>]+@[^\s@<>]+>?", part))
        if (
            name_before
            and "@" not in joined[-1]
            and (is_address or (_is_title(part) and " - " not in part and "(" not in part))
        ):
            joined[-1] += f" <{part.strip('<>')}>" if is_address else f" ({part})"
        else:
            joined.append(part)
    return joined


def _is_one_name(before: str, after: str) -> bool:
    """``Doe, Jane`` and ``Jane Doe, PhD``; not ``Jane Doe, Tom Roe`` or ``Jane Doe, CFO``."""
    if _is_title(after) or (len(before.split()) > 1 and len(after) > 4):
        return False
    return len(after.split()) == 1 or (len(before.split()) == 1 and len(after.split()) < 3)


def _is_title(text: str) -> bool:
    return "@" not in text and are_job_titles([text])


def _person(piece: str) -> Person:
    email = ""
    match = re.search(r"<?\s*(?:mailto:)?([^\s<>(),;\[\]]+@[^\s<>(),;\[\]]+)\s*>?", piece)
    if match:
        email = match.group(1).strip(".,;:")
        piece = f"{piece[: match.start()]} {piece[match.end() :]}"
    notes = [
        clean(a or b).strip(" ,;/") for a, b in re.findall(r"\(([^()]*)\)|\[([^\[\]]*)\]", piece)
    ]
    rest = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|[<>]", " ", piece)
    dash = re.split(r"\s+[–—|/-]+\s+|:\s+", rest.strip(" -–—,:"), maxsplit=1)
    notes += [clean(part) for part in dash[1:]]
    name = clean(dash[0]).strip(" -–—,:\"'")
    # "(CFO, Decision Maker)" and "(CFO / Champion)" hold a title and a role.
    parts = [
        p.strip()
        for note in notes
        for p in ([note] if _whole_title(note) else re.split(r"[,/]", note))
        if p.strip()
    ]
    role = next((p for p in parts if is_buying_role(p)), "")
    title = ", ".join(p for p in parts if p != role)
    if not re.search(r"[^\W\d_]", name):
        name = ""
    return Person(name, email, title, role)


def _whole_title(note: str) -> bool:
    return not re.search(r"[,/]", note) or not any(
        is_buying_role(p) for p in re.split(r"[,/]", note)
    )
