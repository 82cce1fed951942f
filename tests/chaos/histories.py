"""Simulated histories, and any one again: ``python -m tests.chaos.histories SEED [calls]``."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from enrico.report.run import RunRecord, read_run
from enrico.settings import Settings
from enrico.store.database import open_database
from tests.chaos.callpath import CallHistory
from tests.chaos.history import History, Stage, settings_for
from tests.chaos.record import Plan, Record

FULL = {"whole": 2_000, "calls": 48_000}
QUICK = {"whole": 25, "calls": 150}
KINDS = {"whole": History, "calls": CallHistory}


@contextmanager
def stage() -> Iterator[Stage]:
    """A folder in memory where there is one: a history is all commits."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        before = structlog.get_config()
        quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
        structlog.configure(wrapper_class=quiet)
        try:
            yield Stage(Path(folder))
        finally:
            structlog.configure(**before)


def histories(plan: Plan) -> Record:
    """The harness."""
    counts: Counter[str] = Counter()
    faults: set[tuple[str, str]] = set()
    failures: list[str] = []
    broken = done = 0
    with stage() as ground:
        for name, number in (FULL if plan.full else QUICK).items():
            for n in range(number):
                seed = plan.seed * 1_000_000 + n
                told = KINDS[name](ground, seed).play()
                done += 1
                broken += bool(told.broken)
                counts.update(told.counts)
                faults |= told.faults
                again = f"again: python -m tests.chaos.histories {seed} {name}"
                failures += [f"{line} ({again})" for line in told.broken]
    credits, in_doubt = counts["micro_credits"] // 10**6, counts["micro_credits_in_doubt"] // 10**6
    return Record(
        "histories",
        {
            **{f"histories, {name}": n for name, n in (FULL if plan.full else QUICK).items()},
            "calls": counts["calls"],
            "credits, all accounted for": credits,
            "of these for calls in doubt": in_doubt,
            "kinds of faults": len(faults),
        },
        {"histories broken": (broken, done)},
        failures,
    )


def recorded_run() -> tuple[RunRecord, Settings]:
    """A stormy run as its report reads it."""
    with stage() as ground:
        history = History(ground, 273)
        history.play()

        async def read() -> RunRecord:
            db = await open_database(f"sqlite:///{history.path}")
            record = await read_run(db, "last")
            await db.close()
            return record

        record = asyncio.run(read())
    record.data["failures"] = [
        {"provider": "serper", "reason": "words", "count": 1, "mend": "words"}
    ]
    record.data["walls"] = [
        {"provider": "apollo", "kind": "limit", "at_ms": 5, "seconds": 0.0, "detail": "words"}
    ]
    return record, settings_for("reconcile", 10, True, 5)


def main(arguments: list[str]) -> int:
    """Play one seed and print what happened."""
    seed, kind = int(arguments[0]), arguments[1] if len(arguments) > 1 else "whole"
    with stage() as ground:
        told = KINDS[kind](ground, seed).play()
    print("\n".join(told.trace))
    print("\n".join(f"BROKEN {line}" for line in told.broken) or "nothing is broken")
    return 1 if told.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
