"""What intake hands back: the records, and an account of how each file was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from enrico.domain.records import Account, Contact, Deal, DealContact

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


@dataclass(slots=True)
class Intake:
    """All that the exports hold. Records are sorted by id; ids are unique within each list."""

    accounts: list[Account] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    deal_contacts: list[DealContact] = field(default_factory=list)
    """One for each pair of deal and contact; sorted."""
    files: list[FileReading] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    matches: list[str] = field(default_factory=list)
    """What was matched to what, how and how often; to be shown before anything is written."""
    warnings: list[str] = field(default_factory=list)
