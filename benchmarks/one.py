"""``python -m benchmarks.one JOB``: one variant on one sandbox, in a process of its own.

So that every run begins with cold code, its processor time and memory are its own, and the clock
can be taken over before anything reads it.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from benchmarks.bound import Bound, run_bound
from benchmarks.clock import SkippingClock, run_skipping
from benchmarks.court import Books, Court, InProcess, Remote, read_court
from benchmarks.variants import Ready, Result, Variant, all_variants

ClockName = Literal["skipping", "real"]


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a job. All steps of a job share the variant's folder; each has a fresh sandbox."""

    name: str
    deals: int | None = None
    mended: bool = False
    """Ours only: without faults, after whoever was held has been freed."""
    tables: str | None = None
    """Where ours writes its result tables."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does."""

    variant: str
    profile: str
    clock: ClockName
    crm: str
    state: str
    steps: tuple[Step, ...]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one variant, as plain data."""

    variant: str
    profile: str
    clock: ClockName
    step: str
    seconds: float
    cpu_seconds: float
    """User and system; on the skipping clock the sandbox's work is in it."""
    phases: Mapping[str, float]
    roles: int
    searched: list[str]
    classified: list[str]
    found: list[str]
    missed: list[str]
    held: list[str]
    court: Court
    bound: Bound


def run_job(job: Job) -> list[Measured]:
    """Run a job in a process of its own. Raises RuntimeError with its last words when it fails."""
    command = [sys.executable, "-m", "benchmarks.one", orjson.dumps(asdict(job)).decode()]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{job.variant} on {job.profile} failed:\n{done.stderr.decode()[-2000:]}"
        )
    rows = orjson.loads(done.stdout)
    return [
        Measured(**{**row, "court": Court(**row["court"]), "bound": Bound(**row["bound"])})
        for row in rows
    ]


def main(argv: list[str]) -> int:
    """Do the job that the first argument describes; print what was measured as JSON."""
    given = orjson.loads(argv[0])
    job = Job(**{**given, "steps": tuple(Step(**step) for step in given["steps"])})
    done = _skipping(job) if job.clock == "skipping" else _real(job)
    sys.stdout.buffer.write(orjson.dumps([asdict(one) for one in done]))
    return 0


def _skipping(job: Job) -> list[Measured]:
    clock = SkippingClock()
    clock.install()
    return run_skipping(_in_one_loop(job), clock)


async def _in_one_loop(job: Job) -> list[Measured]:
    from enrico.sandbox import SandboxConfig, start

    _start_at_noon()
    config = SandboxConfig(profile=job.profile, now=_noon())
    async with await start(config) as sandbox:
        ready = {
            "apollo": sandbox.apollo_url,
            "serper": sandbox.serper_url,
            "llm": sandbox.llm_url,
            "keys": dict(config.keys),
        }
        return await _steps(job, ready, InProcess(sandbox))


def _real(job: Job) -> list[Measured]:
    from enrico.cli.demo import sandbox_process

    _start_at_noon()
    with sandbox_process(job.profile) as ready:
        return asyncio.run(_steps(job, ready, Remote(ready["base_url"])))


async def _steps(job: Job, sandbox: Mapping[str, Any], books: Books) -> list[Measured]:
    variant = all_variants()[job.variant]
    done = []
    for step in job.steps:
        ready = Ready(
            job.profile, sandbox, Path(job.state), step.deals, job.settings,
            Path(step.tables) if step.tables else None,
        )  # fmt: skip
        if step.mended:
            from benchmarks.ours import free_held

            books.set_faults([])
            await free_held(ready)
        books.reset()
        done.append(await _measure(variant, job, step, ready, books))
    return done


async def _measure(variant: Variant, job: Job, step: Step, ready: Ready, books: Books) -> Measured:
    cpu = time.process_time()
    result: Result = await variant.run(Path(job.crm), ready)
    cpu = time.process_time() - cpu
    return Measured(
        variant=variant.name,
        profile=job.profile,
        clock=job.clock,
        step=step.name,
        seconds=result.seconds,
        cpu_seconds=cpu,
        phases=result.phases,
        roles=result.roles,
        searched=sorted(result.searched),
        classified=sorted(result.classified),
        found=sorted(result.found),
        missed=sorted(result.missed),
        held=sorted(result.held),
        court=read_court(books.stats()),
        bound=run_bound(books.drawn(), _profile(job.profile)),
    )


def _profile(name: str) -> Any:
    from enrico.sandbox import PROFILES

    return PROFILES[name]


def _noon() -> datetime:
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def _start_at_noon() -> None:
    """Our journal's clock starts at noon, so that "21 hours ago" is the same day in every run, and
    the model's off-peak price holds."""
    import enrico.store.journal as journal

    started, noon = datetime.now(UTC), _noon()

    class NoonClock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return noon + (datetime.now(tz) - started)

    journal.datetime = NoonClock  # type: ignore[attr-defined]


def peak_mb() -> float:
    """The most memory that this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
