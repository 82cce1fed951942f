"""Deal contacts and deals as rows, from one pass over the seats.

A status tells what became of a contact's verification: enriched, not_found, failed, held, skipped.
Costs are shared evenly among the rows that a purchase serves, so that each column adds up to what
was spent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from enrico.domain.committee import WANTED_ROLES
from enrico.domain.verified import (
    department_of,
    has_moved,
    is_about,
    seniority_of,
    tenure_months,
)
from enrico.engine.money import MICRO, NANO
from enrico.store.crm import Scope, pages
from enrico.store.database import Database
from enrico.store.tables import (
    accounts,
    classifications,
    contacts,
    deal_contacts,
    deals,
    people,
    searches,
)

Cells = tuple[Any, ...]
"""A row's values in the order of its table's columns."""

DEAL_CONTACTS = (
    "deal_id", "deal", "account_id", "account", "contact_id", "person", "email", "title",
    "role", "role_source", "confidence", "reason", "runner_up", "runner_up_source",
    "runner_up_confidence", "verified_name", "verified_title", "seniority", "department",
    "employer", "employer_domain", "tenure_months", "verified_email", "email_status", "moved",
    "linkedin_url", "status", "status_reason", "provider", "fetched_at", "credits", "cost_usd",
)  # fmt: skip
DEALS = (
    "deal_id", "deal", "account_id", "account", "stage", "outcome", "amount", "currency",
    "close_date", "committee_size", "roles_filled", "gaps", "contacts", "enriched",
    "account_score", "cost_usd",
)  # fmt: skip

DEALS_AT_ONCE = 200
SAID_BY_CRM = ("crm_role", "deal_field")
UNUSABLE_WORDS = {
    "no_email": "no e-mail address",
    "malformed": "the e-mail address is malformed",
    "role_account": "the address belongs to a function, not to a person",
    "disposable": "the address is disposable",
    "placeholder": "the address is a placeholder",
    "suppressed": "asked to be forgotten",
}
NOBODY = (0, False)
"""What :func:`users_of_addresses_on` says of no address."""
_NOT_VERIFIED = ("", "", "", "", "", "", None, "", "", "", "")
"""The columns from ``verified_name`` to ``linkedin_url`` of a contact whom we know nothing of."""


async def deals_with_seats(
    db: Database, scope: Scope, unasked: Mapping[str, str]
) -> AsyncGenerator[tuple[list[Cells], list[Cells]], None]:
    """Pages of (deal contacts, deals), each ordered by ids. *unasked*: see :func:`seat_cells`."""
    why = unasked.get("apollo", "")
    async for page in pages(db, deals_in(scope), DEALS_AT_ONCE):
        seats: dict[str, list[Any]] = {deal.id: [] for deal in page}
        ids = list(seats)
        users = {key: used for key, *used in await db.rows(users_of_addresses_on(ids))}
        for seat in await db.rows(seats_on(ids)):
            seats[seat[0]].append(seat)
        of_seats: list[Cells] = []
        of_deals: list[Cells] = []
        for deal in page:
            told = [
                seat_cells(*seat, *users.get(seat.person_key, NOBODY), unasked=why)
                for seat in seats[deal.id]
            ]
            of_seats += told
            of_deals.append(_deal_cells(deal, seats[deal.id], told))
        yield of_seats, of_deals


def seats_on(deal_ids: Sequence[str]) -> Select[Any]:
    """The seats of some deals, in order; the columns are arguments of :func:`seat_cells`."""
    seat, person = deal_contacts.c, people.c
    return (
        select(
            seat.deal_id, deals.c.name, deals.c.account_id, accounts.c.name, accounts.c.domain,
            seat.contact_id, contacts.c.first_name, contacts.c.last_name, contacts.c.email,
            contacts.c.title, contacts.c.person_key, contacts.c.unusable,
            seat.role, seat.role_source, seat.role_confidence, seat.role_reason,
            seat.runner_up, seat.runner_up_source, seat.runner_up_confidence,
            person.state, person.reason, person.fetched_at, person.checked_at, person.provider,
            person.credits, person.usd, person.name, person.title, person.seniority,
            person.departments, person.functions, person.employer, person.employer_domain,
            person.employer_since, person.email, person.email_status, person.linkedin_url,
        )
        .select_from(
            deal_contacts.join(deals, deals.c.id == deal_contacts.c.deal_id)
            .join(contacts, contacts.c.id == deal_contacts.c.contact_id)
            .outerjoin(accounts, accounts.c.id == deals.c.account_id)
            .outerjoin(people, people.c.key == contacts.c.person_key)
        )
        .where(deal_contacts.c.deal_id.in_(deal_ids))
        .order_by(deal_contacts.c.deal_id, deal_contacts.c.contact_id)
    )  # fmt: skip


def users_of_addresses_on(deal_ids: Sequence[str]) -> Select[Any]:
    """Each address on some deals, how many seats use it, and whether under several names.

    Once for an address, where a seat at a time would count the same address for all its seats.
    """
    here = (
        select(contacts.c.person_key)
        .join(deal_contacts, deal_contacts.c.contact_id == contacts.c.id)
        .where(deal_contacts.c.deal_id.in_(deal_ids), contacts.c.person_key != "")
    )
    user, seat = contacts.alias(), deal_contacts.alias()
    name = func.nullif(func.lower(func.trim(user.c.first_name + " " + user.c.last_name)), "")
    return (
        select(user.c.person_key, func.count(seat.c.contact_id), func.min(name) != func.max(name))
        .select_from(user.outerjoin(seat, seat.c.contact_id == user.c.id))
        .where(user.c.person_key.in_(here))
        .group_by(user.c.person_key)
    )


def seat_cells(
    deal_id: str,
    deal: str,
    account_id: str,
    account: str | None,
    account_domain: str | None,
    contact_id: str,
    first_name: str,
    last_name: str,
    email: str,
    title: str,
    person_key: str,
    unusable: str,
    role: str,
    role_source: str,
    confidence: float,
    role_reason: str,
    runner_up: str,
    runner_up_source: str,
    runner_up_confidence: float,
    state: str | None,
    reason: str,
    fetched_at: str,
    checked_at: str,
    provider: str,
    credits: int,
    usd: int,
    verified_name: str,
    verified_title: str,
    seniority: str,
    departments: str,
    functions: str,
    employer: str,
    employer_domain: str,
    employer_since: str,
    verified_email: str,
    email_status: str,
    linkedin_url: str,
    uses: int,
    shared: int | None,
    *,
    unasked: str,
) -> Cells:
    """A deal contact as it goes out; for *uses* and *shared* see :func:`users_of_addresses_on`.

    *unasked*: why people without an answer have none.
    """
    name = f"{first_name} {last_name}".strip()
    known = state == "found"
    ours = known and is_about(name, verified_name, shared=bool(shared))
    verified: Cells = _NOT_VERIFIED
    by, at = "", ""
    share: Cells = (None, 0.0)
    if known and uses:
        by, at = provider, fetched_at
        share = (round(credits / uses / MICRO, 6), round(usd / uses / NANO, 6))
    elif state == "not_found":
        by, at = provider, checked_at
    if ours:
        verified = (
            verified_name,
            verified_title,
            seniority_of(seniority, verified_title),
            department_of(departments, functions, verified_title),
            employer,
            employer_domain,
            tenure_months(employer_since, fetched_at),
            verified_email,
            email_status,
            has_moved(
                employer=employer,
                employer_domain=employer_domain,
                account_name=account or "",
                account_domain=account_domain or "",
                email=person_key,
            ),
            linkedin_url,
        )
        status = ("enriched", reason)
    else:
        status = _status(state, reason, unusable, unasked)
    return (
        deal_id, deal, account_id, account or "", contact_id, name, email, title,
        role, role_source, round(confidence, 3) if role else None, role_reason,
        runner_up, runner_up_source, round(runner_up_confidence, 3) if runner_up else None,
        *verified, *status, by, at, *share,
    )  # fmt: skip


def _status(state: str | None, reason: str, unusable: str, unasked: str) -> tuple[str, str]:
    """What became of somebody whom no answer may be put on."""
    if state == "found":
        return "skipped", "the address is shared, and the provider knows it by another name"
    if state is not None:
        return "failed" if state == "given_up" else state, reason
    if unusable:
        return "skipped", UNUSABLE_WORDS.get(unusable, unusable)
    return "skipped", unasked or "not asked for yet"


def deals_in(scope: Scope) -> Select[Any]:
    """The deals in scope, in order, with what is known of their accounts."""
    # An account is searched once by its key, whichever of its CRM records a deal points to.
    deals_of = (
        select(accounts.c.key, func.count().label("n"))
        .join(deals, deals.c.account_id == accounts.c.id)
        .group_by(accounts.c.key)
        .subquery()
    )
    signals_usd = func.coalesce(searches.c.usd, 0) + func.coalesce(classifications.c.usd, 0)
    return (
        select(
            deals,
            accounts.c.name.label("account"),
            classifications.c.score,
            classifications.c.state.label("c_state"),
            signals_usd.label("usd"),
            deals_of.c.n.label("siblings"),
        )
        .select_from(
            deals.outerjoin(accounts, accounts.c.id == deals.c.account_id)
            .outerjoin(searches, searches.c.key == accounts.c.key)
            .outerjoin(classifications, classifications.c.key == accounts.c.key)
            .outerjoin(deals_of, deals_of.c.key == accounts.c.key)
        )
        .where(scope.holds())
        .order_by(deals.c.id)
    )


_STATUS, _COST = DEAL_CONTACTS.index("status"), DEAL_CONTACTS.index("cost_usd")


def _deal_cells(deal: Any, seats: Sequence[Any], told: Sequence[Cells]) -> Cells:
    """A deal as it goes out: its committee, its gaps, its cost."""
    filled: set[str] = set()
    committee: set[str] = set()
    for seat in seats:
        if seat.role:
            filled.add(seat.role)
            committee.add(seat.person_key or seat.contact_id)
        # The CRM may give one person two roles; both are filled.
        if seat.runner_up_source in SAID_BY_CRM:
            filled.add(seat.runner_up)
    cost = sum(cells[_COST] for cells in told)
    if deal.siblings:
        cost += deal.usd / deal.siblings / NANO
    return (
        deal.id, deal.name, deal.account_id, deal.account or "", deal.stage, deal.outcome,
        deal.amount, deal.currency, deal.close_date, len(committee), ";".join(sorted(filled)),
        ";".join(str(role) for role in WANTED_ROLES if role not in filled), len(told),
        sum(cells[_STATUS] == "enriched" for cells in told),
        deal.score if deal.c_state == "done" else None, round(cost, 6),
    )  # fmt: skip
