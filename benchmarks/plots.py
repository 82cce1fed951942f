"""The report's plots as SVG, readable on light and dark pages; the same figures, the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks import markdown as md
from benchmarks.compare import column
from benchmarks.variants import all_variants

Figures = Mapping[str, Any]

INK = "#010203"
"""Stands for the page's own text colour; replaced in the file."""
FAINT = "#040506"
LAID_OUT_WITH = "DejaVu Sans"
"""The font that matplotlib brings along; readers get their system's."""
FONTS = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
COLOURS = {
    "ours": "#1f883d", "script": "#3b82f6", "projected": "#d29922", "phased": "#e16f24",
    "sequential": "#8b5cf6",
}  # fmt: skip
STYLE = (
    "<style>svg{--ink:#1f2328;--faint:#d1d9e0}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--faint:#3d444d}}</style>"
)
SETTINGS = {
    "svg.fonttype": "none", "svg.hashsalt": "enrico", "font.family": [LAID_OUT_WITH],
    "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT,
    "xtick.color": INK, "ytick.color": INK, "grid.color": FAINT, "axes.grid": True,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 10, "axes.titlelocation": "left", "legend.frameon": False,
    "lines.linewidth": 2, "lines.markersize": 5,
}  # fmt: skip


def write_plots(figures: Figures, folder: Path) -> list[Path]:
    """All plots into *folder*; returns their files."""
    folder.mkdir(parents=True, exist_ok=True)
    plots: tuple[tuple[str, str, Callable[[Figures], Figure]], ...] = (
        ("variants", "runs", _variants), ("sizes", "sizes", _sizes),
        ("batches", "batches", _batches),
    )  # fmt: skip
    paths = []
    with mpl.rc_context(SETTINGS):
        for name, needed, plot in plots:
            if not figures.get(needed):
                continue
            path = folder / f"{name}.svg"
            path.write_text(_svg(plot(figures)))
            paths.append(path)
    return paths


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue().replace(INK, "var(--ink)").replace(FAINT, "var(--faint)")
    svg = svg.replace(f"'{LAID_OUT_WITH}'", FONTS)
    head, mark, rest = svg.partition("<defs>")
    # Trailing spaces in paths are matplotlib's; without them a diff shows only what changed.
    return "\n".join(line.rstrip() for line in f"{head}{STYLE}{mark}{rest}".splitlines()) + "\n"


def _variants(figures: Figures) -> Figure:
    """Times as long as the bound, by profile and variant."""
    runs = figures["runs"]
    profiles = [p for p in ("classic", "modern", "free", "storm") if column(runs, p, "ours")]
    figure = Figure(figsize=(8, 1.2 + 1.15 * len(profiles)), layout="constrained")
    axes = figure.subplots()
    names = list(all_variants())
    for number, profile in enumerate(profiles):
        ours = column(runs, profile, "ours")
        bound = ours.middle("bound", "drawn_seconds") if ours else 0.0
        for place, name in enumerate(names):
            one = column(runs, profile, name)
            if not one or not bound:
                continue
            ratio, at = one.seconds() / bound, number + 0.16 * (place - 2)
            axes.barh(at, ratio - 1, left=1, height=0.14, color=COLOURS[name],
                      label=name if not number else None)  # fmt: skip
            axes.annotate(
                md.times(ratio), (ratio, at), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=8,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(left=1)
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_yticks(range(len(profiles)), profiles)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_title("50 deals, cold: times as long as limits and drawn delays allow (1 = the bound)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    return figure


def _sizes(figures: Figures) -> Figure:
    """Seconds by deals, cold and warm, with the bound."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    rows = [row for row in figures["sizes"] if row["profile"] == "modern"]
    deals = [row["deals"] for row in rows]
    lines = (
        ("cold", [row["cold"]["seconds"] for row in rows], COLOURS["ours"], "-"),
        ("everything known", [row["warm"]["seconds"] for row in rows], COLOURS["script"], "-"),
        ("bound, as drawn", [row["cold"]["bound"]["drawn_seconds"] for row in rows], INK, ":"),
    )
    for label, values, colour, dash in lines:
        axes.plot(deals, values, dash, color=colour, marker="o", label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
        axis.set_minor_formatter(FuncFormatter(lambda x, _: ""))
    axes.set_xticks(deals)
    axes.set_xlabel("deals")
    axes.set_title("Seconds on modern")
    axes.legend()
    return figure


def _batches(figures: Figures) -> Figure:
    """Time and dollars by batch size, over those of the default."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    panes = figure.subplots(1, 2)
    titles = (("seconds", "Time ÷ default"), ("llm_usd", "LLM dollars ÷ default"))
    for axes, (name, title) in zip(panes, titles, strict=True):
        for speed, colour in ((60, COLOURS["phased"]), (270, COLOURS["script"])):
            mine = [row for row in figures["batches"] if row["tokens_per_second"] == speed]
            default = next(row[name] for row in mine if row["size"] is None)
            sized = [row for row in mine if row["size"]]
            axes.plot([row["size"] for row in sized], [row[name] / default for row in sized],
                      marker="o", color=colour, label=f"{speed} tokens/s")  # fmt: skip
        axes.axhline(1, color=INK, linestyle=":", linewidth=1)
        axes.set_ylim(bottom=0)
        axes.set_xticks([1, 2, 4, 10, 20])
        axes.set_xlabel("accounts in a call")
        axes.set_title(title)
    panes[0].legend()
    return figure
