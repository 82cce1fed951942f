"""Any CRM export → accounts, contacts, deals, and who is on which deal."""

from __future__ import annotations

import csv
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from enrico.errors import InputError
from enrico.intake import layout, sources
from enrico.intake.ingest import Ingested, ingest
from enrico.intake.link import link
from enrico.intake.readings import reading_of, warn_about
from enrico.intake.result import FileReading, Intake, Unusable


def read_exports(paths: Sequence[Path]) -> Intake:
    """Read files and folders of a CRM's exports, in any form, and join what belongs together.

    CSV, TSV, XLSX, XLS, ODS, JSON, JSON Lines, Parquet; also inside zips. Every data row gives a
    record or stands in ``unusable`` with the reason. Raises ``InputError`` when nothing is usable.
    """
    with _without_collector():
        return _read(paths)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Millions of small live records make the cycle collector walk them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(paths: Sequence[Path]) -> Intake:
    result = Intake()
    read: list[Ingested] = []
    for source in sources.find([Path(p) for p in paths]):
        if isinstance(source, tuple):
            _leave_out(result, *source)
            continue
        try:
            for table in layout.tables(source):
                read.append(ingest(table, source.name))
        except sources.Unreadable as fault:
            _refuse(result, source.label, fault.reason, fault.mend)
        except InputError as fault:
            _refuse(result, source.label, str(fault), "")
        except (OSError, csv.Error, UnicodeError, EOFError, ValueError) as fault:
            text = f"the file cannot be read to its end ({type(fault).__name__})"
            _refuse(result, source.label, text, "Export or copy it again.")
    used = []
    for one in read:
        result.files.append(reading_of(one))
        if one.plan.kind == "ignored":
            if one.table.count:
                _refuse_table(result, one)
            continue
        if not one.table.count and not one.deleted:
            reason = "there are no rows below the header"
            _refuse(result, one.table.path, reason, "Export again with rows.", one.table.sheet)
        used.append(one)
        warn_about(one, result)
        for number, reason in one.table.leftovers:
            mend = "Nothing to do: it is not a record."
            result.unusable.append(Unusable(one.table.path, one.table.sheet, number, reason, mend))
        for number in one.deleted:
            result.unusable.append(
                Unusable(one.table.path, one.table.sheet, number, "deleted in the CRM",
                         "Restore it in the CRM if it should count.")
            )  # fmt: skip
    link(used, result)
    result.unusable.sort(key=lambda u: (u.file, u.sheet, u.row))
    if not (result.accounts or result.contacts or result.deals):
        raise InputError(_nothing(paths, result))
    return result


def _leave_out(result: Intake, path: str, fault: sources.Unreadable) -> None:
    if isinstance(fault, sources.LeftAlone):
        result.files.append(FileReading(path, note=fault.reason))
    else:
        _refuse(result, path, fault.reason, fault.mend)


def _refuse(result: Intake, path: str, reason: str, mend: str, sheet: str = "") -> None:
    result.unusable.append(Unusable(path, sheet, 0, reason, mend))
    if not sheet and not any(f.path == path for f in result.files):
        result.files.append(FileReading(path, note=reason))


def _refuse_table(result: Intake, one: Ingested) -> None:
    reason = f"a table of {one.table.count} rows was not used: {one.plan.note}"
    mend = "Give its columns names such as Deal name, Company, Stage, Contact, Email."
    if one.table.misnamed:
        reason, mend = f"{one.table.misnamed}; {one.plan.note}", layout.MISNAMED_MEND
    _refuse(result, one.table.path, reason, mend, one.table.sheet)


def _nothing(paths: Sequence[Path], result: Intake) -> str:
    where = ", ".join(str(p) for p in list(paths)[:3]) or "no path given"
    found = "; ".join(f"{Path(u.file).name}: {u.reason}" for u in result.unusable[:3])
    return (
        f"Nothing usable was found in {where}. {found or 'No table was found there'}. "
        "Give a CRM's export (CSV, XLSX, JSON or Parquet) with deals, accounts or contacts, "
        "with the column names in the first row."
    )
