"""Cells that are not text yet (numbers, dates, lists) become text that keeps what they were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

Row = tuple[int, list[str]]
"""A row's number, as a spreadsheet shows it, and its cells."""


Cells = tuple[str, ...]
"""The cells of some columns of a row."""


class Native(str):
    """Text of a cell that the file held as a number: its point is a decimal point for sure."""

    __slots__ = ()


def cell_text(value: object) -> str:
    """``5001.0`` → ``5001`` · a date → ``2026-11-20`` · a list → joined with ``;``."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return ""
        if value.is_integer() and abs(value) < 1e15:
            return Native(int(value))
        return Native(repr(value))
    if isinstance(value, int):
        return Native(value)
    if isinstance(value, Decimal):
        return Native(f"{value:f}")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ";".join(filter(None, (cell_text(item) for item in value)))
    if isinstance(value, time | timedelta):
        return str(value)
    return str(value)


_BETWEEN, _NATIVE = "\x1f", "\x1e"


def packed(cells: Iterable[str]) -> str:
    """Cells as one text, from which ``unpacked`` makes them again."""
    return _BETWEEN.join(
        (_NATIVE if isinstance(cell, Native) else "") + cell.replace(_BETWEEN, " ")
        for cell in cells
    )


def unpacked(text: str) -> Cells:
    """What was ``packed``."""
    return tuple(
        Native(cell[1:]) if cell.startswith(_NATIVE) else cell for cell in text.split(_BETWEEN)
    )


_SHOWN = 5


@dataclass(slots=True)
class RowNumbers:
    """How many rows, and the first of them; as text ``3, 4, 9, 12, 20 …``"""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        """Count a row."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(number)

    def __str__(self) -> str:
        return ", ".join(map(str, self.first)) + (" …" if self.count > _SHOWN else "")
