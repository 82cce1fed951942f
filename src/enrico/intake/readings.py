"""What is said about each table: how it was read, and what in it is doubtful."""

from __future__ import annotations

from enrico.intake.columns import Column
from enrico.intake.ingest import Ingested
from enrico.intake.records import Intake
from enrico.intake.result import ColumnReading, FileReading


def name_of(one: Ingested) -> str:
    """File and sheet, for messages."""
    return f"{one.file}, sheet {one.table.sheet}" if one.table.sheet else one.file


def reading_of(one: Ingested) -> FileReading:
    """The account of how a table was read."""
    table, plan = one.table, one.plan
    columns = [
        ColumnReading(c.header, _field_words(c), c.why)
        for c in plan.columns
        if c.header or c.target or c.values
    ]
    styles: dict[str, list[str]] = {}
    names = {c.index: c.header for c in plan.columns}
    for index, style in one.formats.dates.items():
        if style.why:
            text = f"{style.order} first: {style.why}" if style.order else style.why
            styles.setdefault(text, []).append(names[index])
    order = (
        next(iter(styles), "")
        if len(styles) == 1
        else "; ".join(f"{', '.join(headers)}: {text}" for text, headers in styles.items())
    )
    mark = {".": "1,234.56", ",": "1.234,56"}.get(one.formats.decimal, "")
    decimal = f"{mark}: {one.formats.decimal_why}" if mark else one.formats.decimal_why
    return FileReading(
        table.path,
        table.sheet,
        plan.kind,
        plan.crm,
        table.encoding,
        table.delimiter,
        table.header_row,
        table.count,
        columns,
        order,
        decimal,
        "; ".join(filter(None, [plan.note, *table.notes])),
    )


def _field_words(column: Column) -> str:
    """The field, and whose: ``contact.name (person 2)``, ``contact.email (champion)``."""
    slot = column.slot
    if not (slot and column.target):
        return column.target
    if slot.startswith("+"):
        slot = str(int(slot) + 1)
    return f"{column.target} ({f'person {slot}' if slot.isdigit() else slot.replace('_', ' ')})"


def warn_about(one: Ingested, result: Intake) -> None:
    """Doubts about a table that do not stop it."""
    where = name_of(one)
    headers = {c.index: c.header for c in one.plan.columns}
    for index, style in one.formats.dates.items():
        if style.ambiguous:
            result.warnings.append(
                f"{where}: dates in '{headers[index]}' can be read in two ways ({style.why}); "
                f"they were read {style.order} first. Write them as 2026-11-20 to be sure."
            )
    for header, (count, example) in one.formats.unread.items():
        result.warnings.append(
            f"{where}: {count} different values of '{header}' could not be read and were "
            f"left empty, e.g. {example[:30]!r}."
        )
    result.warnings += [f"{where}: {note}." for note in one.table.notes]
    if one.table.misnamed:
        result.warnings.append(f"{where}: {one.table.misnamed}; it was read as that.")
    if one.table.ragged.count:
        result.warnings.append(
            f"{where}: {one.table.ragged.count} rows have more cells than the header (rows "
            f"{one.table.ragged}); the extra cells were not used. "
            "A delimiter inside a value may not be quoted."
        )
    blank = sum(1 for c in one.plan.columns if not c.header and c.values and not c.target)
    if blank:
        result.warnings.append(f"{where}: {blank} columns without a header were not used.")
