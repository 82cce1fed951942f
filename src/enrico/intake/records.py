"""What intake hands back: the records, read from where they were joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from enrico.domain.records import Account, Contact, Deal, DealContact
from enrico.intake.on_disk import OnDisk, UnusableRows
from enrico.intake.result import FileReading
from enrico.intake.staging import Staging

T = TypeVar("T")


class Records(OnDisk[T]):
    """The records of one kind, sorted by id."""

    def __init__(
        self, staging: Staging, table: str, query: str, make: Callable[[Staging, Any], T]
    ) -> None:
        self._staging = staging
        self._count = f"SELECT count(*) FROM {table}"
        self._query = query
        self._make = make

    def __iter__(self) -> Iterator[T]:
        for row in self._staging.rows(self._query):
            yield self._make(self._staging, row)

    def __len__(self) -> int:
        return int(self._staging.value(self._count))


@dataclass(slots=True)
class Intake:
    """All that the exports hold. Ids are unique among the records of a kind.

    The records lie on disk until ``close``; ``unusable`` outlives it.
    """

    staging: Staging = field(default_factory=Staging)
    files: list[FileReading] = field(default_factory=list)
    unusable: UnusableRows = field(default_factory=UnusableRows)
    matches: list[str] = field(default_factory=list)
    """What was matched to what, how and how often; to be shown before anything is written."""
    warnings: list[str] = field(default_factory=list)

    @property
    def accounts(self) -> Records[Account]:
        """Sorted by id."""
        query = "SELECT id, name, domain, industry, country FROM account ORDER BY id"
        return Records(self.staging, "account", query, lambda _, row: Account(*row))

    @property
    def contacts(self) -> Records[Contact]:
        """Sorted by id."""
        query = """SELECT id, account, first_name, last_name, email, title, department, phone,
            linkedin_url, role_label FROM contact ORDER BY id"""
        return Records(self.staging, "contact", query, lambda _, row: Contact(*row))

    @property
    def deals(self) -> Records[Deal]:
        """Sorted by id; without a name they have their account's."""
        query = """SELECT d.id, coalesce(nullif(d.name, ''), a.name, ''), d.account, d.stage,
            d.outcome, d.amount, d.currency, d.close_date, d.created_date, d.owner, d.role_fields
            FROM deal d LEFT JOIN account a ON a.id = d.account ORDER BY d.id"""
        return Records(self.staging, "deal", query, _deal)

    @property
    def deal_contacts(self) -> Records[DealContact]:
        """One for each pair of deal and contact; sorted."""
        query = "SELECT deal, contact, label, is_primary FROM seat ORDER BY deal, contact"
        return Records(self.staging, "seat", query, _seat)

    def close(self) -> None:
        """Drop the records."""
        self.staging.close()


def _deal(staging: Staging, row: Any) -> Deal:
    id_, name, account, stage, outcome, amount, currency, closed, created, owner, roles = row
    return Deal(
        id_,
        name,
        account,
        stage,
        outcome,
        Decimal(amount) if amount else None,
        currency,
        date.fromisoformat(closed) if closed else None,
        date.fromisoformat(created) if created else None,
        owner,
        tuple((role, _name_of(staging, who)) for role, who in orjson.loads(roles)),
    )


def _name_of(staging: Staging, who: str) -> str:
    """A deal's field may hold a contact's id in place of a name."""
    query = "SELECT trim(first_name || ' ' || last_name) FROM contact WHERE id = ?"
    found = staging.one(query, who)
    return str(found[0]) if found else who


def _seat(_: Staging, row: Any) -> DealContact:
    deal_id, contact_id, label, is_primary = row
    return DealContact(deal_id, contact_id, label, bool(is_primary))
