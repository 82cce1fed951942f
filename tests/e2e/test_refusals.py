"""What cannot be done is told in one clear sentence with the right exit code; nothing is lost."""

from __future__ import annotations

import os

import orjson
import pytest

KEYS = {"apollo": "APOLLO_API_KEY", "serper": "SERPER_API_KEY", "llm": "DEEPSEEK_API_KEY"}


def assert_one_sentence(done) -> None:
    """No traceback, and exactly one line that says what is wrong."""
    assert "Traceback" not in done.err
    lines = [line for line in done.err.splitlines() if line.startswith("enrico: ")]
    assert len(lines) == 1, done.err
    assert lines[0].endswith((".", "enrico --help")) or ": " in lines[0]


@pytest.mark.parametrize("provider", KEYS)
async def test_a_bad_key_ends_with_5_and_names_its_variable_but_not_itself(bench, cli, provider):
    cli.use(await bench.sandbox())
    bad = {KEYS[provider]: "wr0ng-k3y"}

    done = await cli("enrich", bench.crm(10), "-o", "out", "--json", **bad)

    assert done.code == 5
    assert done.json["status"] == "refused"
    assert KEYS[provider] in " ".join(done.json["messages"])
    assert "wr0ng-k3y" not in done.out + done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("provider", KEYS)
async def test_no_balance_ends_with_5_and_says_whose(bench, cli, provider):
    balance = {"apollo": "apollo_credits", "serper": "serper_credits", "llm": "llm_usd"}[provider]
    cli.use(await bench.sandbox(**{balance: 0}))

    done = await cli("enrich", bench.crm(10), "-o", "out", "--json")

    assert done.code == 5
    assert done.json["messages"]
    name = {"apollo": "Apollo", "serper": "Serper", "llm": "LLM"}[provider]
    assert any(name in message for message in done.json["messages"])


@pytest.mark.parametrize("provider", KEYS)
async def test_a_missing_key_is_told_before_anything_is_spent(bench, cli, provider):
    sandbox = await bench.sandbox()
    cli.use(sandbox)
    env = {KEYS[provider]: ""}
    if provider == "llm":
        env["DEEPSEEK_BASE_URL"] = ""  # an endpoint of one's own needs no key

    done = await cli("enrich", bench.crm(10), "-o", "out", **env)

    assert done.code == 2
    assert KEYS[provider] in done.err
    assert_one_sentence(done)
    assert sandbox.stats()["apollo"]["calls"] == sandbox.stats()["serper"]["calls"] == 0


async def test_doctor_tells_a_bad_key_with_5(bench, cli, command):
    cli.use(await bench.sandbox())

    done = await command("doctor", "--json", APOLLO_API_KEY="wr0ng-k3y")

    assert done.code == 5
    assert any(check["name"] == "apollo" and check["state"] == "bad" for check in done.json)
    assert "wr0ng-k3y" not in done.out + done.err


async def test_doctor_takes_nothing_that_answers_for_a_good_key(bench, cli, command):
    sandbox = await bench.sandbox()
    cli.use(sandbox)
    wrong = cli.env["APOLLO_BASE_URL"].replace("/api/v1", "/api/v0")

    done = await command("doctor", "--json", APOLLO_BASE_URL=wrong)

    found = {check["name"]: check for check in done.json}["apollo"]
    assert (found["state"], "APOLLO_BASE_URL" in found["detail"]) == ("bad", True)


async def test_doctor_doubts_an_address_at_which_nothing_of_a_model_is(bench, cli, command):
    cli.use(await bench.sandbox())
    wrong = cli.env["DEEPSEEK_BASE_URL"] + "/nowhere"

    done = await command("doctor", "--json", DEEPSEEK_BASE_URL=wrong)
    older = await command("doctor", "--json", DEEPSEEK_MODEL="deepseek-v4-flash")

    found = {check["name"]: check for check in done.json}["deepseek"]
    assert (found["state"], "DEEPSEEK_BASE_URL" in found["detail"]) == ("warn", True)
    assert "deepseek model" not in {check["name"] for check in older.json}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["enrich", "nothing-there.csv", "-o", "out"], 2),
        (["load", "empty.csv"], 2),
        (["load", "noise.csv"], 2),
        (["enrich", "deals.csv", "-o", "out.pdf"], 2),
        (["run", "--only", "dance"], 2),
        (["run", "--max-credits", "many"], 2),
        (["run", "--max-usd", "-1"], 2),
        (["run", "--frobnicate"], 2),
        (["show", "deal", "no-such-deal"], 2),
        (["explain", "nobody@nowhere.test"], 2),
        (["held", "drop"], 2),
        (["held", "drop", "abcdef"], 2),
        (["runs", "--database", "sqlite:///no/such/folder/enrico.db"], 1),
        (["runs", "--database", "sqlite:///noise.csv"], 1),
        (["runs", "--database", "sqlite:///."], 1),
        (["runs", "--database", "not a url"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
async def test_what_makes_no_sense_is_one_sentence(bench, cli, command, arguments, code):
    cli.use(await bench.sandbox())
    (cli.folder / "empty.csv").touch()
    (cli.folder / "noise.csv").write_bytes(bytes(range(256)) * 40)
    (cli.folder / "deals.csv").write_text("Deal ID,Deal Name\nd1,First\n")

    done = await command(*arguments)

    assert done.code == code, done.err
    assert_one_sentence(done)
    assert done.out == ""


async def test_an_error_is_json_on_stdout_when_json_is_wanted(command):
    done = await command("load", "nothing-there.csv", "--json")

    assert done.code == 2
    assert done.json["error"]["code"] == "input"
    assert "nothing-there.csv" in done.json["error"]["message"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
async def test_an_unreadable_file_is_one_sentence(cli, command):
    file = cli.folder / "secret.csv"
    file.write_text("Deal ID,Deal Name\nd1,First\n")
    file.chmod(0)

    done = await command("load", file)

    assert done.code == 2
    assert_one_sentence(done)


async def test_a_database_that_may_only_be_read_sends_nothing(bench, cli, command):
    sandbox = await bench.sandbox()
    cli.use(sandbox)
    bench.load(deals=10)
    url = f"sqlite:///file:{cli.database}?mode=ro&uri=true"

    done = await cli("run", "--database", url)

    assert done.code == 1
    assert_one_sentence(done)
    assert sandbox.stats()["apollo"]["calls"] == sandbox.stats()["serper"]["calls"] == 0


async def test_results_that_cannot_be_written_are_told_and_kept(bench, cli, command):
    sandbox = await bench.sandbox()
    cli.use(sandbox)
    (cli.folder / "taken").write_text("a file, no folder")

    done = await cli("enrich", bench.crm(10), "-o", "taken/out.csv")
    again = await command("export", "-o", "free.csv", "--json")

    assert done.code == 2
    assert_one_sentence(done)
    assert again.json["deals"]["rows"] == 10


@pytest.mark.parametrize("cap", [["--max-credits", "7"], ["--max-usd", "0.20"]])
async def test_a_cap_ends_with_4_and_a_higher_one_goes_on(bench, cli, cap):
    sandbox = await bench.sandbox()
    cli.use(sandbox)

    capped = await cli("enrich", bench.crm(10), "-o", "out", "--json", *cap)
    books = sandbox.stats()
    done = await cli("run", "--json", "--max-credits", "apollo=500,serper=50")

    assert capped.code == 4
    assert capped.json["status"] == "budget_reached"
    if cap[0] == "--max-credits":
        assert books["apollo"]["credits"] + books["serper"]["credits"] <= 7
    bill = books["apollo"]["credits"] * 0.025 + books["serper"]["credits"] * 0.001
    assert bill <= 0.20 + 1e-9
    assert done.code == 0
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


async def test_a_failed_provider_ends_with_3(bench, cli):
    cli.use(await bench.sandbox({"provider": "llm", "kind": "content_filter"}))

    done = await cli("enrich", bench.crm(10), "-o", "out", "--json")

    assert done.code == 3
    assert done.json["status"] == "partial"


async def test_no_key_and_no_person_is_in_the_log_and_no_key_in_the_database(bench, cli):
    faults = [
        {"provider": "apollo", "kind": "reset_after", "at": 2},
        {"provider": "apollo", "kind": "malformed", "at": 3},
        {"provider": "apollo", "kind": "shuffled", "at": 4},
        {"provider": "apollo", "kind": "422", "at": 5},
        {"provider": "serper", "kind": "malformed", "at": 2},
        {"provider": "serper", "kind": "400", "at": 4},
        {"provider": "llm", "kind": "invent", "at": 2},
        {"provider": "llm", "kind": "html_200", "at": 3},
    ]
    sandbox = await bench.sandbox(*faults, keys={
        "apollo": "canary-apollo-0001", "serper": "canary-serper-0002",
        "deepseek": "canary-deepseek-0003",
    })  # fmt: skip
    cli.use(sandbox)
    keys = {
        "APOLLO_API_KEY": "canary-apollo-0001",
        "SERPER_API_KEY": "canary-serper-0002",
        "DEEPSEEK_API_KEY": "canary-deepseek-0003",
    }

    done = await cli(
        "enrich", bench.crm(10), "-o", "out", "--debug", **keys, ENRICO_LOG_LEVEL="debug"
    )
    bad = await cli(
        "run", "--debug", "--refresh", **{**keys, "APOLLO_API_KEY": "canary-wrong-0004"}
    )

    logged = done.err + bad.err
    assert '"event"' in logged
    stored = b"".join(
        path.read_bytes() for path in cli.folder.iterdir() if path.name.startswith("enrico.db")
    )
    for canary in [*keys.values(), "canary-wrong-0004", "canary-"]:
        assert canary not in logged
        assert canary.encode() not in stored
    people = bench.query("select email, first_name || ' ' || last_name from contacts")
    for address, name in people:
        assert address not in logged
        assert name not in logged
    log_lines = [orjson.loads(line) for line in logged.splitlines() if line.startswith("{")]
    assert not any("@" in str(value) for line in log_lines for value in line.values())
