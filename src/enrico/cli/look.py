"""runs, show, explain: read the database and tell."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from enrico.cli.common import (
    DEFAULT,
    Common,
    print_json,
    print_line,
    say,
    table,
    usage,
    with_client,
)
from enrico.cli.report import print_run
from enrico.client import Enrico
from enrico.looking import Looker

WATCH_SECONDS = 1.0


def runs(*, last: int = 20, watch: bool = False, common: Common = DEFAULT) -> int:
    """List the runs.

    Parameters
    ----------
    last
        How many, the newest first.
    watch
        Show how far the runs are that workers do, until they are over.
    """

    async def work(client: Enrico) -> int:
        if watch:
            return await watch_runs(client, common)
        found = await Looker(client.db).runs(last)
        if common.json:
            print_json(found)
            return 0
        columns = [
            "run",
            "status",
            "started",
            "deals",
            "seconds",
            "calls",
            "credits",
            "usd",
            "429s",
        ]
        table("Runs", columns, [_run_row(run) for run in found])
        if not found:
            say("No run yet. Begin with: enrico enrich EXPORT -o results/")
        return 0

    return with_client(common, work)


async def watch_runs(client: Enrico, common: Common) -> int:
    """A line for each run that workers do, anew whenever it changes."""
    before: list[dict[str, Any]] = []
    last_ones: dict[str, dict[str, Any]] = {}
    while found := await client.under_way():
        if found != before:
            for run in found:
                if run != last_ones.get(run["run_id"]):
                    last_ones[run["run_id"]] = run
                    print_line(run) if common.json else say(_progress_line(run))
        before = found
        await asyncio.sleep(WATCH_SECONDS)
    for run_id in last_ones:
        run = await Looker(client.db).run(run_id)
        end = {"run_id": run_id, "status": run["status"], "cost_usd": run.get("cost_usd")}
        print_line(end) if common.json else say(
            f"{run_id}  {run['status']}  ${run.get('cost_usd', 0):.4f}"
        )
    if not last_ones and not common.json:
        say("Workers have nothing to do. Ask for a run with: enrico run --detach")
    return 0


def _progress_line(run: dict[str, Any]) -> str:
    parts = ", ".join(f"{number} parts {state}" for state, number in sorted(run["parts"].items()))
    return (
        f"{run['run_id']}  {run['status']}  {parts or 'not begun'}  {run['calls']} calls  "
        f"{run['credits']} credits  ${run['cost_usd']:.4f}"
    )


def _run_row(run: dict[str, Any]) -> list[Any]:
    parts = list(run.get("providers", {}).values())
    return [
        run["run_id"],
        run["status"],
        run["started_at"][:19].replace("T", " "),
        run.get("deals"),
        run["duration_ms"] / 1000 if "duration_ms" in run else None,
        sum(part["calls"] for part in parts) if parts else run.get("calls"),
        sum(part["credits"] for part in parts) if parts else None,
        run.get("cost_usd"),
        sum(part["rate_limited"] for part in parts) if parts else None,
    ]


def show(
    kind: Literal["deal", "account", "person", "run"],
    id: str,
    /,
    *,
    common: Common = DEFAULT,
) -> int:
    """Show one thing.

    Parameters
    ----------
    kind
        deal, account, person or run.
    id
        A deal's id or name, an account's id, domain or name, a person's address, a run's id.
    """

    async def work(client: Enrico) -> int:
        looker = Looker(client.db)
        look = {
            "deal": looker.deal,
            "account": looker.account,
            "person": looker.person,
            "run": looker.run,
        }[kind]
        found = await look(id)
        if common.json:
            print_json(found)
            return 0
        {"deal": _print_deal, "run": print_run}.get(kind, _print_plain)(found)
        return 0

    return with_client(common, work)


def _print_deal(deal: dict[str, Any]) -> None:
    seats = deal.pop("buying_committee")
    _print_plain({k: v for k, v in deal.items() if v not in ("", None, [])})
    columns = ["person", "title", "role", "confidence", "source", "status", "moved", "reason"]
    rows = [
        [
            seat["person"] or seat["email"],
            seat["verified_title"] or seat["title"],
            seat["role"] or "-",
            seat["confidence"],
            seat["role_source"],
            seat["status"],
            seat["moved"],
            seat["reason"],
        ]
        for seat in sorted(seats, key=lambda s: (-(s["confidence"] or 0), s["person"]))
    ]
    table("Buying committee", columns, rows)


def _print_plain(value: dict[str, Any], indent: str = "") -> None:
    for name, entry in value.items():
        if isinstance(entry, dict):
            print(f"{indent}{name}:")
            _print_plain(entry, indent + "  ")
        elif isinstance(entry, list) and entry and isinstance(entry[0], dict):
            print(f"{indent}{name}:")
            for item in entry:
                print(
                    f"{indent}  - "
                    + "; ".join(f"{k}: {v}" for k, v in item.items() if v not in ("", None))
                )
        else:
            print(f"{indent}{name}: {'' if entry is None else entry}")


def explain(what: str, /, *, common: Common = DEFAULT) -> int:
    """Tell where a value comes from.

    Parameters
    ----------
    what
        A person's address, an account's domain or a deal's id, optionally with .FIELD behind it.
    """
    if not what.strip():
        usage("Say what to explain: a person's address, an account's domain or a deal's id.")

    async def work(client: Enrico) -> int:
        found = await Looker(client.db, client.settings).explain(what)
        if common.json:
            print_json(found)
        else:
            for fact in found:
                print(f"{fact['of']}.{fact['field']} = {fact['value']!r}")
                for name in ("source", "confidence", "reason", "provider", "call", "at", "url"):
                    if fact.get(name) not in ("", None):
                        print(f"    {name}: {fact[name]}")
        return 0

    return with_client(common, work)
