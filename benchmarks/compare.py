"""All variants on all profiles: the same CRM, the same sandbox, round by round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.court import Court
from benchmarks.one import ClockName, Job, Measured, Step, run_job
from benchmarks.stats import percentile
from benchmarks.variants import Variant, all_variants

Say = Callable[[str], None]
PROFILES = ("classic", "modern", "free", "storm")
OWN_COST = "instant"
"""No limit and no delay; only for variants without fixed pauses."""
CLOCKS: tuple[ClockName, ...] = ("skipping", "real")
COLD, WARM = Step("cold"), Step("warm")


@dataclass(frozen=True, slots=True)
class Truth:
    """What the providers have about the workload, asked once without limits and faults."""

    found: frozenset[str]
    """Addresses of the people they know."""
    asked: int
    """All distinct people."""
    searched: int
    """Accounts."""
    classified: frozenset[str]
    """Accounts that have search results."""


def find_truth(crm: Path, folder: Path) -> Truth:
    """Ask for everything once, with a client that is not ours."""
    job = Job("phased", OWN_COST, "skipping", str(crm), str(folder), (COLD,))
    (one,) = run_job(job)
    return Truth(
        frozenset(one.found), len(one.found) + len(one.missed), len(one.searched),
        frozenset(one.classified),
    )  # fmt: skip


def judge(one: Measured, truth: Truth) -> dict[str, Any]:
    """A run as plain data: what it took, what it paid, and whom it left without an answer.

    ``lost`` are people and accounts of whom the provider has something and the variant nothing,
    and nobody was told; ``held`` people are listed for the user with what they may have cost.
    """
    court = one.court
    held = truth.found & frozenset(one.held)
    return {
        "variant": one.variant,
        "profile": one.profile,
        "clock": one.clock,
        "step": one.step,
        "seconds": one.seconds,
        "cpu_seconds": one.cpu_seconds,
        "phases": dict(one.phases),
        "roles": one.roles,
        "searched": len(one.searched),
        "classified": len(one.classified),
        "people": len(one.found) + len(one.missed),
        "found": len(one.found),
        "held": len(held),
        "lost_people": len(truth.found - frozenset(one.found) - held),
        "lost_accounts": len(truth.classified - frozenset(one.classified)),
        "court": {**asdict(court), **_derived(court)},
        "cached": {
            "people": 1 - court.people_asked / truth.asked,
            "searches": 1 - court.searches / truth.searched,
        },
        "bound": asdict(one.bound),
    }


def _derived(court: Court) -> dict[str, float]:
    return {"paid_calls": court.paid_calls, "usd": court.usd, "error_rate": court.error_rate}


def measure(
    crm: Path, folder: Path, runs: Mapping[str, int], profiles: Sequence[str], say: Say
) -> list[dict[str, Any]]:
    """Every variant on every profile as often as *runs* says, and what it left unanswered.

    Round by round, so that a noisy minute of the machine meets every variant.
    """
    truth = find_truth(crm, _made(folder / "truth"))
    variants = all_variants()
    rows = []
    for number in range(max(runs.values())):
        for profile in profiles:
            for variant in variants.values():
                if number < runs[variant.name] and _meant_for(variant, profile):
                    state = _made(folder / f"{profile}-{variant.name}-{number}")
                    done = run_job(_job(variant, profile, crm, state))
                    rows += [judge(one, truth) for one in done]
                    say(f"{profile}: {variant.name} {done[0].seconds:.2f} s")
    return rows


def check_clock(crm: Path, folder: Path, names: Sequence[str], say: Say) -> list[dict[str, Any]]:
    """Variants on both clocks, one after the other: what skipping idle time changes."""
    rows = []
    for name in names:
        pair: dict[str, float] = {}
        for clock in CLOCKS:
            state = _made(folder / f"clock-{name}-{clock}")
            (one,) = run_job(Job(name, "classic", clock, str(crm), str(state), (COLD,)))
            pair[clock] = one.seconds
        say(f"clocks: {name} {pair}")
        rows.append({"variant": name, "profile": "classic", **pair})
    return rows


def _meant_for(variant: Variant, profile: str) -> bool:
    return profile != OWN_COST or variant.name in ("ours", "script")


def _job(variant: Variant, profile: str, crm: Path, state: Path) -> Job:
    clock: ClockName = "real" if profile == OWN_COST else "skipping"
    steps = (COLD, WARM) if variant.remembers else (COLD,)
    return Job(variant.name, profile, clock, str(crm), str(state), steps)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


# -- reading the rows ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """All runs of one variant on one profile, cold or warm."""

    rows: Sequence[Mapping[str, Any]]

    def seconds(self, share: float = 0.5) -> float:
        """A percentile of the times."""
        return percentile([row["seconds"] for row in self.rows], share)

    def count(self, name: str) -> float:
        """The most that any run counted under a name of the row or of its ``court``."""
        return max(float(row[name] if name in row else row["court"][name]) for row in self.rows)

    def middle(self, *path: str) -> float:
        """The median of a figure, by its place in the row."""
        values = []
        for row in self.rows:
            value: Any = row
            for name in path:
                value = value[name]
            values.append(float(value))
        return percentile(values, 0.5)


def column(
    rows: Iterable[Mapping[str, Any]], profile: str, variant: str, step: str = "cold"
) -> Column | None:
    """The runs of one column; None when there were none."""
    wanted = (profile, variant, step)
    found = [row for row in rows if (row["profile"], row["variant"], row["step"]) == wanted]
    return Column(found) if found else None
