"""Erases people from everything that is ours, and sees to it that they stay forgotten."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from enrico.domain.names import same_person_name
from enrico.privacy.answers import Rewritten, without_mentions, without_people
from enrico.privacy.finder import Finder
from enrico.privacy.subjects import Identity, Subjects, find_subjects
from enrico.settings import Settings
from enrico.store.crm import stream
from enrico.store.database import Database
from enrico.store.journal import timestamp
from enrico.store.suppressions import Suppressions, load_suppressions, rows_for, suppress
from enrico.store.tables import (
    calls,
    chunks,
    claims,
    classifications,
    contacts,
    deal_contacts,
    deals,
    load_problems,
    loads,
    notices,
    people,
    requests,
    role_notes,
    run_events,
    runs,
    schedules,
    searches,
    signals,
    upkeep,
    work,
)

ERASED = "erased"
"""In ``upkeep``: when somebody was erased last. Files written before are to be written anew."""
ROWS_AT_ONCE = 500

# Texts of our own that may repeat what a provider or a file said, wherever they stand.
OWN_TEXTS: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (calls, ("error",)),
    (runs, ("options", "plan", "summary", "usage_before")),
    (run_events, ("detail",)),
    (requests, ("options",)),
    (notices, ("text",)),
    (loads, ("report",)),
    (load_problems, ("file", "sheet", "reason", "mend")),
    (chunks, ("stats",)),
    (schedules, ("options",)),
    (deal_contacts, ("role_reason",)),
    (people, ("reason",)),
    (searches, ("reason",)),
    (classifications, ("reason",)),
)
# News about an account: it may name somebody who is a contact there.
NEWS: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (signals, ("headline", "url", "snippet")),
    (classifications, ("score_parts", "top_signals", "summary")),
)


@dataclass(slots=True)
class Erased:
    """What was erased, or would be, counted."""

    people: int = 0
    """Facts bought about them."""
    contacts: int = 0
    """Records of the CRM."""
    deal_contacts: int = 0
    calls: int = 0
    """Recorded calls whose payload named them."""
    deals: int = 0
    """Deals of which a field named them."""
    texts: int = 0
    """Other rows whose text named them."""
    suppressed: int = 0
    """Hashes that keep them out from now on."""
    unknown: list[str] = field(default_factory=list)
    """What was asked for and is not held; it is suppressed all the same."""
    files: dict[str, list[str]] = field(default_factory=dict)
    """Files that we wrote: rewritten, deleted, changed by somebody else, gone, elsewhere."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing that we wrote waits for being seen to on another machine."""
        return not self.files.get("elsewhere")

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


async def what_would_go(db: Database, targets: Iterable[Identity]) -> Erased:
    """What :func:`erase` would do; changes nothing."""
    found = await find_subjects(db, targets)
    finder, done = found.finder(), Erased(unknown=found.unknown())
    done.contacts, done.people = len(found.contacts), len(found.people)
    seats = stream(db, select(deal_contacts.c.contact_id))
    done.deal_contacts = len([1 async for seat in seats if seat.contact_id in found.contacts])
    query = select(calls.c["items"]).where(calls.c.provider == "apollo")
    async for row in stream(db, query):
        done.calls += any(key in finder.keys for key in orjson.loads(row.items))
    return done


async def erase(db: Database, settings: Settings, targets: Sequence[Identity]) -> Erased:
    """Erase everybody behind *targets* from the database, in one transaction.

    Nobody else may run or load meanwhile. Files and old pages are the caller's to see to.
    """
    hashes = await load_suppressions(db, settings, to_add=True)
    found = await find_subjects(db, targets)
    finder, done = found.finder(), Erased(unknown=found.unknown())
    at = timestamp()
    async with db.change() as connection:
        rows = [
            row
            for target in found.targets
            for row in rows_for(
                hashes, target, [it for it, owner in found.owner.items() if owner == target]
            )
        ]
        done.suppressed = await suppress(connection, rows)
        erasing = _Work(connection, found, finder, hashes, at, done)
        await erasing.calls()
        await erasing.records()
        await erasing.deals()
        await erasing.texts()
        await connection.execute(delete(upkeep).where(upkeep.c.name == ERASED))
        await connection.execute(insert(upkeep), {"name": ERASED, "at": at})
    return done


class _Work:
    """One erasure inside its transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        found: Subjects,
        finder: Finder,
        hashes: Suppressions,
        at: str,
        done: Erased,
    ) -> None:
        self._connection = connection
        self._found = found
        self._finder = finder
        self._hashes = hashes
        self._at = at
        self._done = done

    async def records(self) -> None:
        """What the CRM says of them, what was bought, and their places on deals."""
        ids, keys = sorted(self._found.contacts), sorted(self._found.people)
        self._done.deal_contacts = await self._delete(deal_contacts, "contact_id", ids)
        self._done.contacts = await self._delete(contacts, "id", ids)
        self._done.people = await self._delete(people, "key", keys)
        for table in (work, claims):  # of runs that were cut off
            await self._delete(table, "key", sorted(self._found.keys))

    async def _delete(self, table: Table, column: str, values: Sequence[str]) -> int:
        gone = 0
        for start in range(0, len(values), ROWS_AT_ONCE):
            some = table.c[column].in_(values[start : start + ROWS_AT_ONCE])
            gone += (await self._connection.execute(delete(table).where(some))).rowcount
        return gone

    async def calls(self) -> None:
        """Recorded requests and answers; the money columns are not touched."""
        payload = (calls.c.id, calls.c.endpoint, calls.c["items"], calls.c.request, calls.c.body)

        def people_in(row: Any) -> Rewritten | None:
            return without_people(row, self._finder, self._hashes.tombstone, self._at)

        def mentions_in(row: Any) -> Rewritten | None:
            return without_mentions(row, self._finder)

        bought, told = [], []
        async for row in self._rows(select(calls.c.id, calls.c.provider, calls.c["items"])):
            items = orjson.loads(row.items)
            if row.provider == "apollo":
                if any(key in self._finder.keys for key in items):
                    bought.append(row.id)
            elif self._found.account_keys & {_account_key(item) for item in items}:
                told.append(row.id)
        change: Callable[[Any], Rewritten | None]
        for ids, change in ((bought, people_in), (told, mentions_in)):
            for start in range(0, len(ids), ROWS_AT_ONCE):
                query = select(*payload).where(calls.c.id.in_(ids[start : start + ROWS_AT_ONCE]))
                rows = (await self._connection.execute(query)).all()
                changed = [
                    {"which": row.id, **new._asdict()} for row in rows if (new := change(row))
                ]
                if changed:
                    await self._connection.execute(_PAYLOAD, changed)
                self._done.calls += len(changed)

    async def _rows(self, query: Any) -> AsyncGenerator[Any, None]:
        """The rows of a large result, as this transaction sees it; a page in memory at a time."""
        result = await self._connection.stream(query.execution_options(yield_per=ROWS_AT_ONCE))
        async for row in result:
            yield row

    async def deals(self) -> None:
        """Fields of a deal that name one of them, and names or owners that are an address."""
        unnamed = self._finder.unnamed()
        changed = []
        query = select(deals.c.id, deals.c.name, deals.c.owner, deals.c.role_fields)
        async for deal in self._rows(query):
            finder = self._finder if deal.id in self._found.deals else unnamed
            new = {
                "name": finder.without(deal.name),
                "owner": unnamed.without(deal.owner),
                "role_fields": self._role_fields(deal, finder),
            }
            if new != {name: getattr(deal, name) for name in new}:
                changed.append({"which": deal.id, **new})
        if changed:
            await self._connection.execute(_DEAL, changed)
        self._done.deals = len(changed)

    def _role_fields(self, deal: Any, finder: Finder) -> str:
        """A field that names one of them goes as a whole; it would say nothing without the name."""
        fields = orjson.loads(deal.role_fields)
        here = self._found.deals.get(deal.id, ())
        left = [
            [name, value]
            for name, value in fields
            if not finder.names_one(value)
            and not any(same_person_name(value, other) is True for other in here)
        ]
        return deal.role_fields if len(left) == len(fields) else orjson.dumps(left).decode()

    async def texts(self) -> None:
        """Texts of our own everywhere, and news about the accounts that they are contacts of."""
        for table, columns in OWN_TEXTS:
            await self._clean(table, columns)
        for table, columns in NEWS:
            await self._clean(table, columns, self._found.account_keys)
        await self._role_notes()

    async def _clean(
        self, table: Table, columns: Sequence[str], account_keys: set[str] | None = None
    ) -> None:
        keys = [column.name for column in table.primary_key]
        query = select(*(table.c[name] for name in (*keys, *columns)))
        changed: list[Mapping[str, Any]] = []
        async for row in self._rows(query):
            if account_keys is not None and row.key not in account_keys:
                continue
            old = {name: getattr(row, name) for name in columns}
            new = {name: self._finder.without(text) for name, text in old.items()}
            if new != old:
                changed.append({f"which_{name}": getattr(row, name) for name in keys} | new)
        if changed:
            where = [table.c[name] == bindparam(f"which_{name}") for name in keys]
            await self._connection.execute(update(table).where(*where), changed)
        self._done.texts += len(changed)

    async def _role_notes(self) -> None:
        """Notes go as a whole: without the name, several would be one and the same."""
        gone = []
        async for row in self._rows(select(role_notes)):
            if self._finder.without(row.value) != row.value:
                gone.append({f"which_{name}": getattr(row, name) for name in _NOTE})
        if gone:
            await self._connection.execute(_NO_NOTE, gone)
        self._done.texts += len(gone)


_NOTE = [column.name for column in role_notes.primary_key]
_NO_NOTE = delete(role_notes).where(
    *(role_notes.c[name] == bindparam(f"which_{name}") for name in _NOTE)
)
_PAYLOAD = update(calls).where(calls.c.id == bindparam("which"))
_DEAL = update(deals).where(deals.c.id == bindparam("which"))


def _account_key(item: Any) -> str:
    """The account that an item of a search or a classification is about."""
    return str(item[0] if isinstance(item, list) else item)
