"""Workers over PostgreSQL: real processes that share runs, die, stop, and keep one cap."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from enrico.pipeline.schedules import begin_due
from enrico.store.database import open_database
from receiver import Receiver
from tests.conftest import Bench

SLOW = {"provider": "*", "kind": "slow", "seconds": 0.15}
BATCH = 2
TAKEN_OVER = 30.0


@pytest.fixture
def backend() -> str:
    return "postgresql"


class Fleet:
    """Commands and workers over one database and one sandbox."""

    def __init__(self, bench: Bench, cli: Any) -> None:
        self.bench = bench
        self.cli = cli
        self.sandbox: Any = None

    async def open(self, *faults: Any, deals: int = 10, **env: str) -> None:
        """Load the sample export and point everything at a sandbox with these faults."""
        self.sandbox = await self.bench.sandbox(*faults)
        self.bench.load(deals=deals)
        self.cli.use(self.sandbox)
        self.cli.at_noon(self.bench.offset)
        self.cli.env |= {
            "ENRICO_DATABASE_URL": self.bench.database(),
            "ENRICO_APOLLO__BATCH_SIZE": str(BATCH),
            "ENRICO_APOLLO__UNKNOWN_OUTCOME": "retry",
            "ENRICO_FAST_LANE_DEALS": "0",
            **env,
        }

    async def worker(self) -> asyncio.subprocess.Process:
        """A worker that is ready."""
        process = await self.cli.start("worker")
        heard = b""
        async with asyncio.timeout(60):
            while b"This is worker" not in heard:  # it may first tell of one that is dead
                line = await process.stderr.readline()
                assert line, heard
                heard += line
        return process

    async def ask(self, *flags: str) -> str:
        """Ask for a run; returns its id."""
        return (await self.cli("run", "--detach", "--json", *flags)).json["run_id"]

    async def until(self, holds: Callable[[], bool], seconds: float = 60.0) -> float:
        """Wait until something holds; returns how many seconds that took."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.05)
        return time.monotonic() - began

    def status(self, run_id: str) -> str:
        return self.bench.query("select status from runs where id = ?", run_id)[0][0]

    async def end(self, run_id: str, seconds: float = 60.0) -> dict[str, Any]:
        """A run's summary, once it is over."""
        over = ("asked", "working", "stopping")
        await self.until(lambda: self.status(run_id) not in over, seconds)
        return (await self.cli("show", "run", run_id, "--json")).json

    def calls(self) -> int:
        return self.bench.query("select count(*) from calls")[0][0]

    @property
    def bought(self) -> dict[str, Any]:
        """What Apollo's own books say."""
        return self.sandbox.stats()["apollo"]


@pytest.fixture
async def fleet(bench, cli) -> Fleet:
    return Fleet(bench, cli)


async def test_two_workers_bring_what_one_process_does(fleet, small):
    await fleet.open(SLOW)
    run_id = await fleet.ask()
    first, second = await asyncio.gather(fleet.worker(), fleet.worker())

    summary = await fleet.end(run_id)

    assert summary["status"] == "done"
    assert await fleet.bench.results(fleet.sandbox) == small.tables
    assert fleet.bought["credits"] == summary["providers"]["apollo"]["credits"]
    assert summary["cost_usd"] == pytest.approx(small.summary["cost_usd"], rel=0.02)
    assert fleet.bench.query("select count(*) from claims") == [(0,)]
    assert fleet.bench.query("select count(*) from work") == [(0,)]
    for process in (first, second):
        process.terminate()
        assert (await fleet.cli.end(process)).code == 0


async def test_what_a_killed_worker_left_is_taken_over(fleet, small):
    await fleet.open(SLOW)
    doomed = await fleet.worker()
    run_id = await fleet.ask()
    await fleet.until(lambda: fleet.calls() >= 3)
    doomed.kill()
    await doomed.wait()
    at_kill = fleet.bench.query(
        "select count(*) from calls where state = 'sent' and provider = 'apollo'"
    )[0][0]
    other = await fleet.worker()

    summary = await fleet.end(run_id, TAKEN_OVER)

    assert summary["status"] == "done"
    assert await fleet.bench.results(fleet.sandbox) == small.tables
    paid_again = fleet.bought["credits"] - small.provider("apollo")["credits"]
    assert 0 <= paid_again <= at_kill * BATCH
    assert fleet.bench.query("select count(*) from chunks where state = 'lost'")[0][0] > 0
    other.terminate()
    assert (await fleet.cli.end(other)).code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_worker_that_is_stopped_hands_over_and_nothing_is_paid_again(fleet, small, number):
    await fleet.open(SLOW)
    leaving = await fleet.worker()
    run_id = await fleet.ask()
    await fleet.until(lambda: fleet.calls() >= 3)
    leaving.send_signal(number)
    assert (await fleet.cli.end(leaving)).code == 0
    assert fleet.bench.query("select count(*) from calls where state = 'sent'") == [(0,)]
    assert fleet.status(run_id) == "working"
    await fleet.worker()

    summary = await fleet.end(run_id, TAKEN_OVER)

    assert (summary["status"], summary["messages"], summary["unfinished"]) == ("done", [], {})
    assert await fleet.bench.results(fleet.sandbox) == small.tables
    assert fleet.bought["credits"] == small.provider("apollo")["credits"]


@pytest.mark.parametrize("cap", [7, 20])
async def test_a_cap_holds_across_workers(fleet, cap):
    await fleet.open(SLOW, deals=50, ENRICO_SERPER__CREDIT_USD="0")
    await asyncio.gather(fleet.worker(), fleet.worker())
    run_id = await fleet.ask("--only", "people", "--max-credits", str(cap))

    summary = await fleet.end(run_id)

    assert summary["status"] == "budget_reached"
    assert cap - BATCH < fleet.bought["credits"] <= cap


async def test_two_runs_at_once_buy_nobody_twice(fleet, small):
    await fleet.open(SLOW)
    await asyncio.gather(fleet.worker(), fleet.worker())

    both = await asyncio.gather(fleet.ask(), fleet.ask())
    summaries = [await fleet.end(run_id) for run_id in both]

    assert [summary["status"] for summary in summaries] == ["done", "done"]
    assert fleet.bought["credits"] == small.provider("apollo")["credits"]
    assert await fleet.bench.results(fleet.sandbox) == small.tables


async def test_a_run_is_cancelled_and_gone_on_with(fleet, small):
    await fleet.open({**SLOW, "seconds": 1.5})
    await fleet.worker()
    run_id = await fleet.ask()
    await fleet.until(lambda: fleet.calls() >= 3)

    assert (await fleet.cli("cancel", run_id)).code == 0
    cancelled = await fleet.end(run_id)
    assert cancelled["status"] == "interrupted"
    again = (await fleet.cli("resume", run_id, "--json")).json["run_id"]

    assert (await fleet.end(again))["status"] == "done"
    assert await fleet.bench.results(fleet.sandbox) == small.tables
    assert fleet.bought["credits"] == small.provider("apollo")["credits"]


async def test_who_wants_the_database_alone_interrupts_the_parts_under_way(fleet, undisturbed):
    await fleet.open({**SLOW, "seconds": 0.5}, deals=50, ENRICO_APOLLO__CONCURRENCY="4")
    await asyncio.gather(fleet.worker(), fleet.worker())
    run_id = await fleet.ask()
    await fleet.until(lambda: fleet.calls() >= 12)

    done = await fleet.cli("replay")

    assert done.code == 0, done.err
    assert fleet.status(run_id) == "working"
    assert (await fleet.end(run_id))["status"] == "done"
    assert await fleet.bench.results(fleet.sandbox) == undisturbed.tables
    assert fleet.bought["credits"] == undisturbed.provider("apollo")["credits"]


async def test_a_run_in_the_foreground_is_left_to_the_workers(fleet, small):
    await fleet.open(SLOW)
    await fleet.worker()
    detached = await fleet.ask()
    await fleet.until(lambda: fleet.calls() >= 1)

    done = await fleet.cli("run", "--json")

    assert done.json["status"] == "done"
    assert (await fleet.end(detached))["status"] == "done"
    assert fleet.bought["credits"] == small.provider("apollo")["credits"]


async def test_a_schedule_begins_runs_and_never_two_at_once(fleet):
    await fleet.open(SLOW)
    made = await fleet.cli("schedule", "set", "often", "--every", "1m")
    assert made.code == 0, made.err
    db = await open_database(fleet.bench.database())
    both = await asyncio.gather(begin_due(db), begin_due(db))
    assert sorted(map(len, both)) == [0, 1]
    fleet.bench.change("update schedules set next_at = '2000-01-01T00:00:00.000Z'")
    assert await begin_due(db) == []  # the last one is still under way
    await db.close()

    await fleet.worker()
    await fleet.until(lambda: fleet.bench.query("select count(*) from runs")[0][0] >= 2)
    assert (await fleet.cli("schedule", "remove", "often")).code == 0


async def test_workers_need_postgresql(cli):
    for command in (["worker"], ["run", "--detach"], ["schedule", "set", "x", "--every", "1h"]):
        done = await cli(*command)
        assert done.code == 2
        assert "postgresql://" in done.err


async def test_a_worker_that_stands_still_keeps_its_answers_though_somebody_waits(fleet, small):
    await fleet.open({**SLOW, "seconds": 1.0}, ENRICO_APOLLO__CONCURRENCY="4")
    worker = await fleet.worker()
    run_id = await fleet.ask()
    await fleet.until(lambda: fleet.calls() >= 6)
    replay = await fleet.cli.start("replay")
    worker.send_signal(signal.SIGSTOP)
    await asyncio.sleep(5)  # longer than SILENCE_SECONDS, shorter than STUCK_SECONDS
    worker.send_signal(signal.SIGCONT)

    assert (await fleet.cli.end(replay)).code == 0
    assert (await fleet.end(run_id))["status"] == "done"
    assert await fleet.bench.results(fleet.sandbox) == small.tables
    assert fleet.bought["credits"] == small.provider("apollo")["credits"]


async def test_a_worker_that_waits_for_a_run_in_the_foreground_can_be_stopped(fleet):
    await fleet.open({**SLOW, "seconds": 2.0}, ENRICO_APOLLO__CONCURRENCY="1")
    dead = await fleet.worker()
    await fleet.ask()
    await fleet.until(lambda: fleet.calls() >= 3)
    dead.kill()  # what it leaves must be sorted out before the next one begins
    await dead.wait()
    foreground = await fleet.cli.start("replay")
    lock = "select count(*) from holders where work = 'run'"
    before = fleet.calls()
    db = await open_database(fleet.bench.database())
    held = db.lock()
    await fleet.cli.end(foreground)
    while not await held.try_to_acquire():
        await asyncio.sleep(0.1)
    try:
        waiting = await fleet.cli.start("worker")
        async with asyncio.timeout(30):
            while b"spends alone" not in await waiting.stderr.readline():
                pass
        waiting.terminate()
        assert (await fleet.cli.end(waiting)).code == 0
        assert fleet.bench.query(lock) == [(1,)]
        assert fleet.calls() == before
    finally:
        await held.release()
        await db.close()


async def test_a_run_in_the_foreground_that_was_stopped_goes_on_by_workers_under_what_is_left(
    fleet, small
):
    await fleet.open({**SLOW, "seconds": 0.5}, ENRICO_APOLLO__CONCURRENCY="2")
    flags = ("--only", "people", "--max-credits", "apollo=12")
    foreground = await fleet.cli.start("run", *flags)
    await fleet.until(lambda: fleet.bought["credits"] >= 4)
    foreground.terminate()
    await fleet.cli.end(foreground)
    (first,) = fleet.bench.query("select id from runs")[0]
    spent = fleet.bought["credits"]

    again = (await fleet.cli("resume", first, "--json")).json["run_id"]
    await fleet.worker()
    summary = await fleet.end(again)

    assert summary["status"] == "budget_reached"
    assert summary["providers"]["apollo"]["credits"] == fleet.bought["credits"] - spent
    assert 12 - BATCH < fleet.bought["credits"] <= 12


async def test_what_no_worker_has_begun_is_cancelled_at_once(fleet):
    await fleet.open()
    run_id = await fleet.ask()

    done = await fleet.cli("cancel", run_id, "--json")

    assert done.json == {"run_id": run_id, "status": "interrupted"}
    assert (await fleet.cli("show", "run", run_id, "--json")).json["status"] == "interrupted"
    again = (await fleet.cli("resume", run_id, "--json")).json["run_id"]
    await fleet.worker()
    assert (await fleet.end(again))["status"] == "done"
    assert fleet.status(run_id) == "interrupted"


async def test_a_worker_without_the_master_key_that_the_database_wants_does_not_begin(fleet):
    await fleet.open()
    forgotten = await fleet.cli(
        "forget", "nobody@example.com", "--yes", ENRICO_MASTER_KEY="a" * 43 + "="
    )
    assert forgotten.code == 0, forgotten.err

    done = await fleet.cli("worker")

    assert done.code == 2
    assert "ENRICO_MASTER_KEY" in done.err
    assert "Traceback" not in done.err


async def test_a_schedule_that_is_changed_keeps_its_run_and_its_time(fleet):
    await fleet.open()
    for every in ("1d", "12h"):
        assert (await fleet.cli("schedule", "set", "nightly", "--every", every)).code == 0
        db = await open_database(fleet.bench.database())
        await begin_due(db)
        await db.close()

    assert fleet.bench.query("select count(*) from runs") == [(1,)]
    (found,) = (await fleet.cli("schedule", "--json")).json
    assert found["every_seconds"] == 43_200
    assert found["last_run"] == fleet.bench.query("select id from runs")[0][0]
    planned = await fleet.cli("schedule", "set", "dry", "--every", "1d", "--dry-run", "--json")
    assert planned.json["providers"]["apollo"]["calls"] > 0
    for every in ("99999999d", "0m"):
        assert (await fleet.cli("schedule", "set", "odd", "--every", every)).code == 2
    assert len((await fleet.cli("schedule", "--json")).json) == 1


async def test_the_engine_lets_go_of_runs_that_are_long_over(fleet):
    def kept() -> list[Any]:
        return fleet.bench.query("select workflow_uuid from dbos.workflow_status order by 1")

    await fleet.open()
    worker = await fleet.worker()
    old, new = await fleet.ask(), await fleet.ask("--only", "roles")
    for run_id in (old, new):
        assert (await fleet.end(run_id))["status"] == "done"
    worker.terminate()
    await worker.wait()
    of_old = [row for row in kept() if row[0].startswith(old)]
    assert len(of_old) > 1, "the run and its parts"
    fleet.bench.change(
        "update dbos.workflow_status set completed_at = completed_at - 172800000 "
        "where workflow_uuid = ?",
        old,
    )

    await fleet.worker()

    await fleet.until(lambda: not [row for row in kept() if row[0].startswith(old)])
    assert [row for row in kept() if row[0].startswith(new)]
    assert (await fleet.cli("show", "run", old, "--json")).json["status"] == "done"


async def test_runs_of_workers_are_watched_and_each_alert_is_told_once(fleet):
    with Receiver() as mail, Receiver() as collector:
        await fleet.open(
            {"provider": "apollo", "kind": "401"},
            ENRICO_ALERTS__NOTIFY=orjson.dumps([f"json://127.0.0.1:{mail.port}"]).decode(),
            ENRICO_TELEMETRY__OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}",
        )
        run_id = await fleet.ask()
        workers = await asyncio.gather(fleet.worker(), fleet.worker())
        summary = await fleet.end(run_id)
        for process in workers:
            process.terminate()
        for process in workers:
            await fleet.cli.end(process)

        told = [orjson.loads(one.body)["title"] for one in mail.requests]
        assert [title.endswith(": key refused") for title in told].count(True) == 1
        sent = {
            path: b"".join(one.body for one in collector.requests if one.path == path)
            for path in ("/v1/metrics", "/v1/traces")
        }
        assert b"enrico.runs" in sent["/v1/metrics"]
        assert run_id.encode() in sent["/v1/traces"]
        assert sent["/v1/traces"].count(b"\x04part") > 1  # protobuf: a text of four letters
        assert sent["/v1/traces"].count(b"\x03run") == 1
    assert summary["refused"] == ["apollo"]
    assert any(alert.startswith("key refused: apollo") for alert in summary["alerts"])


async def test_a_key_that_is_refused_is_not_tried_anew_by_each_part(fleet):
    limits = {"ENRICO_APOLLO__LIMITS": "5/s", "ENRICO_APOLLO__CONCURRENCY": "1"}
    await fleet.open({"provider": "apollo", "kind": "401"}, deals=200, **limits)
    run_id = await fleet.ask("--only", "people")
    worker = await fleet.worker()

    summary = await fleet.end(run_id)

    parts = fleet.bench.query("select count(*) from chunks")[0][0]
    assert (summary["status"], parts > 4) == ("refused", True)
    # Two parts at once may have had a call in flight; those after them send nothing.
    assert fleet.bench.query("select count(*) from calls where provider = 'apollo'")[0][0] <= 3
    assert summary["unfinished"]["apollo"] > 0
    worker.terminate()
    assert (await fleet.cli.end(worker)).code == 0


async def test_the_usual_spend_and_the_cache_are_compared_for_runs_of_workers_too(fleet):
    await fleet.open()
    worker = await fleet.worker()
    await fleet.end(await fleet.ask())

    again = await fleet.end(await fleet.ask())

    assert again["ran_before"]
    worker.terminate()
    assert (await fleet.cli.end(worker)).code == 0
