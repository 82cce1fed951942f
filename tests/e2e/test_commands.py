"""Every command over a finished run: data on stdout, talk on stderr, the right exit code."""

from __future__ import annotations

import csv
import shutil

import duckdb
import orjson
import pytest
from python_calamine import CalamineWorkbook


@pytest.fixture
async def finished(bench, cli):
    """A sandbox, and a command line whose database holds a finished run of ten deals."""
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)
    cli.use(sandbox)
    sandbox.reset()
    return sandbox


def asked(sandbox) -> int:
    return sum(sandbox.stats()[name]["calls"] for name in ("apollo", "serper", "llm"))


async def test_enrich_writes_the_tables_and_tells_its_summary_as_json(bench, cli):
    sandbox = await bench.sandbox()
    cli.use(sandbox)

    done = await cli("enrich", bench.crm(10), "-o", "results", "--json")

    assert done.code == 0
    assert done.json["status"] == "done"
    assert set(done.json["providers"]) == {"serper", "deepseek", "apollo"}
    for name, file in done.json["files"].items():
        assert len(read_csv(cli.folder / file["path"])) == file["rows"] + 1, name


@pytest.mark.parametrize(
    "flags", [[], ["--only", "search,classify,people"], ["--dry-run"]], ids=["all", "no", "dry"]
)
async def test_roles_that_the_crm_names_are_there_after_enrich_whatever_it_did(
    bench, command, cli, flags
):
    cli.use(await bench.sandbox())

    enriched = await cli("enrich", bench.crm(10), "-o", "results", *flags)
    exported = await command("export", "-o", "again.csv")

    assert (enriched.code, exported.code) == (0, 0), enriched.err
    header, *rows = read_csv(cli.folder / "again.csv")
    sources = [row[header.index("role_source")] for row in rows]
    assert sources.count("crm_role") > 10


async def test_a_missing_key_is_told_before_an_export_is_read(bench, command, cli):
    cli.use(await bench.sandbox())

    done = await command("enrich", bench.crm(10), "-o", "results", APOLLO_API_KEY="")
    runs = await command("show", "deal", "0065g0000000000AAA")

    assert done.code != 0
    assert "APOLLO_API_KEY is not set" in done.err
    assert runs.code != 0


async def test_enrich_without_json_writes_nothing_on_stdout(bench, cli):
    cli.use(await bench.sandbox())

    done = await cli("enrich", bench.crm(10), "-o", "results.csv")

    assert done.code == 0
    assert done.out == ""
    assert "bill $" in done.err
    assert (cli.folder / "results.csv").exists()


@pytest.mark.parametrize(
    "line",
    [
        "runs",
        "plan",
        "doctor",
        "providers",
        "held",
        "show run last",
        "report last",
        "show deal 0065g0000000000AAA",
        "show account osprey-media.com",
        "explain 0065g0000000000AAA",
        "run --dry-run",
    ],
)
async def test_the_command_prints_json_and_nothing_else_on_stdout(finished, command, line):
    done = await command(*line.split(), "--json")

    assert done.code == 0, done.err
    assert isinstance(done.json, dict | list)
    assert finished.stats()["apollo"]["credits"] == finished.stats()["serper"]["credits"] == 0


async def test_a_process_prints_json_and_nothing_else_on_stdout(finished, cli):
    done = await cli("runs", "--json")

    assert done.code == 0
    assert [run["status"] for run in done.json] == ["done"]
    assert done.err == ""


async def test_a_person_is_shown_and_explained_down_to_the_call(finished, bench, command):
    address, call = bench.query("select key, call_id from people where state = 'found' limit 1")[0]

    shown = await command("show", "person", address, "--json")
    explained = await command("explain", f"{address}.title", "--json")

    assert shown.json["status"] == "found"
    assert shown.json["call"] == call
    assert shown.json["deals"]
    assert [fact["field"] for fact in explained.json] == ["title"]
    assert explained.json[0]["call"] == call
    assert asked(finished) == 0


async def test_replay_changes_nothing_and_spends_nothing(finished, cli, command):
    before = await command("export", "-o", "before.jsonl", "--json")
    replayed = await command("replay", "--json")
    after = await command("export", "-o", "after.jsonl", "--json")

    assert before.code == replayed.code == after.code == 0
    assert replayed.json["roles"] == 0
    assert replayed.json["not_understood"] == 0
    for name, file in before.json.items():
        first, second = cli.folder / file["path"], cli.folder / after.json[name]["path"]
        assert first.read_bytes() == second.read_bytes(), name
    assert asked(finished) == 0


@pytest.mark.parametrize("ending", ["csv", "jsonl", "xlsx", "parquet"])
async def test_export_writes_all_rows_in_every_format(finished, bench, cli, command, ending):
    done = await command("export", "-o", f"out.{ending}", "--json")

    assert done.code == 0, done.err
    rows = {name: file["rows"] for name, file in done.json.items()}
    seats = bench.query("select count(*) from deal_contacts")[0][0]
    assert rows["deal_contacts"] == seats
    assert rows["deals"] == 10
    path = cli.folder / done.json["deal_contacts"]["path"]
    assert read_back(path, ending) == seats


def read_csv(path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))


def read_back(path, ending) -> int:
    if ending == "csv":
        return len(read_csv(path)) - 1
    if ending == "jsonl":
        return sum(1 for line in path.read_bytes().splitlines() if orjson.loads(line))
    if ending == "xlsx":
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_name("deal_contacts")
        return len(sheet.to_python()) - 1
    with duckdb.connect() as connection:
        found = connection.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone()
        return found[0]


EVIL = (
    "Deal ID,Deal Name,Account Name,Website,First Name,Last Name,Email,Title\n"
    'd1,"=HYPERLINK(""http://x.test"",""a"")",Osprey Media,osprey-media.com,'
    "=cmd|' /C calc'!A0,Huber,matthias.huber@osprey-media.com,@SUM(1+1)\n"
    "d2,+1+1,Osprey Media,osprey-media.com,Pilar,Garcia,"
    "pgarcia@osprey-media.com,\"-2+3+cmd|' /C calc'!A0\"\n"
)


async def test_no_cell_of_a_csv_is_a_formula(bench, cli):
    cli.use(await bench.sandbox())
    (cli.folder / "evil.csv").write_text(EVIL)

    done = await cli("enrich", "evil.csv", "-o", "out", "--only", "roles", "--json")

    assert done.code == 0, done.err
    cells = [
        cell
        for file in done.json["files"].values()
        for row in read_csv(cli.folder / file["path"])
        for cell in row
    ]
    assert any("cmd|" in cell for cell in cells)
    dangerous = [c for c in cells if c[:1] in ("=", "@", "\t", "\r") or c[:2] in ("+1", "-2")]
    assert dangerous == []


async def test_held_calls_are_listed_dropped_and_tell_exit_code_6(bench, cli, command):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 2})
    cli.use(sandbox)
    run = await cli("enrich", bench.crm(10), "-o", "out", "--json")
    assert run.code == 6
    assert run.json["status"] == "held"

    listed = await command("held", "--json")
    dropped = await command("held", "drop", listed.json[0]["call"], "--json")
    after = await command("held", "--json")

    assert listed.code == dropped.code == after.code == 0
    assert [call["people"] for call in listed.json] == [10]
    assert listed.json[0]["credits"] == 10
    assert after.json == []


async def test_held_calls_that_are_freed_are_asked_again_by_the_next_run(bench, cli, command):
    sandbox = await bench.sandbox({"provider": "apollo", "kind": "reset_after", "at": 2})
    await bench.run(sandbox, deals=10)
    cli.use(sandbox)

    freed = await command("held", "retry", "--all", "--json")
    done = await cli("run", "--only", "people,roles", "--json")

    assert freed.code == 0
    assert done.code == 0
    assert done.json["providers"]["apollo"]["items"] == 10


async def test_steps_on_the_command_line_come_to_the_same_as_one_command(bench, cli):
    sandbox = await bench.sandbox()
    cli.use(sandbox)
    cli.at_noon(bench.offset)
    small = await bench.run(sandbox, "whole", deals=10)

    for step in (["load", bench.crm(10)], ["run", "--only", "search"], ["run"]):
        assert (await cli(*step)).code == 0

    assert await bench.results(sandbox) == small.tables


async def test_a_database_from_the_flag_is_used(finished, cli, command):
    shutil.move(cli.database, cli.folder / "copy.db")

    done = await command("runs", "--json", "--database", "sqlite:///copy.db")

    assert done.code == 0
    assert len(done.json) == 1
