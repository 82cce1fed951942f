"""A run in words: the sentence at the head of the page, and how figures are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from enrico.report.calls import Outcome
from enrico.report.mends import TITLES

OUTCOME_WORDS: dict[Outcome, str] = {
    "answered": "answered",
    "refused": "refused",
    "failed": "failed",
    "open": "unknown or held",
}
_PLURALS = {"person": "people"}
_BOUND = re.compile(r"^(\w+): (.*)$")


def plural(count: int | float, word: str) -> str:
    """``1 call``, ``23 calls``, ``2,300 calls``."""
    number = f"{count:,}" if isinstance(count, int) else f"{count:,g}"
    return f"{number} {word if count == 1 else _PLURALS.get(word, word + 's')}"


def seconds_words(seconds: float) -> str:
    """``0 s``, ``340 ms``, ``8.1 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds == 0:
        return "0 s"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def wait_words(cause: str) -> str:
    """What a call waited for: a window, a free place, the end of a wall."""
    return {"concurrency": "a free place", "429": "the wall of a 429"}.get(cause, cause)


def bound_words(bound_by: str) -> str:
    """``serper: 5/s`` → ``Serper's 5/s window``; other words stay as they are."""
    found = _BOUND.match(bound_by)
    if not found or found[1] not in TITLES:
        return bound_by
    title, what = TITLES[found[1]], found[2]
    if what == "time of one call":
        return f"the time of one {title} call"
    return f"{title}'s {what} window" if "/" in what else f"{title}'s limit of {what}"


def headline(data: Mapping[str, Any]) -> str:
    """What a run was, in one sentence."""
    if "duration_ms" not in data:
        return _of_the_cut_short(data)
    deals = plural(data["deals"], "deal")
    took = seconds_words(data["duration_ms"] / 1000)
    calls = sum(part["calls"] for part in data["providers"].values())
    if not calls and data["status"] == "done":
        return f"{deals} in {took} without a single paid call: everything asked for was known."
    people = data["providers"]["apollo"]
    words = f"{deals} in {took}, {plural(people['found'], 'person')} found"
    if people["credits"] or people["cost_usd"]:
        words += f" for {plural(people['credits'], 'credit')} (${people['cost_usd']:,.2f})"
    if data["status"] == "budget_reached":
        return f"{words}; then the cap was reached, and the rest was left unasked."
    if data["status"] == "refused":
        return f"{words}; then a provider refused the key, or its balance was spent."
    if data["status"] == "interrupted":
        return f"{words}; then the run was interrupted. What was bought is kept."
    if data["lower_bound_ms"]:
        words += (
            f"; held back by {held_back_by(data)}; {data['efficiency'] * 100:.0f}\u00a0% of "
            "what the limits allow"
        )
    return f"{words}."


def held_back_by(data: Mapping[str, Any]) -> str:
    """What cost a finished run most of its time: a limit, or walls of 429s."""
    lost = data["duration_ms"] - data["lower_bound_ms"]
    name = max(data["walled_ms"], key=data["walled_ms"].__getitem__)
    walled = data["walled_ms"][name]
    if walled * 2 > lost and walled > data["lower_bound_ms"]:
        return f"{TITLES[name]}'s 429s ({seconds_words(walled / 1000)})"
    return bound_words(data["bound_by"])


def _of_the_cut_short(data: Mapping[str, Any]) -> str:
    ledger = data["ledger"].values()
    answered = sum(part["states"].get("answered", 0) for part in ledger)
    usd = sum(part["usd"] for part in ledger)
    whole = plural(data["plan"]["deals"], "deal")
    begun = "has not ended" if data["status"] == "running" else "was cut short"
    return (
        f"This run over {whole} {begun}: {plural(answered, 'call')} answered, at most ${usd:,.2f} "
        "charged so far. Everything answered is kept."
    )
