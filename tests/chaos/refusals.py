"""The disk is full, or fails, at every write of a run: nothing is bought that cannot be kept."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.chaos.boundaries import Refuser, is_disk
from tests.chaos.judge import Case
from tests.chaos.record import Plan, Record
from tests.chaos.spread import Tally, spread
from tests.chaos.world import KILL_EXIT, World, the_world

AT_ONCE = 4


@dataclass(frozen=True)
class Refusal:
    """From this step of the database's files on, or only there."""

    place: int
    error: str
    """full or io."""
    once: bool
    policy: str


def at_every_write(plan: Plan) -> Record:
    """Refuse the first write, the second, the third … to the last of a run."""
    most = sum(map(is_disk, the_world().undisturbed.points))
    places: list[int] = list(range(1, most + 1))
    if not plan.full:
        places = random.Random(plan.seed).sample(places, plan.number(quick=2, full=most))
    refusals = [
        Refusal(place, error, once, ("retry", "hold")[place % 2])
        for place in places
        for error in ("full", "io")
        for once in (False, True)
        if not (once and plan.full and place % 3)
    ]
    tally = spread(refusals, refused)
    trials = tally.counts["trials"]
    return Record(
        "disk full, or failing",
        {
            "refused writes and syncs": trials,
            "  of these that ended the run": tally.counts["ended"],
            "answers in the journal by then": tally.counts["answers"],
        },
        {
            "runs that sent a call after the journal refused it, or lost something": (
                tally.counts["broken"], trials,
            ),
        },
        tally.failures,
    )  # fmt: skip


def refused(world: World, refusal: Refusal, tally: Tally) -> None:
    """Run on a disk that refuses, then on a good one, and judge."""
    env = world.env(at_once=AT_ONCE, policy=refusal.policy)
    with world.trial() as trial:
        case = Case(trial, env, at_once=AT_ONCE, policy=refusal.policy, told=f"{refusal}")
        refuser = Refuser(refusal.place, refusal.error, once=refusal.once)
        code = trial.run(world.job(env, refuser))
        case.died(KILL_EXIT if code in (0, 1) else code)
        if "Traceback" in trial.said():
            case.failures.append(f"{refusal}: the error was not told in words: {trial.said()}")
        case.ended(trial.run(world.job(env)))
        tally.counts["trials"] += 1
        tally.counts["ended"] += code == 1
        tally.counts["answers"] += case.kept
        tally.counts["broken"] += bool(case.failures)
        tally.failures += case.failures
