"""Choosing one value of many, in a way that no order of rows can change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol


class Part(Protocol):
    """What a choice looks at."""

    weight: int
    """Number of rows that say so."""
    home: bool
    """Whether they stand in the record's own table."""


_OWN_TABLE = 1 << 40
"""One row of the record's own table outweighs any number of others."""


def own_table_votes(part: Part) -> int:
    """What a part's own table adds to its votes; 0 when it stands in another."""
    return _OWN_TABLE if part.home else 0


def votes_of(part: Part) -> int:
    """How much a part counts when parts disagree."""
    return part.weight + own_table_votes(part)


def made_id(prefix: str, key: str) -> str:
    """An id for a record that has none: always the same for the same key."""
    return f"{prefix}_{hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:10]}"


def chosen(parts: Iterable[Any], name: str) -> Any:
    """A field's value: its own table's first, then most rows, then the longest text."""
    votes: dict[Any, int] = {}
    for part in parts:
        value = getattr(part, name)
        if value is not None and value != "" and value != ():
            votes[value] = votes.get(value, 0) + votes_of(part)
    if not votes:
        return None
    if len(votes) == 1:
        return next(iter(votes))
    return min(votes, key=lambda value: (-votes[value], -len(str(value)), str(value)))


def text(parts: Iterable[Any], name: str) -> str:
    """As ``chosen``; empty when there is none."""
    return chosen(parts, name) or ""
