"""Nothing that names people is kept longer than the settings say, class by class.

What was bought stays known and what it cost stays told: of an old call only the payload goes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from enrico.engine.http import Request
from enrico.privacy.files import delete_older
from enrico.settings import RetentionSettings
from enrico.store.database import Database
from enrico.store.journal import moment, pack_request, past_retention, timestamp, unpack_request
from enrico.store.selection import WITH_WORKERS
from enrico.store.tables import (
    calls,
    chunks,
    classifications,
    contacts,
    deal_contacts,
    leases,
    load_problems,
    loads,
    people,
    run_events,
    runs,
    searches,
    upkeep,
)

AT_ONCE = 500
"""Rows in memory, and in a transaction."""
UNDER_WAY = ("running", *WITH_WORKERS)
# Calls about which nothing is left to decide.
_OVER = or_(
    calls.c.state.in_(("refused", "not_sent", "failed", "settled")),
    and_(calls.c.state == "answered", calls.c.applied == 1),
)
_PAYLOAD = update(calls).where(calls.c.id == bindparam("which"))


@dataclass(slots=True)
class Retired:
    """What went because of its age, counted."""

    people_answers: int = 0
    other_answers: int = 0
    people: int = 0
    runs: int = 0
    exports: int = 0

    def as_dict(self) -> dict[str, int]:
        """Plain data for JSON."""
        return asdict(self)

    def told(self) -> list[tuple[str, int]]:
        """What went, and how much of it; empty when nothing did."""
        return [(name, number) for name, number in asdict(self).items() if number]


async def retain(
    db: Database, settings: RetentionSettings, now: datetime | None = None, *, again: bool = False
) -> Retired:
    """Let go what is too old. *again*: look also at what was looked at before.

    Otherwise only at what has become too old since the last time, so that a run may end with it.
    """
    now = now or moment(timestamp())
    done = Retired()
    of_people = calls.c.provider == "apollo"
    for name, days, whose in (
        ("people_answers", settings.people_answers_days, of_people),
        ("other_answers", settings.other_answers_days, and_(~of_people, ~_unread())),
    ):
        if days:
            before = timestamp(now - timedelta(days=days))
            setattr(done, name, await _answers(db, name, whose, before, again=again))
    if settings.people_days:
        done.people = await _people(db, timestamp(now - timedelta(days=settings.people_days)))
    if settings.runs_days:
        done.runs = await _runs(db, timestamp(now - timedelta(days=settings.runs_days)))
    if settings.exports_days:
        before = timestamp(now - timedelta(days=settings.exports_days))
        done.exports = await delete_older(db, before)
    return done


def _unread() -> ColumnElement[bool]:
    """Whether a call is the search of an account that the model has not read yet."""
    read = exists().where(
        classifications.c.key == searches.c.key,
        classifications.c.search_call_id == searches.c.call_id,
        classifications.c.state == "done",
    )
    return exists().where(searches.c.call_id == calls.c.id, searches.c.state == "found", ~read)


async def _answers(
    db: Database, name: str, whose: ColumnElement[bool], before: str, *, again: bool
) -> int:
    """Take the payload out of old calls; the row stays."""
    last = await db.rows(select(upkeep.c.at).where(upkeep.c.name == f"retained {name}"))
    since = last[0].at if last and not again else ""
    why, last_seen = past_retention(timestamp()), ("", "")
    number = 0
    while True:
        page = await db.rows(
            select(calls.c.id, calls.c.sent_at, calls.c.request, calls.c.body)
            .where(whose, _OVER, calls.c.sent_at >= since, calls.c.sent_at < before)
            .where(tuple_(calls.c.sent_at, calls.c.id) > tuple_(*last_seen))
            .order_by(calls.c.sent_at, calls.c.id)
            .limit(AT_ONCE)
        )
        changed = [_gone(row, why) for row in page if not _is_bare(row)]
        if changed:
            await db.write((_PAYLOAD, changed))
        number += len(changed)
        if len(page) < AT_ONCE:
            break
        last_seen = (page[-1].sent_at, page[-1].id)
    if number:  # where nothing went, there is little to look at again, and nothing to write
        await db.execute(
            delete(upkeep).where(upkeep.c.name == f"retained {name}"),
            insert(upkeep).values(name=f"retained {name}", at=before),
        )
    return number


def _is_bare(row: Any) -> bool:
    return not row.request or not unpack_request(row.request).body


def _gone(row: Any, why: bytes) -> dict[str, Any]:
    request = unpack_request(row.request)
    bare = Request(request.method, request.path)
    return {"which": row.id, "request": pack_request(bare), "body": why if row.body else b""}


async def _people(db: Database, before: str) -> int:
    """Facts on people who are on no deal any more."""
    on_a_deal = exists().where(
        contacts.c.person_key == people.c.key, deal_contacts.c.contact_id == contacts.c.id
    )
    old = and_(people.c.checked_at < before, people.c.state.not_in(("held",)), ~on_a_deal)
    return await _delete(db, people, old)


async def _runs(db: Database, before: str) -> int:
    """A run goes after what happened in it, so that an interruption leaves none of that behind."""
    old = select(runs.c.id).where(runs.c.started_at < before, runs.c.status.not_in(UNDER_WAY))
    for table in (run_events, chunks, leases):
        await _delete(db, table, table.c.run_id.in_(old))
    loaded = select(loads.c.id).where(loads.c.at < before)
    await _delete(db, load_problems, load_problems.c.load_id.in_(loaded))
    return await _delete(db, runs, runs.c.id.in_(old))


async def _delete(db: Database, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete rows in transactions of a bounded size; an interruption keeps what was done."""
    key = list(table.primary_key)
    some = select(*key).where(condition).limit(AT_ONCE).correlate(None)
    gone = 0
    while True:
        number = await db.execute(delete(table).where(tuple_(*key).in_(some)))
        gone += number
        if number < AT_ONCE:
            return gone
