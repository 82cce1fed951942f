"""A run in a terminal, and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from enrico.cli.common import DEFAULT, Common, print_json, say, table, with_client
from enrico.client import Enrico
from enrico.errors import StoreError
from enrico.report.words import OUTCOME_WORDS, headline, seconds_words, wait_words


def report(
    run: str = "last",
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("run.html"),
    common: Common = DEFAULT,
) -> int:
    """Write a page about a run.

    Parameters
    ----------
    run
        A run's id; the newest if unsaid.
    out
        The file to write; run.html if unsaid.
    """

    async def work(client: Enrico) -> int:
        from enrico.report.page import render_page
        from enrico.report.run import read_run

        record = await read_run(client.db, run)
        page = render_page(record, client.settings).encode()
        try:
            await _write(client, out, record.data["run_id"], page)
        except OSError as error:
            raise StoreError(f"{out} cannot be written: {error.strerror}.") from error
        if common.json:
            print_json({"run_id": record.data["run_id"], "path": str(out), "bytes": len(page)})
        else:
            say(f"{record.data['run_id']}: {out}")
        return 0

    return with_client(common, work)


async def _write(client: Enrico, out: Path, run_id: str, page: bytes) -> None:
    """Write the page, and remember where: it is written anew when somebody is forgotten."""
    from enrico.privacy.files import remember

    out.write_bytes(page)
    await remember(client.db, "report", [out], {"run": run_id})


def print_run(run: dict[str, Any]) -> None:
    """A run in tables on stdout: plan beside actual, waits, what went wrong and what to do."""
    print(f"{run['run_id']}: {run['status']}")
    print(headline(run))
    for text in (*run.get("messages", ()), *run.get("alerts", ())):
        print(text)
    table(
        "Plan beside actual",
        ["provider", "calls planned", "calls", "credits planned", "credits", "usd planned", "usd",
         "time at least", "time"],
        [_beside_row(row) for row in run["beside"]],
    )  # fmt: skip
    table(
        "Calls in the journal",
        ["provider", *OUTCOME_WORDS.values(), "credits, at most", "usd, at most", "P50", "P95"],
        [
            [name, *part["outcomes"].values(), part["credits"], f"{part['usd']:.4f}",
             seconds_words(part["p50_ms"] / 1000), seconds_words(part["p95_ms"] / 1000)]
            for name, part in run["ledger"].items()
        ],
    )  # fmt: skip
    waits = [
        [name, wait_words(why), seconds_words(ms / 1000)]
        for name, causes in run["waits"].items()
        for why, ms in causes.items()
    ]
    waits += [
        [name, "nothing sent after 429s", seconds_words(ms / 1000)]
        for name, ms in run["walled_ms"].items()
        if ms
    ]
    _some("Waits, all calls together", ["provider", "waited for", "time"], waits)
    _some(
        "Slowest calls",
        ["call", "provider", "endpoint", "items", "began", "took"],
        [
            [call["call"], call["provider"], call["endpoint"], call["items"],
             seconds_words(call["at_ms"] / 1000), seconds_words(call["ms"] / 1000)]
            for call in run["slowest"]
        ],
    )  # fmt: skip
    _some(
        "Left without an answer",
        ["provider", "items", "reason", "what to do"],
        [[f["provider"], f["count"], f["reason"], f["mend"]] for f in run["failures"]],
    )
    _some(
        "Calls without a usable answer",
        ["provider", "calls", "state", "reason", "what to do"],
        [[t["provider"], t["count"], t["state"], t["reason"], t["mend"]] for t in run["troubles"]],
    )
    _some(
        "Held calls",
        ["call", "items", "credits", "why", "ask again", "give up"],
        [
            [held[name] for name in ("call", "items", "credits", "why", "ask_again", "give_up")]
            for held in run["held_calls"]
        ],
    )
    say(f"As a page: enrico report {run['run_id']}")


def _beside_row(row: dict[str, Any]) -> list[Any]:
    return [
        row["provider"],
        row["planned_calls"],
        row["calls"],
        f"{row['credits_low']:g}-{row['credits_high']:g}",
        row["credits"],
        f"{row['usd_low']:.4f}-{row['usd_high']:.4f}",
        f"{row['usd']:.4f}",
        seconds_words(row["planned_seconds"]),
        None if row["seconds"] is None else seconds_words(row["seconds"]),
    ]


def _some(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A table, unless it would be empty."""
    if rows:
        table(title, columns, rows)
