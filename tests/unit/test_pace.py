"""How the model's measured speed decides the size of a call."""

from __future__ import annotations

import pytest

from enrico.pipeline.pace import Pace, ranges, sizes_of
from enrico.settings import LlmSettings


def measured(base: float, tokens_per_second: float, tokens_per_result: float = 5.0) -> Pace:
    pace = Pace()
    for results in (2, 5, 10) * 40:
        tokens = 12 + round(tokens_per_result * results)
        pace.note(tokens, base + tokens / tokens_per_second, results)
    return pace


def test_base_and_speed_are_told_apart() -> None:
    base, per_token = measured(1.0, 270).line
    assert base == pytest.approx(1.0, abs=0.02)
    assert per_token == pytest.approx(1 / 270, rel=0.05)


@pytest.mark.parametrize(
    ("speed", "tokens_per_second", "parts"),
    [("fast", 60, 5), ("balanced", 60, 2), ("cheap", 60, 1),
     ("fast", 270, 3), ("balanced", 270, 1), ("cheap", 270, 1)],
)  # fmt: skip
def test_a_slow_model_is_asked_in_parts_where_time_is_worth_it(
    speed: str, tokens_per_second: float, parts: int
) -> None:
    worth = sizes_of(LlmSettings(speed=speed)).worth  # type: ignore[arg-type]
    assert measured(0.6, tokens_per_second).parts(10, worth) == parts


@pytest.mark.parametrize(
    ("slack", "parts"), [(0.0, 5), (0.25, 4), (0.5, 2), (0.9, 1), (float("inf"), 1)]
)
def test_an_account_is_divided_only_until_others_end_no_sooner(slack: float, parts: int) -> None:
    # Ten results of five tokens each take 0.83 s to write.
    assert measured(0.6, 60).parts(10, 0.03, slack) == parts


def test_a_single_result_is_never_divided() -> None:
    assert measured(0.6, 10).parts(1, 0.01) == 1
    assert measured(0.6, 10).parts(0, 0.01) == 1


def test_a_backlog_fills_calls_until_writing_takes_as_long_as_the_base() -> None:
    assert measured(1.0, 270).accounts(10, 10) == 5
    assert measured(0.6, 60).accounts(10, 10) == 1
    assert measured(1.0, 270).accounts(10, 3) == 3


def test_answers_that_do_not_say_how_long_they_are_teach_nothing() -> None:
    pace, before = Pace(), Pace().line
    pace.note(0, 9.0, 10)
    pace.note(50, 9.0, 0)
    assert pace.line == before


def test_what_is_said_of_sizes_overrides_the_speed() -> None:
    sizes = sizes_of(LlmSettings(speed="cheap", batch_accounts=3, batch_wait_seconds=0.5))
    assert (sizes.accounts, sizes.wait, sizes.measured) == (3, 0.5, False)
    assert sizes_of(LlmSettings()).measured


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("parts", range(1, 6))
def test_parts_cover_a_range_without_gap_or_overlap(count: int, parts: int) -> None:
    found = ranges(3, count, parts)
    assert [n for first, size in found for n in range(first, first + size)] == list(
        range(3, 3 + count)
    )
    assert max(size for _, size in found) - min(size for _, size in found) <= 1
