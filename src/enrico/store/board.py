"""The board of :mod:`enrico.engine.board` in PostgreSQL, one connection for each line.

A turn is a transaction under an advisory lock of the line's own, so workers come one after the
other and read what those before them wrote. Every row carries a stamp that only grows; whoever
reads asks for what came after the last one that he saw. Stamps follow the server's clock, so that
they grow on after a crash. Such a crash may cost what the last half second wrote: what a window
counts is also in the workers' memory and in the journal.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import asyncpg
import orjson

from enrico.engine.board import Away, Common, Entry, Said, Seen
from enrico.engine.rules import Taught
from enrico.errors import StoreError
from enrico.store.postgres import Postgres
from enrico.store.session_lock import asking

TURN_SECONDS = 10.0
"""A turn that takes longer is given up: the server does not answer."""
STUCK_SECONDS = 2
"""Who stands still in his turn for so long loses it."""
SILENT_SECONDS = 20.0
"""Whose share was not renewed for so long is dead."""
DRIFT = 1e-4
"""Seconds a second by which two clocks may part."""

_TABLES = """
    CREATE TABLE IF NOT EXISTS board_calls (
        line text NOT NULL, worker text NOT NULL, n bigint NOT NULL, stamp bigint NOT NULL,
        by float8 NOT NULL, sent float8, over float8, refused boolean NOT NULL,
        void boolean NOT NULL, PRIMARY KEY (line, worker, n));
    CREATE INDEX IF NOT EXISTS board_calls_by_stamp ON board_calls (line, stamp);
    CREATE TABLE IF NOT EXISTS board_lines (line text PRIMARY KEY, common text NOT NULL);
    CREATE TABLE IF NOT EXISTS board_shares (
        line text NOT NULL, worker text NOT NULL, at_once integer NOT NULL, at float8 NOT NULL,
        PRIMARY KEY (line, worker));
"""
_READ = """
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now,
        coalesce((SELECT max(stamp) FROM board_calls WHERE line = $1), 0) AS stamp,
        (SELECT common FROM board_lines WHERE line = $1) AS common,
        ARRAY(SELECT ROW(worker, n, by, sent, over, refused, void) FROM board_calls
            WHERE line = $1 AND stamp > $2 AND worker <> $3 ORDER BY stamp, n) AS entries,
        ARRAY(SELECT ROW(worker, at_once) FROM board_shares WHERE line = $1 AND worker <> $3
            AND at > extract(epoch FROM clock_timestamp()) - $4) AS shares
"""
_WRITE = """
    INSERT INTO board_calls (line, worker, stamp, n, by, sent, over, refused, void)
    SELECT $1, $2, $3, * FROM unnest(
        $4::bigint[], $5::float8[], $6::float8[], $7::float8[], $8::boolean[], $9::boolean[])
    ON CONFLICT (line, worker, n) DO UPDATE SET stamp = excluded.stamp, by = excluded.by,
        sent = excluded.sent, over = excluded.over, refused = excluded.refused,
        void = excluded.void
"""
_COMMON = """
    INSERT INTO board_lines VALUES ($1, $2)
    ON CONFLICT (line) DO UPDATE SET common = excluded.common
"""
_SHARE = """
    INSERT INTO board_shares VALUES ($1, $2, $3, extract(epoch FROM clock_timestamp()))
    ON CONFLICT (line, worker) DO UPDATE SET at_once = excluded.at_once, at = excluded.at
"""
_NO_SHARE = "DELETE FROM board_shares WHERE line = $1 AND worker = $2"
_FORGET = "DELETE FROM board_calls WHERE line = $1 AND by < $2"


class PostgresBoard:
    """See :class:`enrico.engine.board.Board`."""

    def __init__(self, backend: Postgres, line: str, worker: str) -> None:
        """*line*: a provider and what tells its key from others; never the key."""
        self.worker = worker
        self._backend = backend
        self._line = line
        self._lock = _number(line)
        self._connection: asyncpg.Connection[Any] | None = None
        self._clock = 0.0
        self._clock_error = float("inf")
        self._clock_read = 0.0

    @asynccontextmanager
    async def turn(self, since: int) -> AsyncIterator[PostgresTurn]:
        """See :class:`enrico.engine.board.Board`."""
        try:
            async with asyncio.timeout(TURN_SECONDS):
                connection = await self._connected()
                async with connection.transaction():
                    await connection.execute("SELECT pg_advisory_xact_lock($1)", self._lock)
                    yield await self._read(connection, since)
        except BaseException as error:
            # Whatever happened, the server must not wait for us with the lock in hand.
            self._drop()
            if isinstance(error, StoreError) or not isinstance(error, Exception):
                raise
            kind = Away if self._backend.is_cut_off(error) else StoreError
            raise kind(self._backend.why(error)) from error

    async def close(self) -> None:
        """See :class:`enrico.engine.board.Board`."""
        self._drop()

    async def _read(self, connection: asyncpg.Connection[Any], since: int) -> PostgresTurn:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        row = await connection.fetchrow(_READ, self._line, since, self.worker, SILENT_SECONDS)
        assert row is not None
        self._set_clock(row["now"], asked, loop.time())
        seen = Seen(
            self._clock,
            row["stamp"],
            [Entry(*entry) for entry in row["entries"]],
            None if row["common"] is None else _common(orjson.loads(row["common"])),
            dict(row["shares"]),
        )
        stamp = max(row["stamp"] + 1, int(row["now"] * 1e6))
        return PostgresTurn(connection, self._line, self.worker, stamp, seen)

    def _set_clock(self, now: float, asked: float, answered: float) -> None:
        """Keep the reading that can be least wrong: of a quick answer, not long ago."""
        error = (answered - asked) / 2
        if error <= self._clock_error + DRIFT * (answered - self._clock_read):
            self._clock = now - (asked + answered) / 2
            self._clock_error, self._clock_read = error, answered

    async def _connected(self) -> asyncpg.Connection[Any]:
        if self._connection is None or self._connection.is_closed():
            self._connection = connection = await self._backend.connect()
            self._clock_error = float("inf")  # it may be another server
            await connection.execute(
                "SET synchronous_commit = off;"
                f"SET idle_in_transaction_session_timeout = '{STUCK_SECONDS}s'"
            )
            if await connection.fetchval("SELECT to_regclass('board_shares') IS NULL"):
                async with connection.transaction():
                    # Two who make the same table at once would meet an error.
                    await connection.execute("SELECT pg_advisory_xact_lock($1)", _number("tables"))
                    await connection.execute(_TABLES)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class PostgresTurn:
    """See :class:`enrico.engine.board.Turn`."""

    def __init__(
        self,
        connection: asyncpg.Connection[Any],
        line: str,
        worker: str,
        stamp: int,
        seen: Seen,
    ) -> None:
        self.seen = seen
        self._connection = connection
        self._line = line
        self._worker = worker
        self._stamp = stamp

    async def write(self, said: Said) -> None:
        """See :class:`enrico.engine.board.Turn`."""
        connection, line, worker = self._connection, self._line, self._worker
        if said.entries:
            columns = _columns(said.entries)
            await connection.execute(_WRITE, line, worker, self._stamp, *columns)
        if said.common is not None:
            common = orjson.dumps(asdict(said.common)).decode()
            await connection.execute(_COMMON, line, common)
        if said.share is not None and said.share < 0:
            await connection.execute(_NO_SHARE, line, worker)
        elif said.share is not None:
            await connection.execute(_SHARE, line, worker, said.share)
        if said.forget_before:
            await connection.execute(_FORGET, line, said.forget_before)


async def gone(backend: Postgres, worker: str) -> None:
    """*worker* is known to be dead: the others may have its shares at once."""
    async with asking(backend) as connection:
        if await connection.fetchval("SELECT to_regclass('board_shares') IS NOT NULL"):
            await connection.execute("DELETE FROM board_shares WHERE worker = $1", worker)


def _columns(entries: Sequence[Entry]) -> tuple[list[Any], ...]:
    return (
        [entry.n for entry in entries],
        [entry.by for entry in entries],
        [entry.sent for entry in entries],
        [entry.over for entry in entries],
        [entry.refused for entry in entries],
        [entry.void for entry in entries],
    )


def _common(found: Mapping[str, Any]) -> Common:
    taught, wall = dict(found["taught"]), found["wall"]
    taught["windows"] = tuple((limit, seconds) for limit, seconds in taught["windows"])
    plain = {**found, "taught": Taught(**taught), "wall": wall and (wall[0], wall[1])}
    return Common(**plain)


def _number(name: str) -> int:
    """The advisory lock of that name, among those of others."""
    digest = hashlib.sha256(f"enrico board {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
