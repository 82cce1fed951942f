"""Tables into files: CSV, JSON Lines, Parquet or Excel, a row at a time.

A cell that a spreadsheet would run as a formula is written as text (OWASP ASVS 1.2.10).
"""

from __future__ import annotations

import csv
import string
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson

from enrico.errors import InputError, UsageError

FORMATS = ("csv", "jsonl", "parquet", "xlsx")
_FORMULA_STARTS = "=+-@\t\r\n\0"
EXCEL_ROWS = 1_048_576
EXCEL_CELL = 32_767

Cells = Sequence[Any]
"""A row's values in the order of its table's columns."""

_SAFE_STARTS = frozenset(string.ascii_letters + string.digits)
"""What most cells begin with; nothing is read into such a cell, whatever follows."""


def safe_cell(value: Any) -> Any:
    """Text that a spreadsheet must not run gets an apostrophe: ``=1+1`` → ``'=1+1``.

    Look-alikes of full width and leading spaces are seen through. A phone number (``+49 30 1234``)
    or a negative number stays as it is.
    """
    if not isinstance(value, str) or not value:
        return value
    bare = unicodedata.normalize("NFKC", value).lstrip(" \u00a0\u200b\ufeff")
    if not bare or bare[0] not in _FORMULA_STARTS:
        return value
    if bare[0] in "+-" and bare[1:] and all(c.isdigit() or c in " .,()/-" for c in bare[1:]):
        return value
    return "'" + value


class Writer(Protocol):
    """Takes the rows of one table, a page at a time."""

    def rows(self, rows: Sequence[Cells]) -> None:
        """Add some rows."""
        ...

    def close(self) -> None:
        """No more rows."""
        ...


class CsvWriter:
    """UTF-8 with commas; every text cell is safe to open in a spreadsheet."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file)
        self._csv.writerow(columns)

    def rows(self, rows: Sequence[Cells]) -> None:
        self._csv.writerows(
            [
                safe_cell(cell)
                if cell.__class__ is str and cell and cell[0] not in _SAFE_STARTS
                else cell
                for cell in cells
            ]
            for cells in rows
        )

    def close(self) -> None:
        self._file.close()


class JsonlWriter:
    """One JSON object a line; unknown is null."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("wb")
        self._columns = columns

    def rows(self, rows: Sequence[Cells]) -> None:
        columns = self._columns
        lines = [orjson.dumps(dict(zip(columns, cells, strict=True))) for cells in rows]
        self._file.write(b"\n".join([*lines, b""]))

    def close(self) -> None:
        self._file.close()


NUMBERS = {
    "confidence": "DOUBLE", "runner_up_confidence": "DOUBLE", "tenure_months": "BIGINT",
    "credits": "DOUBLE", "cost_usd": "DOUBLE", "score": "DOUBLE", "signals": "BIGINT",
    "results": "BIGINT", "relevance": "DOUBLE", "seen_on": "BIGINT", "result": "BIGINT",
    "committee_size": "BIGINT", "contacts": "BIGINT", "enriched": "BIGINT",
    "account_score": "DOUBLE", "row": "BIGINT",
}  # fmt: skip


class ParquetWriter:
    """Through duckdb, which reads the rows back from a JSON Lines file beside the target."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        try:
            import duckdb
        except ImportError:
            raise UsageError(
                "Parquet needs an extra package. Install it with: pip install 'enrico[parquet]', "
                "or choose CSV, JSONL or XLSX."
            ) from None
        self._duckdb = duckdb
        self._path = path
        self._columns = columns
        self._staging = path.with_name(path.name + ".part")
        self._rows = JsonlWriter(self._staging, columns)

    def rows(self, rows: Sequence[Cells]) -> None:
        self._rows.rows(rows)

    def close(self) -> None:
        self._rows.close()
        types = {name: NUMBERS.get(name, "VARCHAR") for name in self._columns}
        try:
            with self._duckdb.connect() as connection:
                rows = connection.read_json(
                    str(self._staging), format="newline_delimited", columns=types
                )
                rows.write_parquet(str(self._path))
        finally:
            self._staging.unlink(missing_ok=True)


class ExcelWriter:
    """One sheet of a workbook. Cells are written as what they are; text never as a formula."""

    def __init__(self, workbook: Any, name: str, columns: Sequence[str]) -> None:
        self._sheet = workbook.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._next = 1
        head = workbook.add_format({"bold": True})
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, column, head)

    def rows(self, rows: Sequence[Cells]) -> None:
        if self._next + len(rows) > EXCEL_ROWS:
            raise UsageError(
                f"An Excel sheet holds {EXCEL_ROWS:,} rows, and there are more. Write CSV, JSONL "
                "or Parquet instead."
            )
        for cells in rows:
            self._row(cells)

    def _row(self, cells: Cells) -> None:
        for place, value in enumerate(cells):
            if isinstance(value, bool):
                self._sheet.write_boolean(self._next, place, value)
            elif isinstance(value, int | float):
                self._sheet.write_number(self._next, place, value)
            elif value:
                self._sheet.write_string(self._next, place, str(value)[:EXCEL_CELL])
        self._next += 1

    def close(self) -> None:
        pass


def format_of(out: Path, wanted: str = "") -> str:
    """The format by extension, or *wanted*; a folder holds CSV files. Raises UsageError."""
    suffix = out.suffix.lower().removeprefix(".")
    suffix = {"ndjson": "jsonl", "pq": "parquet", "json": "jsonl"}.get(suffix, suffix)
    chosen = wanted or (suffix if not out.is_dir() else "") or "csv"
    if chosen not in FORMATS:
        raise UsageError(
            f"Files of type {chosen!r} cannot be written. Name a folder, or a file that ends in "
            ".csv, .jsonl, .parquet or .xlsx."
        )
    return chosen


def paths_of(out: Path, tables: Sequence[str], chosen: str) -> dict[str, Path]:
    """Where each table goes: in a folder by its name; beside ``out.csv`` as ``out.deals.csv``."""
    if chosen == "xlsx":
        path = out / "enrico.xlsx" if out.is_dir() or not out.suffix else out
        return dict.fromkeys(tables, path)
    if out.is_dir() or not out.suffix:
        return {table: out / f"{table}.{chosen}" for table in tables}
    first, *others = tables
    return {first: out, **{t: out.with_name(f"{out.stem}.{t}{out.suffix}") for t in others}}


async def write_tables(
    out: Path,
    columns: Mapping[str, Sequence[str]],
    pages: AsyncIterator[tuple[str, Sequence[Cells]]],
    *,
    wanted: str = "",
) -> dict[str, tuple[Path, int]]:
    """Write every table; returns where each is and how many rows it has.

    Files are written under another name and put in place when all are whole. Raises InputError
    when a file cannot be written.
    """
    chosen = format_of(out, wanted)
    paths = paths_of(out, list(columns), chosen)
    staged = {path: path.with_name(f".{path.name}.tmp") for path in paths.values()}
    try:
        try:
            for path in staged:
                path.parent.mkdir(parents=True, exist_ok=True)
            with _writers(chosen, {name: staged[paths[name]] for name in paths}, columns) as ways:
                numbers = await _pour(ways, pages)
            for path, staging in staged.items():
                staging.replace(path)
        finally:
            for staging in staged.values():
                staging.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror or error}. Choose another place with -o; "
            "the results are kept, and 'enrico export' writes them again."
        ) from error
    return {name: (path, numbers[name]) for name, path in paths.items()}


@contextmanager
def _writers(
    chosen: str, paths: Mapping[str, Path], columns: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Writer]]:
    """A writer for each table; all are closed at the end."""
    with ExitStack() as stack:
        ways: dict[str, Writer] = {}
        if chosen == "xlsx":
            import xlsxwriter

            options = {
                "strings_to_formulas": False, "strings_to_urls": False, "constant_memory": True,
            }  # fmt: skip
            book = str(next(iter(paths.values())))
            workbook = stack.enter_context(xlsxwriter.Workbook(book, options))
            ways = {name: ExcelWriter(workbook, name, columns[name]) for name in paths}
        else:
            kinds: dict[str, Callable[[Path, Sequence[str]], Writer]] = {
                "csv": CsvWriter, "jsonl": JsonlWriter, "parquet": ParquetWriter,
            }  # fmt: skip
            for name, path in paths.items():
                ways[name] = kinds[chosen](path, columns[name])
                stack.callback(ways[name].close)
        yield ways


async def _pour(
    ways: Mapping[str, Writer], pages: AsyncIterator[tuple[str, Sequence[Cells]]]
) -> dict[str, int]:
    """Writes all pages; returns how many rows each table has."""
    numbers = dict.fromkeys(ways, 0)
    async for table, rows in pages:
        ways[table].rows(rows)
        numbers[table] += len(rows)
    return numbers
