"""Goals, quality, the limiter's verdicts and the report: each can be missed, and then says so."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import pytest

from bench_rows import COURT, TRUTH, measured
from benchmarks.compare import judge
from benchmarks.goals import goals
from benchmarks.limiter import Case, Pace, Trial, in_windows, provider_of
from benchmarks.limiter import judge as judge_limiter
from benchmarks.plots import write_plots
from benchmarks.quality import VARYING, Tables, compare
from benchmarks.report import readme_block, render
from benchmarks.variants import all_variants

COST = {
    "seconds": 4.0, "cpu_seconds": 1.0, "classify_seconds": 1.0, "paid_calls": 82,
    "bulk_calls": 23, "classifications": 27, "people_asked": 225, "people_credits": 195,
    "output_tokens": 1247, "llm_usd": 0.002, "usd": 4.9, "rate_limited": 0,
    "bound": {"seconds": 2.0, "drawn_seconds": 3.3, "bound_by": "search"},
}  # fmt: skip
STEP = {
    "step": "run",
    "seconds": 10.0,
    "cpu_seconds": 9.0,
    "unit_seconds": 0.1,
    "peak_mb": 150.0,
    "grown_mb": 3.0,
}


def good() -> dict[str, Any]:
    """Figures of a benchmark in which all was got."""
    seconds = {"ours": 7.6, "script": 8.4, "projected": 25.0, "phased": 57.0, "sequential": 450.0}
    runs = []
    for profile in ("classic", "storm"):
        for variant in all_variants().values():
            one = measured(variant=variant.name, profile=profile, seconds=seconds[variant.name])
            runs.append(judge(one, TRUTH))
            if variant.remembers:
                runs.append({**judge(one, TRUTH), "step": "warm", "seconds": 0.2})
    for row in runs:
        row["court"] = {**row["court"], "paid_calls": 0 if row["step"] == "warm" else 82}
        row["cached"] = {"people": 1.0, "searches": 1.0} if row["step"] == "warm" else {}
    case = Case(20, 60.0, "known", 4)
    quality = compare("all known", tables(), tables())
    return {
        "measured_apart": {},
        "about": {
            "at": "2026-11-23T20:00:00+00:00", "target": "bench", "minutes": 4.0,
            "python": "3.11.7", "cores": 2, "load_before": 0.1, "load_after": 1.2,
        },
        "runs": runs,
        "clocks": [{"variant": "ours", "profile": "classic", "skipping": 8.5, "real": 8.6}],
        "sizes": [{"deals": n, "profile": "modern", "people": 225, "cold": COST, "warm": COST}
                  for n in (10, 50)],
        "cached": [{"deals": 50, "enriched_pct": 0, "people": 225, "people_cached": 0.0, **COST}],
        "repeated": [{"deal_contacts": 500, **COST}],
        "batches": [{"profile": "classic", "tokens_per_second": speed, "size": size,
                     "wait_seconds": 0.0, **COST} for speed in (60, 270) for size in (None, 1, 2)],
        "quality": [{"against": "cold", **asdict(quality)}],
        "limiter": [asdict(judge_limiter(case, "anchored", [Trial(80, 1.005, 0, 0.0)]))],
        "lane": [{"limit": 5, "seconds": 1.0, "requests": 40, "alone_p50": 1.0, "beside_p50": 1.1,
                  "beside_p95": 1.5, "beside_most": 2.0}],
        "one_deal": [
            {"way": way, "batch_deals": 3000, "requests": 5, "alone_p50": 2.5, "beside_p50": 3.0,
             "beside_most": 4.0, "batch_went_on": True, "rate_limited": 0, "paid_again": 0}
            for way in ("one process", "2 workers")
        ],
        "workers": [
            {"profile": profile, "workers": n, "deals": 100, "seconds": seconds, "cpu_seconds": 1.0,
             "paid_calls": 100, "people": 450, "credits": 400, "rate_limited": 0, "paid_again": 0,
             "status": "done"}
            for profile, times in (("instant", (5, 6, 4, 4)), ("modern", (9, 10, 10, 10)))
            for n, seconds in zip((0, 1, 2, 4), times, strict=True)
        ],
        "own_cost": {
            "people": 2000, "cpu_ratio": 1.8, "wall_ratio": 2.0, "peak_mb": 150.0,
            **{part: {"cpu": 1.0, "wall": 2.0} for part in ("load", "run", "export", "bare")},
        },
        "scale": [{"deals": n, "deal_contacts": 10 * n, "people": 4 * n,
                   "steps": [{**STEP, "cpu_seconds": n / 1000}]} for n in (10_000, 100_000)],
    }  # fmt: skip


def tables() -> dict[str, list[dict[str, Any]]]:
    return {
        "deal_contacts": [{"person": "Ann", "role": "champion", "fetched_at": "1", "cost_usd": 1}],
        "accounts": [{"account": "Acme", "score": 0.5, "searched_at": "1"}],
        "signals": [{"type": "funding", "search_call": "c1"}, {"type": "award"}],
        "deals": [{"deal": "D1", "gaps": ""}],
    }


def missed(figures: dict[str, Any]) -> list[str]:
    return [goal.asked for goal in goals(figures) if goal.held is False]


def change(
    figures: dict[str, Any], variant: str, profile: str, step: str = "cold", **by: Any
) -> None:
    for row in figures["runs"]:
        if (row["variant"], row["profile"], row["step"]) == (variant, profile, step):
            row.update({k: v for k, v in by.items() if k in row})
            row["court"].update({k: v for k, v in by.items() if k in row["court"]})


def test_a_good_benchmark_misses_nothing() -> None:
    assert missed(good()) == []


@pytest.mark.parametrize(
    ("variant", "profile", "step", "bad", "words"),
    [
        ("ours", "classic", "cold", {"rate_limited": 1}, "no 429"),
        ("ours", "classic", "cold", {"bulk_calls": 24}, "23 bulk calls"),
        ("ours", "classic", "cold", {"single_calls": 1}, "none singly"),
        ("ours", "storm", "cold", {"people_paid_again": 1}, "paid for twice"),
        ("ours", "storm", "cold", {"lost_people": 1}, "lost silently"),
        ("ours", "storm", "warm", {"lost_accounts": 1}, None),
        ("ours", "classic", "warm", {"paid_calls": 1}, "second run"),
        ("ours", "classic", "cold", {"error_rate": 0.07}, "5 % API failures"),
        ("ours", "classic", "cold", {"usd": 9.0}, "no more dollars"),
        ("phased", "classic", "cold", {"people": 3}, "same coverage"),
        ("phased", "classic", "cold", {"seconds": 20.0}, "4 times as fast"),
        ("ours", "classic", "warm", {"cached": {"people": 0.4, "searches": 1.0}}, "50 % cache"),
    ],
)
def test_one_bad_run_misses_its_goal(
    variant: str, profile: str, step: str, bad: dict[str, Any], words: str | None
) -> None:
    figures = good()

    change(figures, variant, profile, step, **bad)

    found = missed(figures)
    assert len(found) == (1 if words else 0)
    assert all(words in one for one in found if words)


def test_a_slow_run_misses_the_criteria_one_by_one() -> None:
    figures = good()

    change(figures, "ours", "classic", seconds=31.0)
    change(figures, "phased", "classic", seconds=200.0)

    assert len(missed(figures)) == 4
    words = ("30 s", "hoped for", "the bound")
    assert all(any(word in one for word in words) for one in missed(figures))


@pytest.mark.parametrize(
    ("section", "spoil", "words"),
    [
        ("quality", {"differing": 1}, "loss of quality"),
        ("limiter", {"held": False}, "limit known"),
        ("own_cost", {"cpu_ratio": 2.1}, "CPU of bare"),
        ("one_deal", {"beside_p50": 5.1}, "beside 3,000"),
        ("workers", {"rate_limited": 1}, "workers on one key"),
    ],
)
def test_a_missed_goal_of_ours_alone_is_told(
    section: str, spoil: dict[str, Any], words: str
) -> None:
    figures = good()
    part = figures[section]
    (part[0] if isinstance(part, list) else part).update(spoil)

    assert [words in one for one in missed(figures)] == [True]


@pytest.mark.parametrize(
    ("place", "seconds", "words"), [(2, 6.5, "two workers bring more"), (7, 12.0, "no slower")]
)
def test_workers_that_do_not_help_or_are_in_the_way_are_told(
    place: int, seconds: float, words: str
) -> None:
    figures = good()
    figures["workers"][place]["seconds"] = seconds

    assert [words in one for one in missed(figures)] == [True]


def test_time_that_grows_faster_than_the_deals_is_told() -> None:
    figures = good()
    figures["scale"][1]["steps"][0]["cpu_seconds"] = 200.0

    assert missed(figures) == ["run: CPU time grows in proportion to deals (power ≤ 1.1)"]


def test_a_machine_that_has_become_slower_is_no_growth() -> None:
    figures = good()
    figures["scale"][1]["steps"][0] |= {"cpu_seconds": 200.0, "unit_seconds": 0.2}

    assert missed(figures) == []


def test_what_was_not_measured_is_neither_got_nor_missed() -> None:
    figures = {**good(), "scale": [], "own_cost": None, "quality": [], "limiter": []}

    found = [goal for goal in goals(figures) if goal.held is None]

    assert len(found) == 7
    assert missed(figures) == []


@pytest.mark.parametrize("table", list(VARYING))
def test_a_changed_field_is_seen(table: str) -> None:
    changed = copy.deepcopy(tables())
    column = next(name for name in changed[table][0] if name not in VARYING[table])
    changed[table][0][column] = "planted"

    found = compare("planted", tables(), changed)

    assert (found.differing, found.first) == (1, f"{table}, row 1, {column}")


def test_times_costs_and_call_ids_may_differ() -> None:
    changed: Tables = {
        **tables(),
        "deal_contacts": [{**tables()["deal_contacts"][0], "fetched_at": "2", "cost_usd": 2}],
        "signals": [{**tables()["signals"][0], "search_call": "c9"}, tables()["signals"][1]],
    }

    assert compare("other run", tables(), changed).differing == 0


def test_a_missing_row_differs_in_all_its_fields() -> None:
    short = {**tables(), "signals": tables()["signals"][:1]}

    found = compare("short", tables(), short)

    assert (found.differing, found.rows, found.first) == (1, 5, "signals, row 2, type")


def test_least_time_in_windows() -> None:
    slow = Pace(at_once=10, mean=1.0, shortest=1.0)

    assert in_windows(45, 20, 60.0, slow) == pytest.approx(121)
    assert in_windows(45, 20, 60.0, slow, elapsed=50.0) == pytest.approx(71)
    assert in_windows(200, 1000, 60.0, slow) == pytest.approx(20)
    # Ten at once cannot fill the window, so more of them are needed.
    assert in_windows(1000, 1000, 60.0, slow) == pytest.approx(100)
    assert in_windows(100, 50, 1.0, slow) == pytest.approx(10)


@pytest.mark.parametrize(
    ("kind", "admitted"), [("anchored", 2), ("sliding", 2), ("bucket", 2), ("aligned", 3)]
)
def test_providers_count_in_their_own_way(kind: Any, admitted: int) -> None:
    provider = provider_of(kind, 2, 10.0)

    served = [provider.admits(now) for now in (9.0, 9.1, 9.2, 10.5)]

    assert sum(served) == admitted
    assert served[:3] == [True, True, False]


def test_a_limiter_that_is_late_or_refused_misses_its_goal() -> None:
    known, guessed = Case(20, 60.0, "known", 4), Case(20, 60.0, "twice too high", 10)

    def held(case: Case, *trials: Trial) -> bool:
        return judge_limiter(case, "sliding", trials).held

    assert held(known, Trial(80, 1.005, 0, 0.0))
    assert not held(known, Trial(80, 1.005, 0, 0.0), Trial(80, 1.02, 0, 0.0))
    assert not held(known, Trial(80, 1.005, 1, 0.1))
    assert held(guessed, Trial(200, 1.5, 1, 2.0))
    assert not held(guessed, Trial(200, 1.0, 2, 2.0))
    assert not held(guessed, Trial(200, 1.0, 1, 3.1))


def test_the_report_has_every_section_and_shows_a_missed_goal() -> None:
    figures = good()
    change(figures, "ours", "storm", lost_people=2)

    report = render(figures)

    assert "| no record lost silently, on any profile | 2 lost; " in report
    assert "| **no** |" in report
    for title in ("Asked and got", "`classic`", "LLM batches", "The limiter", "Scale", "The clock"):
        assert title in report
    assert "- On `classic`: 1.11 times as fast as `script`, " in report


def test_a_report_without_large_sizes_says_so() -> None:
    report = render({**good(), "scale": [], "own_cost": None})

    assert "Not measured in this run" in report


def test_readme_gets_ratios_only() -> None:
    block = readme_block(good())

    assert "| `classic` | 59 | 7.50 | 1.01 | 0 |" in block
    assert block.startswith("<!-- FIGURES")
    assert block.endswith("<!-- /FIGURES -->")


def test_the_same_figures_give_the_same_plots(tmp_path: Any) -> None:
    first = [path.read_bytes() for path in write_plots(good(), tmp_path / "a")]
    second = [path.read_bytes() for path in write_plots(good(), tmp_path / "b")]

    assert first == second
    assert all(b"var(--ink)" in svg and b"#010203" not in svg for svg in first)


def test_the_court_of_a_run_is_in_its_row() -> None:
    row = judge(measured(), TRUTH)

    assert row["court"]["paid_calls"] == COURT.paid_calls
