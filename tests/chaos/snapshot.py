"""A database, read from outside: what the journal says of each call, and who is held."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.court import digest, items_of


@dataclass(frozen=True, slots=True)
class Row:
    """A call in the journal."""

    id: str
    provider: str
    state: str
    items: tuple[str, ...]
    sent: bytes
    """Digest of the request's body."""
    answer: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A database as a killed process left it, or as it is at the end."""

    calls: Mapping[str, Row]
    held: frozenset[str]
    facts_without_answer: int
    """People found whose call is not recorded as answered."""
    integrity: str

    def in_flight(self, provider: str = "") -> list[Row]:
        """Calls whose outcome the journal does not know."""
        wanted = ("sent", "unknown")
        return [
            row
            for row in self.calls.values()
            if row.state in wanted and provider in ("", row.provider)
        ]


NOTHING_YET = Snapshot({}, frozenset(), 0, "ok")


def read(database: Path) -> Snapshot:
    """What a database file holds."""
    with closing(sqlite3.connect(database)) as connection:
        integrity = connection.execute("pragma integrity_check").fetchone()[0]
        tables = {name for (name,) in connection.execute("select name from sqlite_master")}
        if not {"calls", "people"} <= tables:
            return Snapshot({}, frozenset(), 0, integrity)
        calls = {
            row[0]: _row(*row)
            for row in connection.execute("select id, provider, state, request, body from calls")
        }
        held = connection.execute("select key from people where state = 'held'").fetchall()
        unfounded = connection.execute(
            "select count(*) from people p left join calls c on c.id = p.call_id"
            " where p.state = 'found' and coalesce(c.state, '') <> 'answered'"
        ).fetchone()[0]
    return Snapshot(calls, frozenset(key for (key,) in held), unfounded, integrity)


def _row(id: str, provider: str, state: str, request: bytes, answer: bytes) -> Row:
    provider = "llm" if provider == "deepseek" else provider
    body = zlib.decompress(request).partition(b"\n")[2]
    return Row(id, provider, state, items_of(provider, body), digest(body), answer)
