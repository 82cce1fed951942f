"""Markdown from rows, and figures as words."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; all columns but the first are figures."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [header, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def seconds(value: float) -> str:
    """0.034 → 0.034 s; 8.56 → 8.6 s; 7326 → 122 min."""
    if value >= 600:
        return f"{value / 60:.0f} min"
    if value >= 100:
        return f"{value:.0f} s"
    return f"{value:.1f} s" if value >= 1 else f"{value:.3f} s"


def times(value: float) -> str:
    """A ratio: 1.236 → 1.24, 51.3 → 51."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def percent(share: float) -> str:
    """A share: 0.0712 → 7.1 %; 0 → 0 %."""
    return f"{100 * share:.1f} %" if share else "0 %"


def usd(value: float) -> str:
    """Dollars; fractions of a cent where that is all there is."""
    return f"${value:.2f}" if value >= 0.1 else f"${value:.4f}"


def count(value: float) -> str:
    """1247.0 → 1,247."""
    return f"{value:,.0f}"
