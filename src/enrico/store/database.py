"""Open the database, and write to it in grouped commits.

One writer gathers what callers hand in while the disk is busy and commits it at once: an
acknowledged row survives a power cut, and a commit is shared by all who wait for it. Reads go
through connections of their own and see the last commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from enrico.errors import ConfigError, EnricoError, StoreError
from enrico.store.sql import Operation, Rows
from enrico.store.sqlite import Sqlite
from enrico.store.tables import metadata

__all__ = ["Database", "Lock", "Operation", "Rows", "in_turn", "open_database"]

SCHEMA_VERSION = "0006"
LARGEST_GROUP = 2_000
PATIENCE_SECONDS = 60.0
"""How long a question waits for a server that is away."""
RETRY_SECONDS = 0.25
LOCK_SECONDS = 0.2
OPENING_SECONDS = 0.5
T = TypeVar("T")


class Lock(Protocol):
    """Only one process at a time does some work over a database."""

    async def try_to_acquire(self, *, waits: bool = False) -> bool:
        """Take the lock unless another process has it. Raises StoreError.

        *waits*: whoever has it in turns with others shall make room.
        """
        ...

    async def release(self) -> None:
        """Let the next one in."""
        ...


async def in_turn(lock: Lock) -> None:
    """Wait until the lock is ours."""
    # Neither database can wait for a lock without a thread or a statement that may be cut off.
    while not await lock.try_to_acquire(waits=True):  # noqa: ASYNC110
        await asyncio.sleep(LOCK_SECONDS)


class Backend(Protocol):
    """What differs from one database to another."""

    engine: AsyncEngine
    where: str
    """The database in a sentence: ``The database /path/enrico.db``."""

    async def commit(self, operations: Sequence[Operation]) -> None:
        """Write *operations* in one transaction; return when they are on disk.

        All rows of an operation have the same keys. Raises the driver's errors.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...

    def prepare(self, connection: Connection) -> None:
        """Keep others out while tables are made or changed, and all of it in one transaction."""
        ...

    def take_turns(self, connection: Connection) -> None:
        """Begin a transaction that no other of its kind is beside of, until it ends."""
        ...

    def lock(self, work: str) -> Lock:
        """Who does *work*, ``run`` or ``load``, over this database."""
        ...

    async def workers(self) -> list[str]:
        """The workers that live, where the database can have any."""
        ...

    def is_cut_off(self, error: BaseException) -> bool:
        """Whether the connection was lost, so that a question may be asked again."""
        ...

    def room(self) -> int | None:
        """Bytes free where the database lies; None where that cannot be known."""
        ...

    async def scrub(self) -> None:
        """See to it that no byte of what was deleted stays behind in the database.

        Raises StoreError when that cannot be done now; what was deleted is deleted all the same,
        and scrubbing can be done again.
        """
        ...

    def why(self, error: BaseException) -> str:
        """What went wrong, why, and what to do; never the data."""
        ...


class Patience:
    """Waits for a server that is away, for a while."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._until: float | None = None

    async def wait(self, error: StoreError) -> None:
        """Return when it is time to ask again; raise *error* when that is of no use."""
        now = asyncio.get_running_loop().time()
        self._until = self._until or now + PATIENCE_SECONDS
        if now > self._until or not self._backend.is_cut_off(error):
            raise error
        await asyncio.sleep(RETRY_SECONDS)


class Database:
    """One open database. Use :func:`open_database`."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
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
        """A connection that sees the last commit. Raises StoreError."""
        try:
            async with self.backend.engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(self.backend.why(error)) from error

    async def rows(self, statement: Executable, **values: Any) -> list[Any]:
        """All rows of a small result. Raises StoreError."""

        async def ask() -> list[Any]:
            async with self.read() as connection:
                return list((await connection.execute(statement, values)).all())

        return await self.patiently(ask)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees what it changes; rows go to :meth:`write`. Raises StoreError."""
        async with self.read() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def change_in_turn(self) -> AsyncIterator[AsyncConnection]:
        """As :meth:`change`, one after the other: what it reads nobody changes meanwhile."""
        async with self.change() as connection:
            await connection.run_sync(self.backend.take_turns)
            yield connection

    async def execute(self, *statements: Executable) -> int:
        """Execute statements that read and write, in one transaction of their own.

        Returns how many rows the last one changed.

        A transaction that is cut off is done again, so doing it twice must come to the same.
        Raises StoreError.
        """

        async def do() -> int:
            changed = 0
            async with self.change() as connection:
                for statement in statements:
                    changed = int((await connection.execute(statement)).rowcount)
            return changed

        return await self.patiently(do)

    def patience(self) -> Patience:
        """For whoever asks again when the connection was lost."""
        return Patience(self.backend)

    async def patiently(self, do: Callable[[], Awaitable[T]]) -> T:
        """What *do* brings; done again while the server is away, for a while. Raises StoreError."""
        patience = self.patience()
        while True:
            try:
                return await do()
            except StoreError as error:
                await patience.wait(error)

    async def scrub(self) -> None:
        """See to it that no byte of what was deleted stays behind. Raises StoreError."""
        try:
            await self.backend.scrub()
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(self.backend.why(error)) from error

    def lock(self, work: str = "run") -> Lock:
        """The lock of those who spend over this database (``run``), or load into it (``load``)."""
        return self.backend.lock(work)

    @asynccontextmanager
    async def alone(
        self, *works: str, on_wait: Callable[[], None] = lambda: None
    ) -> AsyncIterator[None]:
        """Nobody else does these *works* over this database meanwhile; waits its turn."""
        async with AsyncExitStack() as held:
            for work in works:
                lock = self.lock(work)
                held.push_async_callback(lock.release)
                if not await lock.try_to_acquire():
                    on_wait()
                    await in_turn(lock)
            yield

    async def close(self) -> None:
        """Finish what was handed in, then close."""
        if self._writing is not None and not self._writing.done():
            await self._queue.join()
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.backend.close()

    async def _write_groups(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < LARGEST_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            if self.broken is None:
                try:
                    await self._commit([operations for operations, _ in group])
                except Exception as cause:  # whatever it is: those who wait must be told
                    self.broken = StoreError(self.backend.why(cause))
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
        if merged:
            await self.backend.commit(list(merged.values()))
        self.commits += 1


async def open_database(url: str, patience: float = OPENING_SECONDS) -> Database:
    """Open (and make, or bring up to date) the database at *url*.

    *patience*: how many seconds to wait for a server that is away. Raises ConfigError for a URL
    that is not understood, StoreError when it cannot be opened.
    """
    backend = _backend(url)
    try:
        await _made_ready(backend, patience)
    except BaseException:
        await backend.close()
        raise
    return Database(backend)


async def _made_ready(backend: Backend, patience: float) -> None:
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            async with backend.engine.begin() as connection:
                await connection.run_sync(_prepare, backend)
            return
        except EnricoError:
            raise
        except Exception as error:
            patient = asyncio.get_running_loop().time() < deadline
            if not (patient and backend.is_cut_off(error)):
                raise StoreError(backend.why(error)) from error
        await asyncio.sleep(RETRY_SECONDS)


def _backend(url: str) -> Backend:
    if url.partition("://")[0].partition("+")[0] in ("postgresql", "postgres"):
        try:
            from enrico.store.postgres import Postgres
        except ModuleNotFoundError:
            raise ConfigError(
                "PostgreSQL needs a driver that is not installed. "
                "Install it with: pip install 'enrico[postgres]'"
            ) from None
        return Postgres(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "ENRICO_DATABASE_URL is not a database URL. Write sqlite:///path/to/enrico.db, or "
            "postgresql://user:password@host/database."
        ) from None
    name = parsed.get_backend_name()
    if name == "sqlite":
        return Sqlite(parsed)
    raise ConfigError(
        f"Enrico keeps its data in SQLite or PostgreSQL, not in {name}. Set ENRICO_DATABASE_URL to "
        "sqlite:///path/to/enrico.db or postgresql://user:password@host/database, or unset it."
    )


def _prepare(connection: Connection, backend: Backend) -> None:
    """Make the tables of a new database; migrate an older one. Imports alembic only for that.

    Raises StoreError for half a copy: whoever began anew in it would buy everything again.
    """
    version, tables = _version(connection), _tables(connection)
    if version == SCHEMA_VERSION and tables >= set(metadata.tables):
        return
    backend.prepare(connection)
    version = _version(connection)  # another process may have been here meanwhile
    if version is None and not _tables(connection) & set(metadata.tables):
        metadata.create_all(connection, checkfirst=False)  # no tables: nothing to look for
        connection.execute(
            text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
        connection.execute(text("INSERT INTO alembic_version VALUES (:v)"), {"v": SCHEMA_VERSION})
    elif not version:
        raise _half_a_copy(backend, "the version and perhaps more")
    elif version > SCHEMA_VERSION:
        raise StoreError(
            f"The database was made by a newer Enrico (schema {version}, this one knows "
            f"{SCHEMA_VERSION}). Upgrade Enrico, or choose another database."
        )
    elif version != SCHEMA_VERSION:
        from enrico.store.migrate import upgrade

        upgrade(connection)
    if missing := sorted(set(metadata.tables) - _tables(connection)):
        raise _half_a_copy(backend, f"the tables {', '.join(missing)}")


def _half_a_copy(backend: Backend, missing: str) -> StoreError:
    return StoreError(
        f"{backend.where} is half a copy: {missing} are not in it. Nothing was bought. Copy "
        "it again (a file while nobody uses it, together with the one that ends in -wal, if there "
        "is one), or restore a backup."
    )


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _version(connection: Connection) -> str | None:
    """The schema's version, empty when it is not told; None without its table."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
