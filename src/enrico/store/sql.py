"""Statements that mean the same in SQLite and PostgreSQL.

SQLAlchemy is asked once for each statement what it means in SQL; to let it execute every row costs
many times what the database takes for the row (decision 0016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Dialect, Executable, Float, Integer

# Both databases take the same ON CONFLICT, and SQLite's compiler takes PostgreSQL's insert; the
# other way round fails.
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

__all__ = [
    "Compiled", "Operation", "Rows", "compiled", "insert", "is_listed", "json_length", "unix_time",
]  # fmt: skip

Rows = Sequence[Mapping[str, Any]]
Operation = tuple[Executable, Rows]


class unix_time(FunctionElement[float]):
    """Unix seconds of a time that is kept as text."""

    inherit_cache = True
    type = Float()


class json_length(FunctionElement[int]):
    """How many items a JSON list has that is kept as text."""

    inherit_cache = True
    type = Integer()


class is_listed(FunctionElement[bool]):
    """Whether a text is in a JSON list: one value, however long the list. Both databases take no
    more than some ten thousand values in a statement."""

    inherit_cache = True
    type = Boolean()


@compiles(is_listed, "sqlite")
def _(element: is_listed, compiler: SQLCompiler, **how: Any) -> str:
    value, listed = (compiler.process(part, **how) for part in element.clauses)
    return f"({value} IN (SELECT value FROM json_each({listed})))"


@compiles(is_listed, "postgresql")
def _(element: is_listed, compiler: SQLCompiler, **how: Any) -> str:
    value, listed = (compiler.process(part, **how) for part in element.clauses)
    return f"({value} IN (SELECT json_array_elements_text(CAST({listed} AS json))))"


@compiles(unix_time, "sqlite")
def _(element: unix_time, compiler: SQLCompiler, **how: Any) -> str:
    return f"((julianday({compiler.process(element.clauses, **how)}) - 2440587.5) * 86400)"


@compiles(unix_time, "postgresql")
def _(element: unix_time, compiler: SQLCompiler, **how: Any) -> str:
    of = compiler.process(element.clauses, **how)
    return f"CAST(extract(epoch FROM CAST({of} AS timestamptz)) AS float)"


@compiles(json_length, "sqlite")
def _(element: json_length, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_array_length({compiler.process(element.clauses, **how)})"


@compiles(json_length, "postgresql")
def _(element: json_length, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_array_length(CAST({compiler.process(element.clauses, **how)} AS json))"


class Compiled(NamedTuple):
    """A statement as its database reads it."""

    sql: str
    constants: Mapping[str, Any]
    """Values that are part of the statement, by the names of their places."""
    places: Sequence[str]
    """The names of the values in order, where places are numbered; else empty."""


def compiled(statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> Compiled:
    """The SQL of *statement* for rows with these keys."""
    found = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
    assert isinstance(found, SQLCompiler)
    constants = {
        name: bind.effective_value
        for name, bind in found.binds.items()
        if name not in names and not bind.required
    }
    return Compiled(found.string, constants, tuple(found.positiontup or ()))
