"""Caps under many workers and kills: the ledger of the providers never passes them."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass

from tests.chaos import child
from tests.chaos.judge import Case
from tests.chaos.record import Plan, Record
from tests.chaos.spread import Tally, spread
from tests.chaos.world import World, charged

WORKERS = 64
CODES = (0, 3, 4, 6)


@dataclass(frozen=True)
class Capped:
    """A run and another one after it, each with a cap; the first may be killed."""

    caps: tuple[int, int]
    batch: int
    kill: float | None
    """So long after the first call, as a share of the undisturbed time."""


def never_passed(plan: Plan) -> Record:
    """Random caps, 64 workers, kills: not one credit over, by the providers' own books."""
    draw = random.Random(plan.seed)
    trials = [
        Capped(
            (draw.randrange(1, 31), draw.randrange(1, 31)),
            draw.choice((1, 1, 2, 5, 10)),
            draw.choice((None, draw.uniform(0, 0.6))),
        )
        for _ in range(plan.number(quick=4, full=200))
    ]
    tally = spread(trials, spent)
    return Record(
        f"caps, {WORKERS} workers",
        {
            "runs with a cap": tally.counts["runs"],
            "  of these killed": tally.counts["killed"],
            "  of these that used all of it": tally.counts["exactly"],
        },
        {"runs charged more than their cap": (tally.counts["over"], tally.counts["runs"])},
        tally.failures,
    )


def spent(world: World, capped: Capped, tally: Tally) -> None:
    """Run under one cap, then under another, then without; judge each by itself."""
    more = {"ENRICO_APOLLO__BATCH_SIZE": str(capped.batch)}
    env = world.env(at_once=WORKERS, policy="retry", **more)
    with world.trial() as trial:
        case = Case(trial, env, at_once=WORKERS, policy="retry", told=f"{capped}")
        before = 0.0
        for life, cap in enumerate(capped.caps):
            pid = trial.start(world.job(env, None, "--max-credits", str(cap)))
            if capped.kill is not None and life == 0:
                trial.wait_for_first_call(pid)
                time.sleep(capped.kill * world.undisturbed.seconds)
                os.kill(pid, signal.SIGKILL)
            code = child.wait(pid)
            tally.counts["killed"] += code == -signal.SIGKILL
            case.died(-signal.SIGKILL if code in CODES else code)
            ledger = world.court.ledger()
            after = charged(ledger, "apollo") + charged(ledger, "serper")
            tally.counts["runs"] += 1
            tally.counts["exactly"] += after - before == cap
            if after - before > cap:
                tally.counts["over"] += 1
                case.failures.append(f"{capped}: {after - before:g} credits, the cap was {cap}")
            before = after
        case.ended(trial.run(world.job(env)))
        tally.failures += case.failures
