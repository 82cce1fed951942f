"""People, each once: cache → bulk of ten, always full → facts. Unknown outcomes are not resent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial

from enrico.domain.identity import registrable_domain
from enrico.engine.asking import Answer
from enrico.engine.budget import BudgetReached
from enrico.engine.flow import for_each, in_batches
from enrico.errors import Fatal, Interrupted, Skippable, Unavailable, UnknownOutcome
from enrico.pipeline.apply import trouble_row
from enrico.pipeline.context import Context
from enrico.pipeline.reconcile import (
    RESEND_ROUNDS,
    may_pay_again,
    settle_unknown,
    waited_long_enough,
)
from enrico.providers.apollo import (
    BULK,
    SINGLE,
    Matches,
    PersonToFind,
    read_bulk,
    read_single,
)
from enrico.store import facts
from enrico.store.facts import held_in
from enrico.store.selection import people_in_work


async def people_to_find(ctx: Context) -> AsyncGenerator[PersonToFind, None]:
    """Who is left to buy, in order of their keys. Several CRM records of one person are one."""
    async for key, records in people_in_work(ctx.db, ctx.run_id, claimed=ctx.is_chunk):
        if not await ctx.claim("person", key, "apollo"):
            continue
        named = [r for r in records if r.first_name and r.last_name] or records
        record = named[0]
        domain = record.domain or ""
        if registrable_domain(key) not in ("", domain):
            domain = ""  # the address says more than the account that the contact is filed under
        linkedin = next((r.linkedin_url for r in records if r.linkedin_url), "")
        yield PersonToFind(key, record.first_name, record.last_name, domain, linkedin)


async def buy_people(ctx: Context) -> None:
    """Buy everyone in the work table."""

    async def batch(people: list[PersonToFind]) -> None:
        ctx.stats.start("people")
        settled = False
        try:
            await buy(ctx, [(BULK, people)])
            settled = True
        except (Fatal, BudgetReached, Interrupted) as why:
            ctx.give_up("apollo", why)
        finally:
            ctx.stats.end("people")
            for person in people:
                ctx.claims.release("person", person.key, settled=settled)

    await for_each(
        in_batches(people_to_find(ctx), ctx.settings.apollo.batch_size),
        batch,
        workers=ctx.paths["apollo"].limiter.concurrency,
        stopped=ctx.stopped("apollo"),
    )
    if not ctx.stopped("apollo")() and await waited_long_enough(ctx):
        try:
            await buy(ctx, await settle_unknown(ctx))
        except (Fatal, BudgetReached, Interrupted) as why:
            ctx.give_up("apollo", why)


async def buy(ctx: Context, calls: list[tuple[str, list[PersonToFind]]]) -> None:
    """Make calls, each to its endpoint for its people, and settle what remains unknown.

    Raises Fatal, BudgetReached or Interrupted.
    """
    for _ in range(RESEND_ROUNDS):
        lost: list[str] = []
        again: list[tuple[str, list[PersonToFind]]] = []
        try:
            for endpoint, group in calls:
                if endpoint == BULK:
                    alone = await buy_batch(ctx, group, lost)
                    again += [(SINGLE, [person]) for person in alone]
                else:
                    await buy_single(ctx, group[0], lost)
        except (Fatal, BudgetReached, Interrupted):
            if lost:  # nothing is sent again, but what may have been charged is told
                await settle_unknown(ctx)
            raise
        if lost:
            again += await settle_unknown(ctx)
        if not again:
            return
        calls = again
    for _, group in calls:
        await fail_people(ctx, group, f"Apollo gave no clear answer {RESEND_ROUNDS} times")


async def buy_batch(
    ctx: Context, people: Sequence[PersonToFind], lost: list[str]
) -> list[PersonToFind]:
    """Buy up to ten people, in fewer at a time where the budget has less room.

    Returns those to ask for alone; calls of unknown outcome are added to *lost*. Raises Fatal,
    BudgetReached or Interrupted.
    """
    path = ctx.paths["apollo"]
    alone: list[PersonToFind] = []
    left = list(people)
    while left:
        room = await path.budget.room_for("apollo", ctx.apollo.price(), len(left))
        asked, left = left[:room], left[room:]
        call = ctx.apollo.bulk(asked)
        hurry = partial(path.limiter.hurry, call)
        ctx.claims.can_hurry("person", [person.key for person in asked], hurry)
        try:
            answer = await path.send(call, partial(read_bulk, asked=asked))
        except UnknownOutcome as error:
            lost.append(error.call_id)
            continue
        except Skippable as error:
            if len(asked) == 1:
                await fail_people(ctx, asked, str(error))
            else:  # one odd person must not cost the others their answer
                alone += asked
            continue
        except Unavailable as error:
            await fail_people(ctx, asked, str(error))
            continue
        ctx.stats.providers["apollo"].batches += 1
        alone += await take(ctx, answer, asked)
    return alone


async def take(
    ctx: Context, answer: Answer[Matches], asked: Sequence[PersonToFind]
) -> list[PersonToFind]:
    """Keep what an answer says; returns whom it left unclear and who may be asked for again.

    Who was perhaps paid for is not: they are held, unless the policy is to pay again.
    """
    matches = answer.value
    again = matches.unclear_are_free
    if matches.unclear:
        ctx.stats.drop("match without proof of whose it is", len(matches.unclear))
        if not again:
            again = await may_pay_again(ctx, answer.call_id, matches.unclear)
    await ctx.applier.people(
        answer.call_id, answer.ended_at, answer.cost, matches, unclear="leave" if again else "hold"
    )
    count_people(ctx, matches)
    if matches.unclear and not again:
        number = await held_in(ctx.db, answer.call_id)
        ctx.stats.providers["apollo"].held += number
    unclear = set(matches.unclear if again else ())
    return [person for person in asked if person.key in unclear]


async def buy_single(ctx: Context, person: PersonToFind, lost: list[str]) -> None:
    """Buy one person, where a bulk call brought nothing clear for them; as :func:`buy_batch`."""
    path = ctx.paths["apollo"]
    call = ctx.apollo.single(person)
    try:
        answer = await path.send(call, partial(read_single, asked=person))
    except UnknownOutcome as error:
        lost.append(error.call_id)
    except (Skippable, Unavailable) as error:
        await fail_people(ctx, [person], str(error))
    else:
        await take(ctx, answer, [person])


async def fail_people(ctx: Context, people: Sequence[PersonToFind], reason: str) -> None:
    """Note that nothing came back for these people, and why. They are asked for again next run."""
    ctx.stats.fail("apollo", reason, len(people))
    rows = [trouble_row(person.key, "failed", reason) for person in people]
    await ctx.db.write(facts.people_failed(rows))


def count_people(ctx: Context, matches: Matches) -> None:
    """Count what an answer brought."""
    stats = ctx.stats.providers["apollo"]
    stats.found += len(matches.found)
    stats.not_found += len(matches.not_found)
    stats.items += len(matches.found) + len(matches.not_found)
