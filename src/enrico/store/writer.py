"""Rows into SQLite: one connection on a thread of its own, one transaction for each group.

SQLAlchemy is asked once for each statement what it means in SQL; to let it execute every row costs
many times what SQLite takes for the row (decision 0016). Another database needs a class like this
one over its own driver, and nothing else.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.compiler import SQLCompiler

Rows = Sequence[Mapping[str, Any]]
Operation = tuple[Executable, Rows]

WAIT_FOR_LOCK_SECONDS = 30
_DIALECT = sqlite.dialect(paramstyle="named")


def set_up(connection: Any) -> None:
    """What every connection to the database needs."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # NORMAL survives a killed process but loses acknowledged rows at a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is deleted or replaced is overwritten, not only marked as free.
    cursor.execute("PRAGMA secure_delete=ON")
    # What is sorted for 100,000 deals is 80 MB; in a file it costs no more time.
    cursor.execute("PRAGMA temp_store=FILE")
    cursor.close()


class Writer:
    """Commits groups of operations to one file. Opens it at the first group."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._connection: sqlite3.Connection | None = None

    async def commit(self, operations: Sequence[Operation]) -> None:
        """Write *operations* in one transaction; return when they are on disk.

        All rows of an operation have the same keys. Raises sqlite3.Error.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, operations)

    async def close(self) -> None:
        """Close the file; a commit under way is ended first."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _commit(self, operations: Sequence[Operation]) -> None:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in operations:
                sql, constants = _compiled(statement, tuple(rows[0]))
                connection.executemany(sql, _with(constants, rows))
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled it back already
                connection.execute("ROLLBACK")
            raise

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=WAIT_FOR_LOCK_SECONDS, isolation_level=None
            )
            set_up(self._connection)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@lru_cache(maxsize=256)
def _compiled(statement: Executable, names: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """The SQL of *statement* for rows with these keys, and the values that are in it already."""
    compiled = statement.compile(dialect=_DIALECT, column_keys=list(names))  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)
    constants = {
        name: bind.effective_value
        for name, bind in compiled.binds.items()
        if name not in names and not bind.required
    }
    return compiled.string, constants


def _with(constants: Mapping[str, Any], rows: Rows) -> Iterable[Mapping[str, Any]]:
    return [{**constants, **row} for row in rows] if constants else rows
