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

import asyncpg
import structlog
from sqlalchemy import Connection, Executable, Insert, text
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from enrico.errors import ConfigError, StoreError
from enrico.store import session_lock
from enrico.store.postgres_url import read_url
from enrico.store.rewriting import write_anew
from enrico.store.session_lock import (
    CONNECT_SECONDS,
    CUT_OFF,
    HOLDERS,
    LOCKS,
    PATIENCE_SECONDS,
    RETRY_SECONDS,
    SCHEMA,
    TURNS,
    SessionLock,
    live_slots,
)
from enrico.store.sql import Compiled, Operation, compiled
from enrico.store.tables import metadata

log = structlog.get_logger("enrico.postgres")

SMALL_TABLE_BITS = 8
"""Below 256 new rows any plan will do."""
_DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]
_TRY_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
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

    def __init__(self, url: str) -> None:
        """Raises ConfigError for a URL that is not understood."""
        self.name = secrets.token_hex(8)
        """This process among all that use the database."""
        self.target = read_url(url)
        self.where = self.target.where
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.connect,
            pool_pre_ping=True,
            hide_parameters=True,  # a row in a traceback would name people
        )
        self._connection: asyncpg.Connection[Any] | None = None
        self._commits = 0
        self.held: list[SessionLock] = []
        self._new_rows: Counter[str] = Counter()
        self._counting: set[asyncio.Task[None]] = set()

    async def connect(self) -> asyncpg.Connection[Any]:
        """A new connection."""
        try:
            connection: asyncpg.Connection[Any] = await asyncpg.connect(
                self.target.dsn,
                timeout=self.target.timeout,
                server_settings={
                    "application_name": f"enrico {self.name}",
                    "synchronous_commit": "on",  # an acknowledged row survives a power cut
                    "jit": "off",  # it takes longer than the questions that we ask
                },
            )
        except asyncpg.exceptions.ClientConfigurationError as error:
            raise ConfigError(f"ENRICO_DATABASE_URL cannot be used: {error}.") from None
        try:
            # Sums of integers come as numeric, which Python would show as Decimal.
            await connection.set_type_codec(
                "numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text"
            )
        except BaseException:
            connection.terminate()
            raise
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
                for held in self.held:
                    await asyncio.wait_for(held.sure(), max(0.0, deadline - loop.time()))
                connection = await self._opened()
                async with connection.transaction():
                    if in_doubt and await self._has_committed(connection):
                        return
                    await connection.execute(_COMMIT, self.name, self._commits)
                    for held in self.held:
                        await held.fence(connection)
                    for sql, rows in batches:
                        await connection.executemany(sql, rows)
                self._grown(operations)
                return
            except _TRY_AGAIN:
                if loop.time() > deadline:
                    raise
            except CUT_OFF as error:
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
            with suppress(*CUT_OFF):
                await self._connection.execute("DELETE FROM writers WHERE writer = $1", self.name)
                await self._connection.close(timeout=CONNECT_SECONDS)
        await self.engine.dispose()

    def prepare(self, connection: Connection) -> None:
        """Nobody else makes or changes tables meanwhile; make those that only we need."""
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCKS}, {SCHEMA})"))
        for statement in (HOLDERS, _WRITERS, _FORGOTTEN_WRITERS):
            connection.execute(text(statement))

    def take_turns(self, connection: Connection) -> None:
        """See :class:`enrico.store.database.Backend`."""
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCKS}, {TURNS})"))

    def lock(self, work: str) -> SessionLock:
        """Who does *work* over this database; see :class:`enrico.store.database.Lock`."""
        return SessionLock(self, work)

    async def workers(self) -> list[str]:
        """The slots of the workers that live."""
        return await live_slots(self)

    def is_cut_off(self, error: BaseException) -> bool:
        """Whether the connection was lost, or gave way to another: it may be asked again."""
        seen: BaseException | None = error
        while seen is not None:
            if isinstance(seen, (*CUT_OFF, *_TRY_AGAIN)):
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
            await write_anew(connection, metadata.tables, self.where)
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
        with suppress(SQLAlchemyError, *CUT_OFF):  # a plan may be slow; it is never wrong
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
                f"SET idle_in_transaction_session_timeout = '{session_lock.STUCK_SECONDS}s'"
            )
        return self._connection

    async def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


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
