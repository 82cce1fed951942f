"""People, each once: cache → bulk of ten, always full → facts. Unknown outcomes are not resent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial

from enrico.domain.identity import registrable_domain
from enrico.engine.budget import BudgetReached
from enrico.engine.flow import for_each, in_batches
from enrico.errors import Fatal, Interrupted, Skippable, Unavailable, UnknownOutcome
from enrico.pipeline.apply import trouble_row
from enrico.pipeline.context import Context
from enrico.pipeline.reconcile import settle_unknown
from enrico.providers.apollo import BULK, Matches, PersonToFind, read_bulk, read_single
from enrico.store import facts
from enrico.store.selection import people_in_work

RESEND_ROUNDS = 3
"""How often people are asked for when their calls are cut off and provably not charged."""


async def people_to_find(ctx: Context) -> AsyncGenerator[PersonToFind, None]:
    """Who is left to buy, in order of their keys. Several CRM records of one person are one."""
    async for key, records in people_in_work(ctx.db, ctx.run_id):
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
            await buy(ctx, people)
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


async def buy(ctx: Context, people: Sequence[PersonToFind]) -> None:
    """Buy people, and settle what remains unknown. Raises Fatal, BudgetReached or Interrupted."""
    calls = [(BULK, list(people))]
    for _ in range(RESEND_ROUNDS):
        unknown = False
        for endpoint, group in calls:
            if endpoint == BULK:
                unknown |= await buy_batch(ctx, group)
            else:
                unknown |= await buy_single(ctx, group[0])
        if not unknown:
            return
        calls = await settle_unknown(ctx)
    for _, group in calls:
        await fail_people(ctx, group, "Apollo lost the call again and again without charging it")


async def buy_batch(ctx: Context, people: Sequence[PersonToFind]) -> bool:
    """Buy up to ten people, in fewer at a time where the budget has less room.

    Returns whether the outcome of a call is unknown. Raises Fatal, BudgetReached or Interrupted.
    """
    path, stats = ctx.paths["apollo"], ctx.stats.providers["apollo"]
    unknown = False
    left = list(people)
    while left:
        room = await path.budget.room_for("apollo", ctx.apollo.price(), len(left))
        asked, left = left[:room], left[room:]
        call = ctx.apollo.bulk(asked)
        hurry = partial(path.limiter.hurry, call)
        ctx.claims.can_hurry("person", [person.key for person in asked], hurry)
        try:
            answer = await path.send(call, partial(read_bulk, asked=asked))
        except UnknownOutcome:
            unknown = True
            continue
        except Skippable as error:
            if len(asked) == 1:
                await fail_people(ctx, asked, str(error))
            else:  # one odd person must not cost the others their answer
                for person in asked:
                    unknown |= await buy_single(ctx, person)
            continue
        except Unavailable as error:
            await fail_people(ctx, asked, str(error))
            continue
        stats.batches += 1
        matches = answer.value
        await ctx.applier.people(answer.call_id, answer.ended_at, answer.cost, matches)
        count_people(ctx, matches)
        if matches.unclear:
            ctx.stats.drop("match without proof of whose it is", len(matches.unclear))
            unclear = set(matches.unclear)
            for person in asked:
                if person.key in unclear:
                    unknown |= await buy_single(ctx, person)
    return unknown


async def buy_single(ctx: Context, person: PersonToFind) -> bool:
    """Buy one person, where a bulk call brought nothing clear for them; as :func:`buy_batch`."""
    path = ctx.paths["apollo"]
    call = ctx.apollo.single(person)
    try:
        answer = await path.send(call, partial(read_single, asked=person))
    except UnknownOutcome:
        return True
    except (Skippable, Unavailable) as error:
        await fail_people(ctx, [person], str(error))
        return False
    await ctx.applier.people(answer.call_id, answer.ended_at, answer.cost, answer.value)
    count_people(ctx, answer.value)
    return False


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
