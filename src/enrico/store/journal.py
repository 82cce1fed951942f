"""The call journal: what is meant to be bought, and what came back, each committed at once.

The states of a call (a row is one attempt of one logical call):

    sent      the intent is committed; the request may have left
    answered  a whole answer is committed; ``applied`` says whether facts were made of it
    refused   the provider refused it: not charged
    not_sent  it never left: not charged
    failed    a cheap call whose outcome is unknown or whose answer is useless: counted as charged
    unknown   a dear call that may have been charged: to be reconciled
    held      a dear call that may have been charged and could not be cleared: waits for a person
    settled   a held call that a person decided on
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select, update

from enrico.engine.http import Reply, Request
from enrico.engine.money import NOTHING, Cost
from enrico.engine.stats import PROVIDERS
from enrico.engine.watching import Happened
from enrico.store.database import Database, Operation
from enrico.store.sql import insert
from enrico.store.tables import calls, run_events

# Headers worth keeping: limits, request ids and Retry-After. Never a request header.
_KEPT_HEADERS = ("x-rate-limit", "x-minute", "x-hourly", "x-24-hour", "x-daily", "retry-after")
_KEPT_EXACT = {"x-request-id", "x-deepseek-request-id", "content-type", "date"}

NO_REPLY = Reply(0)
WITHOUT_PROOF = "sent again: the policy is to send again"
"""Stands in the error of a dear call that may be paid twice; see ``apollo.unknown_outcome``."""

_INTENT = insert(calls)
INTENT = _INTENT.on_conflict_do_update(
    index_elements=[calls.c.id],
    set_={
        name: _INTENT.excluded[name]
        for name in (
            "state", "reserved_credits", "reserved_usd", "sent_at", "rate_limited",
            "waited_ms", "waited_for",
        )
    },
)  # fmt: skip
_HAPPENED = insert(run_events)
# The columns to set are the keys of the rows given with the statement.
OUTCOME = update(calls).where(calls.c.id == bindparam("call"))
APPLIED = update(calls).where(calls.c.id == bindparam("call")).values(applied=1)
STATE = update(calls).where(calls.c.id == bindparam("call"))
STATE_AND_COST = update(calls).where(calls.c.id == bindparam("call"))


def timestamp(when: datetime | None = None) -> str:
    """ISO 8601 in UTC with milliseconds: ``2026-11-23T16:35:00.123Z``."""
    moment = datetime.now(UTC) if when is None else when.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def moment(stamp: str) -> datetime:
    """The aware datetime of a :func:`timestamp`."""
    return datetime.fromisoformat(stamp)


@dataclass(frozen=True, slots=True)
class CallRow:
    """One recorded call, read back."""

    id: str
    run_id: str
    provider: str
    endpoint: str
    state: str
    attempt: int
    items: list[Any]
    request: Request
    reserved: Cost
    cost: Cost
    sent_at: str
    ended_at: str
    duration_ms: float
    reply: Reply
    error: str
    applied: bool

    @property
    def is_gone(self) -> bool:
        """Whether its answer was let go, for it was kept long enough."""
        return self.reply.body.startswith(_GONE)


def plain_request(request: Request) -> bytes:
    """What makes a request the one it is, on a line of its own and in its body."""
    return orjson.dumps([request.method, request.path, request.query]) + b"\n" + request.body


def pack_request(request: Request) -> bytes:
    """The exact bytes of a request, so that a replay sends the same again."""
    return pack(plain_request(request))


def unpack_request(data: bytes) -> Request:
    """The inverse of :func:`pack_request`."""
    head, _, body = zlib.decompress(data).partition(b"\n")
    method, path, query = orjson.loads(head)
    return Request(method, path, body, tuple((name, value) for name, value in query))


def pack(data: bytes) -> bytes:
    """As requests and answers are kept."""
    # zlib.compress asks for 268 kB at each call, which the system gives and takes back page by
    # page: dearer than the work. In 72 kB answers of 30 kB become as small (decision 0016).
    packer = zlib.compressobj(1, zlib.DEFLATED, wbits=14, memLevel=5)
    return packer.compress(data) + packer.flush()


_GONE = b'{"gone":'


def past_retention(at: str) -> bytes:
    """What stands for an answer that was kept long enough."""
    return pack(orjson.dumps({"gone": "kept long enough", "at": at}))


def of_run(column: ColumnElement[str], run_id: str) -> ColumnElement[bool]:
    """Whether a run's id, or that of a part of it, stands in *column*."""
    # A range and not LIKE, for which SQLite reads the whole journal; "0" comes after "/".
    return or_(column == run_id, and_(column > f"{run_id}/", column < f"{run_id}0"))


class Journal:
    """Writes and reads the journal of one database."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._events = 0

    async def intend(
        self,
        call_id: str,
        *,
        run_id: str,
        provider: str,
        endpoint: str,
        attempt: int,
        rate_limited: int,
        items: Sequence[Any],
        request: Request,
        reserved: Cost,
        waited_ms: float = 0.0,
        waited_for: str = "",
    ) -> None:
        """Commit that the call is about to be sent and what is reserved for it."""
        row = {
            "id": call_id,
            "run_id": run_id,
            "provider": provider,
            "endpoint": endpoint,
            "state": "sent",
            "attempt": attempt,
            "rate_limited": rate_limited,
            "items": orjson.dumps(items).decode(),
            "request": pack_request(request),
            "reserved_credits": reserved.credits,
            "reserved_usd": reserved.usd,
            "credits": 0,
            "usd": 0,
            "sent_at": timestamp(),
            "ended_at": "",
            "duration_ms": 0.0,
            "status": 0,
            "headers": "",
            "body": b"",
            "applied": 0,
            "error": "",
            "waited_ms": waited_ms,
            "waited_for": waited_for,
        }
        await self._db.write((INTENT, [row]))

    async def conclude(
        self,
        call_id: str,
        state: str,
        *,
        reply: Reply = NO_REPLY,
        cost: Cost = NOTHING,
        duration_ms: float = 0.0,
        rate_limited: int = 0,
        error: str = "",
    ) -> str:
        """Commit what came back, whole and raw. Returns the time written down."""
        kept = {
            name: value
            for name, value in reply.headers.items()
            if name in _KEPT_EXACT or name.startswith(_KEPT_HEADERS)
        }
        ended = timestamp()
        row = {
            "call": call_id,
            "state": state,
            "credits": cost.credits,
            "usd": cost.usd,
            "ended_at": ended,
            "duration_ms": duration_ms,
            "status": reply.status,
            "headers": orjson.dumps(kept).decode(),
            "body": pack(reply.body) if reply.body else b"",
            "rate_limited": rate_limited,
            "error": error,
        }
        await self._db.write((OUTCOME, [row]))
        return ended

    async def mark(
        self, call_id: str, state: str, why: str, *, applied: bool = False, cost: Cost | None = None
    ) -> None:
        """Change a concluded call's state: held, settled, or useless after all."""
        await self._db.write(self.marked(call_id, state, why, applied=applied, cost=cost))

    def marked(
        self, call_id: str, state: str, why: str, *, applied: bool = False, cost: Cost | None = None
    ) -> Operation:
        """The operation of :meth:`mark`. Write it with what follows from the new state."""
        row = {"call": call_id, "state": state, "error": why, "applied": int(applied)}
        if cost is None:
            return STATE, [row]
        return STATE_AND_COST, [{**row, "credits": cost.credits, "usd": cost.usd}]

    async def happened(self, what: Happened) -> None:
        """Commit something that happened to a run beside its calls."""
        row = {
            "run_id": what.run_id,
            "n": (n := self._events),
            "at": timestamp(datetime.fromtimestamp(what.at, UTC)),
            "provider": what.provider,
            "kind": what.kind,
            "seconds": what.seconds,
            "detail": what.detail,
        }
        self._events = n + 1
        await self._db.write((_HAPPENED, [row]))

    def applied(self, call_id: str) -> Operation:
        """The operation that says: facts were made of this answer. Write it with those facts."""
        return APPLIED, [{"call": call_id}]

    async def get(self, call_id: str) -> CallRow | None:
        """One call by its id, or None."""
        rows = await self._db.rows(select(calls).where(calls.c.id == call_id))
        return _row(rows[0]) if rows else None

    async def get_many(self, ids: Sequence[str]) -> dict[str, CallRow]:
        """Calls by id; unknown ids are left out."""
        found: dict[str, CallRow] = {}
        for start in range(0, len(ids), 500):
            statement = select(calls).where(calls.c.id.in_(ids[start : start + 500]))
            found.update((row.id, _row(row)) for row in await self._db.rows(statement))
        return found

    async def find(
        self,
        *,
        states: Sequence[str],
        provider: str = "",
        run_id: str = "",
        unapplied: bool = False,
    ) -> AsyncIterator[CallRow]:
        """Calls in those states, in the order in which they ended; one page in memory at a time."""
        last: tuple[str, str] = ("", "")
        while True:
            wanted = [
                calls.c.state.in_(states),
                or_(
                    calls.c.ended_at > last[0],
                    and_(calls.c.ended_at == last[0], calls.c.id > last[1]),
                ),
            ]
            # The index on states begins with the provider: without one, all are named.
            wanted.append(calls.c.provider.in_([provider] if provider else PROVIDERS))
            if run_id:
                wanted.append(calls.c.run_id == run_id)
            if unapplied:
                wanted.append(calls.c.applied == 0)
            page = await self._db.rows(
                select(calls).where(*wanted).order_by(calls.c.ended_at, calls.c.id).limit(200)
            )
            for row in page:
                yield _row(row)
            if len(page) < 200:
                return
            last = (page[-1].ended_at, page[-1].id)

    async def seconds_since_sends(self, provider: str, within_seconds: float) -> list[float]:
        """How long ago each recent call was sent, for the limiter of a new process.

        Whatever reached the provider counts, refused or not, unless the limit itself refused it.
        """
        now = datetime.now(UTC)
        since = timestamp(datetime.fromtimestamp(now.timestamp() - within_seconds, UTC))
        rows = await self._db.rows(
            select(calls.c.sent_at).where(
                calls.c.provider == provider,
                calls.c.sent_at >= since,
                calls.c.state != "not_sent",
                # A call that is sent again keeps the status of its wall until it is answered.
                or_(calls.c.state != "refused", calls.c.status != 429),
            )
        )
        return [max(0.0, (now - moment(row.sent_at)).total_seconds()) for row in rows]

    async def totals(self, provider: str, since: str, endpoint: str) -> tuple[int, int, int]:
        """Of calls sent since then that were answered: (micro-credits, answers of *endpoint*,
        micro-credits at other endpoints).
        """
        here = calls.c.endpoint == endpoint
        rows = await self._db.rows(
            select(
                func.coalesce(func.sum(calls.c.credits), 0),
                func.coalesce(func.sum(case((here, 1), else_=0)), 0),
                func.coalesce(func.sum(case((here, 0), else_=calls.c.credits)), 0),
            ).where(
                calls.c.provider == provider,
                calls.c.sent_at >= since,
                calls.c.state.in_(("answered", "settled")),
            )
        )
        credits, answers, elsewhere = map(int, rows[0])
        return credits, answers, elsewhere


def _row(row: Any) -> CallRow:
    return CallRow(
        id=row.id,
        run_id=row.run_id,
        provider=row.provider,
        endpoint=row.endpoint,
        state=row.state,
        attempt=row.attempt,
        items=orjson.loads(row.items),
        request=unpack_request(row.request),
        reserved=Cost(row.reserved_credits, row.reserved_usd),
        cost=Cost(row.credits, row.usd),
        sent_at=row.sent_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        reply=Reply(
            row.status,
            orjson.loads(row.headers) if row.headers else {},
            zlib.decompress(row.body) if row.body else b"",
        ),
        error=row.error,
        applied=bool(row.applied),
    )
