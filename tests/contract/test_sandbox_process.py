"""The sandbox as a process: one line when ready, a clean end, no orphan."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

COMMAND = [sys.executable, "-m", "enrico.sandbox", "--port", "0"]


def test_it_says_where_it_listens_and_ends_cleanly(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"provider": "serper", "kind": "500", "at": [3]}]')
    options = ["--profile", "instant", "--faults", str(faults), "--set", "apollo_credits=5"]

    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{ready['base_url']}/_stats") as page:
            stats = json.load(page)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()

    assert process.returncode == 0
    assert rest == ""
    assert ready["apollo"] == f"{ready['base_url']}/apollo/api/v1"
    assert set(ready["keys"]) == {"apollo", "serper", "deepseek"}
    assert stats["apollo"]["credits_left"] == 5


def test_a_wrong_option_is_told_and_ends_with_2(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "--set", "colour=red"], capture_output=True, text=True)

    assert done.returncode == 2
    assert "no switch named 'colour'" in done.stderr


def test_it_ends_when_its_parent_does() -> None:
    command = [*COMMAND, "--profile", "instant", "--die-with-parent"]
    parent = (
        "import subprocess, sys, os\n"
        f"child = subprocess.Popen({command!r}, stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "os._exit(0)\n"
    )

    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True)

    child = int(done.stdout)
    deadline = time.monotonic() + 10
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(child)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")
