"""Parts of a run's work, each of which one worker takes.

A chunk claims what it will ask for, and looks only then at what is still due: what another run has
bought meanwhile is not bought again, and what another one is just asking for is left to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import (
    ColumnElement,
    Executable,
    Join,
    ScalarSelect,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.selection import CLAIMED_AS, Selection, WorkKind
from enrico.store.sql import insert
from enrico.store.tables import chunks, claims, classifications, people, searches, work


@dataclass(frozen=True, slots=True)
class Part:
    """The items *first* to *last*, both included, of one kind of a run's work."""

    run_id: str
    kind: WorkKind
    first: int
    last: int


async def begin_chunk(db: Database, chunk_id: str, part: Part, worker: str) -> None:
    """Write down that *worker* does it now."""
    row = {
        "id": chunk_id, "run_id": part.run_id, "worker": worker, "state": "running",
        "kind": part.kind, "first": part.first, "last": part.last,
        "started_at": timestamp(), "ended_at": "", "stats": "",
    }  # fmt: skip
    await db.write((insert(chunks), [row]))


async def end_chunk(db: Database, chunk_id: str, state: str, stats: str = "") -> None:
    """It is over; nothing is claimed for it any more."""
    await db.execute(
        update(chunks)
        .where(chunks.c.id == chunk_id)
        .values(state=state, stats=stats, ended_at=timestamp()),
        *_let_go(chunk_id),
    )


async def claim(
    db: Database,
    chunk_id: str,
    part: Part,
    selection: Selection,
    keys: Sequence[str] = (),
    *,
    fast: bool = False,
) -> dict[WorkKind, int]:
    """Make what is due of *part*, and asked for by nobody else, the work of a chunk.

    Returns how much that is, by kind: what was searched and not read is left to classify. What the
    chunk had claimed before is let go. *keys*: only these. *fast*: it takes over what a chunk of a
    batch has claimed and not come to.
    """
    wanted = and_(_within(part), work.c.key.in_(keys) if keys else true())
    kinds: tuple[WorkKind, ...] = ("search", "classify") if part.kind == "search" else (part.kind,)
    due = or_(*(_due(kind, selection) for kind in kinds))
    mine = insert(claims).from_select(
        ["kind", "key", "chunk_id", "asked"],
        select(literal(CLAIMED_AS[part.kind]), work.c.key, literal(chunk_id), literal(int(fast)))
        .select_from(_joined())
        .where(wanted, due)
        .order_by(work.c.key),  # in one order, so that two do not wait for each other
    )
    waiting = (
        select(claims.c.key)
        .where(claims.c.kind == CLAIMED_AS[part.kind], claims.c.asked == 0)
        .where(claims.c.key.in_(select(work.c.key).select_from(_joined()).where(wanted, due)))
        .with_for_update(skip_locked=True)  # its chunk is just coming to it
    )
    over = (
        update(claims)
        .where(claims.c.kind == CLAIMED_AS[part.kind], claims.c.key.in_(waiting))
        .values(chunk_id=chunk_id, asked=1)
    )
    await db.execute(*_let_go(chunk_id), mine.on_conflict_do_nothing(), *((over,) if fast else ()))
    # In transactions of their own: they must see what others wrote until the claim was ours.
    names = ["n", "key", "run_id", "kind"]
    found: dict[WorkKind, int] = {}
    for kind in kinds:
        numbered = (
            select(
                func.row_number().over(order_by=work.c.n),
                work.c.key,
                literal(chunk_id),
                literal(kind),
            )
            .select_from(_joined())
            .where(wanted, _due(kind, selection), _claimer(part) == chunk_id)
        )
        found[kind] = await db.execute(insert(work).from_select(names, numbered))
    return found


async def left_to_others(
    db: Database, chunk_id: str, part: Part, selection: Selection
) -> list[str]:
    """What of *part* is due that another chunk is asking for."""
    kinds: tuple[WorkKind, ...] = ("search", "classify") if part.kind == "search" else (part.kind,)
    due = or_(*(_due(kind, selection) for kind in kinds))
    query = (
        select(work.c.key)
        .select_from(_joined())
        .where(_within(part), due, _claimer(part) != chunk_id)
    )
    return [row.key for row in await db.rows(query)]


def _let_go(chunk_id: str) -> Sequence[Executable]:
    return (
        delete(work).where(work.c.run_id == chunk_id),
        delete(claims).where(claims.c.chunk_id == chunk_id),
    )


def _joined() -> Join:
    return (
        work.outerjoin(people, people.c.key == work.c.key)
        .outerjoin(searches, searches.c.key == work.c.key)
        .outerjoin(classifications, classifications.c.key == work.c.key)
    )


def _claimer(part: Part) -> ScalarSelect[str]:
    """Which chunk asks for an item of *part*; null for none.

    Looked up for each item by the key of the table. As a join, of which PostgreSQL has no figures
    when the first chunks begin, it is sometimes done the other way round: all items for each claim.
    """
    same = and_(claims.c.kind == CLAIMED_AS[part.kind], claims.c.key == work.c.key)
    return select(claims.c.chunk_id).where(same).correlate(work).scalar_subquery()


def _within(part: Part) -> ColumnElement[bool]:
    return and_(
        work.c.run_id == part.run_id,
        work.c.kind == part.kind,
        work.c.n.between(part.first, part.last),
    )


def _due(kind: WorkKind, selection: Selection) -> ColumnElement[bool]:
    """What was asked for since the run began is not due again, though it was to be refreshed."""
    began = timestamp(selection.now)
    if kind == "people":
        since = or_(people.c.key.is_(None), people.c.state == "failed", people.c.checked_at < began)
        return and_(selection.person_is_due(), since)
    if kind == "search":
        since = or_(
            searches.c.key.is_(None), searches.c.state == "failed", searches.c.fetched_at < began
        )
        return and_(selection.search_is_due(), since)
    # A search that is to be refreshed is due, unless that was done since.
    fresh = replace(selection, refresh=False)
    return fresh.reading_is_due()
