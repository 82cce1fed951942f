"""The run as one HTML page that needs nothing else: no network, no fonts, no script to be read.

Everything is escaped, and the page's own policy lets no script run but its own: a hostile name in
a provider's answer stays text, whichever way it comes in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from enrico.engine.stats import PROVIDERS
from enrico.export.seats import UNUSABLE_WORDS
from enrico.report.mends import TITLES
from enrico.report.run import RunRecord
from enrico.report.timeline import lay_out
from enrico.report.words import (
    OUTCOME_WORDS,
    bound_words,
    headline,
    held_back_by,
    plural,
    seconds_words,
    wait_words,
)
from enrico.settings import Settings

_HERE = Path(__file__).parent
SETTINGS_SHOWN = {
    "serper": ("limits", "concurrency", "kind", "past", "credit_usd"),
    "llm": ("model", "speed", "concurrency", "max_tokens_per_account", "output_usd"),
    "apollo": ("limits", "concurrency", "batch_size", "unknown_outcome", "credit_usd"),
    "cache": ("people_days", "missing_people_days", "signals_days", "empty_search_days"),
}
_MEANT_WELL = {"done": "good", "running": "good", "failed": "bad", "refused": "bad"}


def render_page(record: RunRecord, settings: Settings) -> str:
    """The page. *settings* are those now in force: a run does not keep its own."""
    environment = Environment(
        loader=PackageLoader("enrico.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plural": plural, "duration": seconds_words, "usd": _usd, "number": _number,
        "percent": _percent, "bound": bound_words, "wait": wait_words, "start": _start,
    }  # fmt: skip
    style, script = ((_HERE / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    data = record.data
    return environment.get_template("page.html.jinja").render(
        run=data,
        headline=headline(data),
        held_back_by=held_back_by(data) if data.get("lower_bound_ms") else "",
        seconds=record.seconds,
        mood=_MEANT_WELL.get(data["status"], "fair"),
        figures=_figures(data),
        timeline=lay_out(record),
        providers=PROVIDERS,
        titles={**TITLES, "all": "all"},
        outcomes=OUTCOME_WORDS,
        skipped={UNUSABLE_WORDS.get(why, why): n for why, n in data["plan"]["skipped"].items()},
        chosen=_chosen(data["options"]),
        settings=_settings(settings),
        held_count=record.tally.held_count,
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _figures(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, figure) for the head of the page."""
    ledger = data["ledger"].values()
    usd = data.get("cost_usd", sum(part["usd"] for part in ledger))
    charged = data.get("providers", data["ledger"]).values()
    found = [
        ("bill", _usd(usd)),
        ("paid calls", _number(sum(part["calls"] for part in ledger))),
        ("credits", _number(sum(part["credits"] for part in charged))),
    ]
    if "duration_ms" not in data:
        return found
    apollo = data["providers"]["apollo"]
    asked = apollo["found"] + apollo["not_found"]
    return [
        ("time", seconds_words(data["duration_ms"] / 1000)),
        ("people found", f"{_number(apollo['found'])} of {_number(asked)} asked for")
        if asked
        else ("people known", _number(apollo["cached"])),
        *found,
        ("saved", _usd(sum(data["saved_usd"].values()))),
        ("failed calls", f"{data['error_rate']:.1%}"),
    ]


def _chosen(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The run's options in words; what was left at its default is left out."""
    caps = options["caps"]
    scope = {k: v for k, v in options["scope"].items() if k not in ("load_id", "deal_ids")}
    found = [(name.replace("_", " "), _text(value)) for name, value in scope.items()]
    if deals := options["scope"].get("deal_ids"):
        found.append(("deals", f"{len(deals)} chosen by id"))
    found.append(("parts", ", ".join(options["only"])))
    if options["refresh"]:
        found.append(("refresh", "yes: what is fresh was asked for again"))
    if caps["credits"] is not None:
        found.append(("cap on credits", _number(caps["credits"])))
    if caps["usd"] is not None:
        found.append(("cap on dollars", _usd(caps["usd"])))
    found += [
        (f"cap on {TITLES[name]}", plural(most, "credit"))
        for name, most in caps["provider_credits"].items()
    ]
    return found


def _settings(settings: Settings) -> list[tuple[str, str]]:
    found = [
        ("attempts", str(settings.attempts)),
        ("max_wait_seconds", f"{settings.max_wait_seconds:g}"),
    ]
    for section, names in SETTINGS_SHOWN.items():
        values = getattr(settings, section)
        found += [(f"{section}.{name}", _text(getattr(values, name)) or "(none)") for name in names]
    return found


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _start(text: str) -> str:
    """*text* as the start of a sentence; a capital further on stays."""
    return text[:1].upper() + text[1:]


def _usd(value: float) -> str:
    """``$4.91``, and ``$0.0022`` where cents would say nothing."""
    return f"${value:,.2f}" if value >= 0.1 or value == 0 else f"${value:.4f}"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _percent(value: float) -> str:
    """A place on the page, in percent, as short as it can be written."""
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"
