"""The report, from the figures alone: ``benchmarks/report.md``. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import markdown as md
from benchmarks.compare import Column, column
from benchmarks.goals import goal_table, goals
from benchmarks.sections import sections
from benchmarks.variants import all_variants

Figures = Mapping[str, Any]

HOW = """\
All providers are the sandbox: real HTTP on this machine, with the limits and delays of a profile \
(`docs/how-to/benchmark.md`), seed 7. Calls, credits, 429s and double payments are counted by the \
sandbox, never by the variant. Every run is a process of its own on a sandbox that has forgotten \
all others. Variants take turns, so that a noisy minute of the machine meets all of them.

**The clock skips idle time.** Client and sandbox share one event loop; while neither has anything \
to do, and no thread computes or waits for the disk, the clock jumps to the next timer. Processor \
and disk count in full, waits for limits and answers take their whole time on the clock and none \
on the wall. So `free` and `sequential`, which take up to hours, are measured like the others. \
`instant`, where there is nothing to wait for, runs on the real clock with the sandbox in a \
process of its own. How far the two clocks agree is measured [below](#the-clock).

**Seconds** run from the first look at the CRM's files to the last result; ours with making its \
database, loading and its journal, every commit flushed to disk. P95 of five runs is the slowest. \
Small differences between runs are the machine's noise: read ratios before seconds."""
BOUND = """\
Nobody can go below the bound. **By the formula** it is `max((k-1)·W + Lmin, N·L/C)` over all \
windows, `k = ceil(N/R)`, for the longest chain (all searches and then one classification; all \
people), every call as quick as the quickest that the sandbox drew. **As drawn**, the calls leave \
in the order in which they did, each as early as its windows allow, take the delays that the \
sandbox really drew for them, and a classification starts when its search is answered. Both start \
where the run's clock starts; all variants are held against the bound of our own calls, because \
who sends more calls than needed shall not get a softer bound for it."""
PROFILES = {
    "classic": "the older design's limits: 5/s each; people 0.5-1.0 s, search 0.2-0.5 s, the model "
    "0.4-0.8 s and 60 tokens/s",
    "modern": "people 1,000/min, search 50/s; the model 1.0 s and 270 tokens/s",
    "free": "people 20/min, 100/h, 600/day in bulk; 50/min, 200/h singly",
    "storm": "modern with 429 storms, resets, 5xx, cut and malformed answers",
    "instant": "no limits, no delays: what a variant itself costs",
}


def render(figures: Figures) -> str:
    """The whole report as Markdown."""
    parts = [
        "# Benchmark report",
        _headline(figures),
        "## Asked and got",
        goal_table(goals(figures)),
        "## How it was measured",
        _about(figures),
        HOW,
        _variants(),
        "## Fifty deals beside other ways of doing it",
        BOUND,
        *(part for profile in _profiles(figures) for part in _profile(figures, profile)),
        *sections(figures),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def readme_block(figures: Figures) -> str:
    """The lines between README's ``FIGURES`` marks."""
    rows = []
    for profile in ("classic", "modern"):
        ours, warm = (column(figures["runs"], profile, "ours", s) for s in ("cold", "warm"))
        if ours is None or warm is None:
            continue
        others = [column(figures["runs"], profile, name) for name in ("sequential", "phased")]
        rows.append([
            f"`{profile}`",
            *(md.times(one.seconds() / ours.seconds()) if one else md.NOTHING for one in others),
            md.times(ours.seconds() / ours.middle("bound", "drawn_seconds")),
            md.count(max(row["court"]["paid_calls"] for row in warm.rows)),
        ])  # fmt: skip
    header = ["the sandbox's limits", "cold, times as fast as deal by deal",
              "cold, times as fast as phases", "cold, times the lower bound",
              "paid calls when run again"]  # fmt: skip
    return (
        "<!-- FIGURES: from `python -m benchmarks --readme`. -->\n"
        f"Measured with `make {figures['about']['target']}` on the sandbox, 50 deals with 503 deal "
        "contacts, beside the older design:\n\n"
        f"{md.table(header, rows).replace('---:', '---')}\n\n"
        "The lower bound is what the providers' limits and answer times allow at best. These are "
        "the sandbox's limits; your plans' limits decide your times, and `enrico plan` says what "
        "they make of your export once they are set, or a run has met them. [The whole "
        "report](benchmarks/report.md).\n"
        "<!-- /FIGURES -->"
    )


def _profiles(figures: Figures) -> list[str]:
    return list(dict.fromkeys(row["profile"] for row in figures["runs"]))


def _headline(figures: Figures) -> str:
    runs = figures["runs"]
    lines = []
    for profile in ("classic", "modern"):
        ours = column(runs, profile, "ours")
        others = {name: column(runs, profile, name) for name in all_variants() if name != "ours"}
        if ours is None:
            continue
        said = [_speed(name, one.seconds() / ours.seconds()) for name, one in others.items() if one]
        drawn = ours.seconds() / ours.middle("bound", "drawn_seconds")
        lines.append(f"- On `{profile}`: {', '.join(said)}; {md.times(drawn)} times the least "
                     "that limits and drawn delays allow.")  # fmt: skip
    for name in ("ours", "script", "projected", "phased", "sequential"):
        one = column(runs, "storm", name)
        if one:
            lines.append(
                f"- In a storm `{name}` loses {one.count('lost_people'):g} people and "
                f"{one.count('lost_accounts'):g} accounts silently, holds {one.count('held'):g} "
                f"people for the user, and pays {one.count('people_paid_again'):g} times for "
                "people whom it has paid for before."
            )
    return "\n".join(lines)


def _speed(name: str, ratio: float) -> str:
    if ratio >= 1:
        return f"{md.times(ratio)} times as fast as `{name}`"
    return f"takes {md.times(1 / ratio)} times as long as `{name}`"


def _about(figures: Figures) -> str:
    about = figures["about"]
    apart = ", ".join(f"{name} ({at[:16]})" for name, at in figures["measured_apart"].items())
    later = f" Measured apart from that: {apart}." if apart else ""
    return (
        f"Measured on {about['at'][:10]} in {about['minutes']:.0f} minutes by `make "
        f"{about['target']}`: Python {about['python']}, {about['cores']} processor cores, load "
        f"{about['load_before']:.1f} before and {about['load_after']:.1f} after (one is one busy "
        "core; what others use is noise in these figures). The workload is W50: 50 closed deals, "
        "32 accounts of which 27 have news, 503 deal contacts, 225 distinct people of whom the "
        f"provider knows 195.{later}"
    )


def _variants() -> str:
    rows = [[f"`{one.name}`", one.about] for one in all_variants().values()]
    return md.table(["variant", "what it is"], rows).replace("---:", "---")


def _profile(figures: Figures, profile: str) -> list[str]:
    names = [name for name in all_variants() if column(figures["runs"], profile, name)]
    cold = {name: column(figures["runs"], profile, name) for name in names}
    warm = {name: column(figures["runs"], profile, name, "warm") for name in names}
    ours = cold.get("ours")
    parts = [f"### `{profile}`", PROFILES[profile][:1].upper() + PROFILES[profile][1:] + "."]
    if profile == "classic":
        parts.append("![Times as long as the lower bound](report/variants.svg)")
    parts.append(_times(ours, {k: v for k, v in cold.items() if v}))
    parts.append(_books({k: v for k, v in cold.items() if v}))
    known = {k: v for k, v in warm.items() if v}
    if known:
        parts.append("Run again, with everything known:")
        parts.append(_again(known))
    return parts


def _times(ours: Column | None, columns: Mapping[str, Column]) -> str:
    bound = ours.middle("bound", "seconds") if ours else 0.0
    drawn = ours.middle("bound", "drawn_seconds") if ours else 0.0
    own = ours.seconds() if ours else 0.0
    rows = [
        [
            f"`{name}`",
            md.times(one.seconds() / own) if own else md.NOTHING,
            md.times(one.seconds() / drawn) if drawn else md.NOTHING,
            md.times(one.seconds() / bound) if bound else md.NOTHING,
            *(md.seconds(one.seconds(share)) for share in (0.5, 0.95, 1.0)),
            f"{one.middle('cpu_seconds'):.2f} s",
            str(len(one.rows)),
        ]
        for name, one in columns.items()
    ]
    if drawn:
        rows.append(["bound, as drawn", md.times(drawn / own), "1.00", md.times(drawn / bound),
                     md.seconds(drawn), "", "", "", ""])  # fmt: skip
        rows.append(["bound, formula", md.times(bound / own), md.times(bound / drawn), "1.00",
                     md.seconds(bound), "", "", "", ""])  # fmt: skip
    header = ["cold", "÷ ours", "÷ bound as drawn", "÷ bound by formula", "P50", "P95", "most",
              "CPU, sandbox included", "runs"]  # fmt: skip
    return md.table(header, rows)


def _books(columns: Mapping[str, Column]) -> str:
    def least_most(one: Column, name: str, words: Any) -> str:
        values = sorted({row[name] if name in row else row["court"][name] for row in one.rows})
        ends = dict.fromkeys((words(values[0]), words(values[-1])))
        return "-".join(ends)

    figures = (
        ("searches", "searches", md.count), ("classification calls", "classifications", md.count),
        ("bulk calls", "bulk_calls", md.count), ("single calls", "single_calls", md.count),
        ("people asked for", "people_asked", md.count),
        ("people credits", "people_credits", md.count),
        ("people paid twice", "people_paid_again", md.count),
        ("searches paid twice", "searches_paid_again", md.count),
        ("output tokens", "output_tokens", md.count), ("LLM dollars", "llm_usd", md.usd),
        ("dollars in all", "usd", md.usd), ("429s", "rate_limited", md.count),
        ("calls that failed", "error_rate", md.percent),
        ("people lost", "lost_people", md.count), ("accounts lost", "lost_accounts", md.count),
        ("people held and listed", "held", md.count),
    )  # fmt: skip
    rows = [
        [words, *(least_most(one, name, form) for one in columns.values())]
        for words, name, form in figures
    ]
    return md.table(["least-most of all runs", *(f"`{name}`" for name in columns)], rows)


def _again(columns: Mapping[str, Column]) -> str:
    rows = [
        [
            f"`{name}`",
            md.seconds(one.seconds()),
            md.count(one.count("paid_calls")),
            md.percent(one.middle("cached", "people")),
            md.percent(one.middle("cached", "searches")),
            md.count(one.count("lost_people")),
            md.count(one.count("lost_accounts")),
        ]
        for name, one in columns.items()
    ]
    header = ["warm", "P50", "paid calls", "people cached", "searches cached", "people lost",
              "accounts lost"]  # fmt: skip
    return md.table(header, rows)
