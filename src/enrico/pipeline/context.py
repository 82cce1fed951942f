"""What the branches of a run share."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from enrico.engine.budget import Caps
from enrico.engine.call import CallPath
from enrico.engine.stats import ProviderName, Stats
from enrico.errors import EnricoError
from enrico.pipeline.apply import Applier
from enrico.pipeline.claims import Claims, Kind
from enrico.pipeline.headstart import HeadStart
from enrico.providers.apollo import Apollo
from enrico.providers.llm import Llm
from enrico.providers.serper import Serper
from enrico.settings import Settings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.journal import Journal

Branch = Literal["search", "classify", "roles", "people"]
BRANCHES: tuple[Branch, ...] = ("search", "classify", "roles", "people")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What one run is about and what it may spend."""

    scope: Scope = field(default_factory=Scope)
    only: tuple[Branch, ...] = BRANCHES
    refresh: bool = False
    """Ask again for what is fresh too; of a refresh that was cut off, only for the rest."""
    caps: Caps = field(default_factory=Caps)
    refreshed_since: str = ""
    """When the refresh began that this run goes on with; empty for none."""


@dataclass(slots=True)
class Context:
    """One run while it goes."""

    run_id: str
    db: Database
    journal: Journal
    settings: Settings
    stats: Stats
    options: RunOptions
    applier: Applier
    serper: Serper
    llm: Llm
    apollo: Apollo
    claims: Claims
    is_guest: bool = False
    is_chunk: bool = False
    """Others on the same key have calls in flight, so that its counters prove nothing."""
    paths: dict[str, CallPath] = field(default_factory=dict)
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One at a time looks into calls of unknown outcome."""
    head_start: HeadStart = field(default_factory=lambda: HeadStart(needed=False))
    """Of the first call to a model's endpoint that we do not know."""
    paid_perhaps: Counter[str] = field(default_factory=Counter)
    """In how many calls each person was perhaps paid for that were then sent again all the same."""
    halted: list[EnricoError] = field(default_factory=list)
    """Why a branch ended early, each reason once."""

    @property
    def scope(self) -> Scope:
        """Which deals the run is about."""
        return self.options.scope

    async def claim(self, kind: Kind, key: str, provider: ProviderName) -> bool:
        """Whether this run is the one to ask for an item; if not, it counts as known."""
        if self.is_guest:
            mine = await self.claims.take_in_turn(kind, key)
        else:
            mine = self.claims.take(kind, key)
        if mine:
            return True
        stats = self.stats.providers[provider]
        stats.total -= 1
        stats.cached += 1
        return False

    def stop(self, why: EnricoError) -> None:
        """Take up nothing more; calls in flight finish and are kept."""
        for name in self.paths:
            self.give_up(name, why)

    def stopped(self, provider: str) -> Callable[[], bool]:
        """Whether nothing more should be taken up for this provider."""
        path = self.paths[provider]
        return lambda: path.halted is not None

    def give_up(self, provider: str, why: EnricoError) -> None:
        """End a branch: calls in flight finish, the rest stays unasked and is told so."""
        self.paths[provider].halt(why)
        self.stats.providers[self.paths[provider].provider.name].unasked = str(why)
        if all(str(why) != str(other) for other in self.halted):
            self.halted.append(why)


def new_run_id(now: datetime) -> str:
    """Sorts by time, and is nobody else's."""
    return f"r-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def new_context(
    run_id: str, db: Database, settings: Settings, options: RunOptions, applier: Applier
) -> Context:
    """Of a run that has no paths to the providers yet."""
    return Context(
        run_id=run_id,
        db=db,
        journal=Journal(db),
        settings=settings,
        stats=applier.stats,
        options=options,
        applier=applier,
        serper=Serper(settings.serper),
        llm=Llm(settings.llm),
        apollo=Apollo(settings.apollo),
        claims=Claims(),
        head_start=HeadStart(needed=settings.llm.base_url != Llm.DEFAULT_BASE_URL),
    )


def beside(host: Context, run_id: str, options: RunOptions, applier: Applier) -> Context:
    """Of a run on the connections, limits and claims of another."""
    return replace(
        host,
        run_id=run_id,
        stats=applier.stats,
        options=options,
        applier=applier,
        paths={},
        paid_perhaps=Counter(),
        halted=[],
    )
