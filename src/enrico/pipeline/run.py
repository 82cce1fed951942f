"""One run: settle what an earlier run left open, select, stream the branches, sum up."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from sqlalchemy import bindparam, func, insert, select, update

from enrico.engine.budget import Budget
from enrico.engine.call import BadAnswer, CallPath, Provider
from enrico.engine.flow import Channel
from enrico.engine.http import Http, Lost, NotSent
from enrico.engine.limits import BATCH_LANE, FAST_LANE, Limiter
from enrico.engine.stats import ProviderName, Stats
from enrico.engine.watching import Watcher, Watchers
from enrico.engine.windows import Window, parse_windows
from enrico.errors import ConfigError, EnricoError, Interrupted
from enrico.pipeline.apply import Applier
from enrico.pipeline.claims import Claims
from enrico.pipeline.context import Branch, Context, RunOptions
from enrico.pipeline.guests import take_in_guests
from enrico.pipeline.people import buy_people
from enrico.pipeline.plan import Plan, make_plan, windows_of
from enrico.pipeline.reconcile import note_counters, settle_left_over
from enrico.pipeline.roles import finish_roles, resolve_marked
from enrico.pipeline.signals import BACKLOG, classify_accounts, feed_unread, search_accounts
from enrico.pipeline.summary import summarise
from enrico.providers.apollo import Apollo
from enrico.providers.common import json_object
from enrico.providers.llm import Llm, ToClassify
from enrico.providers.serper import Serper
from enrico.settings import Settings
from enrico.store.database import Database
from enrico.store.journal import Journal, timestamp
from enrico.store.selection import (
    Counts,
    Selection,
    WorkKind,
    clear_work,
    count,
    fill_work,
    work_size,
)
from enrico.store.tables import runs

log = structlog.get_logger("enrico.run")

APOLLO_SECONDS = 0.55
"""Mean time of a bulk call until it is measured."""
WARM_CONNECTIONS = 16
_START = insert(runs)
_END = update(runs).where(runs.c.id == bindparam("run"))
_NAMES = {"serper": "SERPER_API_KEY", "deepseek": "DEEPSEEK_API_KEY", "apollo": "APOLLO_API_KEY"}
_NEEDS: dict[Branch, ProviderName] = {
    "search": "serper", "classify": "deepseek", "people": "apollo",
}  # fmt: skip
_PURPOSE = {
    "search": "accounts cannot be searched",
    "classify": "search results cannot be classified",
    "people": "people cannot be verified",
}


class Run:
    """One run over a database. :meth:`stop` may be called from a signal handler."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        options: RunOptions,
        watchers: Sequence[Watcher] = (),
        host: Run | None = None,
    ) -> None:
        """*host*: the run under way that takes this one in, on its connections and ahead of it."""
        now = datetime.now(UTC)
        self.run_id = f"r-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        self.options = options
        self.stats = Stats()
        self.plan: Plan | None = None
        self.paths: dict[str, CallPath] = {}
        self._watchers = Watchers(watchers)
        self._settings = settings
        self._db = db
        self._now = now
        self._journal = Journal(db)
        self._host = host
        self._guest: Run | None = None
        self._stopping: EnricoError | None = None
        self._ctx: Context | None = None
        language = settings.serper.language
        self._applier = Applier(db, self._journal, self.stats, language)

    def stop(self) -> None:
        """Take up nothing more; calls in flight finish and are kept."""
        why = Interrupted(
            "Interrupted. What was bought is kept; run the same command again to go on from there."
        )
        self._stopping = why
        if self._ctx is not None:
            for name in self._ctx.paths:
                self._ctx.give_up(name, why)
        if self._guest is not None:
            self._guest.stop()

    async def execute(self, on_start: Callable[[Run], None] | None = None) -> dict[str, Any]:
        """Do it; returns the summary, which is also kept.

        Raises ConfigError before anything is spent when a needed key is missing; StoreError when
        the database refuses.
        """
        self._check_keys()
        host = self._host._ctx if self._host is not None else None
        async with self._open() if host is None else self._beside(host) as ctx:
            self._ctx = ctx
            if host is None:
                await settle_left_over(ctx)
                await self._apply_left_over()
                await clear_work(self._db)
            counts = await self._select()
            warming = asyncio.create_task(self._warm(ctx))
            await self._begin(counts)
            if on_start is not None:
                on_start(self)
            if self._stopping is not None:
                self.stop()
            began = time.monotonic()
            self.stats.began = began
            log.info("run begins", run=self.run_id, deals=counts.deals, accounts=counts.accounts)
            guests = asyncio.create_task(self._take_in_guests())
            try:
                await self._branches(ctx)
                await warming
            finally:
                guests.cancel()
                with suppress(asyncio.CancelledError):
                    await guests
            seconds = time.monotonic() - began
            return await self._finish(ctx, counts, seconds)

    # -- before ---------------------------------------------------------------------------

    def _key(self, provider: str) -> str:
        key = getattr(self._settings, f"{provider}_api_key")
        return str(key.get_secret_value()).strip()

    def _check_keys(self) -> None:
        """A missing key is told before anything is spent. A model of one's own needs none."""
        own_model = self._settings.llm.base_url != Llm.DEFAULT_BASE_URL
        missing = {
            branch: provider
            for branch in self.options.only
            if (provider := _NEEDS.get(branch)) is not None
            and not self._key(provider)
            and not (provider == "deepseek" and own_model)
        }
        if missing:
            names = " and ".join(_NAMES[provider] for provider in missing.values())
            purposes = " and ".join(_PURPOSE[branch] for branch in missing)
            rest = ",".join(branch for branch in self.options.only if branch not in missing)
            raise ConfigError(
                f"{names} {'is' if len(missing) == 1 else 'are'} not set, so {purposes}. Set "
                f"{'it' if len(missing) == 1 else 'them'} in the environment, or leave that out "
                f"with: --only {rest or 'roles'}"
            )

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Context]:
        settings = self._settings
        ctx = Context(
            run_id=self.run_id,
            db=self._db,
            journal=self._journal,
            settings=settings,
            stats=self.stats,
            options=self.options,
            applier=self._applier,
            serper=Serper(settings.serper),
            llm=Llm(settings.llm),
            apollo=Apollo(settings.apollo),
            claims=Claims(),
        )
        async with AsyncExitStack() as stack:
            lines: dict[str, tuple[Provider, Http, Limiter]] = {
                provider.name: await self._line(stack, provider, section, ctx)
                for provider, section in (
                    (ctx.serper, settings.serper),
                    (ctx.llm, settings.llm),
                    (ctx.apollo, settings.apollo),
                )
            }
            self._paths_of(ctx, lines, BATCH_LANE)
            yield ctx

    @asynccontextmanager
    async def _beside(self, host: Context) -> AsyncIterator[Context]:
        """As a guest: on the host's connections and limits, ahead of its batch."""
        ctx = replace(
            host,
            run_id=self.run_id,
            stats=self.stats,
            options=self.options,
            applier=self._applier,
            is_guest=True,
            paths={},
            halted=[],
        )
        lines = {
            name: (path.provider, path.http, path.limiter) for name, path in host.paths.items()
        }
        self._paths_of(ctx, lines, FAST_LANE)
        ctx.claims.guest(1)
        try:
            yield ctx
        finally:
            ctx.claims.guest(-1)
            await clear_work(self._db, self.run_id)

    def _paths_of(
        self, ctx: Context, lines: Mapping[str, tuple[Provider, Http, Limiter]], lane: int
    ) -> None:
        budget = Budget(self.options.caps)
        for name, (provider, http, limiter) in lines.items():
            ctx.paths[name] = CallPath(
                provider,
                http=http,
                limiter=limiter,
                journal=self._journal,
                budget=budget,
                stats=self.stats,
                run_id=self.run_id,
                attempts=self._settings.attempts,
                max_wait_seconds=self._settings.max_wait_seconds,
                watchers=self._watchers,
                lane=lane,
            )
        self.paths = ctx.paths

    async def _line(
        self, stack: AsyncExitStack, provider: Provider, section: Any, ctx: Context
    ) -> tuple[Provider, Http, Limiter]:
        """Connections to a provider, and its limits."""
        name = provider.name
        http = await stack.enter_async_context(
            Http(
                section.base_url,
                provider.headers(self._key(name)),
                connections=section.concurrency,
            )
        )
        windows = windows_of(self._settings, name)
        assumed = not getattr(section, "limits", "none")
        if assumed:
            windows = await self._learned(name) or windows
        limiter = Limiter(
            windows,
            concurrency=section.concurrency,
            assumed=assumed,
            by_concurrency=provider is ctx.llm,
            typical_seconds=APOLLO_SECONDS if provider is ctx.apollo else None,
        )
        longest = max((window.seconds for window in windows), default=0.0)
        limiter.remember(await self._journal.seconds_since_sends(name, longest))
        return provider, http, limiter

    async def _learned(self, provider: str) -> tuple[Window, ...]:
        """The limits that the last run learnt from 429s: the next one need not meet them again."""
        rows = await self._db.rows(
            select(runs.c.summary)
            .where(runs.c.summary != "")
            .order_by(runs.c.started_at.desc())
            .limit(1)
        )
        learned = orjson.loads(rows[0].summary).get("learned", {}) if rows else {}
        return parse_windows(learned.get(provider, ()))

    async def _apply_left_over(self) -> None:
        """Answers that were recorded and not yet read when a process ended cost nothing now."""
        async for call in self._journal.find(states=("answered",), unapplied=True):
            try:
                await self._applier.recorded(call)
            except BadAnswer as error:
                # As in a live run: a useless answer of a dear provider may have been charged.
                await self._journal.mark(call.id, "failed", str(error), applied=True)

    async def _select(self) -> Counts:
        selection = Selection(
            self.options.scope, self._settings.cache, self._now, self.options.refresh
        )
        counts = await count(self._db, selection)
        kinds: list[WorkKind] = []
        if "search" in self.options.only and counts.to_search:
            kinds.append("search")
        if "classify" in self.options.only and counts.to_classify:
            kinds.append("classify")
        if "people" in self.options.only and counts.to_buy:
            kinds.append("people")
        await fill_work(self._db, self.run_id, selection, tuple(kinds))
        self.plan = make_plan(counts, self._settings, self.options.only)
        for name, path in self.paths.items():
            path.limiter.expect(self.plan.providers[name].calls)
        stats = self.stats.providers
        if "search" in self.options.only:
            stats["serper"].total = counts.to_search
            stats["serper"].cached = counts.accounts - counts.to_search
        if "classify" in self.options.only:
            stats["deepseek"].cached = counts.accounts - counts.to_search - counts.to_classify
            stats["deepseek"].total = await work_size(self._db, self.run_id, "classify")
            if "search" in self.options.only:
                stats["deepseek"].total += counts.to_search
        if "people" in self.options.only:
            stats["apollo"].total = counts.to_buy
            stats["apollo"].cached = counts.people - counts.to_buy - counts.held
        return counts

    async def _begin(self, counts: Counts) -> None:
        assert self.plan is not None
        options = {
            "scope": {k: v for k, v in asdict(self.options.scope).items() if v and k != "today"},
            "only": self.options.only,
            "refresh": self.options.refresh,
            "caps": asdict(self.options.caps),
        }
        row = {
            "id": self.run_id,
            "started_at": timestamp(self._now),
            "ended_at": "",
            "status": "running",
            "options": orjson.dumps(options).decode(),
            "plan": orjson.dumps(self.plan.as_dict()).decode(),
            "summary": "",
            "usage_before": "",
        }
        await self._db.write((_START, [row]))
        self._watchers.began(self.run_id, self.plan.as_dict())

    async def _take_in_guests(self) -> None:
        if self._host is not None:
            return

        async def do(options: RunOptions, taken: Callable[[str], Awaitable[None]]) -> None:
            self._guest = guest = Run(self._db, self._settings, options, host=self)
            await taken(guest.run_id)
            if self._stopping is not None:
                guest.stop()
            await guest.execute()
            self._guest = None

        await take_in_guests(self._db, self._settings, do)

    async def _warm(self, ctx: Context) -> None:
        """Open connections to whoever will be asked, while the run is still being written down."""
        assert self.plan is not None
        calls = {name: self.plan.providers[name].calls for name in ctx.paths}
        await asyncio.gather(
            *(
                path.http.warm(min(calls[name], path.limiter.at_once, WARM_CONNECTIONS))
                for name, path in ctx.paths.items()
                if calls[name]
            )
        )

    # -- during ---------------------------------------------------------------------------

    async def _branches(self, ctx: Context) -> None:
        """All branches at once; nothing waits for a phase to end."""
        only = self.options.only
        async with asyncio.TaskGroup() as group:
            if "search" in only or "classify" in only:
                group.create_task(self._signals(ctx))
            if "people" in only and self.stats.providers["apollo"].total:
                group.create_task(self._people(ctx))
            if "roles" in only:
                group.create_task(resolve_marked(ctx))
        if "roles" in only:
            await finish_roles(ctx)  # again where verified titles and seniority have come

    async def _signals(self, ctx: Context) -> None:
        only = self.options.only
        classify = "classify" in only
        channel: Channel[ToClassify] = Channel(BACKLOG)
        async with asyncio.TaskGroup() as group:
            if classify:
                group.create_task(classify_accounts(ctx, channel))
            async with asyncio.TaskGroup() as producers:
                if "search" in only and self.stats.providers["serper"].total:
                    if not ctx.settings.serper.limits:
                        group.create_task(self._ask_serper_limit(ctx))
                    producers.create_task(search_accounts(ctx, channel if classify else None))
                if classify:
                    producers.create_task(feed_unread(ctx, channel))
            await channel.close()

    async def _ask_serper_limit(self, ctx: Context) -> None:
        """Serper's account page names the plan's rate; until it answers, a low one is assumed."""
        path = ctx.paths["serper"]
        try:
            reply = await path.http.send(ctx.serper.account(), 5.0)
        except (NotSent, Lost):
            return
        rate = (json_object(reply.body) or {}).get("rateLimit") if reply.status == 200 else None
        if isinstance(rate, int) and 0 < rate < 100_000:
            path.limiter.told([Window(rate, 1.0)])

    async def _people(self, ctx: Context) -> None:
        if ctx.settings.apollo.unknown_outcome == "reconcile":
            await note_counters(ctx.paths["apollo"].http, ctx)
        await buy_people(ctx)

    # -- after ----------------------------------------------------------------------------

    async def _finish(self, ctx: Context, counts: Counts, seconds: float) -> dict[str, Any]:
        for name, path in ctx.paths.items():
            # The last calls under way may have ended a branch that then had nobody left to say so.
            if path.halted is not None:
                ctx.give_up(name, path.halted)
        before = await self._db.rows(
            select(func.count()).select_from(runs).where(runs.c.status == "done")
        )
        summary = summarise(
            run_id=self.run_id,
            started_at=timestamp(self._now),
            duration_seconds=seconds,
            counts=counts,
            stats=self.stats,
            paths=ctx.paths,
            halted=ctx.halted,
            alerts=self._settings.alerts,
            ran_before=bool(before[0][0]) and not self.options.refresh,
            only=self.options.only,
            prices={"apollo": ctx.apollo.price(), "serper": ctx.serper.price()},
        )
        row = {
            "run": self.run_id,
            "ended_at": timestamp(),
            "status": summary["status"],
            "summary": orjson.dumps(summary).decode(),
        }
        await self._db.write((_END, [row]))
        self._watchers.ended(summary)
        log.info(
            "run ended", run=self.run_id, status=summary["status"],
            duration_ms=summary["duration_ms"], phases=summary["phases"],
            cost_usd=summary["cost_usd"],
        )  # fmt: skip
        return summary
