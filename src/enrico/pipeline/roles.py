"""Roles for every deal contact: one query, resolved in memory an account at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import orjson

from enrico.domain.committee import (
    DealOnAccount,
    RoleAssignment,
    Seat,
    VerifiedPerson,
    resolve_committees,
)
from enrico.domain.verified import has_moved, is_about
from enrico.pipeline.context import Context
from enrico.store import facts
from enrico.store.crm import Scope, seats_query, shared_addresses, stream
from enrico.store.database import Database

ROWS_AT_ONCE = 1_000
NOTES_KEPT = 20


Notes = Counter[tuple[str, str, str]]
"""How often something in the CRM was of no use: (kind, field, value). Names are left out."""


async def resolve_all_roles(ctx: Context) -> None:
    """Resolve the roles of the run's deals and write those that changed."""
    ctx.stats.start("roles")
    _, notes = await resolve_roles_in(ctx.db, ctx.scope, ctx.settings.role_threshold)
    ctx.stats.role_notes = [
        {"kind": kind, "field": field, "value": value, "count": count}
        for (kind, field, value), count in sorted(notes.items(), key=lambda n: (-n[1], n[0]))
    ][:NOTES_KEPT]
    ctx.stats.end("roles")


async def resolve_roles_in(db: Database, scope: Scope, threshold: float) -> tuple[int, Notes]:
    """Resolve the roles of all deals of the accounts in scope.

    Returns how many rows changed, and what in the CRM could not be used.
    """
    shared = {row.key for row in await db.rows(shared_addresses())}
    changed, notes = 0, Notes()
    waiting: list[dict[str, Any]] = []
    account: list[Any] = []

    async def flush(at_least: int) -> None:
        nonlocal changed, waiting
        if len(waiting) >= at_least:
            await db.write(facts.roles_resolved(waiting))
            changed, waiting = changed + len(waiting), []

    async for row in stream(db, seats_query(scope)):
        if account and account[0].account_id != row.account_id:
            waiting += _changes(account, shared, threshold, notes)
            account = []
            await flush(ROWS_AT_ONCE)
            await asyncio.sleep(0)  # calls in flight go before sums
        account.append(row)
    if account:
        waiting += _changes(account, shared, threshold, notes)
    await flush(1)
    return changed, notes


def _changes(
    rows: Sequence[Any], shared: set[str], threshold: float, notes: Notes
) -> list[dict[str, Any]]:
    """The deal contacts of one account whose role is another one than is stored."""
    deals = [
        DealOnAccount(
            deal_id,
            tuple((name, value) for name, value in orjson.loads(seats[0].role_fields)),
            tuple(_seat(seat, shared) for seat in seats),
        )
        for deal_id, group in groupby(rows, key=lambda row: row.deal_id)
        for seats in [list(group)]
    ]
    # Deals without an account have nothing to say about each other.
    groups = [deals] if rows[0].account_id else [[deal] for deal in deals]
    stored = {(row.deal_id, row.contact_id): row for row in rows}
    changes = []
    for group in groups:
        resolution = resolve_committees(group, threshold=threshold)
        for note in resolution.notes:
            # A value that names a person stays where it is; a label that nobody knows is shown.
            value = note.value if note.kind == "unknown_label" else ""
            notes[note.kind, note.field, value] += 1
        for found in resolution.assignments:
            values = _values(found)
            row = stored[found.deal_id, found.contact_id]
            if any(getattr(row, name) != value for name, value in values.items()):
                changes.append({"deal": found.deal_id, "contact": found.contact_id, **values})
    return changes


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
