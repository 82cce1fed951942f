"""enrich, load, plan, run, export: flags → client → words."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

from cyclopts import Parameter

from enrico.cli.common import DEFAULT, Common, print_json, say, usage, with_client
from enrico.cli.progress import Progress
from enrico.cli.terminal import forget_hang_up, on_hang_up
from enrico.cli.words import say_load, say_plan, say_summary
from enrico.client import Enrico
from enrico.domain.identity import record_id
from enrico.engine.budget import Caps
from enrico.engine.money import micro_credits, nano_usd
from enrico.engine.stats import PROVIDERS
from enrico.pipeline.context import BRANCHES, Branch
from enrico.pipeline.lines import check_keys
from enrico.pipeline.plan import Plan
from enrico.pipeline.run import Run
from enrico.pipeline.summary import EXIT_CODES
from enrico.store.crm import Scope


@Parameter(name="*")
@dataclass(frozen=True)
class Choice:
    """Which deals."""

    limit: int | None = None
    "At most so many deals, the latest first."
    lookback: int | None = None
    "Only deals closed (or created) in the last so many days."
    stage: tuple[str, ...] = ()
    "Only deals in this stage or outcome (won, lost, open); may be given several times."
    deal: tuple[str, ...] = ()
    "Only this deal, by its id; may be given several times."

    def scope(self, client: Enrico, load_id: str = "") -> Scope:
        """The deals in question."""
        if self.limit is not None and self.limit < 0:
            usage("--limit takes a number of deals, 0 or more.")
        if self.lookback is not None and self.lookback < 0:
            usage("--lookback takes a number of days, 0 or more.")
        return client.scope(
            load_id=load_id,
            deals=tuple(map(record_id, self.deal)),
            stages=self.stage,
            lookback_days=self.lookback,
            limit=self.limit,
        )


@Parameter(name="*")
@dataclass(frozen=True)
class Work:
    """Which part of the work."""

    only: str = ""
    "Only these parts, with commas: search,classify,roles,people."
    refresh: bool = False
    "Ask again for what is still fresh; goes on where a refresh was cut off within a day."

    def parts(self) -> tuple[Branch, ...]:
        """The parts of the work to do."""
        if not self.only:
            return BRANCHES
        parts = [part.strip() for part in self.only.split(",") if part.strip()]
        if unknown := [part for part in parts if part not in get_args(Branch)]:
            usage(f"--only does not know {unknown[0]!r}. Choose from {', '.join(BRANCHES)}.")
        return tuple(branch for branch in BRANCHES if branch in parts)


@Parameter(name="*")
@dataclass(frozen=True)
class Spending:
    """How much a run may spend."""

    max_credits: str = ""
    "Cap on credits of all providers together, or by provider: 200 or apollo=150,serper=50."
    max_usd: str = ""
    "Cap on dollars, all providers together."
    dry_run: bool = False
    "Only say what would be done and cost; enrich loads the export all the same."

    def caps(self) -> Caps:
        """The caps as exact numbers."""
        credits, by_provider = None, {}
        for part in filter(None, (part.strip() for part in self.max_credits.split(","))):
            name, equals, amount = part.rpartition("=")
            if equals and name.strip() not in PROVIDERS:
                usage(f"--max-credits does not know {name!r}. Choose from {', '.join(PROVIDERS)}.")
            value = _amount("--max-credits", amount, micro_credits)
            if equals:
                by_provider[name.strip()] = value
            else:
                credits = value
        usd = _amount("--max-usd", self.max_usd, nano_usd) if self.max_usd else None
        return Caps(credits, usd, by_provider)


def _amount(flag: str, text: str, convert: Any) -> int:
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(text.strip().lstrip("$"))
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        usage(f"{flag} takes a number, 0 or more; {text!r} is none.")
    result: int = convert(number)
    return result


ALL_DEALS = Choice()
ALL_WORK = Work()
NO_CAP = Spending()


def enrich(
    paths: list[Path],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("enrico-results"),
    link_by_account: bool = False,
    choice: Choice = ALL_DEALS,
    work: Work = ALL_WORK,
    spending: Spending = NO_CAP,
    common: Common = DEFAULT,
) -> int:
    """Load an export, enrich its deals, write the results.

    Parameters
    ----------
    paths
        Files or folders of one export.
    out
        A folder, or a file that ends in .csv, .jsonl, .parquet or .xlsx; enrico-results if unsaid.
    link_by_account
        Put all contacts of an account on its deals that the export names no contact for.
    """

    async def do(client: Enrico) -> int:
        from enrico.export.writers import format_of

        format_of(out)  # a wrong ending is told before anything is bought
        parts = work.parts()
        if not spending.dry_run:
            check_keys(client.settings, parts)
        leave_roles = "roles" in parts and not spending.dry_run
        report = await client.load(*paths, link_by_account=link_by_account, roles=not leave_roles)
        if not common.json:
            say_load(report)
        scope = choice.scope(client, report.load_id)
        if spending.dry_run:
            return await tell_plan(client, scope, work, common)
        summary, planned = await run_with_progress(client, scope, work, spending, common)
        files = await client.export(out, scope)
        if common.json:
            places = {name: {"path": str(p), "rows": n} for name, (p, n) in files.items()}
            print_json({**summary, "load": report.as_dict(), "files": places})
        else:
            say_summary(summary, planned)
            for name, (path, number) in files.items():
                say(f"{name}: {number} rows in {path}")
        return EXIT_CODES[summary["status"]]

    return with_client(common, do)


def load(
    paths: list[Path],
    /,
    *,
    link_by_account: bool = False,
    common: Common = DEFAULT,
) -> int:
    """Read exports into the database.

    Parameters
    ----------
    paths
        Files or folders of one export.
    link_by_account
        Put all contacts of an account on its deals that the export names no contact for.
    """

    async def do(client: Enrico) -> int:
        report = await client.load(*paths, link_by_account=link_by_account)
        if common.json:
            print_json(report.as_dict())
        else:
            say_load(report)
        return 0

    return with_client(common, do)


def plan(*, choice: Choice = ALL_DEALS, work: Work = ALL_WORK, common: Common = DEFAULT) -> int:
    """Say what a run would do and cost."""

    async def do(client: Enrico) -> int:
        return await tell_plan(client, choice.scope(client), work, common)

    return with_client(common, do)


def run(
    *,
    choice: Choice = ALL_DEALS,
    work: Work = ALL_WORK,
    spending: Spending = NO_CAP,
    detach: bool = False,
    common: Common = DEFAULT,
) -> int:
    """Enrich what is new, stale or failed.

    Parameters
    ----------
    detach
        Leave it to workers, and return at once.
    """

    async def do(client: Enrico) -> int:
        scope = choice.scope(client)
        if detach and not spending.dry_run:
            from enrico.cli.workers import tell

            run_id = await client.ask(
                scope, only=work.parts(), refresh=work.refresh, caps=spending.caps()
            )
            tell(run_id, common)
            return 0
        if spending.dry_run:
            return await tell_plan(client, scope, work, common)
        summary, planned = await run_with_progress(client, scope, work, spending, common)
        if common.json:
            print_json(summary)
        else:
            say_summary(summary, planned)
        return EXIT_CODES[summary["status"]]

    return with_client(common, do)


def export(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("enrico-results"),
    format: str = "",
    choice: Choice = ALL_DEALS,
    common: Common = DEFAULT,
) -> int:
    """Write the result tables.

    Parameters
    ----------
    out
        A folder, or a file that ends in .csv, .jsonl, .parquet or .xlsx; enrico-results if unsaid.
    format
        csv, jsonl, parquet or xlsx; by default what the ending says.
    """

    async def do(client: Enrico) -> int:
        files = await client.export(out, choice.scope(client), format=format)
        if common.json:
            print_json({name: {"path": str(p), "rows": n} for name, (p, n) in files.items()})
        else:
            for name, (path, number) in files.items():
                say(f"{name}: {number} rows in {path}")
        return 0

    return with_client(common, do)


async def tell_plan(client: Enrico, scope: Scope, work: Work, common: Common) -> int:
    """Print what a run would do and cost."""
    found = await client.plan(scope, only=work.parts(), refresh=work.refresh)
    if common.json:
        print_json(found.as_dict())
    else:
        say_plan(found)
    return 0


def _say_waiting() -> None:
    say(
        "Another Enrico works on this database. It takes a run of few deals in ahead of its own; "
        "a larger one waits for its end."
    )


def _say_left(run_id: str) -> None:
    say(
        f"Workers have this database, and do it: {run_id}. Look on with: enrico runs --watch. "
        "Ctrl-C has them stop it."
    )


async def run_with_progress(
    client: Enrico, scope: Scope, work: Work, spending: Spending, common: Common
) -> tuple[dict[str, Any], Plan | None]:
    """Run with progress; Ctrl-C once drains, twice stops at once. Returns summary and plan."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    quiet = common.quiet or common.json

    async with AsyncExitStack() as stack:
        asked = 0
        planned: Plan | None = None

        def watch(run: Run) -> None:
            def interrupted() -> None:
                nonlocal asked
                asked += 1
                if asked == 1:
                    run.stop()
                    say("Stopping: calls in flight finish first. Ctrl-C again stops at once.")
                elif task is not None:
                    task.cancel()

            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, interrupted)
                stack.callback(loop.remove_signal_handler, number)
            on_hang_up(run.stop)
            stack.callback(forget_hang_up)

        def begin(run: Run) -> None:
            nonlocal planned
            planned = run.plan
            if not quiet and run.plan is not None:
                say_plan(run.plan)
            stack.enter_context(Progress(run, quiet=quiet))

        try:
            summary = await client.run(
                scope,
                only=work.parts(),
                refresh=work.refresh,
                caps=spending.caps(),
                on_ready=watch,
                on_start=begin,
                on_wait=_say_waiting,
                on_left=_say_left,
            )
            return summary, planned
        except asyncio.CancelledError:
            if asked < 2:
                raise
            say(
                "Stopped at once. Calls that were in flight may have been charged; the next run "
                "checks them first. Go on with the same command."
            )
            if common.json:
                print_json({"status": "interrupted", "exit_code": 130})
            sys.stdout.flush()
            os._exit(130)
