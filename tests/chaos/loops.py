"""A call whose answer kills the process, each time: it is not paid for again for ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from enrico.engine.http import Http, Reply, Request
from tests.chaos.court import items_of
from tests.chaos.judge import HELD
from tests.chaos.record import Plan, Record
from tests.chaos.world import KILL_EXIT, World, the_world

MOST_PAID = 3
"""As often as a person may be paid for under ``retry`` (docs/explanation/money.md)."""


def on_one_call(plan: Plan) -> Record:
    """Start again and again while the answer about one person ends the process."""
    restarts = plan.number(quick=4, full=50)
    world = the_world()
    poison = next(
        entry.keys[0]
        for entry in world.undisturbed.ledger
        if entry.provider == "apollo" and entry.keys
    )
    env = world.env(policy="retry")
    job = replace(world.job(env), before=(*world.job(env).before, _dies_of(poison)))
    failures: list[str] = []
    with world.trial() as trial:
        codes = [trial.run(job) for _ in range(restarts)]
        ledger = world.court.ledger()
        found = trial.snapshot()
    crashes = codes.count(KILL_EXIT)
    paid = sum(poison in entry.keys for entry in ledger)
    others = sum(
        entry.charged for entry in ledger if entry.provider == "apollo" and poison not in entry.keys
    )
    due = world.undisturbed.credits("apollo")
    if crashes > MOST_PAID or paid > MOST_PAID:
        failures.append(f"{crashes} crashes, paid {paid} times, in {restarts} starts")
    if set(codes[crashes:]) != {HELD}:
        failures.append(f"after the crashes the command ended with {sorted(set(codes[crashes:]))}")
    if poison not in found.held:
        failures.append("the person who kills the process is not held")
    done = others + len(found.held & _people(world))
    if done < due:
        failures.append(f"only {done:g} of {due:g} people came, or are held")
    return Record(
        "a crash loop on one call",
        {
            "starts": restarts,
            "crashes before it was held": crashes,
            "times its people were paid": paid,
            "people held in the end": len(found.held),
        },
        {"credits paid beyond the bound": (max(0, paid - MOST_PAID), restarts)},
        failures,
    )


def _people(world: World) -> set[str]:
    ledger = world.undisturbed.ledger
    return {key for entry in ledger if entry.provider == "apollo" for key in entry.keys}


def _dies_of(poison: str) -> Callable[[], None]:
    def arrange() -> None:
        send = Http.send

        async def dying(self: Http, request: Request, *more: Any) -> Reply:
            reply = await send(self, request, *more)
            if "match" in request.path and poison in items_of("apollo", request.body):
                os.kill(os.getpid(), signal.SIGKILL)
            return reply

        Http.send = dying  # type: ignore[method-assign]

    return arrange
