"""What is left to do: only accounts and people that are new, stale or failed.

The same queries count for the plan and fill the work table for the run, so that the two cannot
disagree.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Select, and_, delete, func, insert, literal, or_, select

from enrico.settings import CacheSettings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.tables import (
    accounts,
    classifications,
    contacts,
    deal_contacts,
    deals,
    people,
    searches,
    work,
)

WorkKind = Literal["search", "classify", "people"]
PAGE = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """A scope, an age for each kind of fact, and a moment."""

    scope: Scope
    cache: CacheSettings
    now: datetime
    refresh: bool = False

    def _before(self, days: float) -> str:
        return timestamp(self.now - timedelta(days=days))

    def account_keys(self) -> Select[Any]:
        """Match keys of the accounts in scope, each once."""
        return (
            select(accounts.c.key)
            .join(deals, deals.c.account_id == accounts.c.id)
            .where(deals.c.id.in_(self.scope.deal_ids_query()), accounts.c.key != "")
            .distinct()
        )

    def person_keys(self) -> Select[Any]:
        """Normalised addresses of the people in scope, each once; unusable ones left out."""
        return (
            select(contacts.c.person_key.label("key"))
            .join(deal_contacts, deal_contacts.c.contact_id == contacts.c.id)
            .where(
                deal_contacts.c.deal_id.in_(self.scope.deal_ids_query()),
                contacts.c.person_key != "",
            )
            .distinct()
        )

    def to_do(self, kind: WorkKind) -> Select[Any]:
        """The keys that need a call of this kind."""
        if kind == "people":
            keys = self.person_keys().subquery()
            stale = or_(
                people.c.key.is_(None),
                people.c.state == "failed",
                and_(
                    people.c.state == "found",
                    people.c.checked_at <= self._before(self.cache.people_days),
                ),
                and_(
                    people.c.state.in_(("not_found", "given_up")),
                    people.c.checked_at <= self._before(self.cache.missing_people_days),
                ),
            )
            # A held person waits for a decision, even when everything else is asked again.
            wanted = or_(people.c.state.is_(None), people.c.state != "held")
            query = select(keys.c.key).outerjoin(people, people.c.key == keys.c.key)
            return query.where(wanted if self.refresh else stale)
        keys = self.account_keys().subquery()
        query = select(keys.c.key).outerjoin(searches, searches.c.key == keys.c.key)
        if kind == "search":
            return query if self.refresh else query.where(self._search_is_due())
        unread = or_(
            classifications.c.key.is_(None),
            classifications.c.state == "failed",
            classifications.c.search_call_id != searches.c.call_id,
        )
        query = query.outerjoin(classifications, classifications.c.key == keys.c.key).where(
            searches.c.state == "found", unread
        )
        return query.where(literal(False) if self.refresh else ~self._search_is_due())

    def _search_is_due(self) -> Any:
        return or_(
            searches.c.key.is_(None),
            searches.c.state == "failed",
            and_(
                searches.c.state == "found",
                searches.c.fetched_at <= self._before(self.cache.signals_days),
            ),
            and_(
                searches.c.state == "empty",
                searches.c.fetched_at <= self._before(self.cache.empty_search_days),
            ),
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a scope holds, and how much of it is left to do."""

    deals: int
    accounts: int
    deal_contacts: int
    people: int
    to_search: int
    to_classify: int
    to_buy: int
    unusable: dict[str, int]
    """Deal contacts for which no person can be bought, by reason."""
    held: int
    known: int
    """People who were found, and are fresh."""
    accounts_without_name: int
    seats_with_address: int
    deals_with_account: int


async def count(db: Database, selection: Selection) -> Counts:
    """All counts of a selection, from queries over the whole scope."""
    scope_deals = selection.scope.deal_ids_query().subquery()

    async def number(query: Select[Any]) -> int:
        rows = await db.rows(select(func.count()).select_from(query.subquery()))
        return int(rows[0][0])

    seats = (
        select(deal_contacts.c.deal_id, contacts.c.person_key, contacts.c.unusable)
        .join(contacts, contacts.c.id == deal_contacts.c.contact_id)
        .where(deal_contacts.c.deal_id.in_(select(scope_deals.c.id)))
    )
    seat = seats.subquery()
    reasons = await db.rows(
        select(seat.c.unusable, func.count()).where(seat.c.unusable != "").group_by(seat.c.unusable)
    )
    keys = selection.person_keys().subquery()
    with_account = (
        select(deals.c.id)
        .join(accounts, accounts.c.id == deals.c.account_id)
        .where(deals.c.id.in_(select(scope_deals.c.id)), accounts.c.key != "")
    )
    nameless = (
        select(accounts.c.id)
        .join(deals, deals.c.account_id == accounts.c.id)
        .where(deals.c.id.in_(select(scope_deals.c.id)), accounts.c.key == "")
        .distinct()
    )
    return Counts(
        deals=await number(select(scope_deals.c.id)),
        accounts=await number(selection.account_keys()),
        deal_contacts=await number(seats),
        people=await number(selection.person_keys()),
        to_search=await number(selection.to_do("search")),
        to_classify=await number(selection.to_do("classify")),
        to_buy=await number(selection.to_do("people")),
        unusable={row[0]: row[1] for row in reasons},
        held=await number(
            select(keys.c.key)
            .join(people, people.c.key == keys.c.key)
            .where(people.c.state == "held")
        ),
        known=await number(
            select(keys.c.key)
            .join(people, people.c.key == keys.c.key)
            .where(people.c.state == "found", keys.c.key.not_in(selection.to_do("people")))
        ),
        accounts_without_name=await number(nameless),
        seats_with_address=await number(select(seat.c.deal_id).where(seat.c.person_key != "")),
        deals_with_account=await number(with_account),
    )


_CLEAR = delete(work)


async def fill_work(db: Database, selection: Selection, kinds: tuple[WorkKind, ...]) -> None:
    """Write down what the run has to do. One run at a time uses the table."""
    async with db.change() as connection:
        await connection.execute(_CLEAR)
        for kind in kinds:
            keys = selection.to_do(kind).subquery()
            numbered = select(
                literal(kind), func.row_number().over(order_by=keys.c.key), keys.c.key
            )
            await connection.execute(insert(work).from_select(["kind", "n", "key"], numbered))


async def work_size(db: Database, kind: WorkKind) -> int:
    """How many items of this kind there are."""
    rows = await db.rows(select(func.count()).where(work.c.kind == kind))
    return int(rows[0][0])


async def accounts_in_work(
    db: Database, kind: WorkKind
) -> AsyncGenerator[tuple[str, str, str, str], None]:
    """(key, name, domain, search call) of the accounts to do, in order of their keys."""
    async for rows in _pages(
        db,
        kind,
        lambda page: (
            select(
                page.c.n, page.c.key, accounts.c.id, accounts.c.name, accounts.c.domain,
                searches.c.call_id,
            )
            .join(accounts, accounts.c.key == page.c.key)
            .outerjoin(searches, searches.c.key == page.c.key)
            .order_by(page.c.n, accounts.c.id)
        ),
    ):  # fmt: skip
        last = ""
        for row in rows:
            if row.key != last:  # several CRM records of one firm: the first one names it
                last = row.key
                yield row.key, row.name, row.domain, row.call_id or ""


async def people_in_work(db: Database) -> AsyncGenerator[tuple[str, list[Any]], None]:
    """(key, the contact records with that address) of the people to buy, in order of their keys."""
    async for rows in _pages(
        db,
        "people",
        lambda page: (
            select(
                page.c.n, page.c.key, contacts.c.id, contacts.c.first_name, contacts.c.last_name,
                contacts.c.linkedin_url, accounts.c.domain,
            )
            .join(contacts, contacts.c.person_key == page.c.key)
            .outerjoin(accounts, accounts.c.id == contacts.c.account_id)
            .order_by(page.c.n, contacts.c.id)
        ),
    ):  # fmt: skip
        by_key: dict[str, list[Any]] = {}
        for row in rows:
            by_key.setdefault(row.key, []).append(row)
        for key, records in by_key.items():
            yield key, records


async def _pages(db: Database, kind: WorkKind, query: Any) -> AsyncGenerator[list[Any], None]:
    first = 1
    while True:
        page = (
            select(work.c.n, work.c.key)
            .where(work.c.kind == kind, work.c.n >= first, work.c.n < first + PAGE)
            .subquery()
        )
        rows = await db.rows(query(page))
        if not rows:
            return
        yield rows
        first += PAGE
