"""Roles for the deal contacts whose roles are in doubt, resolved an account at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson

from enrico.domain.committee import (
    RULES,
    DealOnAccount,
    RoleAssignment,
    Seat,
    VerifiedPerson,
    resolve_committees,
)
from enrico.domain.verified import has_moved, is_about
from enrico.pipeline.context import Context
from enrico.store.committees import (
    Mark,
    Note,
    SeatRow,
    all_in_doubt,
    committees,
    new_taker,
    notes_in,
    resolve_with,
    resolved,
    take_marks,
)
from enrico.store.crm import Scope
from enrico.store.database import Database

ACCOUNTS_AT_ONCE = 200
SEATS_AT_A_STRETCH = 50
NOTES_KEPT = 20


async def resolve_marked(ctx: Context) -> int:
    """Resolve what is in doubt in the run's scope; returns how many rows changed.

    Cheap where nothing is. One at a time, while calls are in flight and once they are over.
    """
    ctx.stats.start("roles")
    changed = await resolve_roles_in(ctx.db, ctx.scope, ctx.settings.role_threshold)
    ctx.stats.end("roles")
    return changed


async def finish_roles(ctx: Context) -> None:
    """Resolve what is left, and tell what in the CRM could not be used."""
    await resolve_marked(ctx)
    ctx.stats.role_notes = [
        {**note._asdict(), "count": count}
        for note, count in await notes_in(ctx.db, ctx.scope, NOTES_KEPT)
    ]


async def resolve_roles_in(
    db: Database, scope: Scope, threshold: float, *, afresh: bool = False
) -> int:
    """Resolve the roles in doubt of the accounts that have a deal in scope; all with *afresh*.

    Returns how many rows changed. Another threshold, or other rules, put all in doubt.
    """
    await resolve_with(db, RULES, threshold)
    if afresh:
        await db.write(all_in_doubt())
    changed = unbroken = 0
    me = new_taker()
    async for marks in take_marks(db, scope, me):
        left = set(marks)
        done: list[Mark] = []
        changes: list[tuple[Mark, dict[str, Any]]] = []
        notes: list[tuple[Mark, Note, int]] = []
        async for mark, seats in committees(db, marks):
            new, noted = _resolve(seats, threshold)
            changes += [(mark, role) for role in new]
            notes += [(mark, note, count) for note, count in noted.items()]
            done.append(mark)
            left.discard(mark)
            unbroken += len(seats)
            if unbroken >= SEATS_AT_A_STRETCH:
                await asyncio.sleep(0)  # calls in flight go before sums
                unbroken = 0
            if len(done) >= ACCOUNTS_AT_ONCE:
                await db.write(*resolved(me, done, changes, notes))
                changed += len(changes)
                done, changes, notes = [], [], []
        await db.write(*resolved(me, [*done, *sorted(left)], changes, notes))
        changed += len(changes)
    return changed


def _resolve(rows: list[SeatRow], threshold: float) -> tuple[list[dict[str, Any]], Counter[Note]]:
    """The seats of one account whose role is another one than is stored, and what was of no use."""
    rows.sort(key=attrgetter("deal_id", "contact_id"))
    verified: dict[str, VerifiedPerson | None] = {}
    deals = [
        DealOnAccount(
            deal_id, _fields(seats[0].role_fields), tuple(_seat(s, verified) for s in seats)
        )
        for deal_id, group in groupby(rows, key=attrgetter("deal_id"))
        for seats in [list(group)]
    ]
    resolution = resolve_committees(deals, threshold=threshold)
    # A value that names a person stays where it is; a label that nobody knows is shown.
    notes = Counter(
        Note(note.kind, note.field, note.value if note.kind == "unknown_label" else "")
        for note in resolution.notes
    )
    # Both are ordered by deal and contact.
    changes = [
        _change(found)
        for found, row in zip(resolution.assignments, rows, strict=True)
        if _is_new(found, row)
    ]
    return changes, notes


def _fields(stored: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in orjson.loads(stored)) if stored != "[]" else ()


def _seat(row: SeatRow, verified: dict[str, VerifiedPerson | None]) -> Seat:
    """A seat; *verified* keeps what is known of the account's people from one deal to the next."""
    if row.contact_id not in verified:
        verified[row.contact_id] = _verified(row)
    return Seat(
        row.deal_id,
        row.contact_id,
        # A shared address does not make its users one person.
        "" if row.is_shared else row.person_key,
        f"{row.first_name} {row.last_name}".strip(),
        row.title,
        row.role_label,
        row.person_role_label,
        verified=verified[row.contact_id],
        email=row.email,
    )


def _verified(row: SeatRow) -> VerifiedPerson | None:
    """What the provider says about a contact; None where that is nothing, or another person's."""
    if row.person_state != "found":
        return None
    name = f"{row.first_name} {row.last_name}".strip()
    if not is_about(name, row.verified_name, shared=bool(row.is_shared)):
        return None
    moved = has_moved(
        employer=row.verified_employer,
        employer_domain=row.verified_employer_domain,
        account_name=row.account_name or "",
        account_domain=row.account_domain or "",
        email=row.person_key,
    )
    return VerifiedPerson(
        row.verified_title,
        row.verified_seniority,
        tuple(d for d in row.verified_departments.split(";") if d),
        tuple(f for f in row.verified_functions.split(";") if f),
        row.verified_provider,
        moved == "yes",
    )


def _is_new(found: RoleAssignment, row: SeatRow) -> bool:
    second = found.runner_up
    return (
        found.reason != row.role_reason
        or (found.role or "") != row.role
        or found.source != row.role_source
        or found.confidence != row.role_confidence
        or (second.role if second else "") != row.runner_up
        or (second.source if second else "") != row.runner_up_source
        or (second.confidence if second else 0.0) != row.runner_up_confidence
    )


def _change(found: RoleAssignment) -> dict[str, Any]:
    second = found.runner_up
    return {
        "deal": found.deal_id,
        "contact": found.contact_id,
        "role": str(found.role) if found.role else "",
        "role_source": found.source,
        "role_confidence": found.confidence,
        "role_reason": found.reason,
        "runner_up": str(second.role) if second else "",
        "runner_up_source": second.source if second else "",
        "runner_up_confidence": second.confidence if second else 0.0,
    }
