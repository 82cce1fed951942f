"""Open the database, and write to it in grouped commits.

One writer gathers what callers hand in while the disk is busy and commits it at once, with
``synchronous=FULL``: an acknowledged row survives a power cut, and a commit is shared by all who
wait for it. Reads go through connections of their own and see the last commit.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Executable, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from enrico.errors import ConfigError, StoreError
from enrico.store.tables import metadata
from enrico.store.writer import WAIT_FOR_LOCK_SECONDS, Operation, Rows, Writer, set_up

__all__ = ["Database", "Operation", "Rows", "RunLock", "disk_free", "open_database"]

SCHEMA_VERSION = "0003"
OLDEST_SQLITE = (3, 35)
"""It joins rows in UPDATE and drops columns."""
LARGEST_GROUP = 2_000


class Database:
    """One open database. Use :func:`open_database`."""

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self.engine = engine
        self.path = path
        self._writer = Writer(path)
        self._queue: asyncio.Queue[tuple[Sequence[Operation], asyncio.Future[None]]] = (
            asyncio.Queue()
        )
        self._writing: asyncio.Task[None] | None = None
        self.broken: StoreError | None = None
        self.commits = 0

    async def write(self, *operations: Operation) -> None:
        """Commit *operations* together; return when they are on disk.

        Raises StoreError when the database refuses, and from then on at once: nothing more may be
        bought when its answer could not be kept.
        """
        if self.broken is not None:
            raise self.broken
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_groups(), name="writer")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((operations, done))
        # A caller that is cancelled cancels its future only: what was handed in, which may be a
        # paid answer, is written all the same.
        await done

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees the last commit."""
        try:
            async with self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(_sentence(error, self.path)) from error

    @asynccontextmanager
    async def change(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of its own, for statements that read and write; rows go to :meth:`write`.

        Raises StoreError, as :meth:`write` does.
        """
        try:
            async with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(_sentence(error, self.path)) from error

    async def rows(self, statement: Executable, **values: Any) -> list[Any]:
        """All rows of a small result."""
        async with self.read() as connection:
            return list((await connection.execute(statement, values)).all())

    async def close(self) -> None:
        """Finish what was handed in, then close."""
        if self._writing is not None and not self._writing.done():
            await self._queue.join()
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._writer.close()
        await self.engine.dispose()

    async def _write_groups(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < LARGEST_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            if self.broken is None:
                try:
                    await self._commit([operations for operations, _ in group])
                except Exception as cause:  # whatever it is: those who wait must be told
                    self.broken = StoreError(_sentence(cause, self.path))
            for _, done in group:
                if not done.done():
                    if self.broken is None:
                        done.set_result(None)
                    else:
                        done.set_exception(self.broken)
                        done.exception()  # a caller that went away leaves no warning
                self._queue.task_done()

    async def _commit(self, group: Iterable[Sequence[Operation]]) -> None:
        # Equal statements of one group become one execution with many rows. Their order does not
        # matter across statements: a call's later state is only written after the earlier commit.
        merged: dict[int, tuple[Executable, list[Mapping[str, Any]]]] = {}
        for operations in group:
            for statement, rows in operations:
                if rows:
                    merged.setdefault(id(statement), (statement, []))[1].extend(rows)
        await self._writer.commit(list(merged.values()))
        self.commits += 1


async def open_database(url: str) -> Database:
    """Open (and make, or bring up to date) the database at *url*.

    Raises ConfigError for a URL that is not understood, StoreError when it cannot be opened.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(
            "ENRICO_DATABASE_URL is not a database URL. Write sqlite:///path/to/enrico.db."
        ) from None
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(
            f"This version keeps its data in SQLite; {parsed.get_backend_name()} is not "
            "supported yet. Set ENRICO_DATABASE_URL=sqlite:///path/to/enrico.db, or unset it."
        )
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigError(
            "ENRICO_DATABASE_URL names no file, and what was paid for must outlive the process. "
            "Write sqlite:///path/to/enrico.db."
        )
    path = Path(parsed.database)
    if not path.parent.is_dir():
        raise StoreError(f"The folder {path.parent} does not exist. Make it, or choose another.")
    if path.is_dir():
        raise StoreError(f"{path} is a folder. Name a file in it, such as {path / 'enrico.db'}.")
    _try_to_open(path)
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            f"This Python has SQLite {sqlite3.sqlite_version}; Enrico needs "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer. Use a newer Python or system."
        )
    engine = create_async_engine(
        parsed.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": WAIT_FOR_LOCK_SECONDS},
        hide_parameters=True,  # a row in a traceback would name people
    )
    event.listen(engine.sync_engine, "connect", lambda connection, _: set_up(connection))
    try:
        await _prepare(engine)
    except (SQLAlchemyError, StoreError) as error:
        await engine.dispose()
        if isinstance(error, StoreError):
            raise
        raise StoreError(_sentence(error, path)) from error
    return Database(engine, path)


def _try_to_open(path: Path) -> None:
    """Raise StoreError for a file that SQLite cannot use, before a pool keeps trying."""
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_FOR_LOCK_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
    except sqlite3.Error as error:
        raise StoreError(_sentence(error, path)) from error


async def _prepare(engine: AsyncEngine) -> None:
    """Make the tables of a new database; migrate an older one. Imports alembic only for that."""
    async with engine.begin() as connection:
        has_tables = await connection.scalar(
            text("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'")
        )
        if not has_tables:
            await connection.run_sync(metadata.create_all)
            await connection.execute(
                text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            )
            await connection.execute(
                text("INSERT INTO alembic_version VALUES (:v)"), {"v": SCHEMA_VERSION}
            )
            return
        version = await connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"The database was made by a newer Enrico (schema {version}, this one knows "
                f"{SCHEMA_VERSION}). Upgrade Enrico, or choose another database."
            )
        if version != SCHEMA_VERSION:
            from enrico.store.migrate import upgrade

            await connection.run_sync(upgrade)


class RunLock:
    """Only one process at a time spends over one SQLite file, or loads into it.

    The lock belongs to the process, so it is free again the moment the process dies.
    """

    def __init__(self, path: Path, work: str = "run") -> None:
        ending = "-lock" if work == "run" else f"-{work}-lock"
        self._path = path.with_name(path.name + ending)
        self._file: IO[str] | None = None

    def try_to_acquire(self) -> bool:
        """Take the lock unless another process has it."""
        try:
            self._file = self._path.open("a")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        return True

    async def acquire(self, when_waiting: Callable[[], None]) -> None:
        """Take the lock; call *when_waiting* once if another process has it."""
        told = False
        while not self.try_to_acquire():
            if not told:
                when_waiting()
                told = True
            await asyncio.sleep(0.2)

    def release(self) -> None:
        """Let the next one in."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _sentence(error: BaseException, path: Path) -> str:
    """What went wrong with the database, why, and what to do; never the data."""
    cause = next(
        iter(str(getattr(error, "orig", None) or error).splitlines()), type(error).__name__
    )
    where = f"The database {path}"
    if "full" in cause or (isinstance(error, OSError) and error.errno == 28):
        return (
            f"{where} cannot be written: the disk is full. Nothing more was sent. "
            "Free some space and run the same command again; it goes on from there."
        )
    if "readonly" in cause or "unable to open" in cause:
        return f"{where} cannot be opened for writing ({cause}). Check the path and its rights."
    if "not a database" in cause or "malformed" in cause:
        return f"{where} is not an Enrico database ({cause}). Choose another file."
    if "locked" in cause:
        return f"{where} is locked by another program. Close that program and try again."
    return f"{where} refused: {cause}."


def disk_free(path: Path) -> int:
    """Bytes free where the database lies."""
    place = path.resolve().parent
    stats = os.statvfs(place)
    return stats.f_bavail * stats.f_frsize
