"""Choosing one value of many, in a way that no order of rows can change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol


class Part(Protocol):
    """What a choice looks at."""

    weight: int
    home: bool


def made_id(prefix: str, key: str) -> str:
    """An id for a record that has none: always the same for the same key."""
    return f"{prefix}_{hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:10]}"


def chosen(parts: Iterable[Any], name: str) -> Any:
    """A field's value: its own table's first, then most rows, then the longest text."""
    votes: dict[Any, int] = {}
    for part in parts:
        value = getattr(part, name)
        if value is not None and value != "" and value != ():
            votes[value] = votes.get(value, 0) + part.weight + (1 << 40 if part.home else 0)
    if not votes:
        return None
    if len(votes) == 1:
        return next(iter(votes))
    return min(votes, key=lambda value: (-votes[value], -len(str(value)), str(value)))


def text(parts: Iterable[Any], name: str) -> str:
    """As ``chosen``; empty when there is none."""
    return chosen(parts, name) or ""
