"""How the word tables that the rules rest on are read: sets in the code, CSV files beside it."""

from __future__ import annotations

import csv
from importlib import resources


def word_set(text: str) -> frozenset[str]:
    """The words of a text, divided by spaces: long sets stay readable so."""
    return frozenset(text.split())


def csv_rows(package: str, file: str) -> list[dict[str, str]]:
    """The rows of a table that is kept as data beside the code of *package*."""
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
