"""worker, resume, cancel, schedule: runs that other processes do."""

from __future__ import annotations

import asyncio
import signal

from enrico.cli.common import DEFAULT, Common, print_json, say, table, usage, with_client
from enrico.cli.main_job import (
    ALL_DEALS,
    ALL_WORK,
    NO_CAP,
    Choice,
    Spending,
    Work,
    tell_plan,
)
from enrico.cli.terminal import on_hang_up
from enrico.client import Enrico
from enrico.store.database import PATIENCE_SECONDS


def worker(*, common: Common = DEFAULT) -> int:
    """Do runs that were asked for, together with all other workers."""

    async def do(client: Enrico) -> int:
        try:
            from enrico.workers.worker import Worker
        except ModuleNotFoundError as missing:
            usage(
                f"Workers need {missing.name}, which is not installed. "
                "Install it with: pip install 'enrico[workers]'"
            )
        found = Worker(client.db, client.settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, found.stop)
        on_hang_up(found.stop)
        await found.work(lambda slot: say(f"This is {slot}. Ctrl-C lets calls in flight finish."))
        return 0

    return with_client(common, do, patience=PATIENCE_SECONDS)


def resume(run: str, /, *, common: Common = DEFAULT) -> int:
    """Go on with a run that was cancelled or ended early.

    Parameters
    ----------
    run
        The run's id.
    """

    async def do(client: Enrico) -> int:
        tell(await client.resume(run), common)
        return 0

    return with_client(common, do)


def cancel(run: str, /, *, common: Common = DEFAULT) -> int:
    """Stop a run that workers do.

    Parameters
    ----------
    run
        The run's id.
    """

    async def do(client: Enrico) -> int:
        status = await client.cancel(run)
        if common.json:
            print_json({"run_id": run, "status": status})
        elif status == "interrupted":
            say(f"{run} is over: no worker had begun it. Go on later with: enrico resume {run}")
        elif await client.db.backend.workers():
            say(f"{run} stops: calls in flight finish. Go on later with: enrico resume {run}")
        else:
            say(f"{run} stops as soon as a worker looks at it; none is there now.")
        return 0

    return with_client(common, do)


def schedule(
    action: str = "list",
    name: str = "",
    /,
    *,
    every: str = "",
    choice: Choice = ALL_DEALS,
    work: Work = ALL_WORK,
    spending: Spending = NO_CAP,
    common: Common = DEFAULT,
) -> int:
    """Have workers run what is new, stale or failed every so often.

    Parameters
    ----------
    action
        list, set or remove.
    name
        The schedule's name.
    every
        How often: 30m, 6h, 1d.
    """

    async def do(client: Enrico) -> int:
        if action == "list":
            found = await client.schedules()
            if common.json:
                print_json(found)
                return 0
            columns = ["schedule", "every", "next", "last run"]
            table("Schedules", columns, [[*row.values()] for row in found])
            if not found:
                say("No schedule yet. Make one with: enrico schedule set nightly --every 1d")
            return 0
        if action not in ("set", "remove") or not name:
            usage("Write: enrico schedule set NAME --every 6h, or: enrico schedule remove NAME")
        if action == "remove":
            await client.unschedule(name)
            return 0
        every_seconds = _seconds(every)
        if spending.dry_run:
            return await tell_plan(client, choice.scope(client), work, common)
        await client.schedule(
            name,
            every_seconds,
            choice.scope(client),
            only=work.parts(),
            refresh=work.refresh,
            caps=spending.caps(),
        )
        say(f"Workers do this every {every} from now on. See: enrico schedule")
        return 0

    return with_client(common, do)


def tell(run_id: str, common: Common) -> None:
    """A run waits for workers."""
    if common.json:
        print_json({"run_id": run_id, "status": "asked"})
    else:
        say(f"Asked for: {run_id}. Watch it with: enrico runs --watch")


def _seconds(every: str) -> float:
    units = {"m": 60.0, "h": 3600.0, "d": 86400.0}
    number, unit = every[:-1], every[-1:]
    if unit not in units or not number.isdigit() or int(number) < 1:
        usage(f"--every takes minutes, hours or days such as 30m, 6h or 1d; {every!r} is none.")
    return int(number) * units[unit]
