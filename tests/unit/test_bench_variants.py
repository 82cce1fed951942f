"""The benchmark's rivals do the same job, and fail in the ways that are held against them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.court import Court, InProcess, read_court
from benchmarks.variants import Ready, Result, all_variants
from enrico.sandbox import RunningSandbox, SandboxConfig, start

LOST = [{"provider": "apollo", "kind": "reset_after", "at": [1]}]
"""The first Apollo call is charged and its answer lost."""


class Bench:
    """A sandbox and a CRM of ten deals."""

    def __init__(self, sandbox: RunningSandbox, crm: Path, folder: Path) -> None:
        self.sandbox, self.crm, self.folder = sandbox, crm, folder

    async def run(self, name: str, faults: list[dict[str, Any]]) -> tuple[Result, Court]:
        """One run on a sandbox that has forgotten all others."""
        books = InProcess(self.sandbox)
        books.set_faults(faults)
        books.reset()
        state = self.folder / name
        state.mkdir(exist_ok=True)
        addresses = {
            "apollo": self.sandbox.apollo_url,
            "serper": self.sandbox.serper_url,
            "llm": self.sandbox.llm_url,
            "keys": SandboxConfig().keys,
        }
        ready = Ready("instant", addresses, state)
        result = await all_variants()[name].run(self.crm, ready)
        return result, read_court(books.stats())


@pytest.fixture
async def bench(tmp_path: Path, sample_crm: Callable[[int], Path]) -> AsyncIterator[Bench]:
    async with await start(SandboxConfig()) as sandbox:
        yield Bench(sandbox, sample_crm(10), tmp_path)


@pytest.mark.parametrize("name", ["script", "projected", "phased", "sequential"])
async def test_a_variant_brings_what_ours_brings(bench: Bench, name: str) -> None:
    ours, _ = await bench.run("ours", [])

    theirs, court = await bench.run(name, [])

    assert (theirs.searched, theirs.classified) == (ours.searched, ours.classified)
    assert (theirs.found, theirs.missed) == (ours.found, ours.missed)
    assert court.failed == 0


@pytest.mark.parametrize("name", ["ours", "script", "projected", "phased"])
async def test_a_variant_that_remembers_makes_no_call_again(bench: Bench, name: str) -> None:
    first, _ = await bench.run(name, [])

    again, court = await bench.run(name, [])

    assert court.paid_calls == 0
    assert (again.found, again.classified) == (first.found, first.classified)


async def test_the_script_pays_twice_for_a_lost_answer(bench: Bench) -> None:
    whole, _ = await bench.run("ours", [])

    result, court = await bench.run("script", LOST)

    assert result.found == whole.found
    assert court.people_paid_again > 5


async def test_the_older_design_takes_a_lost_answer_for_not_found(bench: Bench) -> None:
    whole, _ = await bench.run("ours", [])

    result, court = await bench.run("projected", LOST)

    assert len(result.missed) > len(whole.missed) + 5
    assert court.people_paid_again == 0


async def test_ours_holds_who_may_have_been_paid_for(bench: Bench) -> None:
    result, court = await bench.run("ours", LOST)

    assert len(result.held) >= 10
    assert court.people_paid_again == 0
