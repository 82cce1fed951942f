"""One pass over a run's calls in the journal. Never reads a request, an answer or who was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import case, func, select

from enrico.logs import without_addresses
from enrico.store.crm import pages_once
from enrico.store.database import Database
from enrico.store.journal import moment, of_run
from enrico.store.sql import json_length, unix_time
from enrico.store.tables import calls

PAGE = 5_000
"""The Julian day on which Unix time begins."""

Outcome = Literal["answered", "refused", "failed", "open"]
OUTCOMES: tuple[Outcome, ...] = ("answered", "refused", "failed", "open")
_OUTCOMES: dict[str, Outcome] = {
    "answered": "answered",
    "refused": "refused",
    "failed": "failed",
    "not_sent": "failed",
}
"""The journal's states as a reader wants them told apart; all others may have been charged."""


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One attempt of a call. Times in seconds since the run began; a span of 0 s never ended."""

    id: str
    provider: str
    endpoint: str
    state: str
    status: int
    rate_limited: int
    """How often this same call met a 429 before."""
    items: int
    """How many accounts or people it was about."""
    began: float
    ended: float
    waited: float
    """For leave to be sent, before that."""
    waited_for: str
    credits: int
    """Charged, in millionths; what was reserved where nobody knows."""
    usd: int
    """The same in billionths of a dollar."""
    reserved_credits: int
    reserved_usd: int
    error: str

    @property
    def outcome(self) -> Outcome:
        """``open``: unknown, held, settled by hand, or never ended."""
        return _OUTCOMES.get(self.state, "open")

    @property
    def is_held(self) -> bool:
        """Whether it waits for a decision, or some of its people do."""
        open_in_part = self.state == "answered" and "; held: " in self.error
        return self.state == "held" or (open_in_part and "Settled by" not in self.error)

    @property
    def took(self) -> float:
        """Seconds from send to answer."""
        return self.ended - self.began


async def calls_of(db: Database, run_id: str, zero: float) -> AsyncIterator[SeenCall]:
    """Every call of a run, in no order; *zero* is when the run began, as Unix time."""
    columns = calls.c
    statement = select(
        columns.id, columns.provider, columns.endpoint, columns.state, columns.status,
        columns.rate_limited, json_length(columns["items"]), columns.sent_at,
        columns.duration_ms, columns.waited_ms, columns.waited_for, columns.credits, columns.usd,
        columns.reserved_credits, columns.reserved_usd, columns.error,
    ).where(of_run(columns.run_id, run_id))  # fmt: skip
    async for page in pages_once(db, statement, PAGE):
        for (
            call_id, provider, endpoint, state, status, rate_limited, items, sent_at, took_ms,
            waited_ms, waited_for, credits, usd, reserved_credits, reserved_usd, error,
        ) in page:  # fmt: skip
            began = moment(sent_at).timestamp() - zero
            if state == "sent":  # no answer yet: it may have cost what was set aside
                credits, usd = reserved_credits, reserved_usd
            # The last of several 429s is this row itself.
            rate_limited -= state == "refused" and status == 429
            yield SeenCall(
                call_id, provider, endpoint, state, status, rate_limited, items, began,
                began + took_ms / 1000, waited_ms / 1000, waited_for, credits, usd,
                reserved_credits, reserved_usd, without_addresses(error) if error else "",
            )  # fmt: skip


async def first_and_last(db: Database, run_id: str) -> tuple[float, float] | None:
    """Unix times of a run's first wish to call and of the last thing known; None without calls."""
    wished = unix_time(calls.c.sent_at) - calls.c.waited_ms / 1000
    latest = case((calls.c.ended_at > calls.c.sent_at, calls.c.ended_at), else_=calls.c.sent_at)
    rows = await db.rows(
        select(func.min(wished), func.max(latest)).where(of_run(calls.c.run_id, run_id))
    )
    if rows[0][0] is None:
        return None
    return rows[0][0], moment(rows[0][1]).timestamp()
