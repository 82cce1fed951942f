"""Workers share a run while they are killed, stopped, cut off, or lose the server.

Nothing is lost, nothing paid for twice beyond what was in flight, and no limit is passed: they
share the key's windows, whoever dies. In every other trial a run in the foreground was killed
before the workers begin.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg
import orjson

import enrico.workers.worker  # noqa: F401  what is forked has it then
from enrico.sandbox import write_sample_crm
from enrico.sandbox.profiles import Limits
from tests.chaos import child
from tests.chaos.bugs import is_seen, planted
from tests.chaos.child import Job
from tests.chaos.record import Plan, Record
from tests.chaos.servers import CUT_OFF
from tests.chaos.spread import Tally
from tests.chaos.world import Trial, World, another_world, charged
from tests.postgres import Server, ask, named

WORKERS = 4
BATCH = 2
AT_ONCE = 8
PER_SECOND = 10
SLOW = {"provider": "*", "kind": "slow", "seconds": 0.4}
ENDS_WITHIN = 30.0
"""Seconds after the last accident without which a run counts as stranded, on top of its work."""
WORK_SECONDS = 30.0
Accident = Literal["kill", "cut", "restart", "standstill"]
ACCIDENTS: Sequence[Accident] = ("kill", "cut", "restart", "standstill")
OPEN = "SELECT count(*) FROM calls WHERE state = 'sent'"
STATUS = "SELECT status FROM runs ORDER BY id DESC LIMIT 1"
IN_FLIGHT = (
    "SELECT coalesce(sum(reserved_credits), 0) / 1000000 FROM calls"
    " WHERE provider = 'apollo' AND error LIKE 'the process ended before%'"
)


@dataclass(frozen=True)
class Case:
    """One run and its accidents."""

    seed: int
    deals: int
    kills: int
    others: int
    """Accidents of each other kind."""
    foreground: bool
    """Whether a run in the foreground was killed before."""


def of_workers(plan: Plan) -> Record:
    """Four workers, and accidents one after another, at random."""
    draw = random.Random(plan.seed)
    trials = plan.number(quick=2, full=10)
    kills, others = (20, 3) if plan.full else (3, 1)
    deals = 80 if plan.full or plan.bug else 40  # with fewer, two workers seldom share a line
    world = another_world(
        apollo_bulk=Limits(second=PER_SECOND, day=10**6), serper=Limits(second=PER_SECOND)
    )
    tally, server = Tally(), Server()
    try:
        undisturbed = _alone(world, server, deals)
        for n in range(trials):
            if not is_seen(tally.failures):
                case = Case(draw.randrange(10**6), deals, kills, others, foreground=n % 2 == 0)
                _try(world, server, case, undisturbed, tally)
    finally:
        server.remove()
    return Record(
        "workers",
        {
            "trials": trials,
            "workers at once": WORKERS,
            **{f"accidents: {name}": tally.counts[name] for name in ACCIDENTS},
            "runs in the foreground killed before": tally.counts["foreground"],
            "parts begun again": tally.counts["lost"],
            "paid calls": tally.counts["calls"],
            "people paid again": tally.counts["repaid"],
            "  of those in flight at a kill": tally.counts["in flight"],
        },
        {
            "results that differ": (tally.counts["differ"], trials),
            "calls left without an outcome": (tally.counts["open"], tally.counts["calls"]),
            "trials that paid more than was in flight": (tally.counts["overpaid"], trials),
            "runs that did not end": (tally.counts["stranded"], trials),
            "calls over a limit": (tally.counts["429"], tally.counts["calls"]),
        },
        tally.failures,
    )


@dataclass(frozen=True)
class _Undisturbed:
    results: dict[str, str]
    credits: float


def _prepared(world: World, trial: Trial, url: str, deals: int) -> dict[str, str]:
    """An environment whose database holds the export."""
    env = world.env(
        at_once=AT_ONCE,
        policy="retry",
        ENRICO_DATABASE_URL=url,
        ENRICO_APOLLO__BATCH_SIZE=str(BATCH),
        ENRICO_APOLLO__LIMITS=f"{PER_SECOND}/s",
        ENRICO_SERPER__LIMITS=f"{PER_SECOND}/s",
    )
    write_sample_crm(trial.folder / "crm", deals=deals)
    trial.run(world.command(env, "load", "crm"))
    return env


def _alone(world: World, server: Server, deals: int) -> _Undisturbed:
    with world.trial() as trial:
        env = _prepared(world, trial, _database(server, "alone"), deals)
        trial.run(world.command(env, "run"))
        trial.run(world.command(env, "export", "-o", "out"))
        return _Undisturbed(trial.results(), charged(world.court.ledger(), "apollo"))


def _try(world: World, server: Server, case: Case, undisturbed: _Undisturbed, tally: Tally) -> None:
    draw = random.Random(case.seed)
    url = _database(server, f"t{case.seed}")
    with world.trial(SLOW) as trial:
        env = _prepared(world, trial, url, case.deals)
        if case.foreground:
            doomed = trial.start(world.command(env, "run"))
            trial.wait_for_first_call(doomed)
            time.sleep(draw.uniform(0.5, 2.0))
            os.kill(doomed, signal.SIGKILL)
            child.wait(doomed)
            tally.counts["foreground"] += 1
        trial.run(world.command(env, "run", "--detach"))
        worker = Job(("worker",), env, before=planted())
        pids = [trial.start(worker) for _ in range(WORKERS)]
        accidents: list[Accident] = ["kill"] * case.kills
        accidents += [name for name in ACCIDENTS if name != "kill"] * case.others
        draw.shuffle(accidents)
        deadline = _deadline()
        while _under_way(url) and time.monotonic() < deadline:
            time.sleep(draw.uniform(0.2, 1.2))
            if accidents:
                accident = accidents.pop()
                tally.counts[accident] += 1
                place = draw.randrange(WORKERS)
                if accident == "kill":
                    os.kill(pids[place], signal.SIGKILL)
                    child.wait(pids[place])
                    pids[place] = trial.start(worker)
                else:
                    _let_happen(accident, server, url, pids[place], draw)
                deadline = _deadline()
        status = _status(url)
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        codes = [child.wait(pid) for pid in pids]
        trial.run(world.command(env, "export", "-o", "out"))
        ledger = world.court.ledger()
        repaid = charged(ledger, "apollo") - undisturbed.credits
        in_flight = float(str(_one(url, IN_FLIGHT)))
        refused = sum(entry.status == 429 for entry in ledger)
        tally.counts["calls"] += len(ledger)
        tally.counts["repaid"] += int(repaid)
        tally.counts["in flight"] += int(in_flight)
        tally.counts["429"] += refused
        tally.counts["lost"] += int(
            str(_one(url, "SELECT count(*) FROM chunks WHERE state = 'lost'"))
        )
        if status != "done":
            tally.counts["stranded"] += 1
            tally.failures.append(f"{case}: {status}; {_left(url)}; it said {trial.said()}")
        elif trial.results() != undisturbed.results or any(codes):
            tally.counts["differ"] += 1
            tally.failures.append(f"{case}: other results, {codes}; it said {trial.said()}")
        if left := int(str(_one(url, OPEN))):
            tally.counts["open"] += left
            tally.failures.append(f"{case}: {left} calls were left without an outcome")
        if not 0 <= repaid <= in_flight:
            tally.counts["overpaid"] += 1
            tally.failures.append(f"{case}: paid {repaid:g} again, {in_flight:g} were in flight")
        if refused:
            tally.failures.append(f"{case}: {refused} of {len(ledger)} calls were over a limit")
    asyncio.run(ask(server.url, f"DROP DATABASE t{case.seed} WITH (FORCE)"))


def _let_happen(
    accident: Accident, server: Server, url: str, pid: int, draw: random.Random
) -> None:
    if accident == "restart":
        server.stop(at_once=True)
        time.sleep(draw.uniform(0.0, 5.0))
        server.start()
    elif accident == "cut":
        asyncio.run(ask(url, CUT_OFF))
    else:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(draw.uniform(0.5, 5.0))
        os.kill(pid, signal.SIGCONT)


def _deadline() -> float:
    return time.monotonic() + WORK_SECONDS + ENDS_WITHIN


def _database(server: Server, name: str) -> str:
    asyncio.run(ask(server.url, f"CREATE DATABASE {name} TEMPLATE template0"))
    return named(server.url, name)


def _one(url: str, sql: str) -> object:
    rows = asyncio.run(ask(url, sql))
    return rows[0][0] if rows else None


def _under_way(url: str) -> bool:
    return _status(url) in ("asked", "working")


def _status(url: str) -> str:
    """Of the run that workers do; while the server starts, nothing has changed."""
    try:
        return str(_one(url, STATUS))
    except (asyncpg.PostgresError, OSError):
        return "working"


def _left(url: str) -> str:
    """What the workers' books say of a run that did not end."""
    found = [
        asyncio.run(ask(url, sql))
        for sql in (
            "SELECT state, kind, first, last, worker FROM chunks ORDER BY started_at",
            "SELECT right(workflow_uuid, 6), status, executor_id, queue_name"
            " FROM dbos.workflow_status ORDER BY created_at",
            "SELECT work, holder, clock_timestamp() - at FROM holders",
        )
    ]
    return orjson.dumps(found, default=str).decode()
