"""Accounts → search → classification → signals, streaming: no account waits for another."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from enrico.engine.asking import Answer
from enrico.engine.budget import BudgetReached
from enrico.engine.flow import Channel, for_each
from enrico.errors import (
    Adapted,
    Fatal,
    Interrupted,
    ProviderError,
    Skippable,
    Unavailable,
    Unreadable,
)
from enrico.pipeline.context import Context
from enrico.pipeline.pace import PARTS_MOST, Pace, ranges, sizes_of
from enrico.providers.llm import Picks, ToClassify, read_picks
from enrico.providers.serper import RESULTS_KEPT, read_results
from enrico.store import facts
from enrico.store.journal import timestamp
from enrico.store.selection import accounts_in_work

BACKLOG = 256
ALONE_ATTEMPTS = 3
"""How often an account that a model left out is asked about alone before it is failed."""


async def search_accounts(ctx: Context, found: Channel[ToClassify] | None) -> None:
    """Search each account of the work table once; pass those with results on."""
    path, stats = ctx.paths["serper"], ctx.stats.providers["serper"]

    async def search(account: tuple[str, str, str, str]) -> None:
        key, name, domain, _ = account
        if not await ctx.claim("account", key, "serper"):
            ctx.stats.providers["deepseek"].total -= found is not None
            return
        passed_on = settled = False
        ctx.stats.start("search")
        try:
            call = ctx.serper.search(key, name or domain, domain)
            ctx.claims.can_hurry("account", [key], partial(path.limiter.hurry, call))
            answer = await path.send(call, read_results)
            results = answer.value
            await ctx.applier.search(answer.call_id, answer.ended_at, answer.cost, key, results)
            stats.items += 1
            settled = True
            if not results:
                stats.not_found += 1
                ctx.stats.providers["deepseek"].total -= found is not None
                return
            stats.found += 1
            if found is not None:
                passed_on = True  # its claim ends when it is classified
                await found.put(
                    ToClassify(
                        key, name or domain, domain, answer.call_id, answer.ended_at, results
                    )
                )
        except (Fatal, BudgetReached, Interrupted) as why:
            ctx.give_up("serper", why)
        except ProviderError as error:
            ctx.stats.fail("serper", str(error))
            ctx.stats.providers["deepseek"].total -= found is not None
            await ctx.db.write(facts.search_failed(_no_search(key, str(error))))
        finally:
            ctx.stats.end("search")
            if not passed_on:
                ctx.claims.release("account", key, settled=settled)

    await for_each(
        accounts_in_work(ctx.db, ctx.run_id, "search", claimed=ctx.is_chunk),
        search,
        workers=path.limiter.concurrency,
        stopped=ctx.stopped("serper"),
    )


async def unread_searches(ctx: Context) -> AsyncGenerator[ToClassify, None]:
    """Accounts whose search is kept but not classified: from a run that ended in between."""
    unread = accounts_in_work(ctx.db, ctx.run_id, "classify", claimed=ctx.is_chunk)
    async for key, name, domain, call_id in unread:
        if not await ctx.claim("account", key, "deepseek"):
            continue
        call = await ctx.journal.get(call_id)
        if call is not None:
            results = read_results(call.reply)
            yield ToClassify(key, name or domain, domain, call_id, call.ended_at, results)


async def feed_unread(ctx: Context, channel: Channel[ToClassify]) -> None:
    """Put the kept searches into the channel."""
    async for account in unread_searches(ctx):
        await channel.put(account)


async def classify_accounts(ctx: Context, channel: Channel[ToClassify]) -> None:
    """Classify what comes through the channel: one account a call while workers are idle.

    Output tokens are what a model is slow at, so two accounts in a call take about twice as long;
    only a backlog that all workers together cannot take is worth a batch.
    """
    workers = ctx.paths["deepseek"].limiter.concurrency
    sizes = sizes_of(ctx.settings.llm)
    pace = Pace()
    busy = 0

    def at_most() -> int:
        if sizes.wait:
            return sizes.accounts
        if busy < workers - 1:
            return 1
        return pace.accounts(RESULTS_KEPT, sizes.accounts) if sizes.measured else sizes.accounts

    async def batches() -> AsyncGenerator[list[ToClassify], None]:
        while batch := await channel.take(at_most):
            if sizes.wait and len(batch) < sizes.accounts:
                batch += await channel.more(sizes.accounts - len(batch), sizes.wait)
            yield batch

    def parts_of(results: int) -> int:
        """More calls are worth it only for what everybody waits for, and while slots are free."""
        if busy + PARTS_MOST > workers:
            return 1
        return pace.parts(results, sizes.worth, _until_last_search(ctx))

    async def classify(batch: list[ToClassify]) -> None:
        nonlocal busy
        busy += 1
        ctx.stats.start("classify")
        try:
            await _classify(ctx, batch, pace, parts_of)
        except (Fatal, BudgetReached, Interrupted) as why:
            ctx.give_up("deepseek", why)
        finally:
            busy -= 1
            ctx.stats.end("classify")
            for account in batch:
                ctx.claims.release("account", account.key, settled=True)

    # The channel is drained even when nothing more is sent, so that the search can go on.
    await for_each(batches(), classify, workers=workers, stopped=lambda: False)


def _until_last_search(ctx: Context) -> float:
    """Seconds until the last search leaves, by the limits; 0 when it has."""
    left = ctx.stats.providers["serper"].total - ctx.stats.providers["serper"].calls
    if left <= 0:
        return 0.0
    windows = ctx.paths["serper"].limiter.windows
    return max((left / window.limit * window.seconds for window in windows), default=math.inf)


async def _classify(
    ctx: Context, batch: Sequence[ToClassify], pace: Pace, parts_of: Callable[[int], int]
) -> None:
    """Classify a batch; whoever its answer does not cover is asked about alone."""
    alone = [account for account in batch if ctx.applier.begun(account)]
    whole = [account for account in batch if account not in alone]
    again: list[ToClassify] = []
    if len(whole) > 1:
        try:
            missing = await _ask(ctx, whole, 1, pace)
        except (Skippable, Unavailable, Unreadable):
            missing = [account.key for account in whole]
        whole, again = [], [account for account in whole if account.key in missing]
    for account in (*alone, *whole):
        await _classify_alone(ctx, account, pace, parts_of, again=False)
    for account in again:
        await _classify_alone(ctx, account, pace, parts_of, again=True)


async def _classify_alone(
    ctx: Context,
    account: ToClassify,
    pace: Pace,
    parts_of: Callable[[int], int],
    *,
    again: bool,
) -> None:
    """Ask about one account, in parts where that ends sooner, until every result is covered.

    *again*: it was asked about before. Whatever is asked again comes from the run's retry budget,
    whether a call broke or its answer was of no use.
    """
    path = ctx.paths["deepseek"]
    reason = "the model's answers did not cover this account"
    for attempt in range(1, ALONE_ATTEMPTS + 1):
        asked = [
            replace(account, first=first, count=count)
            for gap in ctx.applier.missing(account)
            for first, count in ranges(*gap, parts_of(gap[1]))
        ]
        if path.halted is not None:
            raise path.halted
        if (again or attempt > 1) and not all(path.may_retry() for _ in asked):
            reason += "; the run's retry budget is spent"
            break
        outcomes = await asyncio.gather(
            *(_ask(ctx, [part], attempt, pace) for part in asked), return_exceptions=True
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for failure in failures:
            if not isinstance(failure, Unreadable | Skippable | Unavailable):
                raise failure
            reason = str(failure)
        if not failures and not any(outcomes):
            return
        if any(isinstance(failure, Skippable | Unavailable) for failure in failures):
            break
    ctx.stats.fail("deepseek", reason)
    row = {"key": account.key, "state": "failed", "reason": reason, "at": timestamp()}
    await ctx.db.write(facts.classification_failed(row))


async def _ask(ctx: Context, group: Sequence[ToClassify], attempt: int, pace: Pace) -> list[str]:
    """One classification call; returns the keys that its answer did not cover."""
    path, stats = ctx.paths["deepseek"], ctx.stats.providers["deepseek"]
    answer: Answer[Picks] | None = None
    async with ctx.head_start.turn():
        while answer is None:
            call = ctx.llm.classify(group, attempt)
            with suppress(Adapted):
                answer = await path.send(call, partial(read_picks, items=call.items))
    stats.batches += 1
    picks = answer.value
    pace.note(picks.tokens, answer.seconds, sum(len(account.asked) for account in group))
    complete = await ctx.applier.classification(
        answer.call_id, answer.ended_at, answer.cost, picks, {one.key: one for one in group}
    )
    stats.items += len(complete)
    stats.found += len(complete)
    return list(picks.missing)


def _no_search(key: str, reason: str) -> dict[str, object]:
    return {
        "key": key,
        "state": "failed",
        "reason": reason,
        "fetched_at": timestamp(),
        "call_id": "",
        "results": 0,
        "credits": 0,
        "usd": 0,
    }
