"""SQLite: one file, one writing connection on a thread of its own, a lock beside the file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import structlog
from sqlalchemy import Connection, Executable, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from enrico.errors import ConfigError, StoreError
from enrico.store.sql import Compiled, Operation, Rows, compiled

log = structlog.get_logger("enrico.sqlite")

WAIT_FOR_LOCK_SECONDS = 30
SHARED_MEMORY = "/dev/shm"
OLDEST_SQLITE = (3, 35)
"""It joins rows in UPDATE and drops columns."""
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


class Sqlite:
    """One SQLite file. See :class:`enrico.store.database.Backend`."""

    def __init__(self, url: URL) -> None:
        """Raises ConfigError, or StoreError where the file cannot be used."""
        if not url.database:
            raise ConfigError(
                "ENRICO_DATABASE_URL names no file. Write sqlite:///path/to/enrico.db, or "
                "sqlite:///:memory: for a database that nothing outlives."
            )
        self._memory: TemporaryDirectory[str] | None = None
        if url.database == ":memory:":
            # Readers and the writer are connections of their own, with which SQLite's databases in
            # memory do badly: so it is a file where files are memory, or on the disk.
            self._memory = TemporaryDirectory(
                prefix="enrico-", dir=SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
            )
            url = url.set(database=str(Path(self._memory.name) / "enrico.db"))
            log.warning("nothing outlives this database, what is paid for included")
        self.path = path = Path(str(url.database))
        self.where = f"The database {path}"
        if not path.parent.is_dir():
            raise StoreError(
                f"The folder {path.parent} does not exist. Make it, or choose another."
            )
        if path.is_dir():
            raise StoreError(f"{path} is a folder. Name a file in it: {path / 'enrico.db'}.")
        self._try_to_open()
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreError(
                f"This Python has SQLite {sqlite3.sqlite_version}; Enrico needs "
                f"{'.'.join(map(str, OLDEST_SQLITE))} or newer. Use a newer Python or system."
            )
        self.engine = create_async_engine(
            url.set(drivername="sqlite+aiosqlite"),
            connect_args={"timeout": WAIT_FOR_LOCK_SECONDS},
            hide_parameters=True,  # a row in a traceback would name people
        )
        event.listen(self.engine.sync_engine, "connect", lambda connection, _: set_up(connection))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._connection: sqlite3.Connection | None = None

    async def commit(self, operations: Sequence[Operation]) -> None:
        """Write *operations* in one transaction; return when they are on disk."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, operations)

    async def close(self) -> None:
        """Close the file; a commit under way is ended first."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()
        await self.engine.dispose()
        if self._memory is not None:
            self._memory.cleanup()

    def prepare(self, connection: Connection) -> None:
        """See :class:`enrico.store.database.Backend`."""
        self.take_turns(connection)

    def take_turns(self, connection: Connection) -> None:
        """See :class:`enrico.store.database.Backend`."""
        # Python's driver begins no transaction for statements that make tables, and each would be
        # kept by itself: whoever dies in the middle would leave half a database.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def lock(self, work: str) -> FileLock:
        """Who does *work* over this file; see :class:`enrico.store.database.Lock`."""
        ending = "-lock" if work == "run" else f"-{work}-lock"
        return FileLock(self.path.with_name(self.path.name + ending))

    async def workers(self) -> list[str]:
        """None: a file is one process's at a time."""
        return []

    def is_cut_off(self, error: BaseException) -> bool:
        """A file is never far away."""
        return False

    def room(self) -> int | None:
        """Bytes free where the file lies."""
        stats = os.statvfs(self.path.resolve().parent)
        return stats.f_bavail * stats.f_frsize

    async def scrub(self) -> None:
        """Write the file anew without free pages, and empty its write-ahead log."""
        needed = self.path.stat().st_size
        if (self.room() or 0) < 2 * needed:
            raise StoreError(
                f"What was to be erased is deleted, but old pages of {self.path} may still hold "
                f"it: writing the file anew needs {2 * needed // 2**20 + 1} MiB free. Free some "
                "space and run the same command again."
            )
        await asyncio.get_running_loop().run_in_executor(self._thread, self._scrub)

    def _scrub(self) -> None:
        connection = self._opened()
        connection.execute("VACUUM")
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise StoreError(
                f"What was to be erased is deleted, but another program is reading {self.path}, so "
                "its log may still hold it. Close that program and run the same command again."
            )

    def why(self, error: BaseException) -> str:
        """What went wrong, why, and what to do; never the data."""
        cause = next(
            iter(str(getattr(error, "orig", None) or error).splitlines()), type(error).__name__
        )
        if "full" in cause or (isinstance(error, OSError) and error.errno == 28):
            return (
                f"{self.where} cannot be written: the disk is full. Nothing more was sent. "
                "Free some space and run the same command again; it goes on from there."
            )
        if "readonly" in cause or "unable to open" in cause:
            return (
                f"{self.where} cannot be opened for writing ({cause}). "
                "Check the path and its rights."
            )
        if "malformed" in cause:
            return (
                f"{self.where} is damaged, or half a copy ({cause}). Nothing more was sent. Copy "
                "it again while nobody uses it, together with the one that ends in -wal, if there "
                "is one; or restore a backup."
            )
        if "not a database" in cause:
            return f"{self.where} is not an Enrico database ({cause}). Choose another file."
        if "locked" in cause:
            return f"{self.where} is locked by another program. Close that program and try again."
        return f"{self.where} refused: {cause}."

    def _try_to_open(self) -> None:
        """Raise StoreError for a file that SQLite cannot use, before a pool keeps trying."""
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT_FOR_LOCK_SECONDS)) as connection:
                connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.Error as error:
            raise StoreError(self.why(error)) from error

    def _commit(self, operations: Sequence[Operation]) -> None:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in operations:
                made = _compiled(statement, tuple(rows[0]))
                connection.executemany(made.sql, _with(made.constants, rows))
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled it back already
                connection.execute("ROLLBACK")
            raise

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self.path, timeout=WAIT_FOR_LOCK_SECONDS, isolation_level=None
            )
            set_up(self._connection)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class FileLock:
    """A lock that belongs to the process, so it is free again the moment the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    async def try_to_acquire(self, *, waits: bool = False) -> bool:
        """Take the lock unless another process has it; nobody has it in turns."""
        try:
            self._file = self._path.open("a")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await self.release()
            return False
        return True

    async def release(self) -> None:
        """Let the next one in."""
        if self._file is not None:
            self._file.close()
            self._file = None


@lru_cache(maxsize=256)
def _compiled(statement: Executable, names: tuple[str, ...]) -> Compiled:
    return compiled(statement, _DIALECT, names)


def _with(constants: Mapping[str, Any], rows: Rows) -> Iterable[Mapping[str, Any]]:
    return [{**constants, **row} for row in rows] if constants else rows
