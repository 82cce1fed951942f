"""Bugs to plant, so that every harness can show that it would see one.

``ENRICO_CHAOS_BUG=name`` plants one into each process that a harness starts; the product's files
stay as they are. :data:`BUGS` says which harness must see it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from enrico.engine.budget import Budget
from enrico.engine.http import Reply
from enrico.pipeline import people, reconcile
from enrico.providers.apollo import Apollo, Matches
from enrico.store import postgres
from enrico.store.journal import Journal

SWITCH = "ENRICO_CHAOS_BUG"


def planted() -> Sequence[Callable[[], None]]:
    """What to do in a child before its command."""
    name = os.environ.get(SWITCH, "")
    return (BUGS[name].plant,) if name else ()


def is_seen(failures: Sequence[str]) -> bool:
    """Whether a bug is planted and the failures tell of it: no more trials are needed."""
    name = os.environ.get(SWITCH, "")
    return bool(name) and any(BUGS[name].words in failure for failure in failures)


def _answer_late() -> None:
    """Facts first, the journal after them: an answer is recorded when it has been used."""
    conclude = Journal.conclude
    waiting = set()

    async def late(self: Journal, call_id: str, state: str, **known: Any) -> str:
        if state != "answered":
            return await conclude(self, call_id, state, **known)

        async def then() -> None:
            await asyncio.sleep(0.03)
            await conclude(self, call_id, state, **known)

        waiting.add(task := asyncio.create_task(then()))
        task.add_done_callback(waiting.discard)
        return "2026-01-01T12:00:00.000Z"

    Journal.conclude = late  # type: ignore[method-assign]


def _no_intent() -> None:
    """A call is sent first and written down beside it."""
    intend = Journal.intend
    waiting = set()

    async def beside(self: Journal, call_id: str, **known: Any) -> None:
        waiting.add(task := asyncio.create_task(intend(self, call_id, **known)))
        task.add_done_callback(lambda done: (waiting.discard(done), done.exception()))

    Journal.intend = beside  # type: ignore[method-assign]


def _not_synced() -> None:
    """``synchronous=NORMAL``: a commit is acknowledged before it is on the disk."""

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            return super().execute(sql.replace("synchronous=FULL", "synchronous=NORMAL"), *values)

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any) -> sqlite3.Cursor:
            return Cursor(self)

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            return self.cursor().execute(sql, *values)

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **more: connect(*args, factory=Connection, **more)


def _check_then_spend() -> None:
    """The budget is asked before a call and charged after it; nothing is set aside meanwhile."""
    settle = Budget.settle

    def charging(self: Budget, provider: str, reserved: Any, actual: Any) -> None:
        self.reserved[provider] += reserved
        settle(self, provider, reserved, actual)

    Budget.reserve = lambda self, provider, cost: None  # type: ignore[method-assign]
    Budget.settle = charging  # type: ignore[method-assign]


def _resend() -> None:
    """A call in doubt is sent again whatever the policy says."""

    async def free(*_: Any) -> reconcile.Verdict:
        return reconcile.Verdict(True, "why not")

    reconcile._judge = free


def _refusal_is_a_miss() -> None:
    """A 429 is taken for an answer in which nobody was found, and kept as such."""
    refusal = Apollo.refusal

    def none(self: Apollo, reply: Reply) -> Any:
        return None if reply.status == 429 else refusal(self, reply)

    Apollo.refusal = none  # type: ignore[method-assign]
    read = people.read_bulk

    def missing(reply: Reply, asked: Any) -> Any:
        if reply.status != 429:
            return read(reply, asked)
        return Matches({}, tuple(person.key for person in asked), ())

    people.read_bulk = missing


def _crashes_not_counted() -> None:
    """A call that ends the process is sent again at every start."""

    async def none(*_: Any) -> int:
        return 0

    reconcile._crashes_before = none


def _commit_believed() -> None:
    """A commit whose end nobody heard is taken to have happened."""

    async def committed(*_: Any) -> bool:
        return True

    postgres.Postgres._has_committed = committed


def _unsettled() -> None:
    """What a dead worker had in flight is left as it is, and asked for again."""
    from enrico.store.chunks import end_chunk
    from enrico.workers import worker

    async def forget(host: Any, name: str) -> list[str]:
        rows = await host.db.rows(
            text("SELECT id FROM chunks WHERE worker = :name AND state = 'running'"), name=name
        )
        for (chunk_id,) in rows:
            await end_chunk(host.db, chunk_id, "lost")
        return []

    worker.settle_chunks = forget


def _dead_runs_unsettled() -> None:
    """Workers do not look at what a run in the foreground left when it died."""
    from enrico.workers import worker

    async def nothing(*_: Any) -> None: ...

    worker.settle_dead_runs = nothing


def _limits_alone() -> None:
    """Each worker keeps the key's limits for itself."""
    from enrico.workers import worker

    open_lines = worker.open_lines

    async def alone(stack: Any, host: Any, board: Any) -> Any:
        return await open_lines(stack, host)

    worker.open_lines = alone


@dataclass(frozen=True)
class Bug:
    """A bug, and who sees it."""

    harness: str
    words: str
    """What it says then."""
    plant: Callable[[], None]


BUGS: Mapping[str, Bug] = {
    "answer-late": Bug("kills", "facts rest on no recorded answer", _answer_late),
    "no-intent": Bug("disk", "sent without an intent", _no_intent),
    "not-synced": Bug("power", "acknowledged rows are gone", _not_synced),
    "check-then-spend": Bug("caps", "credits, the cap was", _check_then_spend),
    "resend": Bug("boundaries", "paid twice though", _resend),
    "refusal-is-a-miss": Bug("kills", "the export is another", _refusal_is_a_miss),
    "commit-believed": Bug("servers", "it said", _commit_believed),
    "unsettled": Bug("workers", "without an outcome", _unsettled),
    "dead-runs-unsettled": Bug("workers", "without an outcome", _dead_runs_unsettled),
    "limits-alone": Bug("workers", "over a limit", _limits_alone),
    "crashes-not-counted": Bug("loop", "crashes, paid", _crashes_not_counted),
}
