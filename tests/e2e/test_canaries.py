"""The canary hunt: keys and people are planted, everything goes wrong, and nothing leaks.

Keys must be nowhere at all. People are in the database, in exports and in what ``show`` tells of
one of them, and nowhere else.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import sys
from contextlib import closing
from typing import Any

import pytest

from enrico.cli import look
from enrico.engine.asking import without_private
from enrico.engine.http import Reply
from enrico.providers.apollo import Apollo, PersonToFind
from enrico.sandbox import DEFAULT_KEYS
from enrico.settings import load_settings
from hunt import contents, haystacks, hits, in_the_news, write_crm
from receiver import Receiver
from tests.stores import SqliteStores

KINDS = {
    "apollo": (
        "429", "503_html", "reset_before", "cut", "malformed", "html_200", "error_200",
        "shuffled", "short", "stub", "422", "reset_after",
    ),
    "serper": ("429", "reset_after", "cut", "malformed", "500", "400"),
    "llm": ("invent", "obey", "truncate", "blank", "array", "429", "400"),
}  # fmt: skip
FAULTS = [
    {"provider": provider, "kind": kind, "at": place * 2, "retry_after": 0.05}
    for provider, kinds in KINDS.items()
    for place, kind in enumerate(kinds, 1)
]
TELLING = (
    "plan", "runs", "show run last", "report last", "doctor", "providers", "held", "alerts",
    "replay", "keys list", "privacy list", "privacy retain",
)  # fmt: skip


@pytest.fixture
def keys() -> dict[str, str]:
    """A key for each provider that is found wherever it goes, even in part."""
    return {name: f"canary-{name}-{secrets.token_hex(24)}" for name in DEFAULT_KEYS}


def parts(secret: str) -> set[str]:
    """A secret, and the long end of it."""
    return {secret.lower(), secret.lower()[-24:]}


async def keep_key(cli: Any, provider: str, key: str) -> str:
    """Hand a key to the command line as a person would; returns what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "enrico", "keys", "set", provider,
        cwd=cli.folder, env=cli.env, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate(key.encode() + b"\n")
    assert process.returncode == 0, out
    return out.decode()


async def test_neither_keys_nor_people_leave_by_any_way_whatever_goes_wrong(
    bench, cli, command, keys
):
    crm = bench.folder / "crm"
    people = write_crm(crm, 50)
    sandbox = await bench.sandbox(*FAULTS, keys=keys)
    cli.use(sandbox)
    master, token = secrets.token_hex(32), secrets.token_hex(24)
    said: dict[str, str] = {}
    with Receiver() as receiver:
        place = f"127.0.0.1:{receiver.port}"
        cli.env |= {
            **{f"{name.upper()}_API_KEY": key for name, key in keys.items()},
            "ENRICO_MASTER_KEY": master,
            "ENRICO_LOG_LEVEL": "debug",
            "ENRICO_LOG_FILE": str(cli.folder / "enrico.log"),
            "PYTHONASYNCIODEBUG": "1",
            "PYTHONWARNINGS": "default",
            "ENRICO_TELEMETRY__TEXTFILE": str(cli.folder / "enrico.prom"),
            "ENRICO_TELEMETRY__OTLP_ENDPOINT": f"http://{place}/{token}",
            "ENRICO_ALERTS__NOTIFY": f'["json://{place}/{token}"]',
        }
        done = await cli("enrich", crm, "-o", "results", "--debug")
        assert done.code in (3, 6), done.err
        said["enrich"] = done.out + done.err
        cli.env.pop("APOLLO_API_KEY")
        said["keys set"] = await keep_key(cli, "apollo", keys["apollo"])
        cli.env["SERPER_API_KEY"] = wrong = f"canary-wrong-{secrets.token_hex(24)}"
        cli.env.pop("ENRICO_LOG_FILE")  # from here on, what is logged is on stderr, too
        for line in TELLING:
            done = await command(*line.split(), "--debug")
            assert done.code in (0, 5), (line, done.err)
            said[line] = done.out + done.err
        done = await cli("run", "--refresh", "--debug")
        assert done.code == 5, done.err
        said["refused"] = done.out + done.err
        assert receiver.requests
        told = b"\n".join(request.body for request in receiver.requests)

    outside = [(name, text.lower().encode()) for name, text in said.items()]
    outside += [("sent to the collector and in alerts", told.lower())]
    for name in ("enrico.log", "enrico.prom", "run.html"):
        outside += contents(cli.folder / name)
    stores = SqliteStores(cli.database.parent)
    everywhere = [*outside, *haystacks(stores, cli.folder, database=cli.database.stem)]
    hidden = {part for key in (*keys.values(), wrong, master, token) for part in parts(key)}
    # A way out that was told its own token may say it there.
    assert hits(hidden, everywhere) == []
    news = in_the_news(stores, cli.database.stem)
    canaries = {n for p in people for n in p.needles if n.encode() not in news}
    assert len(canaries) > 600
    assert hits(canaries, outside) == []
    assert b"no usable answer" in (cli.folder / "enrico.log").read_bytes()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_workers_and_their_engine_tell_neither_keys_nor_people(bench, cli, keys):
    crm = bench.folder / "crm"
    people = write_crm(crm, 50)
    sandbox = await bench.sandbox(*FAULTS, keys=keys)
    cli.use(sandbox)
    cli.env |= {
        **{f"{name.upper()}_API_KEY": key for name, key in keys.items()},
        "ENRICO_DATABASE_URL": bench.database(),
        "PYTHONASYNCIODEBUG": "1",
    }
    assert (await cli("load", crm)).code == 0
    first, second = await cli.start("worker", "--debug"), await cli.start("worker", "--debug")
    run_id = (await cli("run", "--detach", "--json")).json["run_id"]
    async with asyncio.timeout(120):
        while sandbox.stats()["apollo"]["calls"] < 3:
            await asyncio.sleep(0.05)
        first.kill()
        status = "working"
        while status in ("asked", "working"):
            await asyncio.sleep(0.2)
            status = bench.query("select status from runs where id = ?", run_id)[0][0]
    second.terminate()
    said = [(await cli.end(worker)).err for worker in (first, second)]
    engine = [
        repr(bench.query(f"select * from dbos.{table}"))
        for (table,) in bench.query(
            "select table_name from information_schema.tables where table_schema = 'dbos'"
        )
    ]
    told = [("worker", text.lower().encode()) for text in said]
    told += [("engine", text.lower().encode()) for text in engine]

    assert run_id in "".join(engine)
    # Whoever met the faults may have been killed before it told of them.
    told_of = ("no usable answer", "answer not understood", "a worker is dead")
    assert any(words in said[0] + said[1] for words in told_of)
    hidden = {part for key in keys.values() for part in parts(key)}
    assert hits(hidden, [*told, *haystacks(bench.stores)]) == []
    news = in_the_news(bench.stores)
    canaries = {n for p in people for n in p.needles if n.encode() not in news}
    assert len(canaries) > 600
    assert hits(canaries, told) == []


async def test_a_crash_tells_its_traceback_without_keys_and_addresses(
    bench, cli, command, keys, monkeypatch
):
    sandbox = await bench.sandbox(keys=keys)
    cli.use(sandbox)
    cli.env |= {f"{name.upper()}_API_KEY": key for name, key in keys.items()}

    class Broken:
        def __init__(self, *_: object) -> None:
            raise ValueError(f"cannot use {keys['apollo']} for jane@acme.com")

    monkeypatch.setattr(look, "Looker", Broken)

    done = await command("runs")

    assert done.code == 1
    assert "ValueError: cannot use *** for ***@***" in done.err
    assert hits({*keys.values(), "jane@acme.com"}, [("", done.err.lower().encode())]) == []


async def test_a_database_that_refuses_is_told_without_its_rows(bench, cli, command):
    crm = bench.folder / "crm"
    people = write_crm(crm, 10)
    cli.use(await bench.sandbox())
    assert (await command("load", crm)).code == 0
    with closing(sqlite3.connect(cli.database)) as raw, raw:
        raw.execute("alter table contacts rename to contacts_of_old")
        raw.execute("alter table deals rename to deals_of_old")

    writing = await command("load", crm, "--debug")
    reading = await command("show", "deal", "renewal for Jane Doe", "--debug")

    assert (writing.code, reading.code) == (1, 1)
    assert "Traceback" in writing.err
    assert "Traceback" in reading.err
    found = {needle for person in people for needle in person.needles} | {"jane doe"}
    told = (writing.err + reading.err).lower().encode()
    assert hits(found, [("stderr", told)]) == []


def test_what_a_provider_repeats_of_a_request_is_not_told_on() -> None:
    apollo = Apollo(load_settings().apollo)
    call = apollo.bulk([PersonToFind("jane@acme.com", "Jane", "Doe", "acme.com")])
    reply = Reply(422, {}, b'{"error": "No JANE Doe <jane@acme.com>, nor joe@acme.com"}')

    error = apollo.refusal(without_private(reply, call.private))

    assert str(error) == "apollo refused the request (HTTP 422: No *** *** <***>, nor ***@***)."


def test_a_name_that_is_a_part_of_a_word_or_escaped_hides_no_meaning_and_no_name() -> None:
    apollo = Apollo(load_settings().apollo)
    call = apollo.bulk([PersonToFind("ed@acme.com", "Ed"), PersonToFind("z@acme.com", "Zoë")])

    def told(status: int, body: bytes) -> str:
        return str(apollo.refusal(without_private(Reply(status, {}, body), call.private)))

    assert "credits are used up" in told(403, b'{"error": "You have insufficient credits, Ed"}')
    assert "insufficient credits, ***)" in told(403, b'{"error": "insufficient credits, Ed"}')
    assert "first_name ***)" in told(422, rb'{"error": "bad first_name Zo\u00eb"}')
