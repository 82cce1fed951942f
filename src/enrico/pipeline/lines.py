"""The lines to the providers: keys, connections opened early, limits known or learnt."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from enrico.engine.asking import Provider
from enrico.engine.board import Board
from enrico.engine.budget import Budget
from enrico.engine.call import CallPath
from enrico.engine.http import Http, Lost, NotSent
from enrico.engine.limits import Limiter
from enrico.engine.sharing import SharedLimiter
from enrico.engine.stats import ProviderName
from enrico.engine.watching import Watchers
from enrico.engine.windows import Window, parse_windows
from enrico.errors import ConfigError
from enrico.pipeline.context import BRANCHES, Branch, Context
from enrico.pipeline.plan import windows_of
from enrico.providers.common import json_object
from enrico.providers.llm import Llm
from enrico.settings import Settings
from enrico.store.tables import runs

APOLLO_SECONDS = 0.55
"""Mean time of a bulk call until it is measured."""
WARM_CONNECTIONS = 16
_NAMES = {"serper": "SERPER_API_KEY", "deepseek": "DEEPSEEK_API_KEY", "apollo": "APOLLO_API_KEY"}
_NEEDS: dict[Branch, ProviderName] = {
    "search": "serper", "classify": "deepseek", "people": "apollo",
}  # fmt: skip
_PURPOSE = {
    "search": "accounts cannot be searched",
    "classify": "search results cannot be classified",
    "people": "people cannot be verified",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Connections to a provider, and its limits."""

    provider: Provider
    http: Http
    limiter: Limiter


def check_keys(settings: Settings, only: Sequence[Branch] = ()) -> None:
    """A missing key is told before anything is spent. A model of one's own needs none.

    *only*: the parts of the work; empty for a worker, which does them all. Raises ConfigError.
    """
    own_model = settings.llm.base_url != Llm.DEFAULT_BASE_URL
    missing = {
        branch: provider
        for branch in only or BRANCHES
        if (provider := _NEEDS.get(branch)) is not None
        and not settings.key(provider)
        and not (provider == "deepseek" and own_model)
    }
    if missing:
        names = " and ".join(_NAMES[provider] for provider in missing.values())
        purposes = " and ".join(_PURPOSE[branch] for branch in missing)
        rest = ",".join(branch for branch in only if branch not in missing)
        one = len(missing) == 1
        advice = f", or leave that out with: --only {rest or 'roles'}" if only else "."
        raise ConfigError(
            f"{names} {'is' if one else 'are'} not set, so {purposes}. Set "
            f"{'it' if one else 'them'} in the environment{advice}"
        )


async def open_lines(
    stack: AsyncExitStack, ctx: Context, board: Callable[[str], Board] | None = None
) -> dict[str, Line]:
    """A line to each provider of the run; *stack* closes them.

    *board*: where the processes on one key share its limits, by the line's name; None: this
    process has the keys to itself.
    """
    learned = await _learned(ctx)
    lines: dict[str, Line] = {}
    for provider, section in (
        (ctx.serper, ctx.settings.serper),
        (ctx.llm, ctx.settings.llm),
        (ctx.apollo, ctx.settings.apollo),
    ):
        name = provider.name
        headers = provider.headers(ctx.settings.key(name))
        http = Http(section.base_url, headers, connections=section.concurrency)
        windows = windows_of(ctx.settings, name)
        assumed = not getattr(section, "limits", "none")
        options: dict[str, Any] = {
            "concurrency": section.concurrency,
            "assumed": assumed,
            "learned": parse_windows(learned.get(name, ())) if assumed else (),
            "by_concurrency": provider is ctx.llm,
            "typical_seconds": APOLLO_SECONDS if provider is ctx.apollo else None,
        }
        if board is None:
            limiter = Limiter(windows, **options)
        else:
            place = board(_line_name(name, section.base_url, ctx.settings.key(name)))
            shared = SharedLimiter(place, windows, **options)
            limiter = await stack.enter_async_context(shared)
        longest = max((window.seconds for window in windows), default=0.0)
        limiter.remember(await ctx.journal.seconds_since_sends(name, longest))
        lines[name] = Line(provider, await stack.enter_async_context(http), limiter)
    return lines


def lines_of(ctx: Context) -> dict[str, Line]:
    """The lines that a run under way uses."""
    return {name: Line(path.provider, path.http, path.limiter) for name, path in ctx.paths.items()}


def open_paths(
    ctx: Context,
    lines: Mapping[str, Line],
    budget: Budget,
    watchers: Watchers,
    lane: int,
    share: float = 1.0,
) -> None:
    """The only ways to spend for a run, or a *share* of it (1 is all): *lines*, within *budget*."""
    for name, line in lines.items():
        ctx.paths[name] = CallPath(
            line.provider,
            http=line.http,
            limiter=line.limiter,
            journal=ctx.journal,
            budget=budget,
            stats=ctx.stats,
            run_id=ctx.run_id,
            attempts=ctx.settings.attempts,
            max_wait_seconds=ctx.settings.max_wait_seconds,
            watchers=watchers,
            lane=lane,
            share=share,
        )


def _line_name(provider: str, base_url: str, key: str) -> str:
    """Tells lines apart without saying the key."""
    digest = hashlib.sha256(f"{base_url}\n{key}".encode())
    return f"{provider} {digest.hexdigest()[:12]}"


async def _learned(ctx: Context) -> Mapping[str, Sequence[str]]:
    """The limits that the last run learnt from 429s: the next one need not meet them again."""
    query = select(runs.c.summary).where(runs.c.summary != "")
    rows = await ctx.db.rows(query.order_by(runs.c.started_at.desc()).limit(1))
    learned: Mapping[str, Sequence[str]] = (
        orjson.loads(rows[0].summary).get("learned", {}) if rows else {}
    )
    return learned


async def warm(paths: Mapping[str, CallPath], calls: Mapping[str, int]) -> None:
    """Open connections to whoever will be asked, while the run is still being written down."""

    async def one(path: CallPath, connections: int) -> None:
        path.limiter.network(await path.http.warm(connections))

    await asyncio.gather(
        *(
            one(path, min(calls[name], path.limiter.at_once, WARM_CONNECTIONS))
            for name, path in paths.items()
            if calls[name]
        )
    )


async def ask_serper_limit(ctx: Context) -> None:
    """Serper's account page names the plan's rate; until it answers, a low one is assumed."""
    path = ctx.paths["serper"]
    try:
        reply = await path.http.send(ctx.serper.account(), 5.0)
    except (NotSent, Lost):
        return
    rate = (json_object(reply.body) or {}).get("rateLimit") if reply.status == 200 else None
    if isinstance(rate, int) and 0 < rate < 100_000:
        path.limiter.told([Window(rate, 1.0)])
