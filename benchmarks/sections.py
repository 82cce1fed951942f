"""The report's sections on ours alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import markdown as md
from benchmarks.quality import VARYING
from benchmarks.scale import power
from benchmarks.workers import middle

Figures = Mapping[str, Any]


def sizes(figures: Figures) -> list[str]:
    """By number of deals."""
    parts = ["## Sizes", "![Seconds by number of deals](report/sizes.svg)"]
    rows = [
        [
            f"{row['deals']:,} on `{row['profile']}`",
            _over(row["cold"]["seconds"], row["cold"]["bound"]["drawn_seconds"]),
            md.seconds(row["cold"]["seconds"]),
            f"{1000 * row['cold']['cpu_seconds'] / row['deals']:.1f} ms",
            md.count(row["cold"]["paid_calls"]),
            f"{row['cold']['paid_calls'] / row['deals']:.2f}",
            md.usd(row["cold"]["usd"]),
            md.seconds(row["warm"]["seconds"]),
            md.count(row["warm"]["paid_calls"]),
        ]
        for row in figures["sizes"]
    ]
    header = ["deals", "÷ bound as drawn", "cold", "CPU a deal", "paid calls", "calls a deal",
              "dollars", "again", "paid calls again"]  # fmt: skip
    return [*parts, md.table(header, rows)]


def cached(figures: Figures) -> list[str]:
    """By what is known."""
    rows = [
        [
            f"{row['deals']:,}", f"{row['enriched_pct']} %", md.percent(row["people_cached"]),
            md.seconds(row["seconds"]), md.count(row["paid_calls"]), md.usd(row["usd"]),
        ]
        for row in figures["cached"]
    ]  # fmt: skip
    header = ["deals", "of them enriched before", "people cached", "time", "paid calls", "dollars"]
    return ["### With a part known", md.table(header, rows)]


def repeated(figures: Figures) -> list[str]:
    """The same people on more and more deals."""
    rows = [
        [
            f"{row['deal_contacts']:,}", f"{row['deal_contacts'] / 225:.1f}",
            md.count(row["people_asked"]), md.count(row["bulk_calls"]),
            md.count(row["people_credits"]), md.seconds(row["seconds"]),
        ]
        for row in figures["repeated"]
    ]  # fmt: skip
    header = ["deal contacts of 225 people", "deals a person", "people asked for", "bulk calls",
              "credits", "time"]  # fmt: skip
    return ["### The same people on many deals", md.table(header, rows)]


def batches(figures: Figures) -> list[str]:
    """Accounts in one classification call."""
    rows = []
    for profile in dict.fromkeys(row["profile"] for row in figures["batches"]):
        mine = [row for row in figures["batches"] if row["profile"] == profile]
        default = next(row for row in mine if row["size"] is None)
        rows += [
            [
                f"{row['tokens_per_second']} tokens/s, "
                + (f"batches of {row['size']}" if row["size"] else "**the default**"),
                md.times(row["seconds"] / default["seconds"]),
                md.times(row["llm_usd"] / default["llm_usd"]),
                md.seconds(row["seconds"]),
                md.count(row["classifications"]),
                md.count(row["output_tokens"]),
                md.usd(row["llm_usd"]),
                md.percent(row["llm_usd"] / row["usd"]),
            ]
            for row in mine
        ]
    header = ["LLM", "time ÷ default", "LLM dollars ÷ default", "time", "calls", "output tokens",
              "LLM dollars", "of the whole bill"]  # fmt: skip
    return [
        "## LLM batches",
        "How many accounts share a classification call. A batch above 1 waits up to 2 s for "
        "company; the default sends at once and fills batches only from a backlog.",
        "![Time and dollars by batch size](report/batches.svg)",
        md.table(header, rows),
    ]


def limiter(figures: Figures) -> list[str]:
    """The limiter against four kinds of providers."""
    rows = [
        [
            f"{row['limit']:,} in {row['seconds']:g} s, {row['knowledge']}, {row['kind']}",
            f"{row['ratio_p50']:.3f}",
            f"{row['ratio_most']:.3f}",
            f"{row['goal']:.2f}" if row["goal"] else md.NOTHING,
            f"{row['refused']:,} of {row['calls']:,}",
            f"{row['settled_windows']:.1f}",
            "yes" if row["held"] else "**no**",
        ]
        for row in figures["limiter"]
    ]
    header = ["limit, what is known of it, provider", "time ÷ bound, P50", "most", "goal", "429s",
              "windows from first to last 429", "reached"]  # fmt: skip
    return [
        "## The limiter",
        "In virtual time, against providers whose windows open at a call (anchored), stand still "
        "on the clock (aligned), slide, or are buckets; one-way delay 20-120 ms, service "
        "0.4-1.2 s, 20, 64 and 400 calls at once. Goals: known limits 1.01 times the bound for "
        "minutes and `1 + J/W + 0.02` for seconds (J = 0.1 s of jitter) without any 429, buckets "
        "and minutes by the clock set as such; wrong or unknown limits at most 0.5 % 429s, the "
        "last within three windows of the first.",
        md.table(header, rows),
    ]


def lane(figures: Figures) -> list[str]:
    """A small request beside a large batch."""
    rows = [
        [
            f"{row['limit']:,} in {row['seconds']:g} s",
            md.times(row["beside_p50"] / row["alone_p50"]),
            md.times(row["beside_most"] / row["alone_p50"]),
            *(md.seconds(row[name])
              for name in ("alone_p50", "beside_p50", "beside_p95", "beside_most")),
        ]
        for row in figures["lane"]
    ]  # fmt: skip
    header = ["limit", "beside ÷ alone, P50", "most", "alone, P50", "beside a batch, P50", "P95",
              "most"]  # fmt: skip
    return [
        "## A one-deal request beside a batch",
        "One call in the limiter's fast lane, in virtual time, while a batch of thirty windows is "
        f"under way; {figures['lane'][0]['requests']} such calls for each limit.",
        md.table(header, rows),
    ]


def one_deal(figures: Figures) -> list[str]:
    """A whole run of one deal beside a batch."""
    rows = [
        [
            f"{row['way']}, {row['batch_deals']:,} deals under way",
            md.times(row["beside_p50"] / row["alone_p50"]),
            md.times(row["beside_most"] / row["alone_p50"]),
            *(md.seconds(row[name]) for name in ("alone_p50", "beside_p50", "beside_most")),
            md.count(row["rate_limited"]),
            md.count(row["paid_again"]),
            "yes" if row["batch_went_on"] else "**no**",
        ]
        for row in figures["one_deal"]
    ]
    header = ["who does both", "beside ÷ alone, P50", "most", "alone, P50", "beside, P50", "most",
              "429s", "paid twice", "batch outlived them"]  # fmt: skip
    return [
        "### A whole run of one deal",
        f"Real processes on the real clock, on `modern`: {figures['one_deal'][0]['requests']} runs "
        "of one deal, one after the other, each of a deal that the batch has not come to. From "
        "asking to the summary, without the start of the process.",
        md.table(header, rows),
    ]


def workers(figures: Figures) -> list[str]:
    """A run shared by several processes."""
    rows = []
    for profile in dict.fromkeys(row["profile"] for row in figures["workers"]):
        mine = [row for row in figures["workers"] if row["profile"] == profile]
        for number in dict.fromkeys(row["workers"] for row in mine):
            same = [row for row in mine if row["workers"] == number]
            seconds = middle(mine, profile, number, "seconds") or 0.0
            alone = middle(mine, profile, 1, "seconds") or 0.0
            calls = middle(mine, profile, number, "paid_calls") or 0.0
            cpu = middle(mine, profile, number, "cpu_seconds") or 0.0
            rows.append([
                f"`{profile}`, {same[0]['deals']:,} deals, "
                + (f"{number} workers" if number > 1 else
                   "1 worker" if number else "in the foreground"),
                md.times(alone / seconds),
                md.seconds(seconds),
                f"{same[0]['people'] / seconds:.0f}",
                f"{calls / seconds:.0f}",
                f"{1000 * cpu / calls:.1f} ms",
                md.count(sum(row["rate_limited"] for row in same)),
                md.count(sum(row["paid_again"] for row in same)),
            ])  # fmt: skip
    header = ["run", "throughput ÷ one worker's", "time", "people/s", "calls/s", "CPU a call",
              "429s", "paid twice"]  # fmt: skip
    return [
        "## Many workers",
        "Real processes on the real clock, over a PostgreSQL server with every commit flushed, on "
        "one key. From asking for the run to its summary. Where limits bind, more workers must not "
        "be slower; where none does, what one machine brings is bound by its cores, which server "
        "and sandbox use too.",
        md.table(header, rows),
    ]


def quality(figures: Figures) -> list[str]:
    """Being quick costs no quality."""
    found = figures["quality"]
    rows = [
        [row["name"], f"{row['differing']:,} of {row['fields']:,}", row["first"] or md.NOTHING]
        for row in found
    ]
    left_out = "; ".join(f"{table}: {', '.join(sorted(v))}" for table, v in VARYING.items())
    return [
        "## The same results however it is run",
        f"All result tables of W50, field by field, against those of “{found[0]['against']}”. Left "
        f"out, because they say when, by which call or at which share of a price: {left_out}.",
        md.table(["way of running", "fields that differ", "first difference"], rows),
    ]


def own_cost(figures: Figures) -> list[str]:
    """CPU beside a bare HTTP loop."""
    own = figures["own_cost"]
    parts = ("load", "run", "export", "bare")
    rows = [[name, f"{own[name]['cpu']:.1f} s", f"{own[name]['wall']:.1f} s"] for name in parts]
    return [
        "## Our own cost",
        f"{own['people']:,} people on `instant`, beside a bare loop that sends the very same "
        f"requests and keeps nothing: run and export take {md.times(own['cpu_ratio'])} times its "
        f"CPU and {md.times(own['wall_ratio'])} times its time; most memory "
        f"{own['peak_mb']:.0f} MB.",
        md.table(["part", "CPU", "time"], rows),
    ]


def scale(figures: Figures) -> list[str]:
    """To 100,000 deals."""
    found = figures["scale"]
    small, large = found[0], found[-1]
    rows = []
    for number, step in enumerate(large["steps"]):
        rows.append([
            step["step"],
            f"{power(small, large, number):.2f}" if len(found) > 1 else md.NOTHING,
            *(cell for size in found for cell in _step_cells(size["steps"][number])),
        ])  # fmt: skip
    header = ["step", "power of CPU time",
              *(f"{size['deals']:,} deals: {what}" for size in found
                for what in ("time", "CPU", "most MB", "grown MB"))]  # fmt: skip
    return [
        "## Scale",
        f"On `instant`, real clock, {large['deals']:,} deals with {large['deal_contacts']:,} deal "
        f"contacts of {large['people']:,} people at most. Power 1 is proportional; it is that of "
        "CPU time in units of a fixed piece of work done just before and after each step, because "
        "the speed of a machine that others share changes from minute to minute. Grown: the most "
        "memory after the first fifth of a step, less the most within it.",
        md.table(header, rows),
    ]


def clocks(figures: Figures) -> list[str]:
    """How far the skipping clock can be trusted."""
    rows = [
        [f"`{row['variant']}` on `{row['profile']}`", f"{row['skipping'] / row['real']:.3f}",
         md.seconds(row["skipping"]), md.seconds(row["real"])]
        for row in figures["clocks"]
    ]  # fmt: skip
    return [
        "## The clock",
        "The same run on both clocks, one after the other, the real one with the sandbox in a "
        "process of its own:",
        md.table(["run", "skipping ÷ real", "skipping", "real"], rows),
    ]


def unmeasured(figures: Figures) -> list[str]:
    """What the figures do not say."""
    return [
        "## Not measured",
        "- Real providers: their limits, delays and faults are the sandbox's reading of their "
        "documentation and of recorded traffic.\n"
        "- A network: sandbox and client share a machine.\n"
        "- The quality of a real model's labels: the sandbox's model answers by rules, and so "
        "measures only that nothing is lost or mixed up on the way.\n"
        "- The prose that the older design had the model write (125 s for 32 accounts at 60 "
        "tokens/s by its own account) is not charged to its variants, so ratios to them are on the "
        "low side.\n"
        "- Workers on machines of their own.",
    ]


# What each needs of the figures, and the title where that was not measured.
SECTIONS: Sequence[tuple[str, str, Callable[[Figures], list[str]]]] = (
    ("sizes", "Sizes", sizes),
    ("cached", "With a part known", cached),
    ("repeated", "The same people on many deals", repeated),
    ("batches", "LLM batches", batches),
    ("limiter", "The limiter", limiter),
    ("lane", "A one-deal request beside a batch", lane),
    ("one_deal", "A whole run of one deal", one_deal),
    ("workers", "Many workers", workers),
    ("quality", "The same results however it is run", quality),
    ("own_cost", "Our own cost", own_cost),
    ("scale", "Scale", scale),
    ("clocks", "The clock", clocks),
    ("about", "Not measured", unmeasured),
)


def sections(figures: Figures) -> list[str]:
    """All of them; one that was not measured says so."""
    parts = []
    for needed, title, section in SECTIONS:
        known = figures.get(needed)
        parts += section(figures) if known else [f"## {title}", "Not measured in this run."]
    return parts


def _over(value: float, floor: float) -> str:
    return md.times(value / floor) if floor else md.NOTHING


def _step_cells(step: Mapping[str, Any]) -> list[str]:
    return [md.seconds(step["seconds"]), f"{step['cpu_seconds']:.1f} s",
            f"{step['peak_mb']:.0f}", f"{step['grown_mb']:.0f}"]  # fmt: skip
