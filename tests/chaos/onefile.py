"""The store reduced to what a paid call needs of it, over one SQLite connection and no thread.

The tables, the statements and ``synchronous=FULL`` are the client's; its pool, its writer's thread
and its shared commits are left out, which are the most of what a short history costs.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Executable, create_engine
from sqlalchemy.pool import NullPool

from enrico.store.database import Operation

_now: list[Path] = []


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(_now[-1])
    connection.execute("PRAGMA synchronous=FULL")
    return connection


# One engine for all histories keeps what it has compiled.
_ENGINE = create_engine("sqlite://", creator=_connect, poolclass=NullPool)


class OneFile:
    """Stands where ``Database`` stands."""

    broken = None

    def __init__(self, path: Path) -> None:
        self.path = path
        _now[:] = [path]
        self._connection = _ENGINE.connect()

    async def write(self, *operations: Operation) -> None:
        """Commit *operations* together."""
        for statement, rows in operations:
            if rows:
                self._connection.execute(statement, list(rows))
        self._connection.commit()
        await asyncio.sleep(0)

    async def rows(self, statement: Executable, **values: Any) -> list[Any]:
        """All rows of a result."""
        found = list(self._connection.execute(statement, values).all())
        self._connection.rollback()
        return found

    async def close(self) -> None:
        """Close the file."""
        self._connection.close()
