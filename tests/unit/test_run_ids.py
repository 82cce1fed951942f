"""A run's id is nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime

from enrico.pipeline.context import new_run_id


def test_runs_that_begin_in_the_same_second_have_ids_of_their_own() -> None:
    now = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)

    ids = {new_run_id(now) for _ in range(1_000)}

    assert len(ids) == 1_000
    assert all(run_id.startswith("r-20261123-101500-") for run_id in ids)
