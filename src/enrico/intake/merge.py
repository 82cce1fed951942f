"""Choosing one value of many, in a way that no order of rows can change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

OWN_TABLE = 1 << 32
"""One row of the record's own table outweighs any number of others."""

Said = Sequence[Any]
"""A part: whether it stands in the record's own table, how many rows say so, and its values."""


def votes_of(part: Said) -> int:
    """How much a part counts when parts disagree."""
    return int(part[1]) + (OWN_TABLE if part[0] else 0)


def made_id(prefix: str, key: str) -> str:
    """An id for a record that has none: always the same for the same key."""
    return f"{prefix}_{hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:10]}"


def chosen(parts: Iterable[Said], place: int) -> Any:
    """A value: its own table's first, then most rows, then the longest text; None without one."""
    votes: dict[Any, int] = {}
    for part in parts:
        value = part[place]
        if value is not None and value != "" and value != ():
            votes[value] = votes.get(value, 0) + votes_of(part)
    if not votes:
        return None
    if len(votes) == 1:
        return next(iter(votes))
    return min(votes, key=lambda value: (-votes[value], -len(str(value)), str(value)))


def text(parts: Iterable[Said], place: int) -> str:
    """As ``chosen``; empty when there is none."""
    return chosen(parts, place) or ""
