"""The measure of what our own code costs, as it is started by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_ours_and_a_bare_loop_that_sends_the_same_are_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.own_cost", "--people", "45", "--layers"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "45 people, " in done.stdout, done.stderr
    assert "(serper 6, deepseek " in done.stdout
    assert "apollo 5)" in done.stdout
    assert "bare loop " in done.stdout
    assert done.returncode == 1  # so small a run is mostly beginning and end
