"""Who looks on at the runs of this process: metrics, traces and alerts, as the settings ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from enrico.engine.watching import Watcher
from enrico.errors import ConfigError
from enrico.settings import Settings
from enrico.store.database import Database
from enrico.telemetry.ways import Telemetry, is_set, is_wanted

log = structlog.get_logger("enrico.watching")


class Onlookers:
    """Makes them when the first run begins, or at once with :meth:`open`. Close it at the end."""

    def __init__(self, db: Database, settings: Settings, instance: str = "") -> None:
        """*instance* tells this process from others that work over the same database."""
        self._db = db
        self._settings = settings
        self._instance = instance
        self._telemetry: Telemetry | None = None

    def open(self) -> None:
        """Open the ways out. Raises ConfigError where our settings ask for what is not there."""
        if self._telemetry is None and is_wanted(self._settings):
            try:
                self._telemetry = Telemetry(self._settings, self._instance)
            except ConfigError as error:
                if is_set(self._settings):
                    raise
                log.warning("no telemetry", why=str(error))  # only the environment asks for it

    async def close(self) -> None:
        """Send what is left."""
        if self._telemetry is not None:
            await self._telemetry.close()
            self._telemetry = None

    @asynccontextmanager
    async def of_run(self, run_id: str = "") -> AsyncIterator[list[Watcher]]:
        """Who looks on at one run from its beginning, or at the end of one that workers did.

        *run_id*: of one that has begun already.
        """
        async with AsyncExitStack() as stack:
            self.open()
            found: list[Watcher] = []
            if self._telemetry is not None:
                found += await stack.enter_async_context(self._telemetry.run())
            yield [*found, *await self._alerts(stack, run_id)]

    @asynccontextmanager
    async def of_part(self, run_id: str) -> AsyncIterator[list[Watcher]]:
        """Who looks on at one part of a run that workers do."""
        async with AsyncExitStack() as stack:
            self.open()
            found: list[Watcher] = []
            if self._telemetry is not None:
                found += await stack.enter_async_context(self._telemetry.part(run_id))
            yield [*found, *await self._alerts(stack, run_id)]

    async def _alerts(self, stack: AsyncExitStack, run_id: str) -> list[Watcher]:
        if not self._settings.alerts.notify:
            return []
        from enrico.alerts.watch import AlertWatch

        return [await stack.enter_async_context(AlertWatch(self._db, self._settings, run_id))]
