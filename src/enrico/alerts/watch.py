"""Watches a run and tells people: some rules while it goes, the rest at its end; each once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import structlog

from enrico.alerts.notices import (
    Notice,
    drop_notice,
    read_notices,
    resolve_notices,
    take_notice,
)
from enrico.alerts.rules import Finding, budget_findings, failing, findings, key_refused
from enrico.alerts.sending import Notifier, message_of
from enrico.engine.stats import PROVIDERS
from enrico.engine.watching import CallSeen, Happened
from enrico.settings import Settings
from enrico.store.database import Database

log = structlog.get_logger("enrico.alerts")

LEAST_CALLS = 20
"""So many calls must be made before a share of failures is told during a run."""
REFUSED = (401, 403)
"""What surely means the key. A spent balance has other words at each provider: told at the end."""
BROUGHT_NOTHING = ("failed", "unknown", "not_sent")


class AlertWatch:
    """Looks on at one run. Use it as ``async with``; leaving it waits for what is being sent."""

    def __init__(self, db: Database, settings: Settings, run_id: str = "") -> None:
        """*run_id*: of a run that has begun already."""
        self._db = db
        self._settings = settings
        self._rules = settings.alerts
        self._notifier = Notifier(settings.alerts.notify, settings.alerts.timeout_seconds)
        self._notices: dict[tuple[str, str], Notice] = {}
        self._seen: set[tuple[str, str]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._run_id = run_id
        self._calls = self._failures = 0

    async def __aenter__(self) -> AlertWatch:
        self._notices = {(n.rule, n.subject): n for n in await read_notices(self._db)}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*self._tasks)

    def began(self, run_id: str, plan: Mapping[str, Any], at: float) -> None:
        """The run is planned and begins."""
        self._run_id = run_id

    def call(self, seen: CallSeen) -> None:
        """Rules that need not wait for the end."""
        if seen.state == "refused":
            if seen.status in REFUSED:
                self._found(key_refused(seen.provider))
            return
        self._calls += 1
        self._failures += seen.state in BROUGHT_NOTHING
        share = self._failures / self._calls
        if self._calls >= LEAST_CALLS and share * 100 > self._rules.failing_pct:
            self._found(failing(share, self._rules))
        self._found_of_budget(seen.budget_used)

    def happened(self, what: Happened) -> None:
        """Walls are no alert: they are waited for."""

    def ended(self, summary: Mapping[str, Any]) -> None:
        """All rules; what held before and holds no more is resolved."""
        self._found_of_budget(summary["budget_used"])
        found = findings(summary, self._rules)
        for finding in found:
            self._found(finding)
        found += budget_findings(summary["budget_used"], self._rules)
        holding = {(finding.rule, finding.subject) for finding in found}
        gone = [
            notice
            for key, notice in self._notices.items()
            if key not in holding and _was_tried(notice.subject, summary)
        ]
        self._spawn(resolve_notices(self._db, gone))

    def _found_of_budget(self, used: float | None) -> None:
        reached = budget_findings(used, self._rules)
        for finding in reached[-1:]:
            self._found(finding)
        self._seen.update((finding.rule, finding.subject) for finding in reached)

    def _found(self, finding: Finding) -> None:
        """Tell it, unless it was told in this run or within the quiet hours."""
        key = (finding.rule, finding.subject)
        if key in self._seen:
            return
        self._seen.add(key)
        now = datetime.now(UTC)
        told = self._notices.get(key)
        if told is None or now - told.at >= timedelta(hours=self._rules.quiet_hours):
            self._spawn(self._tell(finding, now))

    async def _tell(self, finding: Finding, now: datetime) -> None:
        """Tell it, unless another process does; what reached nobody is told by the next run."""
        since = now - timedelta(hours=self._rules.quiet_hours)
        if await take_notice(self._db, finding, now, since):
            told = await self._notifier.send(message_of(finding, self._settings, self._run_id))
            if not any(told.values()):
                await drop_notice(self._db, finding, now)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                log.warning("an alert was not kept", why=type(error).__name__)

        self._tasks.append(asyncio.create_task(guarded()))


def _was_tried(subject: str, summary: Mapping[str, Any]) -> bool:
    """Whether the run could show that something is well again: it made such calls."""
    parts = summary["providers"]
    return any(parts[name]["calls"] for name in ([subject] if subject in parts else PROVIDERS))
