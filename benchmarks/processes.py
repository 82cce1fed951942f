"""Commands as processes of their own against a sandbox: begun, watched, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from enrico.cli.demo import settings_for

_TICK = os.sysconf("SC_CLK_TCK")
ENDS_WITHIN = 60.0
LOOKS_EVERY = 0.02
LAST_WORDS = 30


def environment(database_url: str, sandbox: Mapping[str, Any]) -> dict[str, str]:
    """Where a command finds its database and its providers."""
    own = {name.upper(): value for name, value in settings_for(dict(sandbox)).items()}
    return {**os.environ, **own, "ENRICO_DATABASE_URL": database_url}


@contextmanager
def command(
    *arguments: str, env: Mapping[str, str], says: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """A command under way, once a line of its talk begins with *says*; told to end afterwards.

    Raises RuntimeError, with its last words, when it ends before, or badly meanwhile.
    """
    # Into a file, for a full pipe would stop it.
    with tempfile.NamedTemporaryFile() as file:
        talk = Path(file.name)  # read through another handle: theirs stays where they write
        process = subprocess.Popen(
            [sys.executable, "-m", "enrico", *arguments],
            env=env, stdout=subprocess.DEVNULL, stderr=file,
        )  # fmt: skip
        try:
            while says and not any(line.startswith(says) for line in _lines(talk)):
                if process.poll() is not None:
                    raise RuntimeError(_ended(arguments, process, talk))
                time.sleep(LOOKS_EVERY)
            yield process
            if process.poll():
                raise RuntimeError(_ended(arguments, process, talk))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _lines(talk: Path) -> list[str]:
    return talk.read_text().splitlines()


def _ended(arguments: Sequence[str], process: subprocess.Popen[bytes], talk: Path) -> str:
    last = "\n".join(_lines(talk)[-LAST_WORDS:])
    return f"enrico {' '.join(arguments)} ended by itself with {process.returncode}:\n{last}"


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """User and system time of a process that lives, all its threads."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
