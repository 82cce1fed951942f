"""Where a test's databases lie: SQLite files in its folder, or databases of a real PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from tests.postgres import ask, named


class Stores(Protocol):
    """The databases of one test, by their names."""

    def url(self, name: str) -> str:
        """What ENRICO_DATABASE_URL says; the database is made when it is first opened."""
        ...

    def load(self, name: str, deals: int) -> None:
        """Make it with the sample export in it; one that is there stays as it is."""
        ...

    def query(self, name: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows, read from outside."""
        ...

    def execute(self, name: str, sql: str, *values: Any) -> None:
        """Change it from outside."""
        ...

    def files(self, name: str) -> Iterable[Path]:
        """The files that it lies in, where they can be read."""
        ...


class MemoryStores:
    """Each opened one is another, gone when it is closed, and nobody else's to look into."""

    def url(self, name: str) -> str:
        return "sqlite:///:memory:"

    def load(self, name: str, deals: int) -> None:
        raise NotImplementedError

    def query(self, name: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def execute(self, name: str, sql: str, *values: Any) -> None:
        raise NotImplementedError

    def files(self, name: str) -> Iterable[Path]:
        return ()


class SqliteStores:
    """Files in a folder; *loaded* gives one with the sample export, to be copied."""

    def __init__(self, folder: Path, loaded: Callable[[int], Path] | None = None) -> None:
        self._folder = folder
        self._loaded = loaded

    def path(self, name: str) -> Path:
        """The file."""
        return self._folder / f"{name}.db"

    def url(self, name: str) -> str:
        return f"sqlite:///{self.path(name)}"

    def load(self, name: str, deals: int) -> None:
        if self._loaded is not None and not self.path(name).exists():
            shutil.copy(self._loaded(deals), self.path(name))

    def query(self, name: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.path(name)}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()

    def execute(self, name: str, sql: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.path(name))) as connection, connection:
            connection.execute(sql, values)

    def files(self, name: str) -> Iterable[Path]:
        return sorted(self._folder.glob(f"{name}.db*"))


class PostgresStores:
    """Databases of one server, made for one test and dropped after it."""

    def __init__(self, server: str, test: str, loaded: Callable[[int], str]) -> None:
        self._server = server
        self._test = test
        self._loaded = loaded
        self._made: set[str] = set()

    def url(self, name: str) -> str:
        if name not in self._made:
            self._make(name, "template0")
        return named(self._server, f"{self._test}_{name}")

    def load(self, name: str, deals: int) -> None:
        if name not in self._made:
            self._make(name, self._loaded(deals))

    def query(self, name: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return _at_once(self.url(name), sql, *values)

    def execute(self, name: str, sql: str, *values: Any) -> None:
        self.query(name, sql, *values)

    def files(self, name: str) -> Iterable[Path]:
        asked = (
            "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database "
            "WHERE datname = current_database()"
        )
        self.execute(name, "CHECKPOINT")  # what is in the server's memory only is no less there
        [(folder,)] = self.query(name, asked)
        return sorted(path for path in Path(folder).glob("*") if path.is_file())

    def drop(self) -> None:
        """Remove all of them."""
        for name in self._made:
            _at_once(self._server, f'DROP DATABASE "{self._test}_{name}" WITH (FORCE)')

    def _make(self, name: str, template: str) -> None:
        statement = f'CREATE DATABASE "{self._test}_{name}" TEMPLATE "{template}"'
        _at_once(self._server, statement)
        self._made.add(name)


def _at_once(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask(url, sql, *values)).result()
