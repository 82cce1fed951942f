"""What the CRM says: deals, accounts, contacts, and which of them a command is about."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    literal,
    select,
    true,
    update,
)

from enrico.domain.identity import account_name_key, check_email
from enrico.domain.records import Account, Contact, Deal, DealContact
from enrico.errors import StoreError
from enrico.store.database import Database, Rows
from enrico.store.sql import insert, is_listed
from enrico.store.tables import accounts, contacts, deal_contacts, deals, load_deals

ROWS_AT_ONCE = 2_000
FEW_IDS = 500
"""More values do not go into a statement one by one."""
_when = func.coalesce(func.nullif(deals.c.close_date, ""), deals.c.created_date)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deals a command is about; everything else follows from them."""

    load_id: str = ""
    deal_ids: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    lookback_days: int | None = None
    limit: int | None = None
    today: date = date.min

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it: all deals are in scope."""
        return self.limit is None and not self._conditions()

    def holds(self) -> ColumnElement[bool]:
        """Whether a row of ``deals`` is in scope; nothing to check where nothing narrows it."""
        conditions = self._conditions()
        if self.limit is not None:
            newest = select(deals.c.id).where(*conditions)
            newest = newest.order_by(_when.desc(), deals.c.id).limit(self.limit)
            return deals.c.id.in_(newest)
        return and_(true(), *conditions)

    def _conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.load_id:
            loaded = select(load_deals.c.deal_id).where(load_deals.c.load_id == self.load_id)
            found.append(deals.c.id.in_(loaded))
        if self.deal_ids:
            few = len(self.deal_ids) <= FEW_IDS
            listed = literal(orjson.dumps(self.deal_ids).decode())
            ids = deals.c.id.in_(self.deal_ids) if few else is_listed(deals.c.id, listed)
            found.append(ids)
        if self.stages:
            wanted = [stage.strip().lower() for stage in self.stages]
            found.append(func.lower(deals.c.stage).in_(wanted) | deals.c.outcome.in_(wanted))
        if self.lookback_days is not None:
            since = self.today - timedelta(days=self.lookback_days)
            found.append(_when >= since.isoformat())
        return found


def _upsert(table: Table, *, replace: Sequence[str] = ()) -> Any:
    """Insert or update; an empty value never overwrites one that is there."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={
            column.name: new[column.name]
            if column.name in replace
            else func.coalesce(func.nullif(new[column.name], ""), column)
            for column in table.columns
            if column.name not in keys
        },
    )


_ACCOUNT = _upsert(accounts, replace=("key",))
_CONTACT = _upsert(contacts, replace=("person_key", "unusable"))
_DEAL = _upsert(deals, replace=("role_fields",))
_LOADED = insert(load_deals).on_conflict_do_nothing()
# A seat that comes again keeps the role that was resolved for it; one that does not is taken away.
_DOUBT_SEATS = (
    update(deal_contacts).where(deal_contacts.c.deal_id == bindparam("deal")).values(is_primary=-1)
)
_NEW_SEAT = insert(deal_contacts)
_SEAT = _NEW_SEAT.on_conflict_do_update(
    index_elements=[deal_contacts.c.deal_id, deal_contacts.c.contact_id],
    set_={name: _NEW_SEAT.excluded[name] for name in ("role_label", "is_primary")},
    where=deal_contacts.c.is_primary == -1,
)
_CLEAR_SEATS = delete(deal_contacts).where(
    deal_contacts.c.deal_id == bindparam("deal"), deal_contacts.c.is_primary == -1
)


def account_key(account: Account) -> str:
    """What an account is searched once by: its domain, else its name without legal forms."""
    if account.domain:
        return account.domain
    name = account_name_key(account.name)
    return f"name:{name}" if name else ""


async def save_records(
    db: Database,
    load_id: str,
    *,
    account_records: Iterable[Account],
    contact_records: Iterable[Contact],
    deal_records: Iterable[Deal],
    seat_records: Iterable[DealContact],
) -> None:
    """Insert or update what an export holds. Loading the same export twice changes nothing.

    The records may be streams: no more than a chunk of them is in memory. All seats of a deal come
    one after the other.
    """
    for chunk in _chunks(map(_account_row, account_records)):
        await db.write((_ACCOUNT, chunk))
    for chunk in _chunks(map(_contact_row, contact_records)):
        await db.write((_CONTACT, chunk))
    for chunk in _chunks(map(_deal_row, deal_records)):
        loaded = [{"load_id": load_id, "deal_id": deal["id"]} for deal in chunk]
        await db.write((_DEAL, chunk), (_LOADED, loaded))
    # The export's contact roles of a deal replace the earlier ones: a removed role leaves no trace.
    rows: list[dict[str, Any]] = []
    cleared: list[dict[str, Any]] = []
    for deal_id, seats in groupby(seat_records, key=lambda seat: seat.deal_id):
        cleared.append({"deal": deal_id})
        rows.extend(_seat_row(seat) for seat in seats)
        if len(rows) >= ROWS_AT_ONCE:
            await db.write((_DOUBT_SEATS, cleared), (_SEAT, rows), (_CLEAR_SEATS, cleared))
            rows, cleared = [], []
    if rows:
        await db.write((_DOUBT_SEATS, cleared), (_SEAT, rows), (_CLEAR_SEATS, cleared))


def _account_row(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "key": account_key(account),
        "name": account.name,
        "domain": account.domain,
        "industry": account.industry,
        "country": account.country,
    }


def _contact_row(contact: Contact) -> dict[str, Any]:
    check = check_email(contact.email, contact.name)
    return {
        "id": contact.id,
        "account_id": contact.account_id,
        "person_key": check.key if check.usable else "",
        "unusable": "" if check.usable else check.why,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "title": contact.title,
        "department": contact.department,
        "phone": contact.phone,
        "linkedin_url": contact.linkedin_url,
        "role_label": contact.role_label,
    }


def _deal_row(deal: Deal) -> dict[str, Any]:
    return {
        "id": deal.id,
        "account_id": deal.account_id,
        "name": deal.name,
        "stage": deal.stage,
        "outcome": deal.outcome,
        "amount": "" if deal.amount is None else str(deal.amount),
        "currency": deal.currency,
        "close_date": deal.close_date.isoformat() if deal.close_date else "",
        "created_date": deal.created_date.isoformat() if deal.created_date else "",
        "owner": deal.owner,
        "role_fields": orjson.dumps(deal.role_fields).decode(),
    }


def _seat_row(seat: DealContact) -> dict[str, Any]:
    return {
        "deal_id": seat.deal_id,
        "contact_id": seat.contact_id,
        "role_label": seat.role_label,
        "is_primary": int(seat.is_primary),
        "role": "",
        "role_source": "",
        "role_confidence": 0.0,
        "role_reason": "",
        "runner_up": "",
        "runner_up_source": "",
        "runner_up_confidence": 0.0,
    }


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterable[Rows]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= ROWS_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def pages(
    db: Database, query: Select[Any], page: int = 1_000
) -> AsyncGenerator[Sequence[Any], None]:
    """The rows of a large result, a page in memory at a time: a hop to another thread for each.

    Goes on where it was when the connection is lost, so the query's order leaves nothing open.
    """
    given = 0
    patience = db.patience()
    while True:
        passed = 0
        try:
            async for rows in pages_once(db, query, page):
                passed += len(rows)
                if passed > given:
                    new = rows[len(rows) - (passed - given) :]
                    given = passed
                    yield new
            return
        except StoreError as error:
            await patience.wait(error)


async def pages_once(
    db: Database, query: Select[Any], page: int = 1_000
) -> AsyncGenerator[Sequence[Any], None]:
    """As :func:`pages`, but raises StoreError when the connection is lost."""
    async with db.read() as connection:
        result = await connection.stream(query.execution_options(yield_per=page))
        async for rows in result.partitions(page):
            yield rows


async def stream(db: Database, query: Select[Any], page: int = 1_000) -> AsyncIterator[Any]:
    """The rows of a large result, one by one."""
    async for rows in pages(db, query, page):
        for row in rows:
            yield row
