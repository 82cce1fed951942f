"""Enrico as a library: load an export or a frame, plan, run, export. The CLI only calls this."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
import structlog
from sqlalchemy import delete, insert, select

from enrico.engine.budget import Caps
from enrico.engine.stats import Stats
from enrico.engine.watching import Watcher
from enrico.errors import ConfigError, InputError, UsageError, first_of_ours
from enrico.export.tables import (
    COLUMNS,
    TABLES,
    all_rows,
    rows_of,
)
from enrico.intake import Intake, OnDisk, Unusable, read_exports, share_by_account
from enrico.logs import hide, set_up_logs
from enrico.pipeline.context import BRANCHES, Branch, RunOptions
from enrico.pipeline.guests import POLL_SECONDS, Request
from enrico.pipeline.lines import check_keys
from enrico.pipeline.onlookers import Onlookers
from enrico.pipeline.plan import Plan, limits_met, make_plan
from enrico.pipeline.roles import resolve_roles_in
from enrico.pipeline.run import Run
from enrico.privacy.desk import Desk
from enrico.privacy.doorkeeper import Doorkeeper
from enrico.privacy.retention import retain
from enrico.privacy.rewriting import export_files
from enrico.settings import Settings, load_settings
from enrico.store.crm import ROWS_AT_ONCE, Scope, save_records
from enrico.store.database import OPENING_SECONDS, Database, Lock, in_turn, open_database
from enrico.store.journal import Journal, moment, timestamp
from enrico.store.keyring import with_stored_keys
from enrico.store.selection import Selection, count, count_deals, unfinished_refresh
from enrico.store.suppressions import keep_out, load_suppressions
from enrico.store.tables import load_problems, loads

log = structlog.get_logger("enrico.client")

_LOAD = insert(loads)
_PROBLEM = insert(load_problems)
# What is left of a load that was cut off before it was done.
_CLEAR_PROBLEMS = delete(load_problems).where(load_problems.c.load_id.not_in(select(loads.c.id)))


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was taken from an export, for what, and what could not be used."""

    load_id: str
    deals: int
    accounts: int
    contacts: int
    deal_contacts: int
    suppressed: int
    """Contacts that were left out, for they are to stay forgotten."""
    files: list[dict[str, Any]]
    unusable: Sequence[dict[str, Any]]
    """Rows and files that gave no record, with the reason and the mend; read from disk."""
    matches: list[str]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(replace(self, unusable=list(self.unusable)))


class _Problems(OnDisk[dict[str, Any]]):
    """What could not be used, as plain data."""

    def __init__(
        self, rows: Sequence[Unusable], clean: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        self._rows = rows
        self._clean = clean

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._clean, map(asdict, self._rows))

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True, slots=True)
class Results:
    """What came of :meth:`Enrico.enrich`: the run's summary and the result tables.

    The tables are frames of the kind that was given, or lists of dicts.
    """

    summary: dict[str, Any]
    load: LoadReport
    deal_contacts: Any
    accounts: Any
    signals: Any
    deals: Any


class Enrico:
    """One open database with its settings. Use it as an async context manager.

    >>> async with Enrico(database_url="sqlite:///enrico.db") as enrico:
    ...     results = await enrico.enrich("exports/", out="results/")
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        profile: str | None = None,
        patience: float = OPENING_SECONDS,
        stored_keys: bool = True,
        **overrides: Any,
    ) -> None:
        """*overrides* are settings by name, e.g. ``apollo={"credit_usd": "0.02"}``.

        *patience*: how many seconds to wait for a database server that is away when it is opened.
        *stored_keys*: use the providers' keys that the database keeps; what calls no provider
        must do without, for their master key may be lost.
        """
        self._patience = patience
        self._stored_keys = stored_keys
        self.settings = settings or load_settings(profile, **overrides)
        set_up_logs(self.settings)
        self._database: Database | None = None
        self._onlookers: Onlookers | None = None

    async def __aenter__(self) -> Enrico:
        self._database = await open_database(self.settings.database_url, self._patience)
        try:
            if self._stored_keys:
                self.settings = await with_stored_keys(self._database, self.settings)
        except BaseException:
            await self.close()
            raise
        hide(self.settings)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the database; what was handed to it is written first. Then telemetry is sent."""
        if self._database is not None:
            await self._database.close()
            self._database = None
        if self._onlookers is not None:
            await self._onlookers.close()
            self._onlookers = None

    @property
    def db(self) -> Database:
        """The open database. Raises UsageError outside ``async with``."""
        if self._database is None:
            raise UsageError("Enrico is not open. Use it as: async with Enrico() as enrico: …")
        return self._database

    @property
    def journal(self) -> Journal:
        """Every call that was ever meant to be paid for."""
        return Journal(self.db)

    # -- in -------------------------------------------------------------------------------

    async def load(
        self,
        *paths: str | Path,
        link_by_account: bool = False,
        roles: bool = True,
    ) -> LoadReport:
        """Read exports into the database. Loading the same again changes nothing.

        *link_by_account* puts all contacts of an account on those of its deals for which the
        export names no contact. *roles*: False leaves them to the run that follows, which resolves
        them while its first calls are in flight. Raises InputError when nothing can be used; single
        rows are reported instead.
        """
        with closing(read_exports([Path(path) for path in paths])) as intake:
            if link_by_account:
                share_by_account(intake)
            async with self.db.alone("load"):
                report = await self._save(intake)
                if roles:
                    # They cost nothing: what the CRM itself says of them can be looked at now.
                    scope = self.scope(load_id=report.load_id)
                    await resolve_roles_in(self.db, scope, self.settings.role_threshold)
                return report

    async def _save(self, intake: Intake) -> LoadReport:
        load_id = f"l-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        door = Doorkeeper(intake, await load_suppressions(self.db, self.settings))
        await save_records(
            self.db,
            load_id,
            account_records=intake.accounts,
            contact_records=door.contacts(),
            deal_records=door.deals(),
            seat_records=door.seats(),
        )
        report = LoadReport(
            load_id=load_id,
            deals=len(intake.deals),
            accounts=len(intake.accounts),
            contacts=len(intake.contacts) - door.kept_out,
            deal_contacts=len(intake.deal_contacts) - door.seats_kept_out,
            suppressed=door.kept_out,
            files=[_plain(file) for file in intake.files],
            unusable=_Problems(intake.unusable, door.row),
            matches=door.words(intake.matches),
            warnings=door.words(intake.warnings),
        )
        await self._save_problems(load_id, report.unusable)
        few = asdict(replace(report, unusable=[]))
        kept = orjson.dumps({**few, "unusable": len(report.unusable)}).decode()
        await self.db.write((_LOAD, [{"id": load_id, "at": timestamp(), "report": kept}]))
        return report

    async def _save_problems(self, load_id: str, unusable: Sequence[dict[str, Any]]) -> None:
        await self.db.execute(_CLEAR_PROBLEMS)
        rows = iter(enumerate(unusable, 1))
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            await self.db.write(
                (_PROBLEM, [{"load_id": load_id, "n": n, **row} for n, row in chunk])
            )

    # -- plan and run ---------------------------------------------------------------------

    def scope(
        self,
        *,
        load_id: str = "",
        deals: Sequence[str] = (),
        stages: Sequence[str] = (),
        lookback_days: int | None = None,
        limit: int | None = None,
    ) -> Scope:
        """Which deals a command is about; all of them when nothing is said."""
        today = datetime.now(UTC).date()
        return Scope(load_id, tuple(deals), tuple(stages), lookback_days, limit, today)

    async def plan(
        self,
        scope: Scope | None = None,
        *,
        only: Sequence[Branch] = BRANCHES,
        refresh: bool = False,
    ) -> Plan:
        """What a run would do and cost. Spends nothing."""
        now = moment(timestamp())
        since = await unfinished_refresh(self.db, now) if refresh else ""
        selection = Selection(scope or self.scope(), self.settings.cache, now, refresh, since)
        await keep_out(self.db, await load_suppressions(self.db, self.settings))
        counts, met = await count(self.db, selection), await limits_met(self.db)
        return make_plan(counts, self.settings, tuple(only), met)

    async def run(
        self,
        scope: Scope | None = None,
        *,
        only: Sequence[Branch] = BRANCHES,
        refresh: bool = False,
        caps: Caps | None = None,
        on_start: Callable[[Run], None] | None = None,
        on_ready: Callable[[Run], None] | None = None,
        on_wait: Callable[[], None] = lambda: None,
        on_left: Callable[[str], None] = lambda run_id: None,
        watchers: Sequence[Watcher] = (),
    ) -> dict[str, Any]:
        """Enrich what is new, stale or failed in scope; returns the run's summary.

        *on_ready* gets the run before it does anything (its ``stop`` may be called from then on),
        *on_start* once it is planned; *watchers* look on. Waits, after *on_wait*, while another
        process runs over the same database; where workers do, leaves it to them after *on_left*.
        """
        options = RunOptions(
            scope or self.scope(), tuple(only), refresh, caps if caps is not None else Caps()
        )
        async with self._alone_or_guest(options, on_wait, on_left) as done:
            if done is not None:
                return done
            if self._onlookers is None:
                self._onlookers = Onlookers(self.db, self.settings)
            async with self._onlookers.of_run() as ours:
                looking_on = [*ours, *watchers]
                run = Run(
                    self.db,
                    self.settings,
                    options,
                    looking_on,
                    guests_watched=self._onlookers.of_run,
                )
                if on_ready is not None:
                    on_ready(run)
                try:
                    summary = await run.execute(on_start)
                    await retain(self.db, self.settings.retention)
                    return summary
                except BaseExceptionGroup as group:
                    raise first_of_ours(group) from group

    # -- with workers ---------------------------------------------------------------------

    async def ask(
        self,
        scope: Scope | None = None,
        *,
        only: Sequence[Branch] = BRANCHES,
        refresh: bool = False,
        caps: Caps | None = None,
    ) -> str:
        """Have workers do a run; returns its id at once. Raises ConfigError without PostgreSQL."""
        from enrico.pipeline.detached import ask

        self._needs_postgresql()
        return await ask(
            self.db,
            RunOptions(scope or self.scope(), tuple(only), refresh, caps or Caps()),
        )

    async def under_way(self) -> list[dict[str, Any]]:
        """How far the runs are that workers do: parts by state, calls, credits, dollars."""
        from enrico.pipeline.detached import progress

        return await progress(self.db)

    async def cancel(self, run_id: str) -> str:
        """Stop a run that workers do; returns its status. Raises InputError for any other run."""
        from enrico.pipeline.detached import cancel

        return await cancel(self.db, self.settings, run_id)

    async def resume(self, run_id: str) -> str:
        """Have workers go on with a run that is over; returns the new run's id."""
        from enrico.pipeline.detached import resume

        self._needs_postgresql()
        return await resume(self.db, run_id)

    async def schedule(
        self,
        name: str,
        every_seconds: float,
        scope: Scope | None = None,
        *,
        only: Sequence[Branch] = BRANCHES,
        refresh: bool = False,
        caps: Caps | None = None,
    ) -> None:
        """Have workers do such a run now and every so often; never two of them at once."""
        from enrico.pipeline.schedules import set_schedule

        self._needs_postgresql()
        options = RunOptions(scope or self.scope(), tuple(only), refresh, caps or Caps())
        await set_schedule(self.db, name, every_seconds, options)

    async def unschedule(self, name: str) -> None:
        """Begin no more runs of a schedule. Raises InputError for an unknown one."""
        from enrico.pipeline.schedules import remove_schedule

        await remove_schedule(self.db, name)

    async def schedules(self) -> list[dict[str, Any]]:
        """All schedules."""
        from enrico.pipeline.schedules import list_schedules

        return await list_schedules(self.db)

    def _needs_postgresql(self) -> None:
        if self.db.backend.engine.dialect.name != "postgresql":
            raise ConfigError(
                "Workers share a PostgreSQL database. Set ENRICO_DATABASE_URL to "
                "postgresql://user:password@host/database; `enrico copy` carries a file over."
            )

    async def replay(self) -> dict[str, int]:
        """Make all facts anew from the recorded answers. Spends nothing."""
        from enrico.pipeline.replay import replay_journal

        async with self.db.alone("run"):
            return await replay_journal(self.db, self.settings, Stats(), self.scope())

    async def copy(self, url: str) -> dict[str, int]:
        """Carry all that is known into the empty database at *url*; rows by table. Spends nothing.

        Waits for runs and loads over this one. Raises UsageError when the other one holds data.
        """
        from enrico.store.copying import copy_database

        async with self.db.alone("run", "load"):
            target = await open_database(url)
            try:
                return await copy_database(self.db, target)
            finally:
                await target.close()

    @asynccontextmanager
    async def _alone_or_guest(
        self, options: RunOptions, on_wait: Callable[[], None], on_left: Callable[[str], None]
    ) -> AsyncIterator[dict[str, Any] | None]:
        """Inside, either nobody else runs over this database, or the run is done: its summary.

        A run of few deals is taken in by the one under way.
        """
        lock = self.db.lock()
        summary = None
        try:
            if not await lock.try_to_acquire():
                if await self.db.backend.workers():
                    summary = await self._leave_to_workers(options, on_left)
                else:
                    on_wait()
                    if await count_deals(self.db, options.scope) <= self.settings.fast_lane_deals:
                        summary = await self._ask_the_one_under_way(lock, options)
                    else:
                        await in_turn(lock)
            yield summary
        finally:
            await lock.release()

    async def _leave_to_workers(
        self, options: RunOptions, on_left: Callable[[str], None]
    ) -> dict[str, Any]:
        """The summary of a run that workers did; who is interrupted has them stop."""
        from enrico.pipeline.detached import ask, cancel, summary_of

        run_id = await ask(self.db, options)
        on_left(run_id)
        try:
            while (summary := await summary_of(self.db, run_id)) is None:  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
        except asyncio.CancelledError:
            await cancel(self.db, self.settings, run_id)
            raise
        return summary

    async def _ask_the_one_under_way(
        self, lock: Lock, options: RunOptions
    ) -> dict[str, Any] | None:
        """The summary of the run that was made of it; None, with the lock, where there is none."""
        request = Request(self.db, self.settings, options)
        await request.leave()
        try:
            while not await lock.try_to_acquire():
                if summary := await request.summary():
                    if summary["status"] != "interrupted":
                        return summary
                    await in_turn(lock)  # its host was stopped, and ends soon
                    return None
                await asyncio.sleep(POLL_SECONDS)
            return None
        finally:
            await request.withdraw()

    # -- out ------------------------------------------------------------------------------

    async def rows(self, table: str, scope: Scope | None = None) -> list[dict[str, Any]]:
        """All rows of a result table: deal_contacts, accounts, signals, deals, unusable_rows."""
        if table not in TABLES:
            raise UsageError(f"No table is called {table!r}. Choose one of {', '.join(TABLES)}.")
        return [row async for row in rows_of(self.db, table, scope or self.scope())]

    async def export(
        self, out: str | Path, scope: Scope | None = None, *, format: str = ""
    ) -> dict[str, tuple[Path, int]]:
        """Write the result tables; returns for each its file and its number of rows."""
        return await export_files(self.db, Path(out), scope or self.scope(), format)

    # -- people's data --------------------------------------------------------------------

    def desk(self, on_wait: Callable[[], None] = lambda: None) -> Desk:
        """For requests about people: forget them, tell all, let them in again."""
        return Desk(self.db, self.settings, on_wait)

    # -- all at once ----------------------------------------------------------------------

    async def enrich(
        self,
        source: Any,
        *more: str | Path,
        out: str | Path | None = None,
        link_by_account: bool = False,
        only: Sequence[Branch] = BRANCHES,
        **options: Any,
    ) -> Results:
        """Load, run and give back the tables. *source*: a path, or a pandas or polars frame.

        *only* and *options* are those of :meth:`run`. The tables come as frames of the kind given.
        """
        frame = None if isinstance(source, str | Path) else source
        how = {"link_by_account": link_by_account, "roles": "roles" not in only}
        check_keys(self.settings, only)
        if frame is None:
            report = await self.load(source, *more, **how)
        else:
            report = await self._load_frame(frame, **how)
        scope = self.scope(load_id=report.load_id)
        summary = await self.run(scope, only=only, **options)
        if out is not None:
            await self.export(out, scope)
        tables = await all_rows(self.db, scope, TABLES[:-1])
        made = {
            name: rows if frame is None else type(frame)(_columns(rows, COLUMNS[name]))
            for name, rows in tables.items()
        }
        return Results(summary=summary, load=report, **made)

    async def _load_frame(self, frame: Any, **how: bool) -> LoadReport:
        write = getattr(frame, "write_csv", None)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frame.csv"
            if write is not None:
                write(path)
            elif hasattr(frame, "to_csv"):
                frame.to_csv(path, index=False)
            else:
                raise InputError(
                    f"A {type(frame).__name__} cannot be loaded. Give a path, a pandas frame or a "
                    "polars frame."
                )
            return await self.load(path, **how)


def _columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass as JSON data."""
    data: dict[str, Any] = orjson.loads(orjson.dumps(asdict(value), default=str))
    return data
