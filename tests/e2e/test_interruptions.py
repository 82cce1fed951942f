"""Killed, interrupted, two at once: no recorded answer is paid again, and all goes on."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
import sqlite3
import sys
import termios
from contextlib import closing
from pathlib import Path

import pytest

SLOW = {"provider": "*", "kind": "slow", "seconds": 0.06}
FEW = {"ENRICO_APOLLO__CONCURRENCY": "3", "ENRICO_SERPER__CONCURRENCY": "4"}


def paid_calls(sandbox) -> int:
    books = sandbox.stats()
    return sum(
        books[name]["by_endpoint"].get(endpoint, 0)
        for name, endpoint in (
            ("apollo", "people/bulk_match"), ("serper", "search"), ("llm", "chat/completions"),
        )
    )  # fmt: skip


async def until(condition, process) -> None:
    async with asyncio.timeout(30):
        while not condition():
            assert process.returncode is None, "the run ended before it could be disturbed"
            await asyncio.sleep(0.005)


def recorded(database) -> set[str]:
    """Everybody whose answer is in the journal."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "select j.value from calls, json_each(calls.items) j"
            " where provider = 'apollo' and state = 'answered'"
        ).fetchall()
    return {key for (key,) in rows}


@pytest.fixture(autouse=True)
def _same_day(cli, bench) -> None:
    cli.at_noon(bench.offset)


@pytest.mark.parametrize("calls", [1, 12, 45])
async def test_a_killed_run_goes_on_and_pays_for_no_recorded_answer_again(
    bench, cli, undisturbed, calls
):
    sandbox = await bench.sandbox(SLOW)
    cli.use(sandbox)
    bench.load()

    process = await cli.start("run", **FEW)
    await until(lambda: paid_calls(sandbox) >= calls, process)
    process.kill()
    await process.communicate()
    bought = recorded(cli.database)
    sandbox.set_faults([])
    async with asyncio.timeout(10):
        while any(sandbox.stats()[name]["at_once"] for name in ("apollo", "serper", "llm")):
            await asyncio.sleep(0.01)
    before = sandbox.stats()["apollo"]

    done = await cli("run", "--json", ENRICO_APOLLO__UNKNOWN_OUTCOME="retry")

    books = sandbox.stats()["apollo"]
    assert done.code == 0
    assert done.json["status"] == "done"
    assert await bench.results(sandbox) == undisturbed.tables
    # Only the calls that were in flight can have been paid twice.
    assert books["items"] - before["items"] == 225 - len(bought)
    assert books["paid_again"] <= 30
    assert bench.query("select count(*) from calls where state in ('sent', 'unknown')") == [(0,)]


async def test_a_killed_run_holds_what_was_in_flight_and_pays_nobody_twice(bench, cli, undisturbed):
    sandbox = await bench.sandbox(SLOW)
    cli.use(sandbox)
    bench.load()
    process = await cli.start("run", **FEW)
    await until(
        lambda: sandbox.stats()["apollo"]["by_endpoint"].get("people/bulk_match", 0) >= 8, process
    )
    process.kill()
    await process.communicate()
    sandbox.set_faults([])

    done = await cli("run", "--json")

    held = bench.query("select key from people where state = 'held'")
    assert done.code in (0, 6)
    assert len(held) <= 30
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    right = {row["contact_id"]: row for row in undisturbed.tables["deal_contacts"]}
    for row in (await bench.results(sandbox))["deal_contacts"]:
        if row["status"] != "held":
            assert row["status"] == right[row["contact_id"]]["status"]
            assert row["verified_name"] == right[row["contact_id"]]["verified_name"]


@pytest.mark.parametrize(("number", "calls"), [(signal.SIGINT, 5), (signal.SIGTERM, 40)])
async def test_one_signal_lets_calls_in_flight_finish(bench, cli, undisturbed, number, calls):
    sandbox = await bench.sandbox(SLOW)
    cli.use(sandbox)
    bench.load()
    process = await cli.start("run", **FEW)
    await until(lambda: paid_calls(sandbox) >= calls, process)

    process.send_signal(number)
    stopped = await cli.end(process)

    assert stopped.code == 130
    assert "Traceback" not in stopped.err
    assert bench.query("select distinct state from calls") == [("answered",)]
    assert bench.query("select count(*) from people where state = 'held'") == [(0,)]
    assert sandbox.stats()["apollo"]["charged_then_lost"] == 0
    sandbox.set_faults([])
    done = await cli("run", "--json")
    assert done.code == 0
    assert await bench.results(sandbox) == undisturbed.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    assert sandbox.stats()["serper"]["queries_paid_more_than_once"] == 0


async def test_two_signals_stop_at_once(bench, cli):
    sandbox = await bench.sandbox({"provider": "*", "kind": "slow", "seconds": 20})
    cli.use(sandbox)
    bench.load(deals=10)
    process = await cli.start("run", **FEW)
    await until(lambda: paid_calls(sandbox) >= 3, process)

    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    async with asyncio.timeout(10):
        while b"Ctrl-C again" not in await process.stderr.readline():
            pass
    process.send_signal(signal.SIGINT)

    async with asyncio.timeout(10):
        assert await process.wait() == 130


async def test_two_processes_on_one_database_pay_each_person_once(bench, cli, undisturbed):
    sandbox = await bench.sandbox({**SLOW, "seconds": 1.0})  # one may begin late
    cli.use(sandbox)
    bench.load()

    both = await asyncio.gather(cli("run", "--json"), cli("run", "--json"))

    assert [done.code for done in both] == [0, 0]
    assert sorted(done.json["providers"]["apollo"]["calls"] for done in both) == [0, 23]
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0
    assert sandbox.stats()["serper"]["calls"] == 32
    assert any("Another Enrico" in done.err for done in both)
    assert await bench.results(sandbox) == undisturbed.tables


async def test_two_enrichments_of_one_export_at_once_both_bring_all_results(bench, cli):
    sandbox = await bench.sandbox({"provider": "*", "kind": "slow", "seconds": 0.3})
    cli.use(sandbox)

    first = await cli.start("enrich", bench.crm(50), "-o", "one", "--json", **FEW)
    await until(lambda: paid_calls(sandbox) >= 10, first)
    second = await cli("enrich", bench.crm(50), "-o", "two", "--json")
    done = await cli.end(first)

    assert (done.code, second.code) == (0, 0)
    assert done.json["files"]["deal_contacts"]["rows"] == 503
    assert second.json["files"]["deal_contacts"]["rows"] == 503
    one, two = ((cli.folder / name / "deal_contacts.csv").read_text() for name in ("one", "two"))
    assert one == two
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


class Terminal:
    """A terminal that a command has to itself, until it is closed."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()

    async def start(self, cli, *arguments: str, ignored: bool = False, **env: str):
        """Start a command in it; *ignored*: as by nohup."""

        def take() -> None:
            os.setsid()
            fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)

        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "enrico", *arguments,
            cwd=cli.folder, env={**cli.env, "TERM": "xterm", **env}, preexec_fn=take,
            stdin=self.theirs, stdout=self.theirs, stderr=self.theirs,
        )  # fmt: skip
        cli.running.append(process)
        os.close(self.theirs)
        os.set_blocking(self.ours, False)
        asyncio.get_running_loop().add_reader(self.ours, self._listen)
        self.heard = b""
        return process

    def _listen(self) -> None:
        self.heard += os.read(self.ours, 65536)

    def close(self) -> None:
        """The window is closed: the command is told, and nothing can be written any more."""
        asyncio.get_running_loop().remove_reader(self.ours)
        os.close(self.ours)


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler of its own for that signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", status)
    return bool(int(caught, 16) >> (number - 1) & 1)


async def test_closing_the_terminal_lets_calls_in_flight_finish(bench, cli, undisturbed):
    sandbox = await bench.sandbox({**SLOW, "seconds": 0.5})
    cli.use(sandbox)
    bench.load()
    terminal = Terminal()
    process = await terminal.start(cli, "run", **FEW)
    await until(lambda: paid_calls(sandbox) >= 5, process)
    assert b"search" in terminal.heard

    terminal.close()
    await until(lambda: not catches(process.pid, signal.SIGHUP), process)
    process.send_signal(signal.SIGHUP)  # a shell tells its jobs, too
    async with asyncio.timeout(60):
        code = await process.wait()

    assert code == 130
    assert bench.query("select status from runs") == [("interrupted",)]
    assert bench.query("select distinct state from calls") == [("answered",)]
    assert sandbox.stats()["apollo"]["charged_then_lost"] == 0
    sandbox.set_faults([])
    assert (await cli("run", "--json")).code == 0
    assert await bench.results(sandbox) == undisturbed.tables
    assert sandbox.stats()["apollo"]["people_paid_more_than_once"] == 0


@pytest.mark.parametrize("talk", [(), ("--debug",)], ids=["progress", "log lines"])
async def test_a_run_that_ignores_the_end_of_its_terminal_goes_on_to_its_own(
    bench, cli, undisturbed, talk
):
    sandbox = await bench.sandbox({**SLOW, "seconds": 0.2})
    cli.use(sandbox)
    bench.load()
    terminal = Terminal()
    process = await terminal.start(cli, "run", *talk, ignored=True, **FEW)
    await until(lambda: paid_calls(sandbox) >= 5, process)

    terminal.close()
    async with asyncio.timeout(60):
        code = await process.wait()

    assert code == 0
    assert bench.query("select status from runs") == [("done",)]
    assert await bench.results(sandbox) == undisturbed.tables
