"""What our own code costs: the sum, and what a sample counts for."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from benchmarks.layers import layer_of
from benchmarks.own_cost import OwnCost, Spent, table


def stack(*files: str) -> FrameType:
    """A frame in the last of these files, called from the ones before it."""
    source = "def go(rest):\n    return (rest[0](rest[1:]) if rest else _getframe())\n"
    steps = []
    for file in files:
        names: dict[str, object] = {"_getframe": sys._getframe}
        exec(compile(source, file, "exec"), names)
        steps.append(names["go"])
    frame: FrameType = steps[0](steps[1:])  # type: ignore[operator]
    return frame


def test_ratios_are_of_run_and_export_to_the_bare_loop() -> None:
    cost = OwnCost(
        people=100, calls={"serper": 10, "deepseek": 10, "apollo": 10}, load=Spent(9, 9),
        run=Spent(3, 4), export=Spent(1, 2), bare=Spent(2, 3), peak_mb=100.0,
        layers={"roles": 0.25},
    )  # fmt: skip

    assert (cost.cpu_ratio, cost.wall_ratio) == (2, 2)
    assert "2.00 times bare in CPU" in table(cost)
    assert " 25.0% roles" in table(cost)


@pytest.mark.parametrize(
    ("files", "layer"),
    [
        (["asyncio/events.py", "enrico/pipeline/roles.py", "enrico/domain/names.py"], "roles"),
        (["enrico/export/tables.py", "sqlalchemy/engine/row.py"], "export"),
        (["enrico/pipeline/apply.py", "enrico/domain/stories.py"],
         "signals: about whom, dates, stories"),
        (["enrico/engine/call.py", "enrico/engine/http.py", "asyncio/timeouts.py"], "HTTP client"),
        (["asyncio/runners.py", "selectors.py"], "event loop"),
        (["somewhere/else.py"], "other"),
    ],
)  # fmt: skip
def test_a_sample_counts_for_what_caused_it(files: list[str], layer: str) -> None:
    assert layer_of(stack("somewhere.py", *files)) == layer
