"""demo, sandbox: everything on this machine, without keys."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from enrico.cli.common import Common, print_json, say, table, usage
from enrico.cli.main_job import ALL_WORK, NO_CAP, run_with_progress
from enrico.cli.words import say_load, say_summary
from enrico.client import Enrico
from enrico.errors import EnricoError, UsageError
from enrico.pipeline.summary import EXIT_CODES
from enrico.settings import load_settings

SHOWN_SIGNALS = 5
SETTINGS_OF = {"apollo": "apollo", "serper": "serper", "llm": "deepseek"}


@contextmanager
def sandbox_process(profile: str, seed: int = 7) -> Iterator[dict[str, Any]]:
    """A sandbox in the background; yields its addresses and keys, and ends it afterwards."""
    command = [
        sys.executable, "-m", "enrico.sandbox", "--port", "0", "--profile", profile,
        "--seed", str(seed), "--die-with-parent",
    ]  # fmt: skip
    # A session of its own: Ctrl-C is for the run, which still wants its answers.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise EnricoError("The sandbox did not start. Try: enrico sandbox --port 0")
        yield orjson.loads(line)
    finally:
        process.terminate()
        process.wait(timeout=10)


def settings_for(ready: dict[str, Any]) -> dict[str, Any]:
    """Settings that point at a sandbox."""
    found: dict[str, Any] = {}
    for name, provider in SETTINGS_OF.items():
        found[f"{provider}_base_url"] = ready[name]
        found[f"{provider}_api_key"] = ready["keys"][provider]
    return found


def demo(
    *,
    deals: int = 50,
    folder: Path = Path("enrico-demo"),
    profile: Literal["classic", "modern", "free", "instant", "storm"] = "classic",
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Try everything.

    Parameters
    ----------
    deals
        How many deals the made-up CRM has; 50 if unsaid.
    folder
        Where export, database and results go, made anew each time; enrico-demo if unsaid.
    profile
        The limits and delays of the pretended providers; classic if unsaid.
    json
        Print the summaries as JSON on stdout.
    quiet
        No progress on stderr.
    """
    from enrico.sandbox import write_sample_crm

    if deals < 1:
        usage("--deals takes a number of deals, 1 or more.")
    if folder.exists() and not (folder / ".enrico-demo").exists():
        raise UsageError(f"{folder} is not a demo folder; choose another with --folder.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".enrico-demo").touch()
    write_sample_crm(folder / "crm", deals=deals)
    common = Common(json=json, quiet=quiet)
    with sandbox_process(profile) as ready:
        settings = load_settings(
            profile,
            database_url=f"sqlite:///{folder / 'enrico.db'}",
            **settings_for(ready),
        )
        return asyncio.run(_demo(Enrico(settings), folder, common))


async def _demo(client: Enrico, folder: Path, common: Common) -> int:
    async with client:
        report = await client.load(folder / "crm", roles=False)
        if not common.json:
            say_load(report)
            say()
        scope = client.scope(load_id=report.load_id)
        summary, planned = await run_with_progress(client, scope, ALL_WORK, NO_CAP, common)
        files = await client.export(folder / "results", scope)
        again = await client.run(scope)
        if common.json:
            print_json({"first": summary, "second": again})
            return EXIT_CODES[summary["status"]]
        say()
        shown = await _print_findings(client)
        say_summary(summary, planned)
        calls = sum(part["calls"] for part in again["providers"].values())
        say(
            f"The same run again: {calls} calls, ${again['cost_usd']:.2f}, "
            f"{again['duration_ms'] / 1000:.2f} s; everything is known."
        )
        say()
        for name, (path, number) in files.items():
            say(f"{name}: {number} rows in {path}")
        database = f"--database sqlite:///{folder / 'enrico.db'}"
        say(f"Look further: enrico show deal {shown} {database}")
        return EXIT_CODES[summary["status"]]


async def _print_findings(client: Enrico) -> str:
    """One buying committee and one account's signals, as an example; returns the deal's id."""
    deals = await client.rows("deals")
    accounts = await client.rows("accounts")
    news = {row["account_id"]: row["signals"] for row in accounts}
    best = max(
        deals,
        key=lambda d: (
            d["roles_filled"].count(";") + 3 * (4 <= d["contacts"] <= 12)
            + min(3, news.get(d["account_id"], 0)),
            d["deal_id"],
        ),
    )  # fmt: skip
    scope = client.scope(deals=[best["deal_id"]])
    seats = await client.rows("deal_contacts", scope)
    rows = [
        [
            seat["person"],
            seat["verified_title"] or seat["title"],
            seat["role"] or "-",
            seat["confidence"],
            seat["status"] + (", moved" if seat["moved"] == "yes" else ""),
            seat["reason"],
        ]
        for seat in sorted(seats, key=lambda s: (-(s["confidence"] or 0), s["person"]))
    ]
    gaps = best["gaps"].replace(";", ", ") or "none"
    title = f"Buying committee of “{best['deal']}” (gaps: {gaps})"
    table(title, ["person", "title", "role", "confidence", "verified", "why"], rows)
    found = await client.rows("signals", scope)
    if found:
        table(
            f"Signals at {best['account']}",
            ["type", "date", "headline", "source", "relevance"],
            [
                [s["type"], s["published"], s["headline"], s["source"], s["relevance"]]
                for s in found[:SHOWN_SIGNALS]
            ],
        )
    summary = next(r["summary"] for r in accounts if r["account_id"] == best["account_id"])
    print(summary)
    return str(best["deal_id"])


def sandbox(
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True)],
) -> int:
    """Serve the providers on this machine.

    Parameters
    ----------
    arguments
        Flags of the sandbox: --port, --profile, --seed, --faults, --write-crm …
    """
    from enrico.sandbox.__main__ import main

    return main(arguments)
