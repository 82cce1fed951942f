"""Looks for people and keys in everything that a database and its exports leave on disk."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from enrico.domain.identity import check_email
from enrico.sandbox import write_sample_crm
from enrico.store.tables import metadata
from tests.stores import PostgresStores, Stores

START = 6
"""No needle is shorter; all are looked for by their first bytes at once."""


@dataclass(frozen=True)
class Person:
    """Somebody to look for, as an export of the CRM has them."""

    key: str
    """Their address as people are matched by it."""
    needles: frozenset[str]
    """What must not be found, in lower case: addresses as written, full name, phone, profile."""


def write_crm(folder: Path, deals: int) -> list[Person]:
    """A made-up Salesforce export in which everybody has a phone number and a profile.

    A name that several people have, or that is part of another one's, is not looked for.
    """
    write_sample_crm(folder, deals=deals)
    path = folder / "Contact.csv"
    with path.open(encoding="latin-1", newline="") as file:
        rows = list(csv.DictReader(file))
    written: dict[str, set[str]] = {}
    named: dict[str, set[str]] = {}
    for row in rows:
        check = check_email(row["Email"], f"{row['FirstName']} {row['LastName']}")
        if not check.usable:
            row["LinkedIn URL"] = ""
            continue
        number = zlib.crc32(check.key.encode())
        row["Phone"] = f"+49 171 {number:010}"
        row["LinkedIn URL"] = f"https://www.linkedin.com/in/p-{number:010}"
        name = f"{row['FirstName']} {row['LastName']}".strip().lower()
        named.setdefault(name, set()).add(check.key)
        written.setdefault(check.key, set()).update(
            (check.key, row["Email"].strip().lower(), f"{number:010}", name)
        )
    with path.open("w", encoding="latin-1", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    several = {
        name
        for name, keys in named.items()
        if len(keys) > 1 or any(name in other and name != other for other in named)
    }
    return [
        Person(key, frozenset(n for n in needles - several if len(n) >= START))
        for key, needles in sorted(written.items())
    ]


def haystacks(
    stores: Stores, *folders: Path, database: str = "enrico"
) -> Iterator[tuple[str, bytes]]:
    """(where, lower-case bytes) of the database's files, its rows, its blobs, and all files."""
    for path in stores.files(database):
        with suppress(FileNotFoundError):  # a server makes files anew as it pleases
            yield path.name, lowered(path.read_bytes())
    for table in _tables(stores, database):
        # A text that runs over several pages is whole only here.
        rows = stores.query(database, f"SELECT * FROM {table}")
        cells = [cell for row in rows for cell in row]
        text = "\n".join(cell for cell in cells if isinstance(cell, str))
        yield f"rows of {table}", text.lower().encode()
        if table == "calls":
            packed = [cell for cell in cells if isinstance(cell, bytes) and cell]
            yield "payloads", lowered(b"\n".join(map(zlib.decompress, packed)))
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            yield from contents(path)


def _tables(stores: Stores, database: str) -> list[str]:
    """All tables: also those that our own code does not name, and a server's samples of columns."""
    if not isinstance(stores, PostgresStores):
        return list(metadata.tables)
    found = stores.query(
        database,
        "SELECT schemaname || '.' || tablename FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    samples = "(SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats) samples"
    return [*(name.removeprefix("public.") for (name,) in found), samples]


def lowered(text: bytes) -> bytes:
    """Lower case, letters with accents too; what is no text stays as it is."""
    return text.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, and what is packed in it."""
    yield path.name, lowered(path.read_bytes())
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            for name in book.namelist():
                yield f"{path.name}/{name}", lowered(book.read(name))
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            rows = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        yield f"{path.name} unpacked", repr(rows).lower().encode()


def in_the_news(stores: Stores, database: str = "enrico") -> bytes:
    """All that searches brought, in lower case: it may name people of whom nothing is held."""
    rows = stores.query(database, "SELECT body FROM calls WHERE provider = 'serper'")
    return lowered(b"\n".join(zlib.decompress(body) for (body,) in rows if body))


def hits(needles: Iterable[str], hay: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """(where, needle) of everything that was found. One pass, however many needles."""
    by_start: dict[bytes, list[str]] = {}
    for needle in needles:
        by_start.setdefault(needle.encode()[:START], []).append(needle)
    found = []
    for where, text in hay:
        places = range(len(text) - START + 1)
        starts = {start for n in places if (start := text[n : n + START]) in by_start}
        found += [
            (where, needle)
            for start in sorted(starts)
            for needle in by_start[start]
            if needle.encode() in text
        ]
    return found
