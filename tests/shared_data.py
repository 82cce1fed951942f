"""Real titles, names, companies and news that are not part of the project.

They lie in ``../shared/data`` beside a checkout, or where ``ENRICO_TEST_DATA`` says. A machine
without them skips the tests that need them, and says so at the end of the run.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

# Read once, before the fixture that clears the environment for each test.
FOLDER = Path(
    os.environ.get("ENRICO_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


def data_file(name: str) -> Path:
    """A file or folder of the data, e.g. ``titles/titles_onet.csv``."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(
            "NEEDS DATA: put the folder with titles/, names/, companies/, news/, crm/ at "
            "../shared/data beside the checkout, or name its place in ENRICO_TEST_DATA"
        )
    return path


def data_rows(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the data."""
    with data_file(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
