"""How each file was read, and what in it could not be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["deals", "accounts", "contacts", "deal_contacts", "flat", "ignored"]
Crm = Literal["salesforce", "hubspot", "pipedrive", "generic"]


@dataclass(frozen=True, slots=True)
class ColumnReading:
    """What one column was taken for."""

    header: str
    field: str
    """``deal.close_date``, ``contact.email`` …; empty when the column is not used."""
    why: str


@dataclass(slots=True)
class FileReading:
    """How one table (a file, or a sheet of it) was read."""

    path: str
    sheet: str = ""
    kind: Kind = "ignored"
    crm: Crm = "generic"
    encoding: str = ""
    delimiter: str = ""
    header_row: int = 0
    """1-based, as a spreadsheet shows it; 0 when there is none."""
    rows: int = 0
    """Data rows: below the header, not blank, footers left out."""
    columns: list[ColumnReading] = field(default_factory=list)
    date_order: str = ""
    """``day first``, ``month first`` or ``year first``, and on what ground; empty without dates."""
    decimal_style: str = ""
    """``1,234.56`` or ``1.234,56``, and on what ground; empty without amounts."""
    note: str = ""
    """Why a table was ignored, and what else is worth knowing."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row, or a whole file (row 0), that gave no record."""

    file: str
    sheet: str
    row: int
    """1-based, as a spreadsheet shows it; 0 for the whole file or sheet."""
    reason: str
    mend: str
