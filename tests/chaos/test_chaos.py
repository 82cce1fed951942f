"""The quick form of the harnesses that need processes; each would see the bug that it is for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.bugs import BUGS, SWITCH

ROOT = Path(__file__).parents[2]
LONG = pytest.mark.long
HARNESSES = ("boundaries", "kills", "sigterm", "power", "disk", "caps", "loop", "servers")


def chaos(*harnesses: str, bug: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: it forks, and pytest's threads must not be in it."""
    only = [part for name in harnesses for part in ("--only", name)]
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos", *only],
        env={**os.environ, SWITCH: bug}, capture_output=True, text=True, check=False, timeout=600,
        cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize(
    "harnesses",
    [pytest.param(HARNESSES, id="one"), pytest.param(("workers",), id="many", marks=LONG)],
)
def test_nothing_is_lost_and_nothing_paid_twice_whatever_happens(harnesses) -> None:
    done = chaos(*harnesses)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "bug", [pytest.param(b, marks=LONG if BUGS[b].harness == "workers" else ()) for b in BUGS]
)
def test_a_planted_bug_is_seen(bug: str) -> None:
    done = chaos(BUGS[bug].harness, bug=bug)

    assert done.returncode == 1, done.stdout + done.stderr
    assert BUGS[bug].words in done.stdout
