"""Workers are killed again and again while they share a run: nothing lost, nothing paid twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from dataclasses import dataclass

import orjson

import enrico.workers.worker  # noqa: F401  what is forked has it then
from enrico.sandbox import write_sample_crm
from tests.chaos import child
from tests.chaos.bugs import is_seen, planted
from tests.chaos.child import Job
from tests.chaos.record import Plan, Record
from tests.chaos.spread import Tally
from tests.chaos.world import Trial, World, charged, the_world
from tests.postgres import Server, ask, named

WORKERS = 4
DEALS = 150
BATCH = 2
AT_ONCE = 8
SLOW = {"provider": "*", "kind": "slow", "seconds": 0.4}
ENDS_WITHIN = 60.0
"""Seconds after the last kill."""
OVER = "SELECT status FROM runs"
IN_FLIGHT = (
    "SELECT coalesce(sum(reserved_credits), 0) / 1000000 FROM calls"
    " WHERE provider = 'apollo' AND error LIKE 'the process ended before%'"
)


@dataclass(frozen=True)
class Case:
    """One run and its kills."""

    seed: int
    kills: int


def of_workers(plan: Plan) -> Record:
    """Four workers, and a kill -9 of one of them after another, at random."""
    draw = random.Random(plan.seed)
    trials = plan.number(quick=1, full=10)
    kills = plan.number(quick=6, full=20)
    world, tally, server = the_world(), Tally(), Server()
    try:
        undisturbed = _alone(world, server)
        for _ in range(trials):
            if not is_seen(tally.failures):
                _try(world, server, Case(draw.randrange(10**6), kills), undisturbed, tally)
    finally:
        server.remove()
    return Record(
        "workers",
        {
            "trials": trials,
            "workers at once": WORKERS,
            "kills": tally.counts["kills"],
            "parts begun again": tally.counts["lost"],
            "people paid again": tally.counts["repaid"],
            "  of those in flight at a kill": tally.counts["in flight"],
        },
        {
            "results that differ": (tally.counts["differ"], trials),
            "trials that paid more than was in flight": (tally.counts["overpaid"], trials),
            "runs that did not end": (tally.counts["stranded"], trials),
        },
        tally.failures,
    )


@dataclass(frozen=True)
class _Undisturbed:
    results: dict[str, str]
    credits: float


def _prepared(world: World, trial: Trial, url: str) -> dict[str, str]:
    """An environment whose database holds the export."""
    env = world.env(
        at_once=AT_ONCE,
        policy="retry",
        ENRICO_DATABASE_URL=url,
        ENRICO_APOLLO__BATCH_SIZE=str(BATCH),
    )
    write_sample_crm(trial.folder / "crm", deals=DEALS)
    trial.run(world.command(env, "load", "crm"))
    return env


def _alone(world: World, server: Server) -> _Undisturbed:
    with world.trial() as trial:
        env = _prepared(world, trial, _database(server, "alone"))
        trial.run(world.command(env, "run"))
        trial.run(world.command(env, "export", "-o", "out"))
        return _Undisturbed(trial.results(), charged(world.court.ledger(), "apollo"))


def _try(world: World, server: Server, case: Case, undisturbed: _Undisturbed, tally: Tally) -> None:
    draw = random.Random(case.seed)
    url = _database(server, f"t{case.seed}")
    with world.trial(SLOW) as trial:
        env = _prepared(world, trial, url)
        trial.run(world.command(env, "run", "--detach"))
        worker = Job(("worker",), env, before=planted())
        pids = [trial.start(worker) for _ in range(WORKERS)]
        trial.wait_for_first_call(pids[0])
        kills = 0
        deadline = time.monotonic() + ENDS_WITHIN
        while _status(url) in ("asked", "working") and time.monotonic() < deadline:
            time.sleep(draw.uniform(0.2, 1.6))
            if kills < case.kills:
                place = draw.randrange(WORKERS)
                os.kill(pids[place], signal.SIGKILL)
                child.wait(pids[place])
                pids[place] = trial.start(worker)
                kills += 1
                deadline = time.monotonic() + ENDS_WITHIN
        status = _status(url)
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        codes = [child.wait(pid) for pid in pids]
        trial.run(world.command(env, "export", "-o", "out"))
        repaid = charged(world.court.ledger(), "apollo") - undisturbed.credits
        in_flight = float(str(_one(url, IN_FLIGHT)))
        tally.counts["kills"] += kills
        tally.counts["repaid"] += int(repaid)
        tally.counts["in flight"] += int(in_flight)
        tally.counts["lost"] += int(
            str(_one(url, "SELECT count(*) FROM chunks WHERE state = 'lost'"))
        )
        if status != "done":
            tally.counts["stranded"] += 1
            tally.failures.append(f"{case}: {status}; {_left(url)}; it said {trial.said()}")
        elif trial.results() != undisturbed.results or any(codes):
            tally.counts["differ"] += 1
            tally.failures.append(f"{case}: other results, {codes}; it said {trial.said()}")
        if not 0 <= repaid <= in_flight:
            tally.counts["overpaid"] += 1
            tally.failures.append(f"{case}: paid {repaid:g} again, {in_flight:g} were in flight")
    asyncio.run(ask(server.url, f"DROP DATABASE t{case.seed} WITH (FORCE)"))


def _database(server: Server, name: str) -> str:
    asyncio.run(ask(server.url, f"CREATE DATABASE {name} TEMPLATE template0"))
    return named(server.url, name)


def _one(url: str, sql: str) -> object:
    return asyncio.run(ask(url, sql))[0][0]


def _status(url: str) -> str:
    return str(_one(url, OVER))


def _left(url: str) -> str:
    rows = asyncio.run(ask(url, "SELECT state, kind, first, last FROM chunks ORDER BY started_at"))
    return orjson.dumps([list(row) for row in rows][-5:]).decode()
