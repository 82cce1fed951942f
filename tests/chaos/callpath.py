"""The same histories without selection, classification and roles: the call path is all there is.

Journal, budget, limiter, calls, reconciling and applying are the client's own; who is still to be
asked for is read from outside. Many times as many fit into the same time.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from sqlalchemy import insert

from enrico.engine.budget import BudgetReached
from enrico.errors import Fatal, Interrupted, ProviderError
from enrico.pipeline.context import Context
from enrico.pipeline.people import buy
from enrico.pipeline.reconcile import apply_left_over, note_counters, settle_left_over
from enrico.pipeline.run import Run
from enrico.providers.apollo import BULK, PersonToFind
from enrico.providers.serper import read_results
from enrico.store.crm import account_key
from enrico.store.database import Database
from enrico.store.tables import runs
from tests.chaos.history import History
from tests.chaos.onefile import OneFile

TABLES = ("people", "searches")
_RUN = insert(runs)


class CallHistory(History):
    """Plays one seed through the call path."""

    tables = TABLES
    store = OneFile
    processes = 2

    async def _open(self) -> Any:
        return OneFile(self.path)

    async def _work(self, run: Run, db: Database) -> str:
        async with run._open() as ctx:
            self.stop_now = partial(self._stop, ctx)
            await apply_left_over(ctx)
            await settle_left_over(ctx)
            await db.write((_RUN, [self._row(run)]))
            if self.settings.apollo.unknown_outcome == "reconcile":
                await note_counters(ctx.paths["apollo"].http, ctx)
            held = bool(self.outside.rows("select 1 from people where state = 'held'"))
            ended: list[str] = []
            async with asyncio.TaskGroup() as group:
                for people in self._people_left():
                    group.create_task(self._buy(ctx, people, ended))
                for key, name, domain in self._accounts_left():
                    group.create_task(self._search(ctx, key, name, domain, ended))
            if held or ctx.stats.providers["apollo"].held:
                ended.append("held")
            left = self._people_left() or self._accounts_left()
            return (ended or ["partial" if left else "done"])[0]

    async def _buy(self, ctx: Context, people: list[PersonToFind], ended: list[str]) -> None:
        try:
            await buy(ctx, [(BULK, people)])
        except (Fatal, BudgetReached, Interrupted) as why:
            ctx.give_up("apollo", why)
            ended.append(type(why).__name__)

    async def _search(
        self, ctx: Context, key: str, name: str, domain: str, ended: list[str]
    ) -> None:
        try:
            call = ctx.serper.search(key, name or domain, domain)
            answer = await ctx.paths["serper"].send(call, read_results)
            await ctx.applier.search(
                answer.call_id, answer.ended_at, answer.cost, key, answer.value
            )
        except (Fatal, BudgetReached, Interrupted) as why:
            ctx.give_up("serper", why)
            ended.append(type(why).__name__)
        except ProviderError as error:
            ended.append(type(error).__name__)

    def _stop(self, ctx: Context) -> None:
        for name in ctx.paths:
            ctx.give_up(name, Interrupted("Interrupted."))

    def _people_left(self) -> list[list[PersonToFind]]:
        """Batches of those on a deal of whom nothing is known."""
        known = {
            key for (key,) in self.outside.rows("select key from people where state <> 'failed'")
        }
        wanted: dict[str, PersonToFind] = {}
        seated = {seat.contact_id for seat in self.world.seats}
        for contact in self.world.contacts:
            if contact.id in seated and contact.email in self.world.people:
                one = PersonToFind(contact.email, contact.first_name, contact.last_name)
                wanted.setdefault(contact.email, one)
        left = [person for key, person in sorted(wanted.items()) if key not in known]
        size = self.settings.apollo.batch_size
        return [left[first : first + size] for first in range(0, len(left), size)]

    def _accounts_left(self) -> list[tuple[str, str, str]]:
        known = {
            key for (key,) in self.outside.rows("select key from searches where state <> 'failed'")
        }
        dealt = {deal.account_id for deal in self.world.deals}
        return [
            (key, account.name, account.domain)
            for account in self.world.accounts
            if account.id in dealt and (key := account_key(account)) not in known
        ]

    def _row(self, run: Run) -> dict[str, Any]:
        empty = dict.fromkeys(("ended_at", "options", "plan", "summary", "usage_before"), "")
        return {"id": run.run_id, "started_at": "", "status": "running", **empty}
