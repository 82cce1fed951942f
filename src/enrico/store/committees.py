"""What roles rest on, read account by account, and what became of it, written back.

``doubts`` marks whose roles may have changed. Whoever resolves a mark takes it first, reads, and
clears it in the commit that writes the roles. A crash between leaves it to the next one, and so
does a change that comes after it was taken. Who was overtaken, by a change or by somebody else,
writes nothing: what he read may be old.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    text,
    tuple_,
    update,
)

from enrico.errors import StoreError
from enrico.store.crm import Scope, pages_once
from enrico.store.database import Database, Operation
from enrico.store.doubts import MARK_ALL
from enrico.store.sql import insert
from enrico.store.tables import (
    accounts,
    contacts,
    deal_contacts,
    deals,
    people,
    role_notes,
    role_rules,
    unresolved,
)

MARKS_AT_ONCE = 1_000


class Mark(NamedTuple):
    """Whose roles are in doubt: all deals of an account, or one deal that has no account."""

    account_id: str
    deal_id: str


class Note(NamedTuple):
    """Something in the CRM that could not be used for roles. Names are left out."""

    kind: str
    field: str
    value: str


class SeatRow(NamedTuple):
    """One contact on one deal with all that its role rests on, in the order of the query."""

    account_id: str
    deal_id: str
    contact_id: str
    role_fields: str
    role_label: str
    role: str
    role_source: str
    role_confidence: float
    role_reason: str
    runner_up: str
    runner_up_source: str
    runner_up_confidence: float
    first_name: str
    last_name: str
    email: str
    title: str
    person_key: str
    person_role_label: str
    is_shared: int
    person_state: str | None
    verified_name: str
    verified_title: str
    verified_seniority: str
    verified_departments: str
    verified_functions: str
    verified_employer: str
    verified_employer_domain: str
    verified_provider: str
    account_name: str | None
    account_domain: str | None


# -- marks ----------------------------------------------------------------------------------

_RULES = insert(role_rules)
_SET_RULES = _RULES.on_conflict_do_update(
    index_elements=[role_rules.c.id],
    set_={name: _RULES.excluded[name] for name in ("version", "threshold")},
)
_MARK_ALL = text(MARK_ALL)
_THIS = and_(
    unresolved.c.account_id == bindparam("account"), unresolved.c.deal_id == bindparam("deal")
)
_OURS = and_(unresolved.c.taken == 1, unresolved.c.taker == bindparam("me"))
_TAKE = update(unresolved).where(_THIS).values(taken=1, taker=bindparam("me"))
_HOLD = update(unresolved).where(_THIS, _OURS).values(taken=1)
"""Nobody takes it until the commit."""
_CLEAR = delete(unresolved).where(_THIS, _OURS)


def all_in_doubt() -> Operation:
    """Marks everything."""
    return _MARK_ALL, [{}]


async def resolve_with(db: Database, version: str, threshold: float) -> None:
    """Put all roles in doubt if they were resolved by other rules than these."""
    rules = {"version": version, "threshold": threshold}
    query = select(role_rules.c.version, role_rules.c.threshold)
    if [row._asdict() for row in await db.rows(query)] != [rules]:
        await db.write(all_in_doubt(), (_SET_RULES, [{"id": 1, **rules}]))


def new_taker() -> int:
    """Whoever resolves, told from all others."""
    return secrets.randbits(62)


async def take_marks(db: Database, scope: Scope, me: int) -> AsyncGenerator[list[Mark], None]:
    """Marks in scope, in order, so many at a time; *me* takes each before it is given out."""
    last = Mark("", "")
    while True:
        rows = await db.rows(marks_after(last, scope))
        if not rows:
            return
        marks = [Mark(*row) for row in rows]
        await db.write((_TAKE, _keys(marks, me)))
        yield marks
        last = marks[-1]


def marks_after(last: Mark, scope: Scope) -> Select[Any]:
    """The next marks in scope."""
    return (
        select(unresolved.c.account_id, unresolved.c.deal_id)
        .where(
            tuple_(unresolved.c.account_id, unresolved.c.deal_id) > tuple_(*last),
            *_in_scope(unresolved, scope),
        )
        .order_by(unresolved.c.account_id, unresolved.c.deal_id)
        .limit(MARKS_AT_ONCE)
    )


def _in_scope(table: Table, scope: Scope) -> list[ColumnElement[bool]]:
    """Whether the account of a row, or else its deal, has to do with the scope."""
    if scope.is_everything:
        return []
    of_account = exists().where(deals.c.account_id == table.c.account_id, scope.holds())
    itself = exists().where(deals.c.id == table.c.deal_id, scope.holds())
    return [case((table.c.deal_id == "", of_account), else_=itself)]


# -- seats ----------------------------------------------------------------------------------


def is_shared() -> ColumnElement[bool]:
    """Whether contacts of another name use the address of this row of ``contacts``."""
    one, other = contacts.alias("one"), contacts.alias("other")

    def name(table: Any) -> ColumnElement[str]:
        return func.lower(func.trim(table.c.first_name + " " + table.c.last_name))

    first = (
        select(name(one))
        .where(one.c.person_key == contacts.c.person_key, name(one) != "")
        .limit(1)
        .correlate(contacts)
        .scalar_subquery()
    )
    return and_(
        contacts.c.person_key != "",
        exists()
        .where(other.c.person_key == contacts.c.person_key, name(other) != "", name(other) != first)
        .correlate(contacts),
    )


def seats_of(condition: ColumnElement[bool], order: Any) -> Select[Any]:
    """Deal contacts with all that their roles rest on; see :class:`SeatRow`."""
    return (
        select(
            deals.c.account_id,
            deals.c.id,
            deal_contacts.c.contact_id,
            deals.c.role_fields,
            deal_contacts.c.role_label,
            deal_contacts.c.role,
            deal_contacts.c.role_source,
            deal_contacts.c.role_confidence,
            deal_contacts.c.role_reason,
            deal_contacts.c.runner_up,
            deal_contacts.c.runner_up_source,
            deal_contacts.c.runner_up_confidence,
            contacts.c.first_name,
            contacts.c.last_name,
            contacts.c.email,
            contacts.c.title,
            contacts.c.person_key,
            contacts.c.role_label,
            is_shared(),
            people.c.state,
            people.c.name,
            people.c.title,
            people.c.seniority,
            people.c.departments,
            people.c.functions,
            people.c.employer,
            people.c.employer_domain,
            people.c.provider,
            accounts.c.name,
            accounts.c.domain,
        )
        .select_from(
            deals.join(deal_contacts, deal_contacts.c.deal_id == deals.c.id)
            .join(contacts, contacts.c.id == deal_contacts.c.contact_id)
            .outerjoin(people, people.c.key == contacts.c.person_key)
            .outerjoin(accounts, accounts.c.id == deals.c.account_id)
        )
        .where(condition)
        .order_by(order)
    )


async def committees(
    db: Database, marks: Sequence[Mark]
) -> AsyncGenerator[tuple[Mark, list[SeatRow]], None]:
    """Each mark with the seats that are resolved together; one mark's in memory at a time.

    All deals of a marked account are read, in scope or not, because a role on one deal says
    something about the others. Marks without seats are left out.
    """
    left = dict.fromkeys(marks)
    patience = db.patience()
    while left:
        try:
            for query in _queries(left):
                async for mark, seats in _one_after_the_other(db, query):
                    del left[mark]
                    yield mark, seats
            return
        except StoreError as error:  # those that were given out whole need not be read again
            await patience.wait(error)


def _queries(marks: Iterable[Mark]) -> list[Select[Any]]:
    of_accounts = [mark.account_id for mark in marks if not mark.deal_id]
    alone = [mark.deal_id for mark in marks if mark.deal_id]
    queries = []
    if of_accounts:
        queries.append(seats_of(deals.c.account_id.in_(of_accounts), deals.c.account_id))
    if alone:
        without_account = and_(deals.c.id.in_(alone), deals.c.account_id == "")
        queries.append(seats_of(without_account, deals.c.id))
    return queries


async def _one_after_the_other(
    db: Database, query: Select[Any]
) -> AsyncGenerator[tuple[Mark, list[SeatRow]], None]:
    mark = Mark("", "")
    seats: list[SeatRow] = []
    async for rows in pages_once(db, query):
        for row in map(SeatRow._make, rows):
            key = Mark(row.account_id, "" if row.account_id else row.deal_id)
            if key != mark:
                if seats:
                    yield mark, seats
                mark, seats = key, []
            seats.append(row)
    if seats:
        yield mark, seats


# -- what became of them --------------------------------------------------------------------

_ROLE = update(deal_contacts).where(
    deal_contacts.c.deal_id == bindparam("deal"),
    deal_contacts.c.contact_id == bindparam("contact"),
    exists().where(
        unresolved.c.account_id == bindparam("marked_account"),
        unresolved.c.deal_id == bindparam("marked_deal"),
        _OURS,
    ),
)
_OLD_NOTES = delete(role_notes).where(
    role_notes.c.account_id == bindparam("account"), role_notes.c.deal_id == bindparam("deal")
)
_NOTE = insert(role_notes)


def resolved(
    me: int,
    marks: Sequence[Mark],
    roles: Sequence[tuple[Mark, dict[str, Any]]],
    notes: Sequence[tuple[Mark, Note, int]],
) -> list[Operation]:
    """Roles that changed (each row names ``deal`` and ``contact``), notes, and the marks' end.

    Roles of a mark that *me* has no more are left alone.
    """
    keys = [{"account": mark.account_id, "deal": mark.deal_id} for mark in marks]
    ours = _keys(marks, me)
    changed = [
        {**role, "marked_account": mark.account_id, "marked_deal": mark.deal_id, "me": me}
        for mark, role in roles
    ]
    rows = [{**mark._asdict(), **note._asdict(), "count": count} for mark, note, count in notes]
    return [
        (_HOLD, ours), (_ROLE, changed), (_OLD_NOTES, keys), (_NOTE, rows), (_CLEAR, ours),
    ]  # fmt: skip


def _keys(marks: Sequence[Mark], me: int) -> list[dict[str, Any]]:
    return [{"account": mark.account_id, "deal": mark.deal_id, "me": me} for mark in marks]


async def notes_in(db: Database, scope: Scope, most: int) -> list[tuple[Note, int]]:
    """The most frequent notes on the accounts that have a deal in scope."""
    number = func.sum(role_notes.c["count"])
    kinds = (role_notes.c.kind, role_notes.c.field, role_notes.c.value)
    query = (
        select(*kinds, number)
        .where(*_in_scope(role_notes, scope))
        .group_by(*kinds)
        .order_by(number.desc(), *kinds)
        .limit(most)
    )
    return [(Note(*row[:3]), row[3]) for row in await db.rows(query)]
