"""Tables into files: safe cells, pages that come in turn, files put in place when all are whole."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from enrico.export.writers import CsvWriter, safe_cell, write_tables

COLUMNS = {"deal_contacts": ("id", "email"), "deals": ("id", "cost")}


async def in_turn() -> AsyncIterator[tuple[str, list[tuple[Any, ...]]]]:
    """Pages of two tables, as deals and their contacts come."""
    yield "deal_contacts", [("c1", "=1+1"), ("c2", None)]
    yield "deals", [("d1", 0.5)]
    yield "deal_contacts", [("c3", "ada@acme.com")]
    yield "deals", [("d2", None)]


async def cut_off() -> AsyncIterator[tuple[str, list[tuple[Any, ...]]]]:
    yield "deal_contacts", [("c1", "ada@acme.com")]
    raise RuntimeError("the database is gone")


@given(st.text() | st.sampled_from(["=1", " +1", "＝1", "-1", "@x", "\u200b=1", "+49 30 12"]))
def test_a_csv_cell_is_the_safe_cell_whatever_it_begins_with(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "out.csv"
    writer = CsvWriter(path, ("cell",))
    writer.rows([(text,)])
    writer.close()

    expected = path.with_name("expected.csv")
    with expected.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("cell",), (safe_cell(text),)])
    assert path.read_bytes() == expected.read_bytes()


async def test_pages_of_two_tables_come_out_each_in_its_own_file(tmp_path: Path) -> None:
    written = await write_tables(tmp_path, COLUMNS, in_turn(), wanted="csv")

    assert {name: number for name, (_, number) in written.items()} == {
        "deal_contacts": 3, "deals": 2,
    }  # fmt: skip
    assert (tmp_path / "deal_contacts.csv").read_text().splitlines() == [
        "id,email", "c1,'=1+1", "c2,", "c3,ada@acme.com",
    ]  # fmt: skip
    assert (tmp_path / "deals.csv").read_text().splitlines() == ["id,cost", "d1,0.5", "d2,"]


async def test_pages_of_two_tables_come_out_each_on_its_own_sheet(tmp_path: Path) -> None:
    await write_tables(tmp_path / "out.xlsx", COLUMNS, in_turn())

    book = CalamineWorkbook.from_path(str(tmp_path / "out.xlsx"))
    assert book.get_sheet_by_name("deal_contacts").to_python() == [
        ["id", "email"], ["c1", "=1+1"], ["c2", ""], ["c3", "ada@acme.com"],
    ]  # fmt: skip
    assert book.get_sheet_by_name("deals").to_python() == [
        ["id", "cost"], ["d1", 0.5], ["d2", ""],
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
async def test_an_export_that_breaks_off_leaves_earlier_files_as_they_were(
    tmp_path: Path, kind: str
) -> None:
    await write_tables(tmp_path, COLUMNS, in_turn(), wanted=kind)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(RuntimeError):
        await write_tables(tmp_path, COLUMNS, cut_off(), wanted=kind)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", False), ("@SUM(A1)", False), ("+cmd|' /C calc'!A0", False), ("-1+1", False),
        ("＝1+1", False), ("＠x", False), ("＋a", False), ("－a", False),
        (" =1", False), ("\u00a0=1", False), ("\u200b=1", False), ("\ufeff=1", False),
        ("\t=1", False), ("\r=1", False), ("\n=1", False), ("\0=1", False),
        ("Acme", True), ("1+1", True), ("-12.5", True), ("+49 30 1234", True), ("", True),
        ("a=1", True), ("'=1", True),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_written_as_text(
    tmp_path: Path, text: str, safe: bool
) -> None:
    assert safe_cell(text) == (text if safe else "'" + text)
