"""Sequences that lie on disk: read anew on each pass, some at a time."""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar, overload

from enrico.intake.result import Unusable

_SHOWN = 5

T_co = TypeVar("T_co", covariant=True)


class OnDisk(Sequence[T_co], Generic[T_co]):
    """A sequence that is never in memory as a whole. Equal to any sequence of the same items."""

    @abstractmethod
    def __iter__(self) -> Iterator[T_co]: ...

    @overload
    def __getitem__(self, place: int) -> T_co: ...
    @overload
    def __getitem__(self, place: slice) -> list[T_co]: ...
    def __getitem__(self, place: int | slice) -> T_co | list[T_co]:
        """By reading up to it: meant for the first few."""
        if isinstance(place, slice):
            return list(islice(self, *place.indices(len(self))))
        number = place + len(self) if place < 0 else place
        if number >= 0:
            for item in islice(self, number, None):
                return item
        raise IndexError(place)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        first = [repr(item) for item in self[:_SHOWN]]
        more = [f"… and {len(self) - _SHOWN} more"] if len(self) > _SHOWN else []
        return f"[{', '.join([*first, *more])}]"


class UnusableRows(OnDisk[Unusable]):
    """What gave no record, sorted by file, sheet and row."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-2000;"
            "CREATE TABLE unusable(place INTEGER, row INTEGER, phase INTEGER, n INTEGER,"
            " reason TEXT, mend TEXT, PRIMARY KEY (place, row, phase, n)) WITHOUT ROWID; BEGIN;"
        )
        self._places: dict[tuple[str, str], int] = {}
        self.last = 0
        """The number of the row that was added last; see ``take_back``."""

    def add(self, row: Unusable, phase: int = 0) -> None:
        """Keep what was refused; *phase* orders what is said of one and the same row."""
        place = self._places.setdefault((row.file, row.sheet), len(self._places))
        self.last += 1
        values = (place, row.row, phase, self.last, row.reason, row.mend)
        self._db.execute("INSERT INTO unusable VALUES (?,?,?,?,?,?)", values)

    def take_back(self, last: int) -> None:
        """Forget what was added after the row of that number."""
        self._db.execute("DELETE FROM unusable WHERE n > ?", (last,))

    def __iter__(self) -> Iterator[Unusable]:
        query = "SELECT row, reason, mend FROM unusable WHERE place = ? ORDER BY row, phase, n"
        for file, sheet in sorted(self._places):
            for row, reason, mend in self._db.execute(query, (self._places[file, sheet],)):
                yield Unusable(file, sheet, row, reason, mend)

    def __len__(self) -> int:
        (count,) = self._db.execute("SELECT count(*) FROM unusable").fetchone()
        return int(count)
