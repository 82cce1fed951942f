"""The only way to spend money: reserve, commit the intent, send, commit the raw answer, then think.

Rules M2, M3, M5, L1, L2 and T1 live here. A provider supplies pure functions (what a status means,
what an answer cost); this file supplies the order of things.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from enrico.engine.asking import Answer, BadAnswer, Call, Provider, call_key, without_private
from enrico.engine.budget import Budget
from enrico.engine.http import Http, Lost, NotSent, Reply
from enrico.engine.limits import BATCH_LANE, Limiter, Slot, TooLate
from enrico.engine.money import NOTHING, Cost
from enrico.engine.stats import Stats
from enrico.engine.watching import CallSeen, Happened, Watchers
from enrico.errors import (
    Adapted,
    EnricoError,
    Fatal,
    Outage,
    ProviderError,
    RateLimited,
    Skippable,
    Unavailable,
    UnknownOutcome,
    Unreadable,
)
from enrico.store.journal import NO_REPLY, Journal

T = TypeVar("T")
log = structlog.get_logger("enrico.call")

BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_MOST_SECONDS = 10.0
RETRIES_AT_FIRST = 20.0
RETRIES_PER_SUCCESS = 0.1
REFUSED_AFTER = 12
"""Requests in a row that are refused with the same status; then none will be taken. More than a
bulk call of odd people and each of its ten alone."""
OUTAGE_AFTER = 30
"""Calls in a row that brought nothing; then the provider is taken to be down."""


class CallPath:
    """Sends calls to one provider with one key, within one run."""

    def __init__(
        self,
        provider: Provider,
        *,
        http: Http,
        limiter: Limiter,
        journal: Journal,
        budget: Budget,
        stats: Stats,
        run_id: str,
        attempts: int,
        max_wait_seconds: float,
        watchers: Watchers | None = None,
        lane: int = BATCH_LANE,
        share: float = 1.0,
    ) -> None:
        """*share*: how much of its run goes this way, of 1; of the run's first retries as much."""
        self.provider = provider
        self.limiter = limiter
        self.budget = budget
        self.stats = stats.providers[provider.name]
        self.halted: EnricoError | None = None
        """Why nothing more is sent: the key was refused, the balance spent, the run interrupted."""
        self.http = http
        self._journal = journal
        self._run_id = run_id
        self._attempts = attempts
        self._max_wait = max_wait_seconds
        self._watchers = watchers or Watchers()
        self._lane = lane
        self._retries = RETRIES_AT_FIRST * share
        self._failures_in_a_row = 0
        self._refused_alike = (0, 0)  # by which status, how often in a row
        self._walled_since: float | None = None
        self._lost: dict[str, int] = {}  # logical calls → the last attempt of unknown outcome

    async def send(self, call: Call, read: Callable[[Reply], T]) -> Answer[T]:
        """Buy one answer and read it.

        Raises Fatal (key or balance: stop), Skippable (this request only), Unavailable or
        Unreadable (a cheap call failed after its attempts, or it never left), UnknownOutcome (a
        dear call that may have been charged), BudgetReached, Interrupted, StoreError.
        """
        key = call_key(self._run_id, self.provider.name, call)
        # A call that is sent again after an unknown outcome is another row: the first one may have
        # been charged, and stays in the ledger.
        first = self._lost.get(key, 0) + 1
        for attempt in range(first, first + self._attempts):
            try:
                return await self._attempt(f"{key}-{attempt}", attempt, call, read)
            except UnknownOutcome:
                self._lost[key] = attempt
                raise
            except (Unavailable, Unreadable) as error:
                if isinstance(error, Unreadable) and not self.provider.repeats_unreadable:
                    raise
                # What may have been charged counts for each item: a batch is as dear as its parts.
                dear = len(call.items) if isinstance(error, Unreadable) or error.charged else 1
                if attempt - first + 1 == self._attempts or not self.may_retry(dear):
                    raise
                self.stats.retries += 1
                most = min(BACKOFF_MOST_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** (attempt - first))
                await asyncio.sleep(random.uniform(0, most))
        raise AssertionError("unreachable")

    def halt(self, why: EnricoError) -> None:
        """Send nothing more; calls in flight finish. The first reason stays."""
        if self.halted is None:
            self.halted = why
            self.limiter.turn_away(self, why)

    def may_retry(self, items: int = 1) -> bool:
        """Whether so many items may be asked for once more; takes them from the budget if so.

        At most one retry for ten successes, so that an outage is not met with more load.
        """
        if self._retries < items or self.halted is not None:
            return False
        self._retries -= items
        return True

    async def _attempt(
        self, call_id: str, attempt: int, call: Call, read: Callable[[Reply], T]
    ) -> Answer[T]:
        name = self.provider.name
        await self.budget.room_for(name, call.reserve, 1)
        self.budget.reserve(name, call.reserve)
        charged = NOTHING
        refusals = 0
        try:
            while True:
                if self.halted is not None:
                    raise self.halted
                slot = await self.limiter.slot(self._lane, self, call)
                try:
                    if self.halted is not None:
                        raise self.halted
                    self.budget.check()
                    await self._journal.intend(
                        call_id,
                        run_id=self._run_id,
                        provider=name,
                        endpoint=call.endpoint,
                        attempt=attempt,
                        rate_limited=refusals,
                        items=call.items,
                        request=call.request,
                        reserved=call.reserve,
                        waited_ms=slot.waited * 1000,
                        waited_for=slot.waited_for,
                    )
                    charged = call.reserve  # from here on, what is not proven free is charged
                    tried = _Tried(call_id, call, slot, refusals, time.time(), time.perf_counter())
                    self.stats.calls += 1
                    self.stats.waited(slot.waited_for, slot.waited)
                    try:
                        reply = await self.http.send(
                            call.request, self.provider.timeout_seconds, slot.sent
                        )
                    except TooLate as cause:
                        charged = NOTHING
                        self.stats.calls -= 1
                        await self._conclude(tried, "not_sent", error=str(cause))
                        continue
                    except NotSent as cause:
                        charged = NOTHING
                        raise await self._not_sent(tried, cause) from cause
                    except Lost as cause:
                        partial = Reply(cause.status, {}, cause.partial)
                        raise await self._useless(tried, partial, charged, str(cause)) from cause
                    error = self.provider.refusal(without_private(reply, call.private))
                    if error is None:
                        charged = self.provider.cost(reply, call.reserve, time.time())
                        self.stats.overcharged += self.budget.charged(name, call.reserve, charged)
                        ended_at = await self._answered(tried, reply, charged)
                        # Read before the slot is free: who finds nothing in flight finds every
                        # call's outcome in the journal.
                        value = await self._read(tried, reply, charged, read)
                        took = time.perf_counter() - tried.began
                        return Answer(call_id, ended_at, charged, took, value)
                    if isinstance(error, Unavailable):
                        if not self.provider.dear:
                            charged = NOTHING  # cheap providers do not charge for their errors
                        raise await self._useless(tried, reply, charged, f"HTTP {reply.status}")
                    charged = NOTHING
                    refusals += isinstance(error, RateLimited)
                    await self._refused(tried, reply, error, refusals)
                finally:
                    slot.release()
        finally:
            self.budget.settle(name, call.reserve, charged)

    async def _conclude(
        self,
        tried: _Tried,
        state: str,
        reply: Reply = NO_REPLY,
        cost: Cost = NOTHING,
        error: str = "",
        refusals: int | None = None,
    ) -> str:
        """Commit how an attempt ended, then tell those who look on."""
        took = time.perf_counter() - tried.began
        ended_at = await self._journal.conclude(
            tried.call_id,
            state,
            reply=reply,
            cost=cost,
            duration_ms=took * 1000,
            rate_limited=tried.refusals if refusals is None else refusals,
            error=error,
        )
        if self._watchers.anyone:
            self._watchers.call(self._seen(tried, state, reply, cost, took))
        return ended_at

    def _seen(self, tried: _Tried, state: str, reply: Reply, cost: Cost, took: float) -> CallSeen:
        return CallSeen(
            run_id=self._run_id,
            call_id=tried.call_id,
            provider=self.provider.name,
            endpoint=tried.call.endpoint,
            state=state,
            status=reply.status,
            began=tried.sent_at,
            took=took,
            waited=tried.slot.waited,
            waited_for=tried.slot.waited_for,
            items=len(tried.call.items),
            cost=cost,
            budget_used=self.budget.used(self.provider.name, cost),
        )

    async def _answered(self, tried: _Tried, reply: Reply, cost: Cost) -> str:
        self._told(reply)
        if taught := self.limiter.succeeded(tried.slot):
            await self._happened("limit", 0.0, taught)
        self._walled_since = None
        self._refused_alike = (0, 0)
        self.stats.took((time.perf_counter() - tried.began) * 1000)
        self.stats.cost += cost
        return await self._conclude(tried, "answered", reply, cost)

    def _told(self, reply: Reply) -> None:
        """Hand the limiter what the provider says of its limits."""
        headers = reply.headers
        self.limiter.told(self.provider.windows(headers), self.provider.used(headers))

    async def _not_sent(self, tried: _Tried, why: NotSent) -> Unavailable:
        await self._conclude(tried, "not_sent", error=str(why))
        self._count_failure(str(why))
        return Unavailable(
            f"{self.provider.name} could not be reached: {why}. Check network and base URL.",
            provider=self.provider.name,
        )

    async def _useless(self, tried: _Tried, reply: Reply, cost: Cost, why: str) -> ProviderError:
        """Record a call that brought no usable answer; the error says what may be done next."""
        name, dear = self.provider.name, self.provider.dear
        self.stats.useless += 1
        if not dear:
            self.stats.cost += cost
        await self._conclude(tried, "unknown" if dear else "failed", reply, cost, why)
        log.warning("no usable answer", provider=name, call=tried.call_id, why=why)
        self._count_failure(why)
        if dear:
            return UnknownOutcome(
                f"{name} may have charged a call that brought no answer: {why}.",
                provider=name,
                status=reply.status,
                call_id=tried.call_id,
            )
        return Unavailable(
            f"{name} gave no usable answer: {why}.",
            provider=name,
            status=reply.status,
            charged=cost != NOTHING,
        )

    def _count_failure(self, why: str) -> None:
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= OUTAGE_AFTER:
            self.halt(
                Outage(
                    f"{self.provider.name} brought nothing {OUTAGE_AFTER} times in a row ({why}). "
                    "It seems to be down; run the same command again later.",
                    provider=self.provider.name,
                )
            )

    async def _refused(
        self, tried: _Tried, reply: Reply, error: ProviderError, refusals: int
    ) -> None:
        """Record a refusal. A 429 only parks the key; any other refusal is raised."""
        await self._conclude(
            tried, "refused", reply, error=f"HTTP {reply.status}", refusals=refusals
        )
        self._told(reply)
        if not isinstance(error, RateLimited):
            error = self._hopeless(error, tried.call)
            if isinstance(error, Fatal):
                self.halt(error)
            raise error
        self.stats.rate_limited += 1
        already = self.limiter.parked_for() > 0
        wait = self.limiter.rate_limited(tried.slot, error.retry_after)
        now = asyncio.get_running_loop().time()
        self._walled_since = self._walled_since or now
        waited = now - self._walled_since
        log.info("rate limited", provider=self.provider.name, seconds=round(wait, 1))
        if not already:
            await self._happened("rate_limited", wait, f"HTTP {reply.status}")
        if max(wait, waited) > self._max_wait:
            self.halt(
                too_long := Outage(
                    f"{self.provider.name} says that its rate limit is reached, and "
                    + (
                        f"asks to wait {wait / 60:.0f} minutes"
                        if wait >= waited
                        else f"has let nothing through for {waited / 60:.0f} minutes"
                    )
                    + f"; max_wait_seconds allows {self._max_wait:.0f} s. Run the same command "
                    "again later; it goes on from there.",
                    provider=self.provider.name,
                    status=429,
                )
            )
            raise too_long

    def _hopeless(self, error: ProviderError, call: Call) -> ProviderError:
        """*error*, or a fatal one when one request after the other is refused like this."""
        if not isinstance(error, Skippable):
            return error
        if self.provider.step_down(error, call):
            return Adapted(str(error), provider=error.provider, status=error.status)
        status, times = self._refused_alike
        self._refused_alike = (error.status, times + 1 if status == error.status else 1)
        if self._refused_alike[1] < REFUSED_AFTER:
            return error
        return Fatal(
            f"{error} So it refused {REFUSED_AFTER} requests in a row, and nothing more is sent. "
            "If the records are right, check the base URL and the account; `enrico doctor` does.",
            provider=error.provider,
            status=error.status,
        )

    async def _happened(self, kind: str, seconds: float, detail: str) -> None:
        what = Happened(self._run_id, self.provider.name, kind, time.time(), seconds, detail)
        await self._journal.happened(what)
        self._watchers.happened(what)

    async def _read(
        self, tried: _Tried, reply: Reply, charged: Cost, read: Callable[[Reply], T]
    ) -> T:
        """Read a recorded answer. One that makes no sense is no answer (T1)."""
        call_id = tried.call_id
        try:
            value = read(reply)
        except BadAnswer as error:
            name, dear = self.provider.name, self.provider.dear
            self.stats.useless += 1
            await self._journal.mark(call_id, "unknown" if dear else "failed", str(error))
            log.warning("answer not understood", provider=name, call=call_id, why=str(error))
            words = f"{name} sent an answer that is not understood: {error}."
            if dear:
                self.stats.cost -= charged  # as for any other call of unknown outcome
                raise UnknownOutcome(
                    words, provider=name, status=reply.status, call_id=call_id
                ) from error
            raise Unreadable(words, provider=name, status=reply.status) from error
        self._failures_in_a_row = 0
        earned = RETRIES_PER_SUCCESS * len(tried.call.items)
        self._retries = min(self._retries + earned, 2 * RETRIES_AT_FIRST)
        return value


@dataclass(frozen=True, slots=True)
class _Tried:
    """One attempt that is under way."""

    call_id: str
    call: Call
    slot: Slot
    refusals: int
    sent_at: float
    """Unix time."""
    began: float
    """On the performance counter."""
