"""What all trials of a harness share: a sandbox, an export to enrich, the undisturbed outcome."""

from __future__ import annotations

import atexit
import csv
import gc
import hashlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from enrico.sandbox import DEFAULT_KEYS, write_sample_crm
from enrico.sandbox.profiles import Limits, Profile
from tests.chaos import bugs, child
from tests.chaos.boundaries import At, Lister
from tests.chaos.child import Job
from tests.chaos.court import BRISK, Court, Entry
from tests.chaos.snapshot import NOTHING_YET, Snapshot, read

DEALS = 6
KILL_EXIT = -signal.SIGKILL
# When and by which call something came is not what came. How an account's classification shares
# its call's price depends on who was asked about together.
VARYING = {
    "deal_contacts": {"fetched_at"},
    "accounts": {"searched_at", "cost_usd"},
    "signals": {"fetched_at", "search_call", "classification_call"},
    "deals": {"cost_usd"},
}


class World:
    """Take :func:`the_world`."""

    def __init__(self, folder: Path, profile: Profile = BRISK) -> None:
        self.folder = folder
        self.crm = folder / "crm"
        self._noon = child.noon()
        self._profile = profile
        self.court = Court(self._noon, profile)
        self.undisturbed: Undisturbed
        """What comes of the job when nothing happens to it."""
        self._trials = 0
        write_sample_crm(self.crm, deals=DEALS)

    def env(self, *, at_once: int = 4, policy: str = "retry", **more: str) -> dict[str, str]:
        """The settings of a command, all from its environment."""
        url = self.court.url
        return {
            "ENRICO_DATABASE_URL": "sqlite:///enrico.db",
            "APOLLO_BASE_URL": f"{url}/apollo/api/v1",
            "SERPER_BASE_URL": f"{url}/serper",
            "DEEPSEEK_BASE_URL": f"{url}/llm",
            **{f"{name.upper()}_API_KEY": key for name, key in DEFAULT_KEYS.items()},
            "ENRICO_LOG_LEVEL": "error",
            "ENRICO_APOLLO__LIMITS": "none",
            "ENRICO_SERPER__LIMITS": "none",
            "ENRICO_APOLLO__SETTLE_SECONDS": "0",
            "ENRICO_APOLLO__UNKNOWN_OUTCOME": policy,
            "ENRICO_APOLLO__BATCH_SIZE": "2",  # so that there is something to have in flight
            "ENRICO_APOLLO__CONCURRENCY": str(at_once),
            "ENRICO_SERPER__CONCURRENCY": str(at_once),
            "ENRICO_LLM__CONCURRENCY": str(at_once),
            "ENRICO_LLM__BATCH_ACCOUNTS": "1",
            **more,
        }

    def job(self, env: Mapping[str, str], at: At | None = None, *arguments: str) -> Job:
        """The command that all trials run: load, enrich and export in one."""
        command = ("enrich", self.crm, "-o", "out", "--json", *arguments)
        return Job(command, env, at, bugs.planted())

    def command(self, env: Mapping[str, str], *arguments: str) -> Job:
        """Any other command, without accidents."""
        return Job(arguments, env)

    @contextmanager
    def trial(self, *faults: Mapping[str, object]) -> Iterator[Trial]:
        """An empty folder, empty books and a clock at noon."""
        self._trials += 1
        folder = self.folder / f"trial-{self._trials}"
        folder.mkdir()
        self.court.reset(faults)
        yield Trial(self, folder, self._noon - datetime.now(UTC))
        shutil.rmtree(folder)

    def move_out(self, number: int) -> None:
        """In a fork: from now on with a sandbox and a folder of its own."""
        self.folder = self.folder / f"worker-{number}"
        self.folder.mkdir(exist_ok=True)
        self.court = Court(self._noon, self._profile)

    def end(self, pid: int) -> None:
        """End the sandbox and delete all files, if this is that process and no fork of it."""
        if os.getpid() == pid:
            self.court.close()
            shutil.rmtree(self.folder, ignore_errors=True)


class Trial:
    """One export enriched in a folder of its own, by one process after another."""

    def __init__(self, world: World, folder: Path, clock: timedelta) -> None:
        self.world = world
        self.folder = folder
        self.clock = clock

    def start(self, job: Job, group: int = 0) -> int:
        """Start a command; returns its process id."""
        return child.fork(job, self.folder, self.clock, group)

    def wait_for_first_call(self, pid: int) -> None:
        """Return when a provider has been called, or the process has ended."""
        while not self.world.court.calls() and os.waitid(os.P_PID, pid, _LOOK) is None:
            time.sleep(0.002)

    def wait_for_the_end(self, pid: int) -> float:
        """Wait for a process; returns how many seconds of it went by in want of a processor."""
        first = last = _queued(pid)
        while os.waitid(os.P_PID, pid, _LOOK) is None:
            last = max(last, _queued(pid))
            time.sleep(0.005)
        return last - first

    def run(self, job: Job) -> int:
        """Run a command to its end, whatever that is."""
        return child.wait(self.start(job))

    def said(self) -> str:
        """The end of what the commands said."""
        return " ".join((self.folder / "said").read_text(errors="replace").split())[-300:]

    def snapshot(self) -> Snapshot:
        """The database as it is now, read from a copy, so that nothing is disturbed."""
        copy = self.folder / "copy.db"
        for ending in ("", "-wal", "-journal"):
            found = self.folder / f"enrico.db{ending}"
            if found.exists():
                shutil.copyfile(found, f"{copy}{ending}")
        try:
            return read(copy) if copy.exists() else NOTHING_YET
        finally:
            for ending in ("", "-wal", "-journal", "-shm"):
                Path(f"{copy}{ending}").unlink(missing_ok=True)

    def results(self) -> dict[str, str]:
        """A digest of each result table, without what may differ."""
        return {table: _digest(self.folder / "out" / f"{table}.csv", table) for table in VARYING}


def _queued(pid: int) -> float:
    """Seconds that the threads of a process were ready and had to wait; Linux knows."""
    waits = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError, IndexError):  # it ended meanwhile
            waits += int(thread.read_text().split()[1])
    return waits / 1e9


_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT


def _digest(path: Path, table: str) -> str:
    hashed = hashlib.sha256()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            kept = {name: cell for name, cell in row.items() if name not in VARYING[table]}
            hashed.update(repr(kept).encode())
    return hashed.hexdigest()


@dataclass(frozen=True)
class Undisturbed:
    """What every disturbed run must come to."""

    results: Mapping[str, str]
    ledger: Sequence[Entry]
    seconds: float
    """From the first call to the end."""
    points: Sequence[str]

    def credits(self, provider: str) -> float:
        """What it was charged."""
        return charged(self.ledger, provider)


def charged(ledger: Sequence[Entry], provider: str) -> float:
    """The sum of a provider's charges."""
    return sum(entry.charged for entry in ledger if entry.provider == provider)


def undisturbed(world: World, env: Mapping[str, str]) -> Undisturbed:
    """Run once without an accident, and once more to list the boundaries."""
    with world.trial() as trial:
        pid = trial.start(world.job(env))
        trial.wait_for_first_call(pid)
        began = time.monotonic()
        code = child.wait(pid)
        seconds = time.monotonic() - began
        if code:
            raise RuntimeError(f"the undisturbed run ended with {code}: {trial.said()}")
        results, ledger = trial.results(), world.court.ledger()
    with world.trial() as trial:
        trial.run(world.job(env, Lister()))
        points = orjson.loads((trial.folder / child.POINTS).read_bytes())
        if trial.results() != results:
            raise RuntimeError("two undisturbed runs differ")
    return Undisturbed(results, ledger, seconds, points)


def the_world() -> World:
    """The world of this process, made at the first call and ended with the process.

    Its process is warm: a fork of it has nothing to import or to compile.
    """
    if not _worlds:
        made = another_world()
        made.undisturbed = undisturbed(made, made.env())
        _worlds.append(made)
    return _worlds[0]


def another_world(**limits: Limits) -> World:
    """A world whose providers have these limits, in a warm process like :func:`the_world`'s."""
    made = World(Path(tempfile.mkdtemp(prefix="enrico-chaos-")), replace(BRISK, **limits))
    atexit.register(made.end, os.getpid())
    _warm(made)
    return made


_worlds: list[World] = []


def _warm(world: World) -> None:
    """Do the job once in this very process; no thread and no open file may remain of it."""
    place, environment, outputs = Path.cwd(), dict(os.environ), (os.dup(1), os.dup(2))
    with world.trial() as trial:
        code = child.live(
            Job(["enrich", world.crm, "-o", "out", "--json"], world.env()),
            trial.folder,
            trial.clock,
        )
        said = trial.said()
        for number, kept in zip((1, 2), outputs, strict=True):
            os.dup2(kept, number)
            os.close(kept)
        os.chdir(place)
        os.environ.clear()
        os.environ.update(environment)
    if code:
        raise RuntimeError(f"the first run ended with {code}: {said}")
    if threading.active_count() > 1:
        raise RuntimeError(f"threads remain, so no fork is safe: {threading.enumerate()}")
    gc.collect()
    gc.freeze()
