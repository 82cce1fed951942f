"""``python -m benchmarks``: run, print one table for each profile, judge."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.bound import run_bound
from benchmarks.report import (
    DEALS,
    Measured,
    Warmth,
    as_json,
    read_court,
    table,
    verdict_lines,
    verdicts,
)
from benchmarks.variants import Ready, Variant, all_variants
from enrico.cli.demo import sandbox_process
from enrico.sandbox import PROFILES, write_sample_crm

OUT = Path(__file__).parent / "out" / "bench.json"
NOTES = """\
Seconds: from reading the CRM export to the last result; ours with making its database and journal.
429s, calls and credits: as the sandbox counted them; it is reset before every run.
phased keeps nothing, so it has no warm run, and no ratio is claimed for ours warm.
phased asks for labels only. The older design had the model write prose, which was measured at 125 s
for 32 accounts and 60 tokens/s; that is not charged to it here, so the ratio is on the low side.
It also gets results by position, as ours does, where the older design lost moved people."""


def main(argv: Sequence[str] | None = None) -> int:
    """0 when all expectations hold, 1 when one does not, 2 for wrong arguments."""
    options = _parser().parse_args(argv)
    measured: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="enrico-bench-") as folder:
        crm = Path(folder) / "crm"
        write_sample_crm(crm, deals=DEALS)
        for profile in options.profiles:
            with sandbox_process(profile) as sandbox:
                measured[profile] = measure(profile, sandbox, crm, Path(folder), options.runs)
            print(table(profile, measured[profile]), end="\n\n", flush=True)
    found = verdicts(measured)
    print(NOTES, "", *verdict_lines(found), sep="\n")
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    report = as_json(about, measured, found)
    options.out.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return 0 if report["held"] else 1


def measure(
    profile: str, sandbox: dict[str, Any], crm: Path, folder: Path, runs: int | None
) -> list[Measured]:
    """All runs on one profile, round by round, so that a noisy minute meets every variant."""
    variants = all_variants()
    wanted = {variant.name: runs or variant.runs for variant in variants}
    done: list[Measured] = []
    for number in range(max(wanted.values())):
        for variant in variants:
            if number < wanted[variant.name]:
                state = folder / profile / f"{variant.name}-{number}"
                state.mkdir(parents=True)
                ready = Ready(profile, sandbox, state)
                done.append(_once(variant, "cold", crm, ready))
                if variant.remembers:
                    done.append(_once(variant, "warm", crm, ready))
    return done


def _once(variant: Variant, warmth: Warmth, crm: Path, ready: Ready) -> Measured:
    """One run on a sandbox that has forgotten all others."""
    base = ready.sandbox["base_url"]
    _ask(f"{base}/_reset", b"{}")
    result = asyncio.run(variant.run(crm, ready))
    court = read_court(_ask(f"{base}/_stats"))
    print(f"{ready.profile}: {variant.name} {warmth} {result.seconds:.2f} s", file=sys.stderr)
    bound = run_bound(result.latencies, PROFILES[ready.profile])
    return Measured(variant.name, warmth, result, court, bound)


def _ask(url: str, body: bytes | None = None) -> dict[str, Any]:
    """The sandbox's answer: POST with a body, else GET. On loopback no proxy is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, data=body, timeout=10) as page:
        answer: dict[str, Any] = orjson.loads(page.read())
    return answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="W50, cold and warm, beside the older design, on this machine's sandbox.",
    )
    parser.add_argument(
        "--runs", type=_positive, help="runs of each variant (default: ours 3, phased 1)"
    )
    parser.add_argument(
        "--profiles", nargs="+", default=["classic", "modern"], choices=sorted(PROFILES)
    )
    parser.add_argument("--out", type=Path, default=OUT, help="where bench.json goes")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number of runs, 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
