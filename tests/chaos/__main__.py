"""``python -m tests.chaos``: break everything on purpose, and say in one block what held."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module

from tests.chaos.bugs import SWITCH
from tests.chaos.record import Harness, Plan, Record

HARNESSES = {
    "boundaries": "tests.chaos.kills:at_every_boundary",
    "kills": "tests.chaos.kills:at_random",
    "sigterm": "tests.chaos.kills:on_sigterm",
    "power": "tests.chaos.power:cut",
    "disk": "tests.chaos.refusals:at_every_write",
    "caps": "tests.chaos.caps:never_passed",
    "loop": "tests.chaos.loops:on_one_call",
    "servers": "tests.chaos.servers:of_postgresql",
    "workers": "tests.chaos.workers:of_workers",
    "histories": "tests.chaos.histories:histories",
    "answers": "tests.chaos.answers:answers",
    "adversary": "tests.chaos.adversary:adversary",
}
"""Name → module:function, imported only when it runs: each may want a process of its own."""
NOT_TESTED = (
    "real providers, real power cuts, other file systems than this machine's, faults of the "
    "kernel or of the disk itself"
)
SHOWN = 20
"""Failures of a harness that are printed; the others are counted."""


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 1 when something broke that must not, or 2 for wrong arguments."""
    options = _parser().parse_args(argv)
    if options.replay:
        from tests.chaos.replay import again

        record = again(options.replay)
        print(told(record, 0))
        return 1 if record.failures else 0
    names = options.only or list(HARNESSES)
    began = time.monotonic()
    broken = 0
    plan = Plan(options.full, options.seed, bool(os.environ.get(SWITCH)))
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        started = time.monotonic()
        record = load(name)(plan)
        broken += bool(record.failures)
        print(told(record, time.monotonic() - started), flush=True)
    print(ending(options, names, broken, time.monotonic() - began))
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all of it: most of an hour")
    parser.add_argument("--only", action="append", choices=list(HARNESSES), help="this harness")
    parser.add_argument("--seed", type=int, default=7, help="another seed, other accidents")
    parser.add_argument("--replay", metavar="LINE", help="one trial, from a line that says BROKEN")
    return parser


def load(name: str) -> Harness:
    """The harness of that name."""
    module, _, function = HARNESSES[name].partition(":")
    harness: Harness = getattr(import_module(module), function)
    return harness


def told(record: Record, seconds: float) -> str:
    """A harness's part of the block."""
    lines = [f"{record.name} ({seconds:.0f} s)"]
    lines += [f"  {words}: {_number(number)}" for words, number in record.counts.items()]
    lines += [_told_never(words, *found) for words, found in record.never.items()]
    lines += [f"  BROKEN {failure}" for failure in record.failures[:SHOWN]]
    if (more := len(record.failures) - SHOWN) > 0:
        lines.append(f"  BROKEN and {more} more")
    return "\n".join(lines)


def _told_never(words: str, times: int, of: int) -> str:
    # Rule of three: none in n trials means, with 95 % confidence, fewer than 3 in n.
    limit = f" (95 %: under {3 / of:.2g})" if of and not times else ""
    return f"  {words}: {_number(times)} of {_number(of)}{limit}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def ending(options: argparse.Namespace, names: Sequence[str], broken: int, seconds: float) -> str:
    """Under which conditions the figures above came about."""
    verdict = f"BROKEN in {broken} of {len(names)}" if broken else f"all {len(names)} hold"
    return (
        f"{verdict} · seed {options.seed} · commit {_commit()} · "
        f"{'full' if options.full else 'quick'}, {seconds / 60:.1f} min · Python "
        f"{platform.python_version()}, {platform.system()}, {os.cpu_count()} cores\n"
        f"not tested: {NOT_TESTED}"
    )


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
