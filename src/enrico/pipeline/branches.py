"""What a run does, all at once: search and classify, buy people, resolve roles."""

from __future__ import annotations

import asyncio

from enrico.engine.flow import Channel
from enrico.pipeline.context import Context
from enrico.pipeline.lines import ask_serper_limit
from enrico.pipeline.people import buy_people
from enrico.pipeline.reconcile import note_counters
from enrico.pipeline.roles import finish_roles, resolve_marked
from enrico.pipeline.signals import BACKLOG, classify_accounts, feed_unread, search_accounts
from enrico.providers.llm import ToClassify


async def do_branches(ctx: Context) -> None:
    """All branches at once; nothing waits for a phase to end."""
    only = ctx.options.only
    async with asyncio.TaskGroup() as group:
        if "search" in only or "classify" in only:
            group.create_task(_signals(ctx))
        if "people" in only and ctx.stats.providers["apollo"].total:
            group.create_task(_people(ctx))
        if "roles" in only:
            group.create_task(resolve_marked(ctx))
    if "roles" in only:
        await finish_roles(ctx)  # again where verified titles and seniority have come


async def _signals(ctx: Context) -> None:
    only = ctx.options.only
    classify = "classify" in only
    channel: Channel[ToClassify] = Channel(BACKLOG)
    async with asyncio.TaskGroup() as group:
        if classify:
            group.create_task(classify_accounts(ctx, channel))
        async with asyncio.TaskGroup() as producers:
            if "search" in only and ctx.stats.providers["serper"].total:
                if not ctx.settings.serper.limits:
                    group.create_task(ask_serper_limit(ctx))
                producers.create_task(search_accounts(ctx, channel if classify else None))
            if classify:
                producers.create_task(feed_unread(ctx, channel))
        await channel.close()


async def _people(ctx: Context) -> None:
    if ctx.settings.apollo.unknown_outcome == "reconcile" and not ctx.is_chunk:
        await note_counters(ctx.paths["apollo"].http, ctx)
    await buy_people(ctx)
