"""One trial again, from the line that told of its failure."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from tests.chaos import caps, kills, refusals
from tests.chaos.record import Record
from tests.chaos.spread import Tally
from tests.chaos.world import World, the_world

TRIALS: Mapping[type, Callable[[World, Any, Tally], None]] = {
    kills.Point: kills.killed_at,
    kills.Accident: kills.killed_some_time,
    kills.Stop: kills.stopped,
    refusals.Refusal: refusals.refused,
    caps.Capped: caps.spent,
}


def again(line: str) -> Record:
    """Do the trial that *line* begins with, such as ``Point(at_once=4, …): what was wrong``.

    Raises ValueError for a line that begins with no trial.
    """
    trial = _read(line)
    tally = Tally()
    TRIALS[type(trial)](the_world(), trial, tally)
    return Record(f"again: {trial}", {}, {}, tally.failures)


def _read(line: str) -> Any:
    kinds = {kind.__name__: kind for kind in TRIALS}
    text = line.partition("): ")[0].removesuffix(")") + ")"
    try:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        known = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        return kinds[call.func.id](**known)
    except (AssertionError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"no trial is written so: {line}") from error
