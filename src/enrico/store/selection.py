"""What is left to do: only accounts and people that are new, stale or failed.

The same queries count for the plan and fill the work table for the run, so that the two cannot
disagree.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)

from enrico.settings import CacheSettings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.tables import (
    accounts,
    claims,
    classifications,
    contacts,
    deal_contacts,
    deals,
    people,
    runs,
    searches,
    work,
)

WorkKind = Literal["search", "classify", "people"]
CLAIMED_AS: dict[WorkKind, str] = {
    "search": "account", "classify": "account", "people": "person",
}  # fmt: skip
PAGE = 500
CLAIMED_PAGE = 200
"""Of a chunk's items so many at a time are about to be asked for; the others may be taken over."""
REFRESH_GOES_ON = timedelta(days=1)
WITH_WORKERS = ("asked", "working", "stopping")
"""What a run is that workers have to do: nobody began it, they are at it, they are to stop."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A scope, an age for each kind of fact, and a moment."""

    scope: Scope
    cache: CacheSettings
    now: datetime
    refresh: bool = False
    refreshed_since: str = ""
    """What was asked for since then is refreshed already; empty: nothing is."""

    def _before(self, days: float) -> str:
        return timestamp(self.now - timedelta(days=days))

    def _refreshed(self) -> str:
        return self.refreshed_since or timestamp(self.now)

    def account_keys(self) -> Subquery:
        """Match keys of the accounts in scope, each once."""
        return (
            select(accounts.c.key)
            .join(deals, deals.c.account_id == accounts.c.id)
            .where(self.scope.holds(), accounts.c.key != "")
            .distinct()
            .subquery()
        )

    def person_keys(self) -> Subquery:
        """Normalised addresses of the people in scope, each once; unusable ones left out.

        With each the first account that the person has a deal of.
        """
        return (
            select(contacts.c.person_key.label("key"), func.min(deals.c.account_id).label("first"))
            .join(deal_contacts, deal_contacts.c.contact_id == contacts.c.id)
            .join(deals, deals.c.id == deal_contacts.c.deal_id)
            .where(self.scope.holds(), contacts.c.person_key != "")
            .group_by(contacts.c.person_key)
            .subquery()
        )

    def to_do(self, kind: WorkKind) -> Select[Any]:
        """(position, key) of what needs a call of this kind.

        People come account by account, so that the roles of an account are complete early.
        """
        if kind == "people":
            people_in_scope = self.person_keys()
            keys = people_in_scope.c
            query = select(func.row_number().over(order_by=(keys.first, keys.key)), keys.key)
            joined = people_in_scope.outerjoin(people, people.c.key == keys.key)
            return query.select_from(joined).where(self.person_is_due())
        accounts_in_scope = self.account_keys()
        keys = accounts_in_scope.c
        query = select(func.row_number().over(order_by=keys.key), keys.key)
        joined = _with_signals(accounts_in_scope)
        due = self.search_is_due() if kind == "search" else self.reading_is_due()
        return query.select_from(joined).where(due)

    def person_is_due(self) -> ColumnElement[bool]:
        """Whether a person, where known at all, is to be asked for."""
        if self.refresh:
            # A held person waits for a decision, even when everything else is asked again.
            is_old = and_(people.c.state != "held", people.c.checked_at < self._refreshed())
            return or_(people.c.state.is_(None), people.c.state == "failed", is_old)
        return or_(
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

    def search_is_due(self) -> ColumnElement[bool]:
        """Whether an account, where it was searched at all, is to be searched."""
        if self.refresh:
            is_old = searches.c.fetched_at < self._refreshed()
            return or_(searches.c.key.is_(None), searches.c.state == "failed", is_old)
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

    def reading_is_due(self) -> ColumnElement[bool]:
        """Whether a search that stays as it is has not been read."""
        unread = or_(
            classifications.c.key.is_(None),
            classifications.c.state == "failed",
            classifications.c.search_call_id != searches.c.call_id,
        )
        return and_(searches.c.state == "found", unread, not_(self.search_is_due()))


def _with_signals(keys: Subquery) -> Any:
    return keys.outerjoin(searches, searches.c.key == keys.c.key).outerjoin(
        classifications, classifications.c.key == keys.c.key
    )


async def unfinished_refresh(db: Database, now: datetime) -> str:
    """When the refresh began that was cut off last, within a day; empty where none was.

    Whoever asks for it again goes on with it, and does not buy its first part once more.
    """
    latest = select(runs.c.options, runs.c.status, runs.c.started_at).where(
        runs.c.started_at >= timestamp(now - REFRESH_GOES_ON)
    )
    for row in await db.rows(latest.order_by(runs.c.started_at.desc())):
        options = orjson.loads(row.options)
        if options["refresh"]:
            is_cut_off = row.status not in ("done", "held", "running", *WITH_WORKERS)
            return (options.get("refreshed_since") or row.started_at) if is_cut_off else ""
    return ""


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


NO_COUNTS = Counts(0, 0, 0, 0, 0, 0, 0, {}, 0, 0, 0, 0, 0)


async def count(db: Database, selection: Selection) -> Counts:
    """All counts of a selection: one pass each over its deals, seats, people and accounts."""
    of_deals, of_seats, of_people, of_accounts = count_queries(selection)
    in_scope = (await db.rows(of_deals))[0]
    seats = await db.rows(of_seats)
    persons = (await db.rows(of_people))[0]
    firms = (await db.rows(of_accounts))[0]
    return Counts(
        deals=in_scope.deals,
        accounts=firms.accounts,
        deal_contacts=sum(row.seats for row in seats),
        people=persons.people,
        to_search=firms.to_search,
        to_classify=firms.to_classify,
        to_buy=persons.to_buy,
        unusable={row.unusable: row.seats for row in seats if row.unusable},
        held=persons.held,
        known=persons.known,
        accounts_without_name=in_scope.nameless,
        seats_with_address=sum(row.with_address for row in seats),
        deals_with_account=in_scope.with_account,
    )


async def count_deals(db: Database, scope: Scope) -> int:
    """How many deals a scope holds."""
    return int((await db.rows(select(func.count()).select_from(deals).where(scope.holds())))[0][0])


def count_queries(selection: Selection) -> tuple[Select[*tuple[Any, ...]], ...]:
    """What :func:`count` asks: deals, seats by why they are unusable, people, accounts."""
    in_scope = selection.scope.holds()

    def where(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((condition, 1)))

    nameless = case((accounts.c.key == "", accounts.c.id))
    of_deals = (
        select(
            func.count().label("deals"),
            where(accounts.c.key != "").label("with_account"),
            func.count(nameless.distinct()).label("nameless"),
        )
        .select_from(deals.outerjoin(accounts, accounts.c.id == deals.c.account_id))
        .where(in_scope)
    )
    of_seats = (
        select(
            contacts.c.unusable,
            func.count().label("seats"),
            where(contacts.c.person_key != "").label("with_address"),
        )
        .select_from(
            deals.join(deal_contacts, deal_contacts.c.deal_id == deals.c.id).join(
                contacts, contacts.c.id == deal_contacts.c.contact_id
            )
        )
        .where(in_scope)
        .group_by(contacts.c.unusable)
        .order_by(contacts.c.unusable)
    )
    due = selection.person_is_due()
    keys = selection.person_keys()
    of_people = select(
        func.count().label("people"),
        where(due).label("to_buy"),
        where(people.c.state == "held").label("held"),
        where(and_(people.c.state == "found", not_(due))).label("known"),
    ).select_from(keys.outerjoin(people, people.c.key == keys.c.key))
    of_accounts = select(
        func.count().label("accounts"),
        where(selection.search_is_due()).label("to_search"),
        where(selection.reading_is_due()).label("to_classify"),
    ).select_from(_with_signals(selection.account_keys()))
    return of_deals, of_seats, of_people, of_accounts


async def fill_work(
    db: Database, run_id: str, selection: Selection, kinds: tuple[WorkKind, ...]
) -> None:
    """Write down what the run has to do."""
    names = ["n", "key", "run_id", "kind"]
    of_run = delete(work).where(work.c.run_id == run_id)
    numbered = [selection.to_do(kind).add_columns(literal(run_id), literal(kind)) for kind in kinds]
    await db.execute(of_run, *(insert(work).from_select(names, query) for query in numbered))


async def clear_work(db: Database, run_id: str = "") -> None:
    """Forget what a run had to do, or what all of them had that workers do not do."""
    theirs = select(runs.c.id).where(runs.c.status.in_(WITH_WORKERS))
    await db.execute(
        delete(work).where(work.c.run_id == run_id if run_id else work.c.run_id.not_in(theirs))
    )


async def work_size(db: Database, run_id: str, kind: WorkKind) -> int:
    """How many items of this kind there are."""
    mine = select(func.count()).where(work.c.run_id == run_id, work.c.kind == kind)
    return int((await db.rows(mine))[0][0])


async def accounts_in_work(
    db: Database, run_id: str, kind: WorkKind, *, claimed: bool = False
) -> AsyncGenerator[tuple[str, str, str, str], None]:
    """(key, name, domain, search call) of the accounts to do, in order of their keys.

    *claimed*: as for :func:`people_in_work`.
    """
    async for rows in _pages(
        db,
        run_id,
        kind,
        claimed,
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


async def people_in_work(
    db: Database, run_id: str, *, claimed: bool = False
) -> AsyncGenerator[tuple[str, list[Any]], None]:
    """(key, the contact records with that address) of the people to buy, account by account.

    *claimed*: it is a chunk, of whose items others may have taken some over.
    """
    async for rows in _pages(
        db,
        run_id,
        "people",
        claimed,
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


async def _pages(
    db: Database, run_id: str, kind: WorkKind, claimed: bool, query: Any
) -> AsyncGenerator[list[Any], None]:
    size = CLAIMED_PAGE if claimed else PAGE
    last = await work_size(db, run_id, kind)
    for first in range(1, last + 1, size):
        these = and_(
            work.c.run_id == run_id, work.c.kind == kind, work.c.n.between(first, first + size - 1)
        )
        page = select(work.c.n, work.c.key).where(these)
        if claimed:
            ours = and_(claims.c.kind == CLAIMED_AS[kind], claims.c.chunk_id == run_id)
            keys = select(work.c.key).where(these)
            await db.execute(update(claims).where(ours, claims.c.key.in_(keys)).values(asked=1))
            page = page.where(exists().where(ours, claims.c.key == work.c.key))
        if rows := await db.rows(query(page.subquery())):
            yield rows
