"""Any CRM export → accounts, contacts, deals, and who is on which deal."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from enrico.errors import InputError, StoreError
from enrico.intake import layout, sources
from enrico.intake.ingest import Ingested, ingest
from enrico.intake.kinds import OTHER_OBJECT
from enrico.intake.link import link
from enrico.intake.readings import reading_of, warn_about
from enrico.intake.records import Intake
from enrico.intake.result import FileReading, Unusable


def read_exports(paths: Sequence[Path]) -> Intake:
    """Read files and folders of a CRM's exports, in any form, and join what belongs together.

    CSV, TSV, XLSX, XLS, ODS, JSON, JSON Lines, Parquet; also inside zips. Every data row gives a
    record or stands in ``unusable`` with the reason. Raises ``InputError`` when nothing is usable,
    ``StoreError`` when there is no room for the rows on their way.
    """
    try:
        result = Intake()
        used = [one for one in list(_read(paths, result)) if _is_used(one, result)]
        link(used, result)
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"The exports cannot be joined in the folder for temporary files: {error}. Free some "
            "space, or set SQLITE_TMPDIR to a folder on a larger disk, and load again."
        ) from error
    if not (result.accounts or result.contacts or result.deals):
        raise InputError(_nothing(paths, result))
    return result


def _read(paths: Sequence[Path], result: Intake) -> Iterator[Ingested]:
    """All tables that can be read to their end; their rows are in the staging."""
    for source in sources.find([Path(p) for p in paths]):
        if isinstance(source, tuple):
            _leave_out(result, *source)
            continue
        mark = result.staging.mark(), result.unusable.last
        try:
            for table in layout.tables(source):
                yield ingest(table, source.name, result.staging, result.unusable)
                mark = result.staging.mark(), result.unusable.last
            continue
        except sources.Unreadable as error:
            fault = error.reason, error.mend
        except InputError as error:
            fault = str(error), ""
        except (OSError, csv.Error, UnicodeError, EOFError, ValueError) as error:
            text = f"the file cannot be read to its end ({type(error).__name__})"
            fault = text, "Export or copy it again."
        result.staging.take_back(mark[0])
        result.unusable.take_back(mark[1])
        _refuse(result, source.label, *fault)


def _is_used(one: Ingested, result: Intake) -> bool:
    """Say how a table was read; whether it holds anything of ours."""
    result.files.append(reading_of(one))
    if one.plan.kind == "ignored":
        if one.table.count and one.plan.note != OTHER_OBJECT:
            _refuse_table(result, one)
        return False
    if not one.table.count and not one.deleted:
        reason = "there are no rows below the header"
        _refuse(result, one.table.path, reason, "Export again with rows.", one.table.sheet)
    warn_about(one, result)
    return True


def _leave_out(result: Intake, path: str, fault: sources.Unreadable) -> None:
    if isinstance(fault, sources.LeftAlone):
        result.files.append(FileReading(path, note=fault.reason))
    else:
        _refuse(result, path, fault.reason, fault.mend)


def _refuse(result: Intake, path: str, reason: str, mend: str, sheet: str = "") -> None:
    result.unusable.add(Unusable(path, sheet, 0, reason, mend))
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
