"""Held calls: dear calls that may have been charged and left all or some without an answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from enrico.engine.money import NOTHING, Cost, credits_number, usd_number
from enrico.errors import InputError
from enrico.pipeline.apply import known_keys, trouble_row
from enrico.store import facts
from enrico.store.database import Database
from enrico.store.journal import WITHOUT_PROOF, CallRow, Journal
from enrico.store.tables import calls, people


@dataclass(frozen=True, slots=True)
class Held:
    """A call, and those of its people who wait for a decision."""

    call: CallRow
    keys: Sequence[str]

    @property
    def cost(self) -> Cost:
        """What asking for these people again may cost once more."""
        share, whole = len(self.keys), len(self.call.items)
        if not whole:
            return NOTHING
        reserved = self.call.reserved
        return Cost(reserved.credits * share // whole, reserved.usd * share // whole)


async def held_calls(db: Database) -> list[dict[str, Any]]:
    """Every held call with what it may have cost and why it is held."""
    return [_plain(held) for held in await _held(db)]


async def sent_again(db: Database) -> list[dict[str, Any]]:
    """Calls that were sent again though nothing proves that they were not charged."""
    query = select(calls.c.id).where(calls.c.error.endswith(WITHOUT_PROOF)).order_by(calls.c.id)
    ids = [row.id for row in await db.rows(query)]
    found = (await Journal(db).get_many(ids)).values()
    return [
        _plain(Held(call, known_keys(call)), "sent_again")
        for call in sorted(found, key=lambda call: (call.ended_at, call.id))
    ]


async def settle_held(
    db: Database, action: str, ids: Sequence[str], *, everything: bool
) -> list[dict[str, Any]]:
    """Decide on held calls: ``retry`` frees their people for the next run, ``drop`` gives them up.

    Either way the call stays in the ledger as what it may have cost. Raises InputError for an id
    that fits no held call.
    """
    journal = Journal(db)
    found = await _held(db)
    if not everything:
        for wanted in ids:
            if not any(held.call.id.startswith(wanted) for held in found):
                raise InputError(f"No held call begins with {wanted!r}. List them: enrico held")
        found = [one for one in found if any(one.call.id.startswith(wanted) for wanted in ids)]
    for held in found:
        decided = facts.people_released(held.keys)
        if action == "drop":
            reason = f"call {held.call.id} may have been charged; its answer was given up"
            given_up = [trouble_row(key, "given_up", reason, held.call.id) for key in held.keys]
            decided.append(facts.people_missed(given_up))
        why = f"{held.call.error} Settled by: {action}."
        state = "settled" if held.call.state == "held" else held.call.state
        decided.append(journal.marked(held.call.id, state, why, applied=True))
        # Together: people are not freed by a decision that then goes lost.
        await db.write(*decided)
    return [_plain(held) for held in found]


async def _held(db: Database) -> list[Held]:
    """Held calls, and answered ones that left somebody unclear, in the order of their ends."""
    journal = Journal(db)
    found = [Held(call, known_keys(call)) async for call in journal.find(states=("held",))]
    waiting: dict[str, list[str]] = defaultdict(list)
    query = select(people.c.key, people.c.call_id).order_by(people.c.key)
    for key, call_id in await db.rows(query.where(people.c.state == "held")):
        waiting[call_id].append(key)
    for call in (await journal.get_many(sorted(waiting))).values():
        if call.state == "answered":
            found.append(Held(call, waiting[call.id]))
    return sorted(found, key=lambda held: (held.call.ended_at, held.call.id))


def _plain(held: Held, state: str = "held") -> dict[str, Any]:
    return {
        "call": held.call.id,
        "state": state,
        "run": held.call.run_id,
        "provider": held.call.provider,
        "sent": held.call.sent_at,
        "people": len(held.keys),
        "credits": credits_number(held.cost.credits),
        "usd": usd_number(held.cost.usd),
        "why": held.call.error,
    }
