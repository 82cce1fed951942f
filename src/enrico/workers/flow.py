"""A run as a durable workflow: cut, done in parts by any worker, summed up.

The engine (DBOS) keeps which parts are done and hands them out. What money is about is the call
journal's: a part may be begun several times, and asks only for what is still due.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol, get_args

from dbos import DBOS, SetWorkflowID

from enrico.store.chunks import Part
from enrico.store.selection import Counts, WorkKind

VERSION = "1"
"""Raise it when the order of steps changes: what was begun in another order cannot go on."""
RUN = "run.v1"
RUNS, FAST = "runs", "fast"
KINDS: tuple[WorkKind, ...] = get_args(WorkKind)
"""Parts of each kind stand in a line of their own, so that no provider waits for another's."""
CHUNKS_AT_ONCE = 2
"""Of a worker, in each line: while one begins or ends, the other keeps the limits busy."""
RUNS_AT_ONCE = 100
POLL_SECONDS = 0.3
MOST_RECOVERIES = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a run."""

    parts: list[Part]
    counts: Counts
    fast: bool
    """Whether it is one for the fast lane."""
    problem: str = ""
    """Why it could not be cut."""


class Steps(Protocol):
    """What a worker does in a workflow."""

    async def cut(self, run_id: str) -> Plan:
        """Cut a run into parts."""
        ...

    async def chunk(self, part: Part, fast: bool) -> str:
        """Do a part; returns what kept it from being done, empty for nothing."""
        ...

    async def sum_up(self, run_id: str, counts: Counts, problems: list[str]) -> None:
        """End the run."""
        ...


@dataclass(frozen=True, slots=True)
class Flow:
    """The workflows of one worker."""

    run: Any
    running: set[str]
    """The ids of those that this process goes on with."""

    async def begin(self, run_id: str) -> None:
        """Put a run in line; nothing happens when it is there already."""
        with SetWorkflowID(run_id):
            await DBOS.enqueue_workflow_async(RUNS, self.run, run_id)


def register(steps: Steps) -> Flow:
    """Tell the engine of the workflows; before it is launched."""

    @DBOS.step(name="cut")
    async def cut(run_id: str) -> dict[str, Any]:
        return asdict(await steps.cut(run_id))

    @DBOS.step(name="do")
    async def do(part: dict[str, Any], fast: bool) -> str:
        return await steps.chunk(Part(**part), fast)

    @DBOS.step(name="sum_up")
    async def sum_up(run_id: str, counts: dict[str, Any], problems: list[str]) -> None:
        await steps.sum_up(run_id, Counts(**counts), problems)

    running: set[str] = set()

    @contextmanager
    def under_way() -> Iterator[None]:
        flow_id = str(DBOS.workflow_id)
        running.add(flow_id)
        try:
            yield
        finally:
            running.discard(flow_id)

    @DBOS.workflow(name="chunk.v1", max_recovery_attempts=MOST_RECOVERIES)
    async def chunk_flow(part: dict[str, Any], fast: bool) -> str:
        with under_way():
            return await do(part, fast)

    @DBOS.workflow(name=RUN, max_recovery_attempts=MOST_RECOVERIES)
    async def run_flow(run_id: str) -> None:
        with under_way():
            await whole_run(run_id)

    async def whole_run(run_id: str) -> None:
        found = await cut(run_id)
        handles = []
        for number, part in enumerate(found["parts"]):
            with SetWorkflowID(f"{run_id}/{number}"):
                queue = FAST if found["fast"] else part["kind"]
                handles.append(
                    await DBOS.enqueue_workflow_async(queue, chunk_flow, part, found["fast"])
                )
        problems = [found["problem"]] if found["problem"] else []
        for handle in handles:
            try:
                problem = await handle.get_result(polling_interval_sec=POLL_SECONDS)
            except Exception as error:  # the engine gave it up
                problem = f"A part of the run was given up: {type(error).__name__}."
            if problem:
                problems.append(problem)
        await sum_up(run_id, found["counts"], problems)

    return Flow(run_flow, running)


async def open_queues() -> None:
    """The lines that runs and their parts stand in."""
    for name in (RUNS, FAST, *KINDS):
        await DBOS.register_queue_async(
            name,
            worker_concurrency=RUNS_AT_ONCE if name == RUNS else CHUNKS_AT_ONCE,
            polling_interval_sec=POLL_SECONDS,
        )
