"""What was bought, as rows: people, searches, classifications and signals.

Each function returns operations for :meth:`Database.write`, so that facts and the mark "applied"
on their call are committed together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, select, update

from enrico.store.database import Database, Operation
from enrico.store.sql import insert
from enrico.store.tables import classifications, people, searches, signals

_PERSON = insert(people)
_FOUND = _PERSON.on_conflict_do_update(
    index_elements=[people.c.key],
    set_={c.name: _PERSON.excluded[c.name] for c in people.columns if c.name != "key"},
)
_OTHER = insert(people)
# Absence never overwrites presence: a miss on somebody known is noted beside the known values.
_MISSED = _OTHER.on_conflict_do_update(
    index_elements=[people.c.key],
    set_={
        "state": case((people.c.state == "found", "found"), else_=_OTHER.excluded.state),
        "call_id": case(
            (people.c.state == "found", people.c.call_id), else_=_OTHER.excluded.call_id
        ),
        "fetched_at": case(
            (people.c.state == "found", people.c.fetched_at), else_=_OTHER.excluded.fetched_at
        ),
        "reason": case(
            (people.c.state == "found", "not known to the provider when last asked"),
            else_=_OTHER.excluded.reason,
        ),
        "checked_at": _OTHER.excluded.checked_at,
    },
)
_TROUBLE = insert(people)
# A failure is no fact: it is noted only where no fact is.
_FAILED = _TROUBLE.on_conflict_do_update(
    index_elements=[people.c.key],
    set_={name: _TROUBLE.excluded[name] for name in ("state", "reason", "call_id", "checked_at")},
    where=people.c.state == "failed",
)
_HOLD = insert(people)
# Known values stay, and count as asked for: the held call may have brought newer ones.
_HELD = _HOLD.on_conflict_do_update(
    index_elements=[people.c.key],
    set_={
        "state": case((people.c.state == "found", "found"), else_=_HOLD.excluded.state),
        "call_id": case(
            (people.c.state == "found", people.c.call_id), else_=_HOLD.excluded.call_id
        ),
        "reason": _HOLD.excluded.reason,
        "checked_at": _HOLD.excluded.checked_at,
    },
)
_RELEASED = delete(people).where(people.c.key == bindparam("person"), people.c.state == "held")
_DUE = (
    update(people)
    .where(people.c.key == bindparam("person"), people.c.state == "found")
    .values(checked_at="", reason="")
)

_SEARCH = insert(searches)
_SEARCHED = _SEARCH.on_conflict_do_update(
    index_elements=[searches.c.key],
    set_={c.name: _SEARCH.excluded[c.name] for c in searches.columns if c.name != "key"},
)
_SEARCH_TROUBLE = insert(searches)
_SEARCH_FAILED = _SEARCH_TROUBLE.on_conflict_do_update(
    index_elements=[searches.c.key],
    set_={name: _SEARCH_TROUBLE.excluded[name] for name in ("state", "reason", "fetched_at")},
    where=searches.c.state == "failed",
)

_CLASS = insert(classifications)
_CLASSIFIED = _CLASS.on_conflict_do_update(
    index_elements=[classifications.c.key],
    set_={c.name: _CLASS.excluded[c.name] for c in classifications.columns if c.name != "key"},
)
_CLASS_TROUBLE = insert(classifications)
_CLASS_FAILED = _CLASS_TROUBLE.on_conflict_do_update(
    index_elements=[classifications.c.key],
    set_={name: _CLASS_TROUBLE.excluded[name] for name in ("state", "reason", "at")},
    where=classifications.c.state == "failed",
)
_CLEAR_SIGNALS = delete(signals).where(signals.c.key == bindparam("account"))
_SIGNAL = insert(signals)

NO_PERSON: Mapping[str, Any] = {
    column.name: 0 if column.name in ("credits", "usd") else "" for column in people.columns
}
NO_CLASSIFICATION: Mapping[str, Any] = {
    "reason": "", "search_call_id": "", "call_id": "", "usd": 0, "score": 0.0,
    "score_parts": "[]", "signals": 0, "top_signals": "", "summary": "",
}  # fmt: skip


def people_found(rows: Sequence[Mapping[str, Any]]) -> Operation:
    """People whom the provider knows: their values replace older ones."""
    return _FOUND, rows


def people_missed(rows: Sequence[Mapping[str, Any]]) -> Operation:
    """People whom a whole, well-formed answer does not know."""
    return _MISSED, rows


def people_failed(rows: Sequence[Mapping[str, Any]]) -> Operation:
    """People whose call brought nothing and cost nothing."""
    return _FAILED, rows


def people_held(rows: Sequence[Mapping[str, Any]]) -> Operation:
    """People in a call that may have been charged: not asked again before somebody decides."""
    return _HELD, rows


async def held_in(db: Database, call_id: str) -> int:
    """How many people are held because of that call."""
    held = and_(people.c.call_id == call_id, people.c.state == "held")
    return int((await db.rows(select(func.count()).select_from(people).where(held)))[0][0])


def people_released(keys: Iterable[str]) -> list[Operation]:
    """Held people who may be asked for again."""
    rows = [{"person": key} for key in keys]
    return [(_RELEASED, rows), (_DUE, rows)]


def searched(row: Mapping[str, Any]) -> Operation:
    """A search that was answered, with or without results."""
    return _SEARCHED, [row]


def search_failed(row: Mapping[str, Any]) -> Operation:
    """A search that brought no answer; an older answer stays."""
    return _SEARCH_FAILED, [row]


def classified(row: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[Operation]:
    """An account's classification with its signals, which replace the older ones."""
    return [(_CLASSIFIED, [row]), (_CLEAR_SIGNALS, [{"account": row["key"]}]), (_SIGNAL, found)]


def classification_failed(row: Mapping[str, Any]) -> Operation:
    """A classification that failed; an older one stays."""
    return _CLASS_FAILED, [{**NO_CLASSIFICATION, **row}]
