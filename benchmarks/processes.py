"""Commands as processes of their own against a sandbox: begun, watched, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from enrico.cli.demo import settings_for

_TICK = os.sysconf("SC_CLK_TCK")
ENDS_WITHIN = 60.0


def environment(database_url: str, sandbox: Mapping[str, Any]) -> dict[str, str]:
    """Where a command finds its database and its providers."""
    own = {name.upper(): value for name, value in settings_for(dict(sandbox)).items()}
    return {**os.environ, **own, "ENRICO_DATABASE_URL": database_url}


@contextmanager
def command(
    *arguments: str, env: Mapping[str, str], says: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A command under way, once a line of its talk begins with *says*; told to end afterwards.

    Raises RuntimeError when it ends before.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "enrico", *arguments],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        heard = []
        while says:
            line = process.stderr.readline()
            heard.append(line)
            if line.startswith(says):
                break
            if not line:
                raise RuntimeError(f"enrico {' '.join(arguments)} ended: {''.join(heard)}")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.stderr.close()
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """User and system time of a process that lives, all its threads."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
