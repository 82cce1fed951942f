"""What a run costs PostgreSQL is read from the server and the journal."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.postgres import ask, named

ROOT = Path(__file__).parents[2]
JOURNAL = """
    SELECT count(*), count(*) FILTER (WHERE provider = 'apollo'),
           avg(length(body)) FILTER (WHERE provider = 'apollo') FROM calls"""


def test_bytes_and_writes_are_those_of_the_run(postgres: str) -> None:
    name = f"enrico_{os.getpid()}_footprint"
    url = named(postgres, name)
    asyncio.run(ask(postgres, f'CREATE DATABASE "{name}" TEMPLATE template0'))

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.footprint", url, "--deals", "20"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    ((calls, bulk, answer),) = asyncio.run(ask(url, JOURNAL))
    asyncio.run(ask(postgres, f'DROP DATABASE "{name}"'))
    assert "20 deals, 13 accounts, 90 people: done in " in done.stdout
    assert f"with {calls} calls" in done.stdout
    assert re.search(rf"apollo: {bulk} rows of \d+ bytes, answer {round(answer)},", done.stdout)
    # Each call's row is written three times: intent, answer, facts made.
    assert f"calls_updated: {2 * calls}, 2.00 a call" in done.stdout
    assert re.search(r"log_bytes: \d{5,}, ", done.stdout)
