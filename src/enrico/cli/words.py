"""Reports in words, on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from enrico.cli.common import say
from enrico.client import LoadReport
from enrico.export.seats import UNUSABLE_WORDS
from enrico.pipeline.plan import Plan
from enrico.report.run import beside

ROWS_SHOWN = 10
LEFT = {"serper": "searches", "deepseek": "classifications", "apollo": "people"}
ROLE_NOTES = {
    "unknown_label": "the label {value!r} is no buying role that we know",
    "unknown_field": "the field {field} names no buying role that we know",
    "nobody": "the field {field} names nobody on the deal",
    "ambiguous": "the field {field} fits several people on the deal",
}


def say_load(report: LoadReport) -> None:
    """What an export was taken for."""
    say(
        f"Loaded {report.deals} deals, {report.accounts} accounts, {report.contacts} contacts, "
        f"{report.deal_contacts} deal contacts."
    )
    for file in report.files:
        sheet = f" [{file['sheet']}]" if file["sheet"] else ""
        used = [f"{c['header']} → {c['field']}" for c in file["columns"] if c["field"]]
        ignored = len(file["columns"]) - len(used)
        say(f"  {file['path']}{sheet}: {file['kind']} ({file['crm']}), {file['rows']} rows")
        if used:
            say(f"    {'; '.join(used)}{f'; {ignored} other columns unused' if ignored else ''}")
        for name, words in (("dates", "date_order"), ("numbers", "decimal_style"), ("", "note")):
            if file[words]:
                say(f"    {name}{': ' if name else ''}{file[words]}")
    if report.suppressed:
        say(f"  left out: {report.suppressed} contacts who asked to be forgotten")
    for match in report.matches:
        say(f"  matched: {match}")
    for warning in report.warnings:
        say(f"  warning: {warning}")
    if report.unusable:
        say(f"  {len(report.unusable)} rows or files could not be used:")
        for row in report.unusable[:ROWS_SHOWN]:
            sheet = f" [{row['sheet']}]" if row["sheet"] else ""
            place = f"{row['file']}{sheet}" + (f", row {row['row']}" if row["row"] else "")
            say(f"    {place}: {row['reason'].rstrip('.')}. {row['mend']}".rstrip())
        if len(report.unusable) > ROWS_SHOWN:
            say(f"    … and {len(report.unusable) - ROWS_SHOWN} more: see unusable_rows or --json")


def say_plan(plan: Plan) -> None:
    """What a run would do."""
    if not plan.deals:
        say("No deal fits. Load an export first (enrico load EXPORT), or widen the choice.")
        return
    say(
        f"{plan.deals} deals: {plan.accounts} accounts, {plan.deal_contacts} deal contacts, "
        f"{plan.unique_people} people"
    )
    for name, verb in (("serper", "search"), ("deepseek", "classify"), ("apollo", "verify")):
        part = plan.providers[name]
        credits = (
            f", {part.credits_low:g}-{part.credits_high:g} credits" if part.credits_high else ""
        )
        say(
            f"  {verb:<8} {part.items:>6} in {part.calls} calls, {part.cached} cached{credits}, "
            f"${part.usd_low:.4f}-{part.usd_high:.4f}"
        )
    if plan.skipped:
        reasons = ", ".join(f"{n} × {UNUSABLE_WORDS.get(w, w)}" for w, n in plan.skipped.items())
        say(f"  not verified: {reasons}")
    if plan.held:
        say(f"  {plan.held} people wait for a decision: enrico held")
    for note in plan.notes:
        say(f"  {note}")
    say(
        f"  in all ${plan.usd_low:.2f}-{plan.usd_high:.2f}, about {plan.seconds:g} s "
        f"({plan.bound_by})"
    )


def say_summary(summary: dict[str, Any], planned: Plan | None) -> None:
    """What a run did, beside what was planned."""
    seconds = summary["duration_ms"] / 1000
    say(f"Run {summary['run_id']}: {summary['status']} in {seconds:.1f} s")
    for name, verb in (("serper", "searched"), ("deepseek", "classified"), ("apollo", "verified")):
        say(f"  {verb:<10} {_provider_words(name, summary['providers'][name])}")
    phases = [
        f"{name} {phase['started_ms'] / 1000:.1f}-{phase['ended_ms'] / 1000:.1f} s"
        for name, phase in summary["phases"].items()
        if phase["started_ms"] is not None
    ]
    if phases:
        say(f"  phases: {', '.join(phases)}")
    saved = summary["saved_usd"]
    say(
        f"  bill ${summary['cost_usd']:.4f}; saved ${saved['cache']:.2f} by the cache, "
        f"${saved['dedupe']:.2f} by asking once, ${saved['skipped']:.2f} by not asking in vain"
    )
    if summary["in_doubt_usd"]:
        say(f"  in doubt: up to ${summary['in_doubt_usd']:.2f}, beside the bill: enrico held")
    if summary["lower_bound_ms"]:
        say(
            f"  lower bound {summary['lower_bound_ms'] / 1000:.1f} s, held back by "
            f"{summary['bound_by']}"
        )
    if planned is not None:
        say(f"  {_beside_words(beside(planned.as_dict(), summary)[-1])}")
    for line in _remarks(summary):
        say(f"  {line}")


def _provider_words(name: str, part: dict[str, Any]) -> str:
    words = [f"{part['found']} found", f"{part['not_found']} not found"]
    if name == "deepseek":
        words = [f"{part['found']} done"]
    words += [f"{part[k]} {k}" for k in ("failed", "held") if part[k]]
    if part["rate_limited"]:
        words.append(f"{part['rate_limited']} × 429")
    credits = f"{part['credits']:g} credits, " if part["credits"] else ""
    return (
        f"{part['calls']} calls, {part['cached']} cached: {', '.join(words)}; "
        f"{credits}${part['cost_usd']:.4f}"
    )


def _beside_words(row: dict[str, Any]) -> str:
    """``planned 87 calls, … ; came to 82 calls, …``: the last row of :func:`beside`."""
    above = ", above the plan" if row["usd"] > row["usd_high"] else ""
    return (
        f"planned: {row['planned_calls']} calls, {row['credits_low']:g}-{row['credits_high']:g} "
        f"credits, ${row['usd_low']:.2f}-{row['usd_high']:.2f}, about "
        f"{row['planned_seconds']:g} s; came to {row['calls']} calls, {row['credits']:g} credits, "
        f"${row['usd']:.2f}{above}, {row['seconds']:.1f} s"
    )


def _remarks(summary: dict[str, Any]) -> Iterator[str]:
    """What deserves attention, and what to do about it."""
    for reason, number in summary["dropped"].items():
        yield f"not accepted: {number} × {reason}"
    for note in summary["role_notes"]:
        yield f"roles: {note['count']} × {ROLE_NOTES[note['kind']].format(**note)}"
    for failure in summary["failures"]:
        yield f"failed: {failure['count']} × {failure['reason']}"
    left = [f"{n} {LEFT[name]}" for name, n in summary["unfinished"].items()]
    if left:
        yield f"unfinished: {', '.join(left)}"
    for alert in summary["alerts"]:
        yield f"alert: {alert}"
    yield from summary["messages"]
    for name, part in summary["providers"].items():
        if dearer := part.get("overcharged", 0):
            yield f"{dearer} calls to {name} cost more than was set aside: check its prices"
    if held := sum(part["held"] for part in summary["providers"].values()):
        yield (
            f"{held} people are held: their calls may have been charged without an answer. See "
            "them with: enrico held"
        )
    if again := sum(part.get("sent_again", 0) for part in summary["providers"].values()):
        yield (
            f"{again} calls were sent again without proof that the first was free, and may be paid "
            "twice. See them with: enrico held"
        )
    if summary["status"] == "partial" and not summary["messages"]:
        yield "Some items failed; run the same command again to ask for them once more."
