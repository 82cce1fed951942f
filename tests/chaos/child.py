"""The command line in a process forked from a warm one, with an accident arranged for it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

import enrico.store.journal as journal_module
from enrico.cli import run_command
from enrico.engine import call, limits
from tests.chaos import boundaries
from tests.chaos.boundaries import At

POINTS = "points.json"
FORBIDDEN = ("ENRICO_", "APOLLO_", "SERPER_", "DEEPSEEK_")
_CRASHED = 70


@dataclass(frozen=True)
class Job:
    """One command and what happens to it."""

    arguments: Sequence[str | Path]
    env: Mapping[str, str]
    at: At | None = None
    """Called at every boundary; without one, boundaries are left alone."""
    before: Sequence[Callable[[], None]] = field(default=())
    """Called in the child before the command: planted bugs, other accidents."""


def fork(job: Job, folder: Path, clock: timedelta, group: int = 0) -> int:
    """Start *job* in *folder*, in that process group or one of its own; returns its process id.

    *clock* is added to the time that the journal sees. What the command says goes to ``said`` in
    the folder.
    """
    pid = os.fork()
    if pid:
        with suppress(OSError):  # the child may have done it, or be gone already
            os.setpgid(pid, group)
        return pid
    code = _CRASHED
    try:
        os.setpgid(0, group)
        code = live(job, folder, clock)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def live(job: Job, folder: Path, clock: timedelta) -> int:
    said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith(FORBIDDEN)]:
        del os.environ[name]
    os.environ.update(job.env)
    shorten_pauses()
    move_clock(clock)
    for arrange in job.before:
        arrange()
    if job.at is not None:
        boundaries.install(folder, job.at)
    code = run_command([str(part) for part in job.arguments])
    if isinstance(job.at, boundaries.Lister):
        (folder / POINTS).write_bytes(orjson.dumps(job.at.points))
    return code


def shorten_pauses() -> None:
    """Retries and walls cost milliseconds, as in the tests with faults."""
    call.BACKOFF_FIRST_SECONDS = 0.01  # type: ignore[misc]
    limits.PARK_WITHOUT_RETRY_AFTER = 0.02  # type: ignore[misc]


def move_clock(offset: timedelta) -> None:
    """The journal's clock is moved, so that "21 hours ago" is the same day in every trial."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + offset

    journal_module.datetime = Moved  # type: ignore[misc]


def wait(pid: int) -> int:
    """Its exit code, or minus the number of the signal that ended it."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def noon() -> datetime:
    """Twelve o'clock today, in UTC."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
