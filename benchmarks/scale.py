"""``python -m benchmarks.scale``: how time and memory grow to 100,000 deals, on ``instant``.

Load, plan, run, run again and export, each with its processor time, its most memory, and how much
memory grew after its first fifth.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.stats import exponent

STEPS = ("load", "plan", "run", "run again", "export")
FULL = (10_000, 100_000)
SAMPLE_SECONDS = 0.1
WARMED_UP = 0.2
"""Share of a step after which memory should not grow."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class StepCost:
    """One step over one CRM."""

    step: str
    seconds: float
    cpu_seconds: float
    unit_seconds: float
    """CPU time of one and the same piece of work, the mean of just before and just after."""
    peak_mb: float
    grown_mb: float
    """Most memory after the first fifth of the step, less the most within it."""


def unit() -> float:
    """CPU seconds of a fixed piece of work: how fast the machine is at this moment."""
    began = time.process_time()
    for _ in range(6):
        rows = [(str(n % 9_973), n) for n in range(60_000)]
        rows.sort()
        dict(rows)
    return time.process_time() - began


class Memory:
    """Samples this process's resident memory in a thread."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        statm = Path("/proc/self/statm")
        while not self._over.wait(SAMPLE_SECONDS):
            pages = int(statm.read_text().split()[1])
            self._samples.append((time.monotonic(), pages * _PAGE / 2**20))

    def between(self, began: float, ended: float) -> tuple[float, float]:
        """(most, growth after the first fifth) in megabytes."""
        return growth([(at, mb) for at, mb in self._samples if began <= at <= ended], began, ended)


def power(small: Mapping[str, Any], large: Mapping[str, Any], number: int) -> float:
    """How the CPU time of a step grows with the deals; 1 is proportional.

    In units of the work that was measured around it: a machine that others share may do a third
    more or less from one minute to the next.
    """
    pairs = [
        (size["deals"], step["cpu_seconds"] / step["unit_seconds"])
        for size in (small, large)
        for step in (size["steps"][number],)
    ]
    return exponent(*pairs)


def growth(
    samples: Sequence[tuple[float, float]], began: float, ended: float
) -> tuple[float, float]:
    """(most, most after the first fifth less the most within it) of (moment, megabytes)."""
    edge = began + WARMED_UP * (ended - began)
    early = [mb for at, mb in samples if at <= edge]
    late = [mb for at, mb in samples if at > edge]
    most = max((*early, *late), default=0.0)
    return most, max(0.0, max(late) - max(early)) if early and late else 0.0


def measure(folder: Path, sizes: Sequence[int], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Each size in a process of its own: 10 seats and 4 people a deal, as 1,000,000 and 400,000."""
    rows = []
    for deals in sizes:
        state = folder / f"scale-{deals}"
        state.mkdir(parents=True)
        command = [sys.executable, "-m", "benchmarks.scale", str(deals), str(state)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{deals} deals failed:\n{done.stderr.decode()[-2000:]}")
        row = orjson.loads(done.stdout)
        for step in row["steps"]:
            say(f"{deals} deals: {step['step']} {step['seconds']:.1f} s, {step['peak_mb']:.0f} MB")
        rows.append(row)
    return rows


async def _all_steps(deals: int, state: Path, sandbox: dict[str, Any]) -> list[StepCost]:
    from benchmarks.ours import settings_of
    from benchmarks.variants import Ready
    from enrico.client import Enrico

    costs = []
    with Memory() as memory:
        async with Enrico(settings_of(Ready("instant", sandbox, state))) as client:

            async def step(name: str, work: Coroutine[Any, Any, Any]) -> None:
                before = unit()
                began, cpu = time.monotonic(), time.process_time()
                await work
                ended, spent = time.monotonic(), time.process_time() - cpu
                most, grown = memory.between(began, ended)
                speed = (before + unit()) / 2
                costs.append(StepCost(name, ended - began, spent, speed, most, grown))

            await step("load", client.load(state / "crm"))
            await step("plan", client.plan())
            await step("run", client.run())
            await step("run again", client.run())
            await step("export", client.export(state / "out"))
    return costs


def main(argv: Sequence[str]) -> int:
    """Measure one size: number of deals, an empty folder. Prints JSON."""
    from enrico.cli import collect_rarely
    from enrico.cli.demo import sandbox_process
    from enrico.sandbox import write_sample_crm

    collect_rarely()  # as the command line does
    deals, state = int(argv[0]), Path(argv[1])
    write_sample_crm(state / "crm", deals=deals, contacts=10 * deals, people=4 * deals)
    with sandbox_process("instant") as sandbox:
        steps = asyncio.run(_all_steps(deals, state, sandbox))
    size = {"deals": deals, "deal_contacts": 10 * deals, "people": 4 * deals}
    sys.stdout.buffer.write(orjson.dumps({**size, "steps": [asdict(step) for step in steps]}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
