"""Roles for every deal contact: one query, resolved in memory an account at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson

from enrico.domain.committee import (
    DealOnAccount,
    RoleAssignment,
    Seat,
    VerifiedPerson,
    resolve_roles,
)
from enrico.domain.verified import has_moved, is_about
from enrico.pipeline.context import Context
from enrico.store import facts
from enrico.store.crm import Scope, seats_query, shared_addresses, stream
from enrico.store.database import Database

ROWS_AT_ONCE = 1_000


async def resolve_all_roles(ctx: Context) -> None:
    """Resolve the roles of the run's deals and write those that changed."""
    ctx.stats.start("roles")
    await resolve_roles_in(ctx.db, ctx.scope, ctx.settings.role_threshold)
    ctx.stats.end("roles")


async def resolve_roles_in(db: Database, scope: Scope, threshold: float) -> int:
    """Resolve the roles of all deals of the accounts in scope; returns how many rows changed."""
    shared = {row.key for row in await db.rows(shared_addresses())}
    changed, waiting = 0, []
    account: list[Any] = []
    async for row in stream(db, seats_query(scope)):
        if account and account[0].account_id != row.account_id:
            waiting += list(_changes(account, shared, threshold))
            account = []
            if len(waiting) >= ROWS_AT_ONCE:
                await db.write(facts.roles_resolved(waiting))
                changed, waiting = changed + len(waiting), []
            await asyncio.sleep(0)  # calls in flight go before sums
        account.append(row)
    if account:
        waiting += list(_changes(account, shared, threshold))
    if waiting:
        await db.write(facts.roles_resolved(waiting))
    return changed + len(waiting)


def _changes(rows: Sequence[Any], shared: set[str], threshold: float) -> Iterator[dict[str, Any]]:
    """The deal contacts of one account whose role is another one than is stored."""
    # Deals without an account have nothing to say about each other.
    of_account = bool(rows[0].account_id)
    by_deal = [(d, list(group)) for d, group in groupby(rows, key=lambda row: row.deal_id)]
    deals = [
        DealOnAccount(
            deal_id,
            tuple((name, value) for name, value in orjson.loads(seats[0].role_fields)),
            tuple(_seat(seat, shared) for seat in seats),
        )
        for deal_id, seats in by_deal
    ]
    groups = [deals] if of_account else [[deal] for deal in deals]
    stored = {(row.deal_id, row.contact_id): row for row in rows}
    for group in groups:
        for found in resolve_roles(group, threshold=threshold):
            values = _values(found)
            row = stored[found.deal_id, found.contact_id]
            if any(getattr(row, name) != value for name, value in values.items()):
                yield {"deal": found.deal_id, "contact": found.contact_id, **values}


def _seat(row: Any, shared: set[str]) -> Seat:
    name = f"{row.first_name} {row.last_name}".strip()
    verified = None
    if row.person_state == "found" and is_about(
        name, row.verified_name, shared=row.person_key in shared
    ):
        verified = VerifiedPerson(
            title=row.verified_title,
            seniority=row.verified_seniority,
            departments=tuple(d for d in row.verified_departments.split(";") if d),
            functions=tuple(f for f in row.verified_functions.split(";") if f),
            provider=row.verified_provider,
            moved=has_moved(
                employer=row.verified_employer,
                employer_domain=row.verified_employer_domain,
                account_name=row.account_name or "",
                account_domain=row.account_domain or "",
                email=row.person_key,
            )
            == "yes",
        )
    return Seat(
        deal_id=row.deal_id,
        contact_id=row.contact_id,
        # A shared address does not make its users one person.
        person_key="" if row.person_key in shared else row.person_key,
        name=name,
        title=row.title,
        deal_role_label=row.role_label,
        person_role_label=row.person_role_label,
        is_primary=bool(row.is_primary),
        verified=verified,
        email=row.email,
    )


def _values(found: RoleAssignment) -> dict[str, Any]:
    second = found.runner_up
    return {
        "role": str(found.role) if found.role else "",
        "role_source": found.source,
        "role_confidence": found.confidence,
        "role_reason": found.reason,
        "runner_up": str(second.role) if second else "",
        "runner_up_source": second.source if second else "",
        "runner_up_confidence": second.confidence if second else 0.0,
    }
