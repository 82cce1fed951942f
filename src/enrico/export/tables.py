"""The result tables: deal contacts, accounts, signals, deals, unusable rows. One row at a time.

A status tells what became of a contact's verification: enriched, not_found, failed, held, skipped.
Costs are shared evenly among the rows that a purchase serves, so that each column adds up to what
was spent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
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
from enrico.store.committees import is_shared
from enrico.store.crm import Scope, stream
from enrico.store.database import Database
from enrico.store.tables import (
    accounts,
    classifications,
    contacts,
    deal_contacts,
    deals,
    load_problems,
    people,
    runs,
    searches,
    signals,
)

TABLES = ("deal_contacts", "accounts", "signals", "deals", "unusable_rows")
COLUMNS: dict[str, tuple[str, ...]] = {
    "deal_contacts": (
        "deal_id", "deal", "account_id", "account", "contact_id", "person", "email", "title",
        "role", "role_source", "confidence", "reason", "runner_up", "runner_up_source",
        "runner_up_confidence", "verified_name", "verified_title", "seniority", "department",
        "employer", "employer_domain", "tenure_months", "verified_email", "email_status", "moved",
        "linkedin_url", "status", "status_reason", "provider", "fetched_at", "credits", "cost_usd",
    ),
    "accounts": (
        "account_id", "account", "domain", "status", "status_reason", "score", "score_parts",
        "signals", "top_signals", "summary", "searched_at", "results", "cost_usd",
    ),
    "signals": (
        "account_id", "account", "domain", "type", "headline", "url", "source", "published",
        "date_precision", "relevance", "seen_on", "snippet", "fetched_at", "search_call",
        "result", "classification_call",
    ),
    "deals": (
        "deal_id", "deal", "account_id", "account", "stage", "outcome", "amount", "currency",
        "close_date", "committee_size", "roles_filled", "gaps", "contacts", "enriched",
        "account_score", "cost_usd",
    ),
    "unusable_rows": ("file", "sheet", "row", "reason", "mend"),
}  # fmt: skip
Row = dict[str, Any]
SAID_BY_CRM = ("crm_role", "deal_field")

UNUSABLE_WORDS = {
    "no_email": "no e-mail address",
    "malformed": "the e-mail address is malformed",
    "role_account": "the address belongs to a function, not to a person",
    "disposable": "the address is disposable",
    "placeholder": "the address is a placeholder",
}


async def rows_of(db: Database, table: str, scope: Scope) -> AsyncIterator[Row]:
    """The rows of one table for the deals in scope, ordered by their ids."""
    source = {
        "deal_contacts": deal_contact_rows,
        "accounts": account_rows,
        "signals": signal_rows,
        "deals": deal_rows,
        "unusable_rows": unusable_rows,
    }[table]
    async for row in source(db, scope):
        yield row


def _seats(scope: Scope) -> Select[Any]:
    uses = (
        select(contacts.c.person_key.label("key"), func.count().label("n"))
        .join(deal_contacts, deal_contacts.c.contact_id == contacts.c.id)
        .where(contacts.c.person_key != "")
        .group_by(contacts.c.person_key)
        .subquery()
    )
    return (
        select(
            deal_contacts,
            deals.c.name.label("deal"),
            deals.c.account_id,
            accounts.c.name.label("account"),
            accounts.c.domain,
            contacts.c.first_name,
            contacts.c.last_name,
            contacts.c.email,
            contacts.c.title,
            contacts.c.person_key,
            contacts.c.unusable,
            *(column.label(f"p_{column.name}") for column in people.columns),
            is_shared().label("shared"),
            uses.c.n.label("uses"),
        )
        .select_from(
            deal_contacts.join(deals, deals.c.id == deal_contacts.c.deal_id)
            .join(contacts, contacts.c.id == deal_contacts.c.contact_id)
            .outerjoin(accounts, accounts.c.id == deals.c.account_id)
            .outerjoin(people, people.c.key == contacts.c.person_key)
            .outerjoin(uses, uses.c.key == contacts.c.person_key)
        )
        .where(scope.holds())
        .order_by(deal_contacts.c.deal_id, deal_contacts.c.contact_id)
    )


async def deal_contact_rows(db: Database, scope: Scope) -> AsyncIterator[Row]:
    """One row for each contact on each deal."""
    unasked = await why_unasked(db, "apollo")
    async for seat in stream(db, _seats(scope)):
        yield seat_row(seat, unasked)


def seat_row(seat: Any, unasked: str) -> Row:
    """A deal contact as it goes out. *unasked*: why people without an answer have none."""
    name = f"{seat.first_name} {seat.last_name}".strip()
    known = seat.p_state == "found"
    ours = known and is_about(name, seat.p_name, shared=bool(seat.shared))
    status, reason = _status(seat, ours, unasked)
    row: Row = dict.fromkeys(COLUMNS["deal_contacts"], "")
    row |= {
        "deal_id": seat.deal_id,
        "deal": seat.deal,
        "account_id": seat.account_id,
        "account": seat.account or "",
        "contact_id": seat.contact_id,
        "person": name,
        "email": seat.email,
        "title": seat.title,
        "role": seat.role,
        "role_source": seat.role_source,
        "confidence": round(seat.role_confidence, 3) if seat.role else None,
        "reason": seat.role_reason,
        "runner_up": seat.runner_up,
        "runner_up_source": seat.runner_up_source,
        "runner_up_confidence": round(seat.runner_up_confidence, 3) if seat.runner_up else None,
        "tenure_months": None,
        "status": status,
        "status_reason": reason,
        "credits": None,
        "cost_usd": 0.0,
    }
    if known:
        row["credits"] = round(seat.p_credits / seat.uses / MICRO, 6)
        row["cost_usd"] = round(seat.p_usd / seat.uses / NANO, 6)
        row["provider"], row["fetched_at"] = seat.p_provider, seat.p_fetched_at
    if ours:
        row |= {
            "verified_name": seat.p_name,
            "verified_title": seat.p_title,
            "seniority": seniority_of(seat.p_seniority, seat.p_title),
            "department": department_of(seat.p_departments, seat.p_functions, seat.p_title),
            "employer": seat.p_employer,
            "employer_domain": seat.p_employer_domain,
            "tenure_months": tenure_months(seat.p_employer_since, seat.p_fetched_at),
            "verified_email": seat.p_email,
            "email_status": seat.p_email_status,
            "linkedin_url": seat.p_linkedin_url,
            "moved": has_moved(
                employer=seat.p_employer,
                employer_domain=seat.p_employer_domain,
                account_name=seat.account or "",
                account_domain=seat.domain or "",
                email=seat.person_key,
            ),
        }
    elif seat.p_state == "not_found":
        row["provider"], row["fetched_at"] = seat.p_provider, seat.p_checked_at
    return row


def _status(seat: Any, ours: bool, unasked: str) -> tuple[str, str]:
    if ours:
        return "enriched", seat.p_reason
    if seat.p_state == "found":
        return "skipped", "the address is shared, and the provider knows it by another name"
    if seat.p_state is not None:
        return "failed" if seat.p_state == "given_up" else seat.p_state, seat.p_reason
    if seat.unusable:
        return "skipped", UNUSABLE_WORDS.get(seat.unusable, seat.unusable)
    return "skipped", unasked or "not asked for yet"


async def why_unasked(db: Database, provider: str) -> str:
    """Why the last run left items of this provider unasked; empty when it asked for all."""
    rows = await db.rows(
        select(runs.c.summary)
        .where(runs.c.summary != "")
        .order_by(runs.c.started_at.desc())
        .limit(1)
    )
    if not rows:
        return ""
    reason: str = orjson.loads(rows[0].summary).get("unasked", {}).get(provider, "")
    return reason


def _accounts(scope: Scope) -> Select[Any]:
    in_scope = select(deals.c.account_id).where(scope.holds())
    sharing = select(accounts.c.key, func.count().label("n")).group_by(accounts.c.key).subquery()
    return (
        select(
            accounts,
            searches.c.state.label("s_state"),
            searches.c.reason.label("s_reason"),
            searches.c.fetched_at.label("s_at"),
            searches.c.results,
            searches.c.usd.label("s_usd"),
            classifications.c.state.label("c_state"),
            classifications.c.reason.label("c_reason"),
            classifications.c.score,
            classifications.c.score_parts,
            classifications.c.signals,
            classifications.c.top_signals,
            classifications.c.summary,
            classifications.c.usd.label("c_usd"),
            sharing.c.n.label("sharing"),
        )
        .select_from(
            accounts.outerjoin(searches, searches.c.key == accounts.c.key)
            .outerjoin(classifications, classifications.c.key == accounts.c.key)
            .outerjoin(sharing, sharing.c.key == accounts.c.key)
        )
        .where(accounts.c.id.in_(in_scope))
        .order_by(accounts.c.id)
    )


async def account_rows(db: Database, scope: Scope) -> AsyncIterator[Row]:
    """One row for each account with a deal in scope."""
    unasked = await why_unasked(db, "serper")
    unread = await why_unasked(db, "deepseek")
    async for account in stream(db, _accounts(scope)):
        status, reason = _account_status(account, unasked, unread)
        cost = ((account.s_usd or 0) + (account.c_usd or 0)) / (account.sharing or 1)
        summary = account.summary or ""
        if not summary and account.s_state == "empty":
            summary = f"No news found about {(account.name or account.domain).removesuffix('.')}."
        yield {
            "account_id": account.id,
            "account": account.name,
            "domain": account.domain,
            "status": status,
            "status_reason": reason,
            "score": account.score if account.c_state == "done" else None,
            "score_parts": account.score_parts or "[]",
            "signals": account.signals or 0,
            "top_signals": account.top_signals or "",
            "summary": summary,
            "searched_at": account.s_at or "",
            "results": account.results,
            "cost_usd": round(cost / NANO, 6),
        }


def _account_status(account: Any, unasked: str, unread: str) -> tuple[str, str]:
    """enriched; not_found (a whole, empty answer); failed; skipped."""
    if not account.key:
        return "skipped", "the account has neither a name nor a domain"
    if account.s_state is None:
        return "skipped", unasked or "not searched yet"
    if account.s_state == "failed":
        return "failed", account.s_reason
    if account.s_state == "empty":
        return "not_found", account.s_reason
    if account.c_state is None:
        return "skipped", unread or "searched, not classified yet"
    return ("enriched", "") if account.c_state == "done" else ("failed", account.c_reason)


async def signal_rows(db: Database, scope: Scope) -> AsyncIterator[Row]:
    """One row for each signal of each account in scope."""
    in_scope = select(deals.c.account_id).where(scope.holds())
    query = (
        select(accounts.c.id, accounts.c.name, accounts.c.domain, signals)
        .join(signals, signals.c.key == accounts.c.key)
        .where(accounts.c.id.in_(in_scope))
        .order_by(accounts.c.id, signals.c.n)
    )
    async for row in stream(db, query):
        yield {
            "account_id": row.id,
            "account": row.name,
            "domain": row.domain,
            "type": row.type,
            "headline": row.headline,
            "url": row.url,
            "source": row.host,
            "published": row.published,
            "date_precision": row.date_precision,
            "relevance": row.relevance,
            "seen_on": row.seen_on,
            "snippet": row.snippet,
            "fetched_at": row.fetched_at,
            "search_call": row.search_call_id,
            "result": row.result_index,
            "classification_call": row.call_id,
        }


async def deal_rows(db: Database, scope: Scope) -> AsyncIterator[Row]:
    """One row for each deal: its committee, its gaps, its cost."""
    unasked = await why_unasked(db, "apollo")
    # An account is searched once by its key, whichever of its CRM records a deal points to.
    deals_of = (
        select(accounts.c.key, func.count().label("n"))
        .join(deals, deals.c.account_id == accounts.c.id)
        .group_by(accounts.c.key)
        .subquery()
    )
    query = (
        select(
            deals,
            accounts.c.name.label("account"),
            accounts.c.key.label("account_key"),
            classifications.c.score,
            classifications.c.state.label("c_state"),
            (func.coalesce(searches.c.usd, 0) + func.coalesce(classifications.c.usd, 0)).label(
                "usd"
            ),
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
    seats = _by_deal(db, scope, unasked)
    current = await anext(seats, None)
    async for deal in stream(db, query):
        rows: list[tuple[str, Row]] = []
        if current is not None and current[0] == deal.id:
            rows = current[1]
            current = await anext(seats, None)
        filled = {row["role"] for _, row in rows if row["role"]}
        # The CRM may give one person two roles; both are filled.
        filled |= {r["runner_up"] for _, r in rows if r["runner_up_source"] in SAID_BY_CRM}
        cost = sum(row["cost_usd"] for _, row in rows)
        if deal.siblings:
            cost += deal.usd / deal.siblings / NANO
        yield {
            "deal_id": deal.id,
            "deal": deal.name,
            "account_id": deal.account_id,
            "account": deal.account or "",
            "stage": deal.stage,
            "outcome": deal.outcome,
            "amount": deal.amount,
            "currency": deal.currency,
            "close_date": deal.close_date,
            "committee_size": len({person for person, row in rows if row["role"]}),
            "roles_filled": ";".join(sorted(filled)),
            "gaps": ";".join(str(role) for role in WANTED_ROLES if role not in filled),
            "contacts": len(rows),
            "enriched": sum(row["status"] == "enriched" for _, row in rows),
            "account_score": deal.score if deal.c_state == "done" else None,
            "cost_usd": round(cost, 6),
        }


async def unusable_rows(db: Database, scope: Scope) -> AsyncIterator[Row]:
    """Rows of the export that could not be used, each with the reason and the mend."""
    columns = COLUMNS["unusable_rows"]
    query = select(*(load_problems.c[name] for name in columns)).order_by(
        load_problems.c.load_id, load_problems.c.n
    )
    if scope.load_id:
        query = query.where(load_problems.c.load_id == scope.load_id)
    async for row in stream(db, query):
        yield dict(zip(columns, row, strict=True))


async def _by_deal(
    db: Database, scope: Scope, unasked: str
) -> AsyncIterator[tuple[str, list[tuple[str, Row]]]]:
    """(deal, [(person, row)]) in order of deal ids: one deal's seats in memory at a time."""
    current = ""
    rows: list[tuple[str, Row]] = []
    async for seat in stream(db, _seats(scope)):
        if seat.deal_id != current and rows:
            yield current, rows
            rows = []
        current = seat.deal_id
        rows.append((seat.person_key or seat.contact_id, seat_row(seat, unasked)))
    if rows:
        yield current, rows
