"""Workbooks (XLSX, XLS, ODS) and the HTML tables that some CRMs save under the name .xls."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from enrico.intake.cells import Row, cell_text
from enrico.intake.sources import Source, Unreadable, as_bytes_io

_DAMAGED = "Open it in a spreadsheet, save it as XLSX or CSV, and try again."


def workbook(source: Source) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each sheet's name and rows, in the workbook's order."""
    import python_calamine as calamine

    try:
        data = str(source.path) if not source.inner else as_bytes_io(source)
        book = calamine.load_workbook(data)
        names = list(book.sheet_names)
    except calamine.PasswordError as error:
        raise Unreadable(
            "the workbook is protected by a password", "Save it without one."
        ) from error
    except (
        Exception
    ) as error:  # calamine raises several of its own kinds, and panics as BaseException
        if _is_encrypted(source):
            text = "the workbook is protected by a password"
            raise Unreadable(text, "Save it without one.") from error
        raise Unreadable(
            "the workbook is damaged, cut off or of an unknown kind", _DAMAGED
        ) from error
    for name in names:
        yield name, _sheet_rows(book, name)


def _is_encrypted(source: Source) -> bool:
    head = source.head(1 << 16)
    return head.startswith(b"\xd0\xcf\x11\xe0") and (
        "EncryptedPackage".encode("utf-16-le") in source.read()
    )


def _sheet_rows(book: object, name: str) -> Iterator[Row]:
    import python_calamine as calamine

    assert isinstance(book, calamine.CalamineWorkbook)
    try:
        sheet = book.get_sheet_by_name(name)
        # A cell merged over several rows is one for all of them; only the first holds its value.
        merged: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
            if bottom > top:
                merged.setdefault(top, []).append((left, bottom))
        held: dict[int, tuple[int, str]] = {}
        for place, row in enumerate(sheet.to_python(skip_empty_area=False)):
            cells = [cell_text(value) for value in row]
            for column, (last, text) in held.items():
                if place <= last and column < len(cells) and not cells[column]:
                    cells[column] = text
            for column, last in merged.get(place, ()):
                if column < len(cells):
                    held[column] = last, cells[column]
            yield place + 1, cells
    except calamine.CalamineError as error:
        raise Unreadable(f"the sheet {name} cannot be read", _DAMAGED) from error


def html(source: Source) -> Iterator[tuple[str, Iterator[Row]]]:
    """Tables of an HTML page, or the sheets of an Excel 2003 XML file."""
    data = source.read()
    text = _decode(data)
    parser = _Tables()
    parser.feed(text)
    parser.close()
    found = [table for table in parser.tables if any(any(c.strip() for c in row) for row in table)]
    if not found:
        raise Unreadable(
            "this is a web page without a table (perhaps a log-in page)",
            "Export the data as CSV or XLSX.",
        )
    for number, table in enumerate(found, 1):
        yield (f"table {number}" if len(found) > 1 else ""), enumerate(table, 1)


def _decode(data: bytes) -> str:
    named = re.search(rb"(?:charset|encoding)=[\"']?([\w-]+)", data[:2000])
    for encoding in (named.group(1).decode("ascii") if named else "utf-8", "utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode("latin-1")


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._cell: io.StringIO | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("table", "worksheet"):
            if not (tag == "table" and self.tables and not self.tables[-1]):
                self.tables.append([])
        elif tag in ("tr", "row") and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th", "cell") and self.tables and self.tables[-1]:
            self._end_cell()
            self._cell = io.StringIO()
            known = dict(attrs)
            self._span = (
                int(known.get("colspan") or 1) if (known.get("colspan") or "1").isdigit() else 1
            )
            index = known.get("ss:index") or ""
            row = self.tables[-1][-1]
            if index.isdigit():
                row.extend([""] * min(int(index) - 1 - len(row), 2000))
        elif tag == "br" and self._cell is not None:
            self._cell.write("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "cell", "tr", "row", "table", "worksheet"):
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.write(data)

    def _end_cell(self) -> None:
        if self._cell is not None:
            row = self.tables[-1][-1]
            row.append(self._cell.getvalue().strip())
            row.extend([""] * min(self._span - 1, 500))
            self._cell = None
