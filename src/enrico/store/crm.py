"""What the CRM says: deals, accounts, contacts, and which of them a command is about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import Select, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from enrico.domain.identity import account_name_key, check_email
from enrico.domain.records import Account, Contact, Deal, DealContact
from enrico.store.database import Database, Rows
from enrico.store.tables import accounts, contacts, deal_contacts, deals, people

ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deals a command is about; everything else follows from them."""

    load_id: str = ""
    deal_ids: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    lookback_days: int | None = None
    limit: int | None = None
    today: date = date.min

    def deal_ids_query(self) -> Select[tuple[str]]:
        """The ids of the deals, the most recently closed or created first where limited."""
        query = select(deals.c.id)
        if self.load_id:
            query = query.where(deals.c.load_id == self.load_id)
        if self.deal_ids:
            query = query.where(deals.c.id.in_(self.deal_ids))
        if self.stages:
            wanted = [stage.strip().lower() for stage in self.stages]
            query = query.where(func.lower(deals.c.stage).in_(wanted) | deals.c.outcome.in_(wanted))
        when = func.coalesce(func.nullif(deals.c.close_date, ""), deals.c.created_date)
        if self.lookback_days is not None:
            since = self.today - timedelta(days=self.lookback_days)
            query = query.where(when >= since.isoformat())
        if self.limit is not None:
            query = query.order_by(when.desc(), deals.c.id).limit(self.limit)
        return query


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
_DEAL = _upsert(deals, replace=("load_id", "role_fields"))
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
    for chunk in _chunks(_deal_row(deal, load_id) for deal in deal_records):
        await db.write((_DEAL, chunk))
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


def _deal_row(deal: Deal, load_id: str) -> dict[str, Any]:
    return {
        "id": deal.id,
        "load_id": load_id,
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


def seats_query(scope: Scope) -> Select[Any]:
    """Every deal contact of every account that has a deal in scope, one row a seat.

    Deals out of scope are included because a role on one deal says something about the others.
    """
    in_scope = select(deals.c.account_id).where(deals.c.id.in_(scope.deal_ids_query()))
    return (
        select(
            deals.c.account_id,
            deals.c.id.label("deal_id"),
            deals.c.role_fields,
            deal_contacts,
            contacts.c.first_name,
            contacts.c.last_name,
            contacts.c.email,
            contacts.c.title,
            contacts.c.person_key,
            contacts.c.role_label.label("person_role_label"),
            people.c.state.label("person_state"),
            people.c.name.label("verified_name"),
            people.c.title.label("verified_title"),
            people.c.seniority.label("verified_seniority"),
            people.c.departments.label("verified_departments"),
            people.c.functions.label("verified_functions"),
            people.c.employer.label("verified_employer"),
            people.c.employer_domain.label("verified_employer_domain"),
            people.c.provider.label("verified_provider"),
            accounts.c.name.label("account_name"),
            accounts.c.domain.label("account_domain"),
        )
        .select_from(
            deals.join(deal_contacts, deal_contacts.c.deal_id == deals.c.id)
            .join(contacts, contacts.c.id == deal_contacts.c.contact_id)
            .outerjoin(people, people.c.key == contacts.c.person_key)
            .outerjoin(accounts, accounts.c.id == deals.c.account_id)
        )
        .where(deals.c.account_id.in_(in_scope))
        .order_by(deals.c.account_id, deals.c.id, deal_contacts.c.contact_id)
    )


def shared_addresses() -> Select[Any]:
    """Addresses that contacts of different names use."""
    name = func.lower(func.trim(contacts.c.first_name + " " + contacts.c.last_name))
    return (
        select(contacts.c.person_key.label("key"))
        .where(contacts.c.person_key != "", name != "")
        .group_by(contacts.c.person_key)
        .having(func.min(name) != func.max(name))
    )


async def stream(db: Database, query: Select[Any], page: int = 1_000) -> AsyncIterator[Any]:
    """The rows of a large result, a page in memory at a time."""
    async with db.read() as connection:
        result = await connection.stream(query.execution_options(yield_per=page))
        async for rows in result.partitions(page):  # a hop to the database's thread for each page
            for row in rows:
                yield row
