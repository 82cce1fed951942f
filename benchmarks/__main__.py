"""``python -m benchmarks``: measure, then write figures, plots and the report."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks import compare, lane, limiter, one_deal, own_cost, quality, scale, sizes, workers
from benchmarks.goals import goals
from benchmarks.plots import write_plots
from benchmarks.report import readme_block, render
from enrico.sandbox import write_sample_crm

HERE = Path(__file__).parent
DEALS = 50
PROFILES = (*compare.PROFILES, compare.OWN_COST)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    runs: Mapping[str, int]
    """Of each variant, on each profile."""
    sizes: Sequence[int]
    instant_sizes: Sequence[int]
    cached: Sequence[int]
    repeated: Sequence[int]
    """Deal contacts of the same people."""
    batches: Sequence[int]
    clocks: Sequence[str]
    """Variants that run on both clocks."""
    seeds: int
    """Of each limiter case and concurrency."""
    own_cost_people: int
    one_deal_batch: int
    """Deals of the batch that a run of one deal has to overtake."""
    worker_runs: int


PLANS = {
    "bench": Plan(
        runs={"ours": 3, "script": 3, "projected": 1, "phased": 1, "sequential": 1},
        sizes=(10, 50, 100, 1000), instant_sizes=(), cached=(50,), repeated=(225, 2000),
        batches=(1, 4, 20), clocks=("ours", "script"), seeds=1, own_cost_people=2_000,
        one_deal_batch=3_000, worker_runs=1,
    ),
    "bench-full": Plan(
        runs=dict.fromkeys(("ours", "script", "projected", "phased", "sequential"), 5),
        sizes=(10, 50, 100, 1000, 10_000), instant_sizes=(1000, 10_000), cached=(50, 1000),
        repeated=(225, 500, 1000, 2000), batches=(1, 2, 4, 10, 20),
        clocks=("ours", "script", "phased"), seeds=5, own_cost_people=20_000,
        one_deal_batch=50_000, worker_runs=3,
    ),
}  # fmt: skip
SECTIONS = (
    "runs", "clocks", "sizes", "cached", "repeated", "batches", "quality", "limiter", "lane",
    "one_deal", "workers", "own_cost",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 1 when something that Enrico promises was not kept, or 2 for wrong arguments."""
    options = _parser().parse_args(argv)
    path = options.out / "figures.json"
    if options.readme:
        print(readme_block(orjson.loads(path.read_bytes())))
        return 0
    if not options.render:
        measure(options, path)
    figures = orjson.loads(path.read_bytes())
    write_plots(figures, options.out)
    report = options.out.with_name("report.md")
    report.write_text(render(figures))
    missed = [goal for goal in goals(figures) if goal.held is False]
    for goal in missed:
        print(f"not reached: {goal.asked}: {goal.got}")
    print(f"{report}: {len(missed)} goals not reached")
    return 1 if any(goal.promise for goal in missed) else 0


def measure(options: argparse.Namespace, path: Path) -> None:
    """Measure the chosen sections; each is kept in *path* as soon as it is done."""
    plan = PLANS["bench-full" if options.full else "bench"]
    wanted = options.only or [*SECTIONS, *(["scale"] if options.full else [])]
    figures: dict[str, Any] = {"runs": [], "measured_apart": {}}
    if options.only and path.exists():
        figures = orjson.loads(path.read_bytes())
    about = figures.setdefault("about", _about(options))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="enrico-bench-") as name:
        for section in wanted:
            began = time.monotonic()
            figures[section] = _section(section, plan, options, Path(name) / section)
            if options.only:
                figures["measured_apart"][section] = _now()
            else:
                about["minutes"] += (time.monotonic() - began) / 60
                about["load_after"] = os.getloadavg()[0]
            _keep(figures, path)


def _about(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "at": _now(),
        "target": "bench-full" if options.full else "bench",
        "minutes": 0.0,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "load_after": os.getloadavg()[0],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _keep(figures: Mapping[str, Any], path: Path) -> None:
    path.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def _section(name: str, plan: Plan, options: argparse.Namespace, folder: Path) -> Any:
    folder.mkdir(parents=True)
    crm = folder / "crm"
    if name in ("runs", "clocks", "quality"):
        write_sample_crm(crm, deals=DEALS)
    if name == "runs":
        return compare.measure(crm, folder, plan.runs, options.profiles, _say)
    if name == "clocks":
        return compare.check_clock(crm, folder, plan.clocks, _say)
    if name == "quality":
        return quality.measure(crm, folder, _say)
    if name == "sizes":
        return [
            *sizes.measure_sizes(folder, plan.sizes, _say),
            *sizes.measure_sizes(folder, plan.instant_sizes, _say, "instant"),
        ]
    if name == "cached":
        return sizes.measure_cached(folder, plan.cached, _say)
    if name == "repeated":
        return sizes.measure_repeated(folder, plan.repeated, _say)
    if name == "batches":
        return sizes.measure_batches(folder, DEALS, plan.batches, _say)
    if name == "scale":
        return scale.measure(folder, options.scale_deals, _say)
    if name == "lane":
        return [asdict(row) for row in lane.measure()]
    if name == "one_deal":
        return [asdict(row) for row in one_deal.measure(folder, plan.one_deal_batch, _say)]
    if name == "workers":
        return workers.measure(folder, _say, plan.worker_runs)
    if name == "limiter":
        return [asdict(row) for row in limiter.measure(plan.seeds)]
    return _own_cost(plan.own_cost_people)


def _own_cost(people: int) -> dict[str, Any]:
    cost = own_cost.measure(people)
    return {**asdict(cost), "cpu_ratio": cost.cpu_ratio, "wall_ratio": cost.wall_ratio}


def _say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Enrico beside other ways of doing it, on this machine's sandbox, and "
        "write benchmarks/report.md.",
    )
    parser.add_argument("--full", action="store_true", help="five runs each, to 100,000 deals")
    parser.add_argument(
        "--scale-deals", nargs="+", type=int, default=list(scale.FULL), help="sizes of scale"
    )
    parser.add_argument("--profiles", nargs="+", default=list(PROFILES), choices=PROFILES)
    parser.add_argument(
        "--only", nargs="+", choices=(*SECTIONS, "scale"),
        help="measure these sections anew, keep the other figures",
    )  # fmt: skip
    parser.add_argument("--render", action="store_true", help="write the report from kept figures")
    parser.add_argument("--readme", action="store_true", help="print README's block of figures")
    parser.add_argument("--out", type=Path, default=HERE / "report", help="folder of the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
