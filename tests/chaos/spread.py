"""Trials on all cores: each worker is a process with a world of its own."""

from __future__ import annotations

import os
import pickle
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tests.chaos.bugs import is_seen
from tests.chaos.world import World, the_world

T = TypeVar("T")


@dataclass
class Tally:
    """What trials came to, added up."""

    counts: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def highest(self, name: str, value: int) -> None:
        """Remember the largest *value*."""
        self.most[name] = max(self.most[name], value)

    def add(self, other: Tally) -> None:
        """Take in what another worker found."""
        self.counts.update(other.counts)
        for name, value in other.most.items():
            self.highest(name, value)
        self.failures += other.failures


def spread(tasks: Sequence[T], do: Callable[[World, T, Tally], None]) -> Tally:
    """Do all *tasks*, dealt out evenly; a worker that fails is a failure, not silence."""
    workers = min(len(tasks), os.cpu_count() or 1)
    the_world()
    lines = [_start(number, tasks[number::workers], do) for number in range(workers)]
    tally = Tally()
    for pid, line in lines:
        with os.fdopen(line, "rb") as stream:
            brought = stream.read()
        _, status = os.waitpid(pid, 0)
        if brought:
            tally.add(pickle.loads(brought))
        else:
            tally.failures.append(f"a worker ended with {os.waitstatus_to_exitcode(status)}")
    return tally


def _start(
    number: int, tasks: Sequence[T], do: Callable[[World, T, Tally], None]
) -> tuple[int, int]:
    line, end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(end)
        return pid, line
    code = 1
    try:
        os.close(line)
        brought = pickle.dumps(_work(number, tasks, do))
        with os.fdopen(end, "wb") as stream:
            stream.write(brought)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(number: int, tasks: Sequence[T], do: Callable[[World, T, Tally], None]) -> Tally:
    tally = Tally()
    world = the_world()
    world.move_out(number)
    try:
        for task in tasks:
            try:
                do(world, task, tally)
            except Exception as error:  # what the others came to is not lost with it
                traceback.print_exc()
                tally.failures.append(f"a worker ended at {task}: {error!r}")
                break
            if is_seen(tally.failures):
                break
    finally:
        world.court.close()  # it would hold our end of the line open
    return tally
