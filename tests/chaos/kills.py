"""Killed at every boundary, killed at random, told to stop: what was paid for stays paid once."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass

from tests.chaos import child
from tests.chaos.boundaries import Killer
from tests.chaos.judge import HELD, Case
from tests.chaos.record import Plan, Record
from tests.chaos.spread import Tally, spread
from tests.chaos.world import World, the_world, undisturbed

CONCURRENCY = (1, 4, 16)
POLICIES = ("retry", "hold", "reconcile")


# -- at every boundary ----------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """Die at this boundary; or in the midst of calls first, and then at this one of recovery."""

    at_once: int
    policy: str
    place: int
    in_recovery: bool = False


def at_every_boundary(plan: Plan) -> Record:
    """Kill at the first boundary, the second, the third … until the job ends undisturbed."""
    points = _points(plan)
    tally = spread(points, killed_at)
    return _record("killed at every boundary", tally)


def _points(plan: Plan) -> list[Point]:
    world = the_world()
    if not plan.full:
        draw = random.Random(plan.seed)
        most = len(world.undisturbed.points)
        kinds = (
            (4, "hold", True),
            (16, "reconcile", False),
            (1, "retry", False),
            (4, "retry", True),
        )
        return [
            Point(c, policy, draw.randrange(most // 3, most), in_recovery)
            for _ in range(plan.number(quick=2, full=20))
            for c, policy, in_recovery in kinds
        ]
    points = []
    for c in CONCURRENCY:
        # Timing makes the number vary a little; beyond the end lies an undisturbed run.
        most = len(undisturbed(world, world.env(at_once=c)).points) + 20
        points += [Point(c, "retry", place) for place in range(1, most)]
        if c > 1:
            points += [Point(c, "hold", place) for place in range(1, most, 3)]
            points += [Point(c, "reconcile", place) for place in range(2, most, 3)]
    for number, policy in enumerate(POLICIES):
        points += [Point(4, policy, place, True) for place in range(1 + number, most, 2)]
    return points


_MIDST = 12
"""After so many sends some calls are answered, and some are in flight."""


def killed_at(world: World, point: Point, tally: Tally) -> None:
    """Kill once at a boundary, start again, judge."""
    env = world.env(at_once=point.at_once, policy=point.policy)
    told = f"{point}"
    with world.trial() as trial:
        case = Case(trial, env, at_once=point.at_once, policy=point.policy, told=told)
        if point.in_recovery:
            case.died(trial.run(world.job(env, Killer(_MIDST, "after send"))))
        code = trial.run(world.job(env, Killer(point.place)))
        if code in (0, HELD):
            tally.counts["ended before the boundary came"] += 1
        else:
            case.died(code)
            code = trial.run(world.job(env))
        case.ended(code)
        _add(tally, case, point.at_once, point.policy)


# -- at random ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accident:
    """Die so long after the first call, as a share of the undisturbed time; again and again."""

    at_once: int
    policy: str
    moments: tuple[float, ...]
    """Below 0: so much of it after the start."""
    group: bool
    """Two processes work on the database, and both are killed."""
    refusals: bool
    """Providers refuse every seventh call, as when a limit is reached."""


REFUSALS = {"provider": "*", "kind": "429_no_header", "every": 7}


def at_random(plan: Plan) -> Record:
    """Kill at random moments: once, again during recovery, the whole group."""
    draw = random.Random(plan.seed)
    accidents = []
    for number in range(plan.number(quick=10, full=1000)):
        in_recovery = number % 5 == 4
        accidents.append(
            Accident(
                at_once=CONCURRENCY[number % 3],
                policy=draw.choice(("retry", "retry", "hold", "reconcile")),
                moments=tuple(draw.uniform(-0.3, 1) for _ in range(3 if in_recovery else 1)),
                group=number % 10 == 7,
                refusals=number % 3 == 2,
            )
        )
    return _record("killed at random", spread(accidents, killed_some_time))


def killed_some_time(world: World, accident: Accident, tally: Tally) -> None:
    """Kill at some moments, start again after each, judge."""
    env = world.env(at_once=accident.at_once, policy=accident.policy)
    told = f"{accident}"
    faults = [REFUSALS] if accident.refusals else []
    with world.trial(*faults) as trial:
        case = Case(trial, env, at_once=accident.at_once, policy=accident.policy, told=told)
        for life, moment in enumerate(accident.moments):
            pids = [trial.start(world.job(env))]
            if accident.group:
                pids.append(trial.start(world.job(env), pids[0]))
            if moment > 0:
                trial.wait_for_first_call(pids[0])
            time.sleep(abs(moment) * world.undisturbed.seconds)
            os.killpg(pids[0], signal.SIGKILL)
            codes = [child.wait(pid) for pid in pids]
            if any(code == -signal.SIGKILL for code in codes):
                case.died()
                tally.counts["  of these during recovery"] += life > 0
                tally.counts["  of these whole groups"] += accident.group
        case.ended(trial.run(world.job(env)))
        _add(tally, case, accident.at_once, accident.policy)


# -- told to stop ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Stop:
    """SIGTERM so long after the first call, as a share of the undisturbed time."""

    at_once: int
    moment: float


DRAIN_SECONDS = 1.0
LONGEST_CALL = 0.012


def on_sigterm(plan: Plan) -> Record:
    """SIGTERM: calls in flight end, and nothing is in doubt."""
    draw = random.Random(plan.seed)
    stops = [
        Stop(CONCURRENCY[number % 3], draw.uniform(0, 0.8))
        for number in range(plan.number(quick=4, full=200))
    ]
    tally = spread(stops, stopped)
    trials = tally.counts.pop("trials")
    slowest = tally.most.pop("slowest") / 1000
    return Record(
        "told to stop (SIGTERM)",
        {
            "stopped": trials,
            "  of these with calls under way": tally.counts["drained"],
            "longest wait for the end, s": slowest,
        },
        {
            "stops with a call left in doubt": (tally.counts["in doubt"], trials),
            "stops after which something was paid again": (tally.counts["repaid"], trials),
            f"ends later than the longest call + {DRAIN_SECONDS:g} s on a free processor": (
                tally.counts["late"], trials,
            ),
        },
        tally.failures,
    )  # fmt: skip


def stopped(world: World, stop: Stop, tally: Tally) -> None:
    """Send SIGTERM, wait for the end, start again, judge."""
    env = world.env(at_once=stop.at_once, policy="hold")
    with world.trial() as trial:
        case = Case(trial, env, at_once=0, policy="hold", told=f"{stop}")
        pid = trial.start(world.job(env))
        trial.wait_for_first_call(pid)
        time.sleep(stop.moment * world.undisturbed.seconds)
        os.kill(pid, signal.SIGTERM)
        began = time.monotonic()
        queued = trial.wait_for_the_end(pid)
        took = time.monotonic() - began - queued
        code = child.wait(pid)
        # Before there is anything to drain, the signal simply ends the process.
        case.died(-signal.SIGKILL if code in (0, 130, -signal.SIGTERM) else code)
        tally.counts["drained"] += code == 130
        tally.counts["in doubt"] += case.in_doubt
        if took > LONGEST_CALL + DRAIN_SECONDS:
            tally.counts["late"] += 1
            case.failures.append(f"{stop}: the end came after {took:.2f} s")
        case.ended(trial.run(world.job(env)))
        tally.counts["trials"] += 1
        tally.counts["repaid"] += case.repaid > 0
        tally.highest("slowest", int(took * 1000))
        tally.failures += case.failures


# -- figures --------------------------------------------------------------------------------


def _add(tally: Tally, case: Case, at_once: int, policy: str) -> None:
    tally.counts["trials"] += 1
    tally.counts["broken"] += bool(case.failures)
    tally.counts["deaths"] += case.deaths
    tally.counts["answers"] += case.kept
    tally.counts["held"] += case.held
    tally.failures += case.failures
    if policy != "retry":
        tally.counts["careful trials"] += 1
        tally.counts["careful repaid"] += case.repaid > 0
        return
    tally.counts[f"retry {at_once}"] += 1
    tally.counts[f"repaid {at_once}"] += case.repaid
    tally.highest(f"repaid {at_once}", case.repaid)
    tally.highest(f"in doubt {at_once}", case.in_doubt)


def _record(name: str, tally: Tally) -> Record:
    counts = tally.counts
    told: dict[str, float] = {"trials": counts["trials"], "kills": counts["deaths"]}
    told |= {words: number for words, number in counts.items() if words.startswith("  ")}
    told["answers in the journal at a kill"] = counts["answers"]
    told["people held, and freed by one command"] = counts["held"]
    for at_once in CONCURRENCY:
        if trials := counts[f"retry {at_once}"]:
            told[f"C={at_once}, retry: credits paid again, mean"] = (
                counts[f"repaid {at_once}"] / trials
            )
            told[f"C={at_once}, retry: credits paid again, most"] = tally.most[f"repaid {at_once}"]
            told[f"C={at_once}, retry: credits in flight, most"] = tally.most[f"in doubt {at_once}"]
    return Record(
        name,
        told,
        {
            "trials in which anything was lost, damaged, different or over the bound": (
                counts["broken"], counts["trials"],
            ),
            "trials with hold or reconcile in which a credit was paid twice": (
                counts["careful repaid"], counts["careful trials"],
            ),
        },
        tally.failures,
    )  # fmt: skip
