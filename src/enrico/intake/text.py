"""CSV, TSV and other divided text: encoding and delimiter are found out, rows are streamed."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from enrico.intake.cells import Row
from enrico.intake.sources import Source, looks_wide
from enrico.intake.vocabulary import meaning

_DELIMITERS = ",;\t|"
_LARGEST_CELL = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a text file is written."""

    encoding: str
    delimiter: str
    skip_lines: int = 0
    """1 when Excel's ``sep=;`` line comes first; it is no row of the sheet."""
    errors: str = "strict"
    quoting: bool = True


def find_format(source: Source) -> TextFormat:
    """Reads the file once to be sure of its encoding; the delimiter is told by its beginning."""
    encoding, errors = _encoding(source)
    with (
        source.open() as stream,
        io.TextIOWrapper(stream, encoding, "replace", newline="") as lines,
    ):
        text = lines.read(200_000).replace("\0", "")
    mark = re.match(r"\ufeff?\"?sep=(.|\\t)\"?\r?\n", text, flags=re.I)
    if mark:
        delimiter = "\t" if mark.group(1) in ("\\t", "\t") else mark.group(1)
        return TextFormat(encoding, delimiter, 1, errors)
    return TextFormat(encoding, _delimiter(text), 0, errors)


def rows(source: Source, form: TextFormat) -> Iterator[Row]:
    """Every row with its number as a spreadsheet shows it; blank rows too."""
    csv.field_size_limit(_LARGEST_CELL)
    with (
        source.open() as stream,
        io.TextIOWrapper(stream, encoding=form.encoding, errors=form.errors, newline="") as text,
    ):
        for _ in range(form.skip_lines):
            text.readline()
        reader = csv.reader(
            _clean(text),
            delimiter=form.delimiter,
            quoting=csv.QUOTE_MINIMAL if form.quoting else csv.QUOTE_NONE,
            skipinitialspace=True,
        )
        yield from enumerate(reader, 1)


def _clean(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line.replace("\0", "") if "\0" in line else line


def _encoding(source: Source) -> tuple[str, str]:
    head = source.head(4096)
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name, "replace"
    if looks_wide(head):
        return ("utf-16-le" if head[1:2] == b"\0" else "utf-16-be"), "replace"
    decoder = codecs.getincrementaldecoder("utf-8")()
    broken = False
    high: Counter[int] = Counter()
    good = bad = 0
    with source.open() as stream:
        while chunk := stream.read(1 << 20):
            if not broken:
                try:
                    decoder.decode(chunk)
                    continue
                except UnicodeDecodeError:
                    broken = True
            text = chunk.decode("utf-8", errors="replace")
            wrong = text.count("\ufffd")
            bad += wrong
            good += sum(1 for c in text if ord(c) > 127) - wrong
            high.update(b for b in chunk if b > 127)
    if not broken:
        return "utf-8", "strict"
    if good > 20 * bad:
        return "utf-8", "replace"  # a few bytes were damaged on the way
    undefined = sum(high[b] for b in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
    windows = sum(high[b] for b in range(0x80, 0xA0)) - undefined
    return ("latin-1" if undefined > windows or not windows else "cp1252"), "replace"


def _delimiter(text: str) -> str:
    """The mark that gives the most columns in the most rows; known headers count most."""
    csv.field_size_limit(_LARGEST_CELL)
    ways = {mark: table for mark in _DELIMITERS if mark in text and (table := _table(text, mark))}
    if len(ways) < 2:
        return next(iter(ways), ",")

    def score(mark: str) -> float:
        table = ways[mark]
        widths = Counter(len(row) for row in table if len(row) > 1)
        width, count = max(widths.items(), key=lambda pair: (pair[1] * min(pair[0], 8), pair[0]))
        known = max(sum(meaning(cell) is not None for cell in row) for row in table[:30])
        return count / len(table) * min(width, 12) + 3 * known

    return max(ways, key=score)


def _table(text: str, delimiter: str) -> list[list[str]]:
    """The first rows that hold anything; none where this mark divides nothing."""
    table: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                table.append(row)
            if len(table) >= 60:
                break
    except csv.Error:
        return []
    return table if any(len(row) > 1 for row in table) else []
