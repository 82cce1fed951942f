"""What was measured, as a table, as JSON and as expectations held or broken. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from benchmarks.bound import Bound
from benchmarks.variants import Result

Warmth = Literal["cold", "warm"]
Rows = list[tuple[str, list[str]]]

# The workload W50 after normalisation (design section 6).
DEALS, ACCOUNTS, DEAL_CONTACTS, PEOPLE = 50, 32, 503, 225
BULK_CALLS = 23
TIMES_AS_FAST = 4.0
"""Ours against ``phased``, cold, on the older design's own limits."""
PAID_ENDPOINTS = {
    "serper": ("search", "news"),
    "llm": ("chat/completions",),
    "apollo": ("people/bulk_match", "people/match"),
}
PHASES = ("prepare", "search", "classify", "roles", "people")
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Court:
    """What the sandbox counted in one run."""

    searches: int
    classifications: int
    bulk_calls: int
    single_calls: int
    free_calls: int
    """Usage and account pages."""
    people_asked: int
    people_bought: int
    people_paid_more_than_once: int
    searches_paid_more_than_once: int
    search_credits: float
    people_credits: float
    llm_usd: float
    output_tokens: int
    rate_limited: int

    @property
    def paid_calls(self) -> int:
        """Calls to endpoints that cost something."""
        return self.searches + self.classifications + self.bulk_calls + self.single_calls


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one variant."""

    variant: str
    warmth: Warmth
    result: Result
    court: Court
    bound: Bound


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation and whether it was met."""

    expected: str
    measured: str
    held: bool


def read_court(stats: Mapping[str, Any]) -> Court:
    """The sandbox's ``/_stats`` after a run."""
    books = {name: stats[name] for name in PAID_ENDPOINTS}

    def calls(provider: str, *endpoints: str) -> int:
        return sum(books[provider]["by_endpoint"].get(endpoint, 0) for endpoint in endpoints)

    paid = sum(calls(provider, *endpoints) for provider, endpoints in PAID_ENDPOINTS.items())
    return Court(
        searches=calls("serper", *PAID_ENDPOINTS["serper"]),
        classifications=calls("llm", *PAID_ENDPOINTS["llm"]),
        bulk_calls=calls("apollo", "people/bulk_match"),
        single_calls=calls("apollo", "people/match"),
        free_calls=sum(book["calls"] for book in books.values()) - paid,
        people_asked=books["apollo"]["items"],
        people_bought=books["apollo"]["distinct_people_paid"],
        people_paid_more_than_once=books["apollo"]["people_paid_more_than_once"],
        searches_paid_more_than_once=books["serper"]["queries_paid_more_than_once"],
        search_credits=books["serper"]["credits"],
        people_credits=books["apollo"]["credits"],
        llm_usd=books["llm"]["cost_usd"],
        output_tokens=books["llm"]["completion_tokens"],
        rate_limited=sum(book["rate_limited"] for book in books.values()),
    )


# -- the table ----------------------------------------------------------------------------


def table(profile: str, runs: Sequence[Measured]) -> str:
    """One profile's table: a column for each variant and warmth, in the order of the runs."""
    groups: dict[tuple[str, Warmth], list[Measured]] = {}
    for run in runs:
        groups.setdefault((run.variant, run.warmth), []).append(run)
    order = list(groups)
    columns = [groups[key] for key in order]
    bound = bound_of(runs)
    floor, drawn = bound.seconds, bound.drawn_seconds
    yardstick = seconds_of(runs, "phased", "cold")

    def each(words: Callable[[list[Measured]], str]) -> list[str]:
        return [words(column) for column in columns]

    def times_as_fast(column: list[Measured]) -> str:
        cold = column[0].warmth == "cold"
        return f"{yardstick / middle(column):.1f}" if yardstick and cold else NOTHING

    def against(least: float) -> list[str]:
        return each(
            lambda column: (
                f"{middle(column) / least:.2f}" if least and column[0].warmth == "cold" else NOTHING
            )
        )

    def counted(words: Callable[[Court], str]) -> list[str]:
        return each(lambda column: to_from(words(run.court) for run in column))

    rows: Rows = [
        ("", [f"{name} {warmth}" for name, warmth in order]),
        ("runs", each(lambda column: str(len(column)))),
        ("seconds, median", each(lambda column: f"{middle(column):.2f}")),
        ("seconds, least-most", each(_spread)),
        ("phased ÷ this", each(times_as_fast)),
        (f"this ÷ bound of the limits, {floor:.2f} s", against(floor)),
        (f"this ÷ bound with drawn delays, {drawn:.2f} s", against(drawn)),
        *((f"seconds of {name}", each(_phase(name))) for name in PHASES),
        ("searches", counted(lambda c: f"{c.searches}")),
        ("search credits", counted(lambda c: f"{c.search_credits:g}")),
        ("classification calls", counted(lambda c: f"{c.classifications}")),
        ("output tokens", counted(lambda c: f"{c.output_tokens}")),
        ("LLM dollars", counted(lambda c: f"{c.llm_usd:.4f}")),
        ("bulk calls", counted(lambda c: f"{c.bulk_calls}")),
        ("people asked for", counted(lambda c: f"{c.people_asked}")),
        ("people credits", counted(lambda c: f"{c.people_credits:g}")),
        ("people paid more than once", counted(lambda c: f"{c.people_paid_more_than_once}")),
        ("free calls (usage, account)", counted(lambda c: f"{c.free_calls}")),
        ("429s sent", counted(lambda c: f"{c.rate_limited}")),
    ]
    title = (
        f"W50 on {profile}: {DEALS} deals, {ACCOUNTS} accounts, {DEAL_CONTACTS} deal contacts, "
        f"{PEOPLE} people; held back by {bound.bound_by}"
    )
    return "\n".join([title, *aligned(rows)])


def aligned(rows: Rows) -> list[str]:
    """Lines of a table whose first column is words and whose others are figures."""
    first = max(len(name) for name, _ in rows)
    widths = [max(len(cell) for cell in cells) for cells in zip(*(c for _, c in rows), strict=True)]
    return [
        "  ".join(
            [name.ljust(first), *(c.rjust(w) for c, w in zip(cells, widths, strict=True))]
        ).rstrip()
        for name, cells in rows
    ]


def to_from(texts: Iterable[str]) -> str:
    """Equal texts once; different ones side by side: runs that differ are not averaged away."""
    return " | ".join(dict.fromkeys(texts))


def middle(runs: Sequence[Measured]) -> float:
    """The median of the seconds."""
    return median(run.result.seconds for run in runs)


def seconds_of(runs: Sequence[Measured], variant: str, warmth: Warmth) -> float:
    """The median of one column; 0 when it was not run."""
    column = [run for run in runs if (run.variant, run.warmth) == (variant, warmth)]
    return middle(column) if column else 0.0


def bound_of(runs: Sequence[Measured]) -> Bound:
    """The bound that all columns of a profile are held against: the lowest that our cold runs
    measured, or of whoever ran when ours did not."""
    cold = [run for run in runs if run.warmth == "cold"]
    ours = [run for run in cold if run.variant == "ours"]
    return min((run.bound for run in ours or cold), key=lambda bound: bound.seconds)


def _spread(column: list[Measured]) -> str:
    times = [run.result.seconds for run in column]
    return f"{min(times):.2f}-{max(times):.2f}" if len(times) > 1 else NOTHING


def _phase(name: str) -> Callable[[list[Measured]], str]:
    def words(column: list[Measured]) -> str:
        times = [run.result.phases.get(name, 0.0) for run in column]
        return f"{median(times):.2f}"

    return words


# -- expectations -------------------------------------------------------------------------


def verdicts(profiles: Mapping[str, Sequence[Measured]]) -> list[Verdict]:
    """All that must hold, on every profile that was run."""
    found: list[Verdict] = []
    for profile, runs in profiles.items():
        ours = [run for run in runs if run.variant == "ours"]
        found += [
            Verdict(f"{profile}: {one.expected}", one.measured, one.held)
            for one in [*_cold(ours), *_warm(ours), *_same_work(runs)]
        ]
    if "classic" in profiles:
        ours_s, theirs_s = (
            seconds_of(profiles["classic"], name, "cold") for name in ("ours", "phased")
        )
        if ours_s and theirs_s:
            ratio = theirs_s / ours_s
            words = f"classic: cold at least {TIMES_AS_FAST:g} times as fast as phased"
            found.append(Verdict(words, f"{ratio:.1f} times", ratio >= TIMES_AS_FAST))
    return found


def _every(
    expected: str, runs: Sequence[Measured], words: Callable[[Court], str], wanted: str
) -> Verdict:
    """In every run the same figure; no run at all proves nothing."""
    measured = to_from(words(run.court) for run in runs)
    return Verdict(expected, measured or "no run", measured == wanted)


def _cold(ours: Sequence[Measured]) -> list[Verdict]:
    cold = [run for run in ours if run.warmth == "cold"]
    return [
        _every("ours is sent no 429", ours, lambda c: str(c.rate_limited), "0"),
        _every(
            f"ours asks for {PEOPLE} people in {BULK_CALLS} bulk calls and no single ones",
            cold,
            lambda c: f"{c.people_asked} in {c.bulk_calls} and {c.single_calls}",
            f"{PEOPLE} in {BULK_CALLS} and 0",
        ),
        _every(
            f"ours searches {ACCOUNTS} accounts once each", cold, lambda c: str(c.searches),
            str(ACCOUNTS),
        ),
        _every(
            "ours pays nothing twice", cold,
            lambda c: str(c.people_paid_more_than_once + c.searches_paid_more_than_once), "0",
        ),
    ]  # fmt: skip


def _warm(ours: Sequence[Measured]) -> list[Verdict]:
    warm = [run for run in ours if run.warmth == "warm"]
    return [_every("ours makes no paid call when warm", warm, lambda c: str(c.paid_calls), "0")]


def _same_work(runs: Sequence[Measured]) -> list[Verdict]:
    """Who is quick because less was done has not won."""
    brought = to_from(
        f"{r.searched} searched, {r.classified} classified, {r.people} people"
        for r in (run.result for run in runs)
    )
    bought = to_from(f"{run.court.people_bought} found" for run in runs if run.warmth == "cold")
    whole = all(r.searched == ACCOUNTS and r.people == PEOPLE for r in (m.result for m in runs))
    same = whole and "|" not in brought + bought
    return [Verdict("every run covers all of W50, and all the same", f"{brought}; {bought}", same)]


def verdict_lines(found: Sequence[Verdict]) -> list[str]:
    """One line for each expectation."""
    return [f"{'ok    ' if one.held else 'FAILED'} {one.expected}: {one.measured}" for one in found]


# -- JSON ---------------------------------------------------------------------------------


def as_json(
    about: Mapping[str, Any], profiles: Mapping[str, Sequence[Measured]], found: Sequence[Verdict]
) -> dict[str, Any]:
    """Everything that was measured; ``about`` says when and with what."""
    return {
        **about,
        "workload": {
            "deals": DEALS, "accounts": ACCOUNTS, "deal_contacts": DEAL_CONTACTS, "people": PEOPLE,
        },
        "profiles": {
            profile: {
                "bound": asdict(bound_of(runs)),
                "ours_s": seconds_of(runs, "ours", "cold"),
                "ours_warm_s": seconds_of(runs, "ours", "warm"),
                "phased_s": seconds_of(runs, "phased", "cold"),
                "runs": [asdict(run) for run in runs],
            }
            for profile, runs in profiles.items()
        },
        "expectations": [asdict(one) for one in found],
        "held": all(one.held for one in found),
    }  # fmt: skip
