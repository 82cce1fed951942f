"""Flags that every command has, and how commands talk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson
from cyclopts import Parameter

from enrico.client import Enrico
from enrico.settings import ProfileName, load_settings


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Flags of every command."""

    json: bool = False
    "Print JSON on stdout and nothing else there."
    database: str = ""
    "Database URL: sqlite:///crm.db or postgresql://user@host/crm; or ENRICO_DATABASE_URL."
    profile: ProfileName | None = None
    "Limits to keep to: classic, modern, free, instant or storm. Left out: learnt."
    quiet: bool = False
    "No progress on stderr."
    debug: bool = False
    "Show the traceback of an error and log everything."

    def client(self, **more: Any) -> Enrico:
        """The library, with these flags over environment, file and defaults."""
        overrides: dict[str, Any] = {}
        if self.database:
            overrides["database_url"] = self.database
        if self.debug:
            overrides["log_level"] = "debug"
        return Enrico(load_settings(self.profile, **overrides), **more)


DEFAULT = Common()


def print_json(value: Any) -> None:
    """Data for machines, on stdout."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def print_line(value: Any) -> None:
    """One of several pieces of data for machines, as a line on stdout."""
    print(orjson.dumps(value, default=str).decode(), flush=True)


def say(text: str = "") -> None:
    """Talk, on stderr."""
    print(text, file=sys.stderr)


def usage(text: str) -> NoReturn:
    """End with a usage error."""
    from enrico.errors import UsageError

    raise UsageError(text)


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A table on stdout: drawn on a terminal, tab-separated when piped."""
    if not sys.stdout.isatty():
        for row in [columns, *rows]:
            print("\t".join("" if cell is None else str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    Console().print(drawn)


def with_client(common: Common, do: Callable[[Enrico], Awaitable[int]], **more: Any) -> int:
    """Open the client, do the command's work with it, close; returns the exit code."""

    async def inside() -> int:
        async with common.client(**more) as client:
            return await do(client)

    return asyncio.run(inside())
