"""Held calls: dear calls that may have been charged and brought no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from enrico.engine.money import credits_number, usd_number
from enrico.errors import InputError
from enrico.pipeline.apply import trouble_row
from enrico.store import facts
from enrico.store.database import Database
from enrico.store.journal import CallRow, Journal


async def held_calls(db: Database) -> list[dict[str, Any]]:
    """Every held call with what it may have cost and why it is held."""
    return [_plain(call) async for call in Journal(db).find(states=("held",))]


async def settle_held(
    db: Database, action: str, ids: Sequence[str], *, everything: bool
) -> list[dict[str, Any]]:
    """Decide on held calls: ``retry`` frees their people for the next run, ``drop`` gives them up.

    Either way the call stays in the ledger as what it may have cost. Raises InputError for an id
    that fits no held call.
    """
    journal = Journal(db)
    found = [call async for call in journal.find(states=("held",))]
    if not everything:
        for wanted in ids:
            if not any(call.id.startswith(wanted) for call in found):
                raise InputError(f"No held call begins with {wanted!r}. List them: enrico held")
        found = [call for call in found if any(call.id.startswith(wanted) for wanted in ids)]
    for call in found:
        keys = [str(key) for key in call.items]
        why = f"{call.error} Settled by: {action}."
        operations = facts.people_released(keys)
        if action == "drop":
            reason = f"call {call.id} may have been charged; its answer was given up"
            given_up = [trouble_row(key, "given_up", reason, call.id) for key in keys]
            operations.append(facts.people_missed(given_up))
        await db.write(*operations, journal.marked(call.id, "settled", why, applied=True))
    return [_plain(call) for call in found]


def _plain(call: CallRow) -> dict[str, Any]:
    return {
        "call": call.id,
        "run": call.run_id,
        "provider": call.provider,
        "sent": call.sent_at,
        "people": len(call.items),
        "credits": credits_number(call.reserved.credits),
        "usd": usd_number(call.reserved.usd),
        "why": call.error,
    }
