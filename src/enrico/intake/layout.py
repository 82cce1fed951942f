"""Where the tables of a sheet begin and end: titles above, footers and more tables below."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from enrico.intake.cells import Native
from enrico.intake.sources import Source, Unreadable, what
from enrico.intake.vocabulary import fold, meaning

Row = tuple[int, list[str]]
_LOOKAHEAD = 60
_TAIL = 25

_FOOTER = re.compile(
    r"""confidential[ ]information|do[ ]not[ ]distribute|copyright[ ]|\(c\)[ ]?\d{4}|©|all[ ]rights[ ]reserved
    |generated[ ]by    |grand[ ]totals?\b|gesamtsumme|generiert[ ]von|erstellt[ ]von:|genere[ ]par|generado[ ]por|gerado[ ]por
    |generato[ ]da    |gegenereerd[ ]door|vertrauliche[ ]informationen|informations?[ ]confidentielles?
    |informacion[ ]confidencial    |informacoes[ ]confidenciais|informazioni[ ]riservate|vertrouwelijke[ ]informatie|report[ ]generated
    |exported[ ](by|on|from)    |^page[ ]\d+|^seite[ ]\d+|^end[ ]of[ ]report|total[ ]general|totale[ ]complessivo
    |eindtotaal|as[ ]of[ ]\d{4}-\d\d-\d\d
    |\b(filtered|sorted)[ ]by:?|^salesforce(\.com)?,[ ]inc""",
    re.X,
)
_TOTAL = re.compile(
    r"(sub|grand[ ]?|gesamt|zwischen|sous-|eind|sub-)?(totals?|totale|totaux|totales|summe|summa|totaal|"
    r"sum|suma|somme|soma|"
    r"totali|totais|insgesamt|gesamt|(total )?records|total general|"
    r"total \(\d+ records?\)|total records|average|durchschnitt)"
    r"(\b.{0,30})?:?"
)

_TOTAL_STARTS = frozenset(["tot", "sub", "gra", "ges", "sum", "zwi", "som", "suma"])


@dataclass(slots=True)
class Table:
    """One table: its header, and its rows as a stream that is read once."""

    path: str
    sheet: str
    encoding: str
    delimiter: str
    header_row: int
    headers: list[str]
    rows: Iterator[Row]
    leftovers: list[tuple[int, str]] = field(default_factory=list)
    """Rows that are no data, with the reason; complete when ``rows`` is at its end."""
    notes: list[str] = field(default_factory=list)
    ragged: list[int] = field(default_factory=list)
    """Rows with more cells than the header."""
    count: int = 0


def tables(source: Source) -> Iterator[Table]:
    """All tables of a file; each must be read to its end before the next is asked for."""
    from enrico.intake import sheets, structured, text

    kind = what(source)
    if kind == "text":
        form = text.find_format(source)
        delimiter = "" if form.delimiter not in ",;\t|" else form.delimiter
        yield from _split(source, "", text.rows(source, form), form.encoding, delimiter)
    elif kind == "parquet":
        yield from _split(source, "", structured.parquet(source), "", "", first_is_header=True)
    elif kind == "json":
        for name, rows in structured.json_tables(source):
            yield from _split(source, name, rows, "utf-8", "", first_is_header=True)
    else:
        reader = sheets.workbook if kind == "workbook" else sheets.html
        found = False
        for name, rows in reader(source):
            for table in _split(source, name, rows, "", ""):
                found = True
                yield table
        if not found:
            raise Unreadable("the workbook holds no data", "Export it again.")


def is_blank(row: list[str]) -> bool:
    """No cell holds anything but spaces."""
    return not any(cell and not cell.isspace() for cell in row)


def _split(
    source: Source,
    sheet: str,
    rows: Iterator[Row],
    encoding: str,
    delimiter: str,
    *,
    first_is_header: bool = False,
) -> Iterator[Table]:
    stream = _Stream(rows)
    while True:
        start = stream.peek(1 if first_is_header else _LOOKAHEAD)
        if not start:
            return
        place = 0 if first_is_header else find_header([row for _, row in start])
        above = [stream.take() for _ in range(place)]
        number, header = stream.take()
        headers = [" ".join(str(cell).replace("\ufeff", "").split()) for cell in header]
        while headers and not headers[-1]:
            headers.pop()
        if above:
            headers = _with_group_titles(above[-1][1], headers)
        below = stream.peek(1)
        if below and not first_is_header and _is_second_header(headers, below[0][1]):
            headers = _two_rows(headers, stream.take()[1])
        table = Table(source.label, sheet, encoding, delimiter, number, headers, iter(()))
        table.rows = _data(table, stream)
        yield table
        for _ in table.rows:
            pass  # the consumer stopped early
        if not stream.peek(1):
            return


class _Stream:
    """Rows with look-ahead."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._ahead: deque[Row] = deque()

    def peek(self, size: int) -> list[Row]:
        """Up to *size* of the next rows; blank ones at the very start are dropped."""
        while len(self._ahead) < size:
            row = next(self._rows, None)
            if row is None:
                break
            if not self._ahead and is_blank(row[1]):
                continue
            self._ahead.append(row)
        return list(self._ahead)[:size]

    def take(self) -> Row:
        return self._ahead.popleft() if self._ahead else next(self._rows)

    def __iter__(self) -> Iterator[Row]:
        while True:
            if self._ahead:
                yield self._ahead.popleft()
            else:
                row = next(self._rows, None)
                if row is None:
                    return
                yield row

    def put_back(self, rows: list[Row]) -> None:
        self._ahead.extendleft(reversed(rows))


def find_header(rows: list[list[str]]) -> int:
    """Which of the first rows holds the headers: the one with the most known ones."""
    best, best_score = -1, 0.0
    widths = [sum(1 for cell in row if cell.strip()) for row in rows]
    for place, row in enumerate(rows):
        score = header_score(row)
        # Data can hold known words too (a role, a stage): a later row must be clearly better.
        if score > best_score * (1.3 if best >= 0 and widths[best] >= widths[place] else 1.0):
            best, best_score = place, score
    if best >= 0:
        return best
    widest = max(widths)
    for place in range(len(rows)):
        if widths[place] >= min(widest, 2) and widths[place] >= 0.6 * widest:
            return place
    return 0


def header_score(row: list[str]) -> float:
    """How much a row looks like a header: known words less numbers, long texts and addresses."""
    cells = [cell for cell in row if cell.strip()]
    if not cells:
        return 0.0
    known = sum(meaning(cell) is not None for cell in cells)
    odd = sum(
        1
        for cell in cells
        if isinstance(cell, Native)
        or len(cell) > 120
        or "@" in cell
        or re.fullmatch(r"[\d\s.,:/%€$£-]+", cell)
    )
    if not known or (len(cells) > 1 and known < 2 and known < 0.3 * len(cells)):
        return 0.0
    return max(0.0, known * (1 + known / len(cells)) - 2 * odd)


def _with_group_titles(above: list[str], headers: list[str]) -> list[str]:
    """``Contact 1`` merged over ``Name | Email``: the title goes in front of both."""
    doubled = {h for h in headers if h and headers.count(h) > 1}
    titles = [cell.strip() for cell in above]
    if not doubled or sum(1 for t in titles if t) < 2:
        return headers
    current = ""
    result = []
    for place, header in enumerate(headers):
        current = (titles[place] if place < len(titles) else "") or current
        joined = f"{current} {header}".strip()
        result.append(joined if header in doubled and meaning(joined) is not None else header)
    return result


def _is_second_header(headers: list[str], row: list[str]) -> bool:
    """``Name | Email`` under a merged ``Contact 1``: known words only, some of them under a gap."""
    filled = [i for i, cell in enumerate(row) if cell.strip()]
    gaps = [i for i in filled if i >= len(headers) or not headers[i]]
    return len(filled) > 1 and bool(gaps) and all(meaning(row[i]) is not None for i in filled)


def _two_rows(headers: list[str], row: list[str]) -> list[str]:
    current = ""
    result = []
    for i in range(max(len(headers), len(row))):
        current = (headers[i] if i < len(headers) else "") or current
        cell = " ".join(row[i].split()) if i < len(row) else ""
        own = headers[i] if i < len(headers) else ""
        joined = f"{current} {cell}".strip()
        result.append(own if not cell else joined if meaning(joined) is not None else cell)
    return result


def _data(table: Table, stream: _Stream) -> Iterator[Row]:
    """Data rows; the last ones are held back until it is clear that they are no footer."""
    width = len(table.headers)
    held: deque[Row] = deque()
    after_blank = False
    source = iter(stream)
    is_header = _same_as(table.headers)
    for number, row in source:
        if is_blank(row):
            after_blank = True
            continue
        if is_header(row):
            table.leftovers.append((number, "the header again"))
            after_blank = False
            continue
        if after_blank and _starts_table(row, table.headers):
            stream.put_back([(number, row)])
            break
        after_blank = False
        if table.delimiter and len(row) < width and "\n" in row[-1]:
            swallowed = _swallowed(row, width, table.delimiter)
            if swallowed:
                stream.put_back([(number + i, r) for i, r in enumerate(swallowed)])
                table.notes.append(
                    f"a quote in row {number} is not closed; the rows after it were set free"
                )
                continue
        if len(row) > width and not is_blank(row[width:]):
            table.ragged.append(number)
        held.append((number, row))
        if len(held) > _TAIL:
            first = held.popleft()
            if first[1][0][:3].lower() in _TOTAL_STARTS and is_footer(first[1], width):
                table.leftovers.append((first[0], "report footer"))
                continue
            table.count += 1
            yield first
    for number, row in _without_footer(held, table):
        table.count += 1
        yield number, row


def _swallowed(row: list[str], width: int, delimiter: str) -> list[list[str]]:
    """The rows inside a cell whose quote was never closed; none when the cell is just long text."""
    lines = [line for line in row[-1].split("\n") if line.strip()]
    rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    rows[0] = [*row[:-1], *rows[0]]
    whole = sum(1 for r in rows if len(r) == width)
    return rows if len(rows) > 1 and whole >= 0.8 * len(rows) else []


def _same_as(headers: list[str]) -> Callable[[list[str]], bool]:
    first = headers[0] if headers else ""

    def same(row: list[str]) -> bool:
        return (
            bool(row)
            and row[0].strip() == first
            and [c.strip() for c in row[: len(headers)]] == headers
        )

    return same


def _starts_table(row: list[str], headers: list[str]) -> bool:
    filled = sum(1 for cell in row if cell.strip())
    known = sum(
        1 for cell in row if cell.strip() and not isinstance(cell, Native) and meaning(cell)
    )
    return filled >= 2 and known >= 2 and known >= 0.6 * filled


def is_footer(row: list[str], width: int) -> bool:
    """Totals, copyright, *Confidential*, *Generated By*: rows of a report that are no data."""
    cells = [cell for cell in row if cell.strip()]
    if len(cells) > max(3, 0.5 * width):
        return _is_total(cells) and any(re.search(r"\d", c) for c in cells)
    first = fold(cells[0]).strip()
    if len(first) < 300 and _FOOTER.search(first):
        return True
    return _is_total(cells)


def _is_total(cells: list[str]) -> bool:
    first = fold(cells[0]).strip()
    if not _TOTAL.fullmatch(first):
        return False
    rest = cells[1:]
    return all(re.search(r"\d", cell) or _TOTAL.fullmatch(fold(cell).strip()) for cell in rest)


def _without_footer(held: deque[Row], table: Table) -> list[Row]:
    rows = list(held)
    width = len(table.headers)
    last = len(rows)
    # The footer begins at the first footer-like row after which no full row comes.
    for place in range(len(rows) - 1, -1, -1):
        row = rows[place][1]
        filled = sum(1 for cell in row if cell.strip())
        if is_footer(row, width):
            last = place
        elif filled > max(1, 0.34 * width) or (last == len(rows) and filled > 1):
            break
    kept = []
    for place, (number, row) in enumerate(rows):
        if place >= last or is_footer(row, width):
            table.leftovers.append((number, "report footer"))
        else:
            kept.append((number, row))
    return kept
