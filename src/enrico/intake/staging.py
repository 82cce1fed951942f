"""Rows on their way to records: in a temporary SQLite database, so that memory does not grow.

The database has no name: SQLite keeps it in a fixed cache, and what does not fit there in a file
that is gone with the process, however it ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

_CACHE_KIB = 16_000
"""For pages; SQLite's sorter takes as much again before it goes to disk."""
_AT_ONCE = 1_000

# "cells" are the numbers of distinct cells of a group of columns, the same for all tables.
_SCHEMA = """
CREATE TABLE seen(grp INTEGER, digest BLOB, cells INTEGER, PRIMARY KEY (grp, digest)) WITHOUT ROWID;
CREATE TABLE deal_text(cells INTEGER PRIMARY KEY, text TEXT);
CREATE TABLE column_value(value TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE mention(n INTEGER, slot INTEGER, number INTEGER, deal INTEGER, account INTEGER,
    people INTEGER, role INTEGER, PRIMARY KEY (n, slot)) WITHOUT ROWID;
CREATE TABLE weight(cells INTEGER PRIMARY KEY, rows INTEGER);
CREATE TABLE account_part(cells INTEGER PRIMARY KEY, id TEXT, name TEXT, domain TEXT, industry TEXT,
    country TEXT, bad_id TEXT, home INTEGER, name_key TEXT,
    account TEXT NOT NULL DEFAULT '', how TEXT NOT NULL DEFAULT '');
CREATE TABLE deal_part(part INTEGER PRIMARY KEY, cells INTEGER, place INTEGER, id TEXT, name TEXT,
    stage TEXT, outcome TEXT, amount TEXT, currency TEXT, close_date TEXT, created_date TEXT,
    owner TEXT, role_fields TEXT, bad_id TEXT, home INTEGER, row_is_deal INTEGER, name_key TEXT,
    is_empty INTEGER);
CREATE INDEX deal_part_cells ON deal_part(cells);
CREATE TABLE contact_part(part INTEGER PRIMARY KEY, cells INTEGER, place INTEGER, id TEXT,
    first_name TEXT, last_name TEXT, email TEXT, title TEXT, department TEXT, phone TEXT,
    linkedin_url TEXT, role TEXT, person_role TEXT, key TEXT, name_key TEXT, usable INTEGER,
    bad_id TEXT, home INTEGER);
CREATE INDEX contact_part_cells ON contact_part(cells);
CREATE TABLE role(cells INTEGER PRIMARY KEY, label TEXT, is_primary INTEGER);

CREATE TABLE doubt(kind TEXT, text TEXT, PRIMARY KEY (kind, text)) WITHOUT ROWID;
"""
_BY_CELLS = ("account_part", "deal_part", "contact_part", "role")


class Staging:
    """The temporary database of one intake; empty at first, gone when closed."""

    def __init__(self) -> None:
        # The event loop's thread is not always the one that reads the files.
        self.db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
            f"PRAGMA cache_size=-{_CACHE_KIB};{_SCHEMA} BEGIN;"
        )
        self.last_number = 0
        self.last_row = 0
        self._waiting: dict[str, list[Sequence[Any]]] = {}

    def close(self) -> None:
        """Drop everything; what reads from here is empty-handed from then on."""
        self.db.close()

    def next_number(self) -> int:
        """A number for distinct cells, or for a part, that no other has."""
        self.last_number += 1
        return self.last_number

    def add(self, table: str, row: Sequence[Any]) -> None:
        """Keep a row; it can be read after ``flush``."""
        waiting = self._waiting.setdefault(table, [])
        waiting.append(row)
        if len(waiting) >= _AT_ONCE:
            self._insert(table, waiting)

    def flush(self) -> None:
        """Write what was added."""
        for table, waiting in self._waiting.items():
            if waiting:
                self._insert(table, waiting)

    def _insert(self, table: str, rows: list[Sequence[Any]]) -> None:
        marks = ",".join("?" * len(rows[0]))
        columns = _GIVEN.get(table, "")
        self.db.executemany(f"INSERT OR IGNORE INTO {table}{columns} VALUES ({marks})", rows)
        rows.clear()

    def rows(self, query: str, *values: Any) -> Iterator[Any]:
        """The rows of a query, some at a time."""
        cursor = self.db.execute(query, values)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from rows

    def one(self, query: str, *values: Any) -> Any:
        """The first row of a query; None when it has none."""
        return self.db.execute(query, values).fetchone()

    def value(self, query: str, *values: Any) -> Any:
        """The first cell of a query that always has a row."""
        return self.one(query, *values)[0]

    def run(self, statement: str, *values: Any) -> int:
        """Change the database; how many rows were changed."""
        return self.db.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for many rows."""
        self.db.executemany(statement, rows)

    def pages(self, query: str, *key: str) -> Iterator[list[Any]]:
        """A query's rows by key, some at a time, so that they may be changed meanwhile.

        The query ends in a WHERE clause, and its first columns are the key.
        """
        order = f" ORDER BY {', '.join(key)} LIMIT {_AT_ONCE}"
        after = f" AND ({', '.join(key)}) > ({', '.join('?' * len(key))})"
        rows = self.db.execute(query + order).fetchall()
        while rows:
            yield rows
            rows = self.db.execute(query + after + order, rows[-1][: len(key)]).fetchall()

    def create(self, schema: str) -> None:
        """Add tables, inside the transaction that never ends."""
        for statement in schema.split(";"):
            self.run(statement)

    def function(self, name: str, function: Callable[[Any, Any], Any]) -> None:
        """Make a function of two values known to the database."""
        self.db.create_function(name, 2, function, deterministic=True)

    def has(self, what: str, *values: Any) -> bool:
        """Whether a table has such a row: ``what`` goes on after FROM."""
        return bool(self.value(f"SELECT EXISTS (SELECT 1 FROM {what})", *values))

    def doubt(self, kind: str, text: str) -> None:
        """Remember a name that could mean several records."""
        self.run("INSERT OR IGNORE INTO doubt VALUES (?, ?)", kind, text)

    def doubts(self, kind: str) -> int:
        """How many names could mean several records."""
        return int(self.value("SELECT count(*) FROM doubt WHERE kind = ?", kind))

    def distinct(self, values: Iterable[str]) -> Iterator[str]:
        """Each value once."""
        self.run("DELETE FROM column_value")
        self.run_many("INSERT OR IGNORE INTO column_value VALUES (?)", ((v,) for v in values))
        return (value for (value,) in self.rows("SELECT value FROM column_value"))

    # -- a table that breaks off -----------------------------------------------------------

    def mark(self) -> tuple[int, int]:
        """Where the next table begins."""
        return self.last_number, self.last_row

    def take_back(self, mark: tuple[int, int]) -> None:
        """Forget all rows since the mark: their table could not be read to its end."""
        self.flush()
        self.last_number, self.last_row = mark
        for table in _BY_CELLS:
            self.run(f"DELETE FROM {table} WHERE cells > ?", self.last_number)
        self.run("DELETE FROM mention WHERE n > ?", self.last_row)
        self.end_table()

    def end_table(self) -> None:
        """Empty what is only needed while a table is read."""
        self.run("DELETE FROM seen")
        self.run("DELETE FROM deal_text")


_GIVEN = {
    "account_part": "(cells, id, name, domain, industry, country, bad_id, home, name_key)",
}
"""Columns that are filled when a row is added, where others are filled later."""
