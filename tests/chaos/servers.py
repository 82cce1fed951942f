"""PostgreSQL stops or cuts connections off, processes die or stand still: nothing lost or stuck."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import asyncpg

from enrico.store import session_lock
from tests.chaos import child
from tests.chaos.bugs import is_seen
from tests.chaos.record import Plan, Record
from tests.chaos.spread import Tally
from tests.chaos.world import Trial, World, charged, the_world
from tests.postgres import Server, ask, named

AT_ONCE = 4
BATCH = 2
MOST_CUTS = 40
STRANDED_SECONDS = 30.0
STUCK_SECONDS = 0.5  # of the processes of the trials
CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name LIKE 'enrico%' AND datname = current_database()"
)
Accident = Literal["restart", "cut", "kill", "standstill"]


@dataclass(frozen=True)
class Case:
    """What happens, and when: a share of the undisturbed time, from the first call."""

    accident: Accident
    at: float
    number: int


def of_postgresql(plan: Plan) -> Record:
    """Restarts, cut connections, kills and processes that stand still, over a real server."""
    draw = random.Random(plan.seed)
    wanted: dict[Accident, int] = {
        "cut": plan.number(quick=2, full=200),
        "restart": plan.number(quick=2, full=50),
        "kill": plan.number(quick=1, full=50),
        "standstill": plan.number(quick=1, full=20),
    }
    world, tally, server = the_world(), Tally(), Server()
    patient, session_lock.STUCK_SECONDS = session_lock.STUCK_SECONDS, STUCK_SECONDS
    try:
        for accident, number in wanted.items():
            for n in range(number):
                if not is_seen(tally.failures):
                    _try(world, server, Case(accident, draw.uniform(0, 0.9), n), tally)
    finally:
        session_lock.STUCK_SECONDS = patient
        server.remove()
    trials = sum(wanted.values())
    return Record(
        "postgresql",
        {
            **{f"trials: {accident}": number for accident, number in wanted.items()},
            "connections cut off": tally.counts["cut"],
            "people paid again after kills and standstills": tally.counts["repaid"],
            "  the most in one trial": tally.most["repaid"],
            "  the bound": AT_ONCE * BATCH,
        },
        {
            "results that differ": (tally.counts["differ"], trials),
            "processes stranded": (tally.counts["stranded"], trials),
            "trials that paid more than was in flight": (tally.counts["overpaid"], trials),
        },
        tally.failures,
    )


def _try(world: World, server: Server, case: Case, tally: Tally) -> None:
    database = f"{case.accident}_{case.number}"
    asyncio.run(ask(server.url, f"CREATE DATABASE {database} TEMPLATE template0"))
    url = named(server.url, database)
    more = {"ENRICO_DATABASE_URL": url, "ENRICO_APOLLO__BATCH_SIZE": str(BATCH)}
    job = world.job(world.env(at_once=AT_ONCE, policy="retry", **more))
    with world.trial() as trial:
        pid = trial.start(job)
        trial.wait_for_first_call(pid)
        time.sleep(case.at * world.undisturbed.seconds)
        codes = list(_accident(case, server, url, trial, job, pid, tally))
        repaid = charged(world.court.ledger(), "apollo") - world.undisturbed.credits("apollo")
        tally.counts["repaid"] += int(repaid)
        tally.highest("repaid", int(repaid))
        may_repeat = AT_ONCE * BATCH if case.accident in ("kill", "standstill") else 0
        if None in codes:
            tally.counts["stranded"] += 1
            tally.failures.append(f"{case}: stranded; it said {trial.said()}")
        elif codes[-1] != 0 or trial.results() != world.undisturbed.results:
            tally.counts["differ"] += 1
            tally.failures.append(f"{case}: ended with {codes}; it said {trial.said()}")
        if not 0 <= repaid <= may_repeat:
            tally.counts["overpaid"] += 1
            tally.failures.append(f"{case}: {repaid:g} credits more than undisturbed")
    asyncio.run(ask(server.url, f"DROP DATABASE {database} WITH (FORCE)"))


def _accident(
    case: Case, server: Server, url: str, trial: Trial, job: child.Job, pid: int, tally: Tally
) -> Iterator[int | None]:
    """Let it happen, and what follows; the exit codes of the processes, the last one's last."""
    if case.accident == "restart":
        server.stop(at_once=True)
        server.start()
    elif case.accident == "cut":
        for _ in range(MOST_CUTS):
            if _ended(pid) is not None:
                break
            tally.counts["cut"] += len(asyncio.run(_cut_off(url)))
            time.sleep(0.02)
    elif case.accident == "kill":
        os.kill(pid, signal.SIGKILL)
        yield child.wait(pid)
        pid = trial.start(job)
    else:
        os.kill(pid, signal.SIGSTOP)
        other = trial.start(job)
        code = _wait(other)
        os.kill(pid, signal.SIGCONT)
        _wait(pid)  # it may have been done already, or comes too late; either way nothing changes
        yield code
        pid = trial.start(job)  # whatever the late one did must show
    yield _wait(pid)


async def _cut_off(url: str) -> list[tuple[object, ...]]:
    try:
        return await ask(url, CUT_OFF)
    except asyncpg.PostgresConnectionError:
        return []


def _ended(pid: int) -> object:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)


def _wait(pid: int) -> int | None:
    """Its exit code; None, and its end, when it takes too long."""
    deadline = time.monotonic() + STRANDED_SECONDS
    while _ended(pid) is None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            child.wait(pid)
            return None
        time.sleep(0.01)
    return child.wait(pid)
