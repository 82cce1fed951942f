"""``python -m benchmarks.scale_out``: ten million people, on paper and in virtual time.

A million bulk calls on keys of 1,000 a minute, with workers that come, go and are killed, in a few
minutes. ``--calls`` simulates fewer. What it means: docs/explanation/scale.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.backlog import Backlog
from benchmarks.markdown import count, table
from benchmarks.on_paper import PACKAGES, PEOPLE_A_CALL, Job, Outcome, broken, whole_packages
from benchmarks.stats import percentile
from enrico.engine.windows import Window, parse_windows

CALLS = 1_000_000
SEED = 7
HOURS, DAYS = 3600.0, 86400.0
ACCOUNTS_PER_PERSON = 32 / 225
FOUND = 0.85
"""Share of people found in the sandbox; each costs a credit."""
CREDIT_USD = (0.025, 0.026)
"""Apollo's fair-use figure; the Basic plan's $65 for 2,500 credits (both August 2026)."""
CLASSIFIED = 0.84
"""Share of accounts whose search found something; each is a call, one account in it."""
CLASSIFY_SECONDS = 1.18
CLASSIFY_USD = 0.000076
"""Off-peak. These three and the share found: python -m benchmarks.footprint, profile modern."""
KEYS = (1, 2, 5, 10)
TRIES = 40
"""Smaller backlogs whose spread is looked at."""


@dataclass(slots=True)
class Sum:
    """One backlog divided among keys, each with hosts of its own."""

    job: Job
    """Of each key."""
    outcomes: list[Outcome]

    @property
    def seconds(self) -> float:
        """Until the last key is through."""
        return max(outcome.seconds for outcome in self.outcomes)

    @property
    def in_doubt(self) -> list[int]:
        """Calls in flight at each death."""
        return [calls for outcome in self.outcomes for calls in outcome.in_doubt]

    def of(self, name: str) -> int:
        """A count over all keys."""
        return sum(getattr(outcome, name) for outcome in self.outcomes)

    @property
    def broken(self) -> list[str]:
        """What was promised and not kept."""
        return [words for outcome in self.outcomes for words in broken(self.job, outcome)]


def simulate(job: Job, keys: int = 1, seed: int = SEED) -> Sum:
    """*job* divided among *keys*."""
    of_each = replace(job, calls=math.ceil(job.calls / keys))
    return Sum(of_each, [Backlog(of_each, (seed, key)).run() for key in range(keys)])


def limits(*texts: str) -> tuple[Window, ...]:
    """Windows as settings write them."""
    return parse_windows(texts)


def plans(job: Job) -> Iterator[tuple[str, Job]]:
    """What Apollo's windows may be."""
    yield "1,000/min (paid plans)", job
    yield "500/min (half, as some report)", replace(job, windows=limits("500/min"))
    yield "100/min (a tenth, older pages)", replace(job, windows=limits("100/min"))
    yield (
        "1,000/min, 600/h, 6,000/day (Apollo's own example)",
        replace(job, windows=limits("1000/min", "600/h", "6000/day")),
    )
    yield (
        "20/min, 100/h, 600/day (free plan)",
        replace(job, windows=limits("20/min", "100/h", "600/day")),
    )


def circumstances(job: Job) -> Iterator[tuple[str, Job]]:
    """Who works, how long they live, how much they take at once."""
    yield "as above: 4 workers, each lives 1 h", job
    yield "nobody dies", replace(job, life=math.inf)
    yield "1 worker", replace(job, hosts=1)
    yield "16 workers", replace(job, hosts=16)
    yield "64 workers", replace(job, hosts=64)
    yield "1 worker, lives 10 min", replace(job, hosts=1, life=600.0)
    yield "4 workers, live 10 min", replace(job, life=600.0)
    yield "4 workers, live 24 h", replace(job, life=DAYS)
    yield "1 host with 4 workers", replace(job, hosts=1, each=4)
    yield "12 h with 4 workers, 12 h with 1", replace(job, at_night=1)
    yield "12 h with 4 workers, 12 h with none", replace(job, at_night=0)
    yield "chunks of 100 calls", replace(job, chunk=100)
    yield "chunks of 5,000 calls", replace(job, chunk=5_000)
    slow = replace(job, service=(0.5, 3.0))
    yield "calls of 0.5-3 s, 24 at once", slow
    yield "calls of 0.5-3 s, 64 at once", replace(slow, concurrency=64)
    yield "policy reconcile", replace(job, policy="reconcile")
    yield "policy retry", replace(job, policy="retry")


def duration(seconds: float) -> str:
    """60,800 → 16.9 h; 14,600,000 → 169 days."""
    return f"{seconds / HOURS:.2f} h" if seconds < 5 * DAYS else f"{seconds / DAYS:.0f} days"


def dollars(value: float) -> str:
    """Whole ones: 212500.4 → $212,500."""
    return f"${count(value)}"


HEADER = (
    "", "bound", "on paper", "simulated", "÷ bound", "429s", "deaths", "chunks taken over",
    "in doubt, on paper", "in doubt", "held", "sent again", "paid again", "at risk",
)  # fmt: skip


def line(name: str, one: Sum) -> list[str]:
    """A simulated backlog beside its formulas."""
    job, keys = one.job, len(one.outcomes)
    at_risk = sum(one.in_doubt) * PEOPLE_A_CALL
    people = job.calls * keys * PEOPLE_A_CALL
    return [
        name, duration(job.bound), duration(job.expected_seconds), duration(one.seconds),
        f"{one.seconds / job.bound:.3f}", count(one.of("refused")), count(len(one.in_doubt)),
        count(one.of("taken_over")), count(keys * job.expected_in_doubt), count(sum(one.in_doubt)),
        count(one.of("held")), count(one.of("sent_again")), count(one.of("paid_again")),
        f"{dollars(at_risk * CREDIT_USD[0])}, {100 * at_risk / people:.3f} %",
    ]  # fmt: skip


def money(calls: int) -> str:
    """What a backlog costs by list prices."""
    people = calls * PEOPLE_A_CALL
    accounts = round(people * ACCOUNTS_PER_PERSON)
    rows = [
        [f"Apollo, credits at ${price}", count(share * people), dollars(share * people * price), ""]
        for price in CREDIT_USD
        for share in (FOUND, 1.0)
    ]
    rows += [
        [f"Serper, {package.name}", count(accounts), dollars(whole_packages(accounts, package)),
         duration(accounts / package.searches_per_second)]
        for package in PACKAGES
    ]  # fmt: skip
    classified = accounts * CLASSIFIED
    rows += [
        [f"DeepSeek, {price}, {at_once} at once", count(classified),
         dollars(classified * CLASSIFY_USD * factor),
         duration(classified * CLASSIFY_SECONDS / at_once)]
        for price, factor, at_once in (("off-peak", 1, 64), ("peak", 2, 512))
    ]  # fmt: skip
    return table(("", "credits or calls", "dollars", "least time"), rows)


def backlogs(job: Job, tries: int) -> list[Sum]:
    """So many of a tenth as many calls, whose hosts live a tenth as long: as many deaths."""
    small = replace(job, calls=job.calls // 10, life=job.life / 10)
    return [simulate(small, seed=seed) for seed in range(tries)]


def spread(sums: Sequence[Sum]) -> str:
    """How much the calls in doubt vary, over backlogs and over deaths."""
    seen = (
        ("a backlog", [sum(one.in_doubt) for one in sums]),
        ("a death", [calls for one in sums for calls in one.in_doubt]),
    )
    return table(
        ("calls in doubt", "seen", "mean", "P50", "P95", "most"),
        [
            [name, count(len(values)), f"{sum(values) / max(1, len(values)):.1f}",
             *(count(percentile(values, share)) for share in (0.5, 0.95, 1.0))]
            for name, values in seen
        ],
    )  # fmt: skip


def report(calls: int, tries: int, say: Callable[[str], None]) -> bool:
    """Print all of it; whether everything was kept that was promised."""
    job = Job(calls)
    kept = True

    def rows(sums: Iterator[tuple[str, Sum]]) -> str:
        nonlocal kept
        found = []
        for name, one in sums:
            kept = kept and not one.broken
            found.append(line("; ".join([name, *one.broken]), one))
        return table(HEADER, found)

    say(f"{count(calls)} bulk calls, {count(calls * PEOPLE_A_CALL)} people, seed {SEED}")
    say(money(calls))
    say(rows(("1 key" if keys == 1 else f"{keys} keys", simulate(job, keys)) for keys in KEYS))
    say(rows((name, simulate(one)) for name, one in plans(job)))
    say(rows((name, simulate(one)) for name, one in circumstances(job)))
    smaller = backlogs(job, tries)
    say(spread(smaller))
    return kept and not any(one.broken for one in smaller)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when everything was kept that was promised, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_out", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--tries", type=int, default=TRIES, help="for the spread")
    options = parser.parse_args(argv)
    return int(not report(options.calls, options.tries, lambda text: print(text, end="\n\n")))


if __name__ == "__main__":
    sys.exit(main())
