"""PostgreSQL: a writing connection of our own that comes back when the server does.

A connection that breaks at its COMMIT leaves open whether the commit happened, so each leaves its
number in a row of the writer's own, which is looked at first when it is tried again: nothing is
written twice, and nothing twice charged against a budget. (The server's own transaction numbers
will not do: after a crash it gives out again those that never reached its disk.)
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
import structlog
from sqlalchemy import Connection, Executable, Insert, text
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from enrico.errors import StoreError
from enrico.store.sql import Compiled, Operation, compiled
from enrico.store.tables import metadata

log = structlog.get_logger("enrico.postgres")

PATIENCE_SECONDS = 60.0
"""How long a server may be away before a run gives up."""
RETRY_SECONDS = 0.25
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 3.0
"""Whose lock is free and who was not heard of for so long is dead."""
STUCK_SECONDS = 20.0
"""Who holds a lock, or stands in a commit, and was not heard of for so long is cut off."""
SMALL_TABLE_BITS = 8
"""Below 256 new rows any plan will do."""
_DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]
_LOCKS = 0x656E7263  # the advisory locks of Enrico, among those of others
_WORKS = {"run": 1, "load": 2, "schema": 3}
_CUT_OFF = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server stops, starts, or an operator ended us
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,  # "connection is closed"
    asyncpg.InternalClientError,  # a connection that was cut off while somebody let it go
    OSError,
    TimeoutError,
)
_TRY_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_HOLDERS = """
    CREATE TABLE IF NOT EXISTS holders (
        work text PRIMARY KEY, holder text NOT NULL, at timestamptz NOT NULL)"""
_HOLDS = """
    INSERT INTO holders VALUES ($1, $2, clock_timestamp()) ON CONFLICT (work)
    DO UPDATE SET holder = excluded.holder, at = excluded.at RETURNING true"""
_STILL_HOLDS = """
    UPDATE holders SET at = clock_timestamp() WHERE work = $1 AND holder = $2 RETURNING true"""
_WRITERS = """
    CREATE TABLE IF NOT EXISTS writers (
        writer text PRIMARY KEY, commits bigint NOT NULL, at timestamptz NOT NULL)"""
_FORGOTTEN_WRITERS = "DELETE FROM writers WHERE at < clock_timestamp() - interval '1 day'"
# Waits until a commit of ours that was cut off on its way has taken place, or has not.
_COMMITTED = "SELECT commits FROM writers WHERE writer = $1 FOR UPDATE"
_COMMIT = """
    INSERT INTO writers VALUES ($1, $2, clock_timestamp()) ON CONFLICT (writer)
    DO UPDATE SET commits = excluded.commits, at = excluded.at"""


class Postgres:
    """One PostgreSQL database. See :class:`enrico.store.database.Backend`."""

    def __init__(self, url: URL) -> None:
        self.name = secrets.token_hex(8)
        """This process among all that use the database."""
        self._dsn = _dsn(url)
        self.where = f"The database {url.database or url.username} at {url.host or 'localhost'}"
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.connect,
            pool_pre_ping=True,
            hide_parameters=True,  # a row in a traceback would name people
        )
        self._connection: asyncpg.Connection[Any] | None = None
        self._commits = 0
        self._held: list[SessionLock] = []
        self._new_rows: Counter[str] = Counter()
        self._counting: set[asyncio.Task[None]] = set()

    async def connect(self) -> asyncpg.Connection[Any]:
        """A new connection."""
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_SECONDS,
            server_settings={
                "application_name": f"enrico {self.name}",
                "synchronous_commit": "on",  # an acknowledged row survives a power cut
                "jit": "off",  # it takes longer than the questions that we ask
            },
        )
        # Sums of integers come as numeric, which Python would show as Decimal.
        await connection.set_type_codec(
            "numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text"
        )
        return connection

    async def commit(self, operations: Sequence[Operation]) -> None:
        """Write *operations* in one transaction; return when they are on disk.

        Waits for a server that is away for a while. Raises asyncpg's errors, OSError.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        batches = [_batch(statement, rows) for statement, rows in operations]
        self._commits += 1
        in_doubt = False
        while True:
            try:
                for held in self._held:
                    await asyncio.wait_for(held.sure(), max(0.0, deadline - loop.time()))
                connection = await self._opened()
                async with connection.transaction():
                    if in_doubt and await self._has_committed(connection):
                        return
                    await connection.execute(_COMMIT, self.name, self._commits)
                    for held in self._held:
                        await held.fence(connection)
                    for sql, rows in batches:
                        await connection.executemany(sql, rows)
                self._grown(operations)
                return
            except _TRY_AGAIN:
                if loop.time() > deadline:
                    raise
            except _CUT_OFF as error:
                in_doubt = True
                await self._drop()
                if loop.time() > deadline:
                    raise
                log.warning("the database is away", why=type(error).__name__)
            except (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError):
                # PostgreSQL keeps no NUL in a text; nothing of sense is lost with it.
                cleaned = [(sql, [_without_nul(row) for row in rows]) for sql, rows in batches]
                if cleaned == batches:
                    raise
                batches = cleaned
                continue
            await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*self._counting, return_exceptions=True)
        if self._connection is not None:
            with suppress(*_CUT_OFF):
                await self._connection.execute("DELETE FROM writers WHERE writer = $1", self.name)
                await self._connection.close(timeout=CONNECT_SECONDS)
        await self.engine.dispose()

    def prepare(self, connection: Connection) -> None:
        """Nobody else makes or changes tables meanwhile; make those that only we need."""
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCKS}, {_WORKS['schema']})"))
        for statement in (_HOLDERS, _WRITERS, _FORGOTTEN_WRITERS):
            connection.execute(text(statement))

    def lock(self, work: str) -> SessionLock:
        """Who does *work* over this database; see :class:`enrico.store.database.Lock`."""
        return SessionLock(self, work)

    def is_cut_off(self, error: BaseException) -> bool:
        """Whether the connection was lost, so that a question may be asked again."""
        seen: BaseException | None = error
        while seen is not None:
            if isinstance(seen, _CUT_OFF):
                return True
            seen = getattr(seen, "orig", None) or seen.__cause__
        return False

    def room(self) -> int | None:
        """Unknown: the disk is the server's."""
        return None

    async def scrub(self) -> None:
        """Write every table anew. What the server's log, replicas and backups keep is not ours."""
        connection = await self.connect()
        try:
            for table in metadata.tables:
                await connection.execute(f'VACUUM FULL "{table}"')
        finally:
            await connection.close(timeout=CONNECT_SECONDS)

    def why(self, error: BaseException) -> str:
        """What went wrong, why, and what to do; never the data."""
        if isinstance(error, StoreError):
            return str(error)
        cause = getattr(error, "orig", None) or error
        inner = getattr(cause, "__cause__", None) or cause
        words = next(iter(str(inner).splitlines()), "") or type(inner).__name__
        if isinstance(inner, asyncpg.InvalidAuthorizationSpecificationError):
            return f"{self.where} refused the user or password. Check ENRICO_DATABASE_URL."
        if isinstance(inner, asyncpg.InvalidCatalogNameError):
            return f"{self.where} does not exist. Make it with createdb, or check the URL."
        if isinstance(inner, asyncpg.InsufficientPrivilegeError):
            return f"{self.where} refused: {words}. The user needs CREATE on the schema."
        if isinstance(inner, asyncpg.DiskFullError):
            return (
                f"{self.where} cannot be written: its disk is full. Nothing more was sent. "
                "Free some space and run the same command again; it goes on from there."
            )
        if self.is_cut_off(error):
            return (
                f"{self.where} cannot be reached ({words}). Nothing more was sent. Check the "
                "server and run the same command again; it goes on from there."
            )
        return f"{self.where} refused: {words}."

    def _grown(self, operations: Sequence[Operation]) -> None:
        """Have a table counted when it has doubled.

        The server's own count comes a minute later. A plan for an empty table, kept until then,
        reads a large one whole for every row of another.
        """
        for statement, rows in operations:
            if not isinstance(statement, Insert):
                continue
            table = statement.table.name
            before = self._new_rows[table]
            self._new_rows[table] += len(rows)
            if self._new_rows[table].bit_length() > max(before.bit_length(), SMALL_TABLE_BITS):
                task = asyncio.create_task(self._count_rows(table))
                self._counting.add(task)
                task.add_done_callback(self._counting.discard)

    async def _count_rows(self, table: str) -> None:
        with suppress(SQLAlchemyError, *_CUT_OFF):  # a plan may be slow; it is never wrong
            async with self.engine.begin() as connection:
                await connection.execute(text(f'ANALYZE "{table}"'))

    async def _has_committed(self, connection: asyncpg.Connection[Any]) -> bool:
        """Whether the transaction that was cut off at its end took place after all."""
        return bool(await connection.fetchval(_COMMITTED, self.name) == self._commits)

    async def _opened(self) -> asyncpg.Connection[Any]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self.connect()
            # Were we to stand still in a commit, nobody else need wait longer for its rows.
            await self._connection.execute(
                f"SET idle_in_transaction_session_timeout = '{STUCK_SECONDS}s'"
            )
        return self._connection

    async def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class SessionLock:
    """An advisory lock on a connection of its own, with a sign of life each second.

    The server frees it when the process dies. When only the connection dies, the holder takes the
    lock again before anybody else believes it dead; until then nothing is written.
    """

    def __init__(self, backend: Postgres, work: str) -> None:
        self._backend = backend
        self._work = work
        self._connection: asyncpg.Connection[Any] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._sure = asyncio.Event()
        self._taken: StoreError | None = None

    async def try_to_acquire(self) -> bool:
        """Take the lock unless another process has it."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                got = await self._take()
                break
            except Exception as error:
                await self._let_go()
                patient = asyncio.get_running_loop().time() < deadline
                if not (patient and self._backend.is_cut_off(error)):
                    raise StoreError(self._backend.why(error)) from error
            await asyncio.sleep(RETRY_SECONDS)
        if got:
            self._sure.set()
            self._backend._held.append(self)
            self._keeper = asyncio.create_task(self._keep(), name=f"{self._work} lock")
        return got

    async def release(self) -> None:
        """Let the next one in."""
        if self._keeper is not None:
            self._backend._held.remove(self)
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
            if self._connection is not None:
                with suppress(*_CUT_OFF):
                    await self._connection.execute(
                        "DELETE FROM holders WHERE work = $1 AND holder = $2",
                        self._work,
                        self._backend.name,
                        timeout=SILENCE_SECONDS,
                    )
        await self._let_go()

    async def sure(self) -> None:
        """Return once the lock is ours for certain. Raises StoreError when it is no more."""
        await self._sure.wait()
        if self._taken is not None:
            raise self._taken

    async def fence(self, connection: asyncpg.Connection[Any]) -> None:
        """Whoever takes over waits until this transaction is over; or else it came too late.

        The signs of life go on meanwhile: they change no key.

        Raises StoreError.
        """
        holder = await connection.fetchval(
            "SELECT holder FROM holders WHERE work = $1 FOR KEY SHARE", self._work
        )
        if holder != self._backend.name:
            raise self._too_late()

    def _too_late(self) -> StoreError:
        return StoreError(
            f"{self._backend.where} was taken over by another process while this one could not be "
            "heard. Nothing more was sent; what was bought is kept."
        )

    async def _take(self, *, again: bool = False) -> bool:
        """Whether the lock could be had: nobody has it, nor was heard of lately.

        *again*: nor has had it since we did.
        """
        self._connection = connection = await self._backend.connect()
        number = _WORKS[self._work]
        await connection.execute(
            "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN holders h"
            " ON a.application_name = 'enrico ' || h.holder WHERE h.work = $1 AND h.holder <> $2"
            " AND h.at < clock_timestamp() - make_interval(secs => $3)",
            self._work,
            self._backend.name,
            STUCK_SECONDS,
        )
        if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCKS, number):
            silent = await connection.fetchval(
                "SELECT count(*) = 0 FROM holders WHERE work = $1 AND holder <> $2"
                " AND at > clock_timestamp() - make_interval(secs => $3)",
                self._work,
                self._backend.name,
                SILENCE_SECONDS,
            )
            if silent and await self._sign(connection, _STILL_HOLDS if again else _HOLDS):
                return True
        await self._let_go()
        return False

    async def _sign(self, connection: asyncpg.Connection[Any], how: str) -> bool:
        """Whether our name is in the book now; waits for whoever still writes under his."""
        async with connection.transaction():
            await connection.execute("SELECT FROM holders WHERE work = $1 FOR UPDATE", self._work)
            return bool(await connection.fetchval(how, self._work, self._backend.name))

    async def _let_go(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(*_CUT_OFF):
                await connection.close(timeout=CONNECT_SECONDS)

    async def _keep(self) -> None:
        """Say each second that we live; take the lock again when its connection is lost."""
        while True:
            try:
                await self._say_so()
            except _CUT_OFF:
                self._sure.clear()
                if self._connection is not None:
                    self._connection.terminate()
                if not await self._take_again():
                    self._taken = self._too_late()
                self._sure.set()
                if self._taken is not None:
                    return

    async def _say_so(self) -> None:
        """Until the connection is lost."""
        assert self._connection is not None
        lost = asyncio.Event()
        self._connection.add_termination_listener(lambda _: lost.set())
        while not self._connection.is_closed():
            await self._connection.execute(
                "UPDATE holders SET at = clock_timestamp() WHERE work = $1 AND holder = $2",
                self._work,
                self._backend.name,
                timeout=SILENCE_SECONDS / 2,
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), 1.0)
        raise ConnectionError("the connection that held the lock is closed")

    async def _take_again(self) -> bool:
        """Whether the lock is ours again; waits for a server that is away."""
        while True:
            with suppress(*_CUT_OFF):
                if await self._take(again=True):
                    return True
                other = await self._backend.connect()
                try:
                    holder = await other.fetchval(
                        "SELECT holder FROM holders WHERE work = $1", self._work
                    )
                finally:
                    await other.close(timeout=CONNECT_SECONDS)
                if holder != self._backend.name:
                    return False
            await asyncio.sleep(RETRY_SECONDS)


def _dsn(url: URL) -> str:
    """The URL as asyncpg reads it; what only other drivers know is left out."""
    parts = urlsplit(url.set(drivername="postgresql").render_as_string(hide_password=False))
    known = [(k, v) for k, v in parse_qsl(parts.query) if k not in ("channel_binding",)]
    return urlunsplit(parts._replace(query=urlencode(known)))


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _batch(statement: Executable, rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
    made = _compiled(statement, tuple(rows[0]))
    if made.constants:
        rows = [{**made.constants, **row} for row in rows]
    return made.sql, [tuple(row[name] for name in made.places) for row in rows]


@lru_cache(maxsize=256)
def _compiled(statement: Executable, names: tuple[str, ...]) -> Compiled:
    return compiled(statement, _DIALECT, names)


def _without_nul(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(v.replace("\x00", "") if isinstance(v, str) else v for v in row)
