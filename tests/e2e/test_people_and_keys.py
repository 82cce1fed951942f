"""forget, privacy and keys at the command line: what they say, ask and refuse."""

from __future__ import annotations

import io

import pytest

from enrico.privacy import files


@pytest.fixture
async def finished(bench, cli):
    """A finished run of ten deals."""
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)
    cli.use(sandbox)


def known(bench):
    """Everybody of whom something was bought."""
    return [row[0] for row in bench.query("select key from people order by key")]


async def test_forget_asks_shows_and_erases(bench, cli, command, finished):
    address = known(bench)[0]

    dry = await command("forget", address, "--dry-run", "--json")
    unasked = await command("forget", address)
    done = await command("forget", address, "--yes")
    after = await command("explain", address, "--json")

    assert dry.json["dry_run"] is True
    assert (dry.json["people"], dry.json["contacts"]) == (1, 1)
    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert done.code == 0, done.err
    assert done.out == ""
    assert "Erased: 1 contacts" in done.err
    assert "Not in our reach" in done.err
    assert address not in done.err
    assert after.json[0]["value"] == "suppressed"
    assert known(bench)
    assert address not in known(bench)


async def test_forget_is_not_whole_while_another_machine_has_files(
    bench, cli, command, finished, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(files, "this_host", lambda: "worker-7")
        assert (await command("export", "-o", "away.csv")).code == 0
    (cli.folder / "away.csv").unlink()

    done = await command("forget", known(bench)[0], "--yes")

    assert done.code == 3
    assert f"worker-7:{cli.folder / 'away.csv'}: on that machine, not erased" in done.err


async def test_privacy_tells_lets_in_and_lists(bench, cli, command, finished):
    address = known(bench)[0]

    told = await command("privacy", "export", address)
    await command("forget", address, "--yes")
    listed = await command("privacy", "list", "--json")
    lifted = await command("privacy", "allow", address, "--json")
    empty = await command("privacy", "list", "--json")
    retained = await command("privacy", "retain", "--json")

    assert told.json["facts"][0]["key"] == address
    assert {row["kind"] for row in listed.json} == {"address", "contact", "linkedin"}
    assert lifted.json["lifted"] >= 3
    assert empty.json == []
    assert set(retained.json) == {"people_answers", "other_answers", "people", "runs", "exports"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("forget jane", "neither an e-mail address nor a domain"),
        ("privacy export", "Say whom to export"),
        ("privacy list jane@acme.com", "takes no address"),
        ("privacy export acme.com", "is no e-mail address"),
        ("keys set", "Say whose key to set"),
        ("keys list apollo", "takes no provider"),
    ],
)
async def test_what_makes_no_sense_about_people_and_keys_is_a_usage_error(command, line, words):
    done = await command(*line.split(), *(("--yes",) if line.startswith("forget") else ()))

    assert done.code == 2
    assert words in done.err


async def test_keys_are_listed_with_their_place_and_never_shown(bench, cli, command, monkeypatch):
    cli.use(await bench.sandbox())
    key = cli.env.pop("APOLLO_API_KEY")
    cli.env["ENRICO_MASTER_KEY"] = "ab" * 32
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))

    kept = await command("keys", "set", "apollo")
    listed = await command("keys", "list", "--json")
    providers = await command("providers", "--json")
    rotated = await command("keys", "rotate", "--json")
    checked = await command("doctor", "--json")
    gone = await command("keys", "remove", "apollo", "--json")

    assert kept.code == 0, kept.err
    places = {row["provider"]: row["from"] for row in listed.json}
    assert places == {
        "serper": "SERPER_API_KEY", "deepseek": "DEEPSEEK_API_KEY", "apollo": "database",
    }  # fmt: skip
    assert {row["provider"]: row["key"] for row in providers.json}["apollo"] == "set"
    assert rotated.json == {"sealed": 1}
    assert {c["name"]: c["state"] for c in checked.json}["apollo"] == "ok"
    assert gone.json == {"provider": "apollo", "removed": True}
    for done in (kept, listed, providers, rotated, checked, gone):
        assert key not in done.out + done.err


async def test_who_lost_the_master_key_finds_the_way_out_at_the_command_line(
    bench, cli, command, finished, monkeypatch
):
    address = known(bench)[0]
    key = cli.env.pop("APOLLO_API_KEY")
    cli.env["ENRICO_MASTER_KEY"] = "ab" * 32
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
    assert (await command("keys", "set", "apollo")).code == 0
    assert (await command("forget", address, "--yes")).code == 0
    cli.env["ENRICO_MASTER_KEY"] = "cd" * 32

    lost = await command("plan")
    removed = await command("keys", "remove", "apollo")
    refused = await command("plan")
    unasked = await command("privacy", "reset")
    reset = await command("privacy", "reset", "--yes", "--json")
    again = await command("plan")

    assert lost.code == 2, lost.err
    assert "enrico keys remove" in lost.err
    assert removed.code == 0, removed.err
    assert refused.code == 2
    assert "enrico privacy reset --yes" in refused.err
    assert unasked.code == 2
    assert reset.json["lifted"] >= 3
    assert again.code == 0, again.err


@pytest.mark.parametrize("typed", ["", "\n", "two words\n", "a\nb\n"])
async def test_no_key_on_stdin_is_a_usage_error(cli, command, monkeypatch, typed):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    done = await command("keys", "set", "apollo")

    assert done.code == 2
    assert "no key on stdin" in done.err
