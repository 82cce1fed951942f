"""Whether being quick costs quality: every way of running must give the same result tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.compare import Say
from benchmarks.one import Job, Step, run_job

Tables = Mapping[str, Sequence[Mapping[str, Any]]]

# When, by which call and at whose share of a price something came is not what came.
VARYING: Mapping[str, frozenset[str]] = {
    "deal_contacts": frozenset({"fetched_at", "credits", "cost_usd"}),
    "accounts": frozenset({"searched_at", "cost_usd"}),
    "signals": frozenset({"fetched_at", "search_call", "classification_call"}),
    "deals": frozenset({"cost_usd"}),
}
ONE_AT_A_TIME = {name: {"concurrency": 1} for name in ("apollo", "serper", "llm")}


@dataclass(frozen=True, slots=True)
class Compared:
    """One way of running, held against the first."""

    name: str
    rows: int
    fields: int
    """Compared, the varying ones left out."""
    differing: int
    first: str
    """Where the first difference is: table, row, column; never the values."""


def compare(name: str, wanted: Tables, got: Tables) -> Compared:
    """Field by field over all tables. A row too many or too few differs in all its fields."""
    rows = fields = differing = 0
    first = ""
    for table, varying in VARYING.items():
        for number in range(max(len(wanted[table]), len(got[table]))):
            pair = [rows_[number] if number < len(rows_) else {}
                    for rows_ in (wanted[table], got[table])]  # fmt: skip
            rows += 1
            for column in (pair[0] or pair[1]).keys() - varying:
                fields += 1
                if not all(pair) or pair[0].get(column) != pair[1].get(column):
                    differing += 1
                    first = first or f"{table}, row {number + 1}, {column}"
    return Compared(name, rows, fields, differing, first)


def measure(crm: Path, folder: Path, say: Say) -> list[dict[str, Any]]:
    """All ways of running on one CRM; the first is what the others are held against."""
    tables: dict[str, Tables] = {}
    for number, (profile, settings, names) in enumerate(_ways()):
        state = folder / f"quality-{number}"
        state.mkdir(parents=True)
        files = {name: state / f"{place}.json" for place, name in enumerate(names)}
        steps = tuple(_step(name, str(file)) for name, file in files.items())
        run_job(Job("ours", profile, "skipping", str(crm), str(state), steps, settings))
        tables |= {name: orjson.loads(file.read_bytes()) for name, file in files.items()}
        tables = {name: found for name, found in tables.items() if not name.startswith("(")}
    wanted, *others = tables
    found = [compare(name, tables[wanted], tables[name]) for name in others]
    for one in found:
        say(f"quality: {one.name}: {one.differing} of {one.fields} fields differ")
    return [{"against": wanted, **asdict(one)} for one in found]


def _ways() -> list[tuple[str, Mapping[str, Mapping[str, Any]], tuple[str, ...]]]:
    """Profile, settings, and the runs of one job; those in brackets only prepare."""

    def batch(size: int) -> Mapping[str, Mapping[str, Any]]:
        return {"llm": {"batch_accounts": size, "batch_wait_seconds": 2.0}}

    return [
        ("modern", {}, ("modern, cold", "modern, all known")),
        ("modern", {}, ("(half)", "modern, half known")),
        ("classic", {}, ("classic, cold",)),
        ("free", {}, ("free, cold",)),
        ("modern", ONE_AT_A_TIME, ("one call at a time",)),
        *(
            ("classic", {"llm": {"speed": s}}, (f"the model's speed: {s}",))
            for s in ("fast", "cheap")
        ),
        *(("modern", batch(n), (f"batches of {n}",)) for n in (2, 4, 10, 20)),
        ("modern", {"apollo": {"batch_size": 3}}, ("bulk calls of 3",)),
        ("storm", {}, ("(storm)", "after a storm: held people freed, run again")),
    ]


def _step(name: str, tables: str) -> Step:
    deals = 25 if name == "(half)" else None
    return Step(name, deals=deals, mended=name.startswith("after"), tables=tables)
