"""Ours alone, over sizes: of the CRM, of what is known already, of repetition, of LLM batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.compare import COLD, WARM, Say
from benchmarks.one import ClockName, Job, Measured, Step, run_job
from enrico.sandbox import write_sample_crm

BATCH_WAIT_SECONDS = 2.0
"""Long enough that a batch fills at five searches a second, for all but the largest."""


def measure_sizes(
    folder: Path, sizes: Sequence[int], say: Say, profile: str = "modern"
) -> list[dict[str, Any]]:
    """Cold and warm, by number of deals."""
    rows = []
    clock: ClockName = "real" if profile == "instant" else "skipping"
    for deals in sizes:
        crm = _crm(folder, deals)
        cold, warm = _ours(folder / f"size-{profile}-{deals}", crm, (COLD, WARM), profile, clock)
        people = len(cold.found) + len(cold.missed)
        rows.append({"deals": deals, "profile": profile, "people": people,
                     "cold": _row(cold), "warm": _row(warm)})  # fmt: skip
        say(f"{deals} deals on {profile}: {cold.seconds:.2f} s, again {warm.seconds:.2f} s")
    return rows


def measure_cached(folder: Path, sizes: Sequence[int], say: Say) -> list[dict[str, Any]]:
    """With nothing known, with half the deals enriched before, and with everything known."""
    rows = []
    for deals in sizes:
        crm = _crm(folder, deals)
        cold, warm = _ours(folder / f"cached-{deals}", crm, (COLD, WARM))
        first = Step("first half", deals=deals // 2)
        _, half = _ours(folder / f"half-{deals}", crm, (first, Step("half")))
        people = len(cold.found) + len(cold.missed)
        for share, one in ((0, cold), (50, half), (100, warm)):
            known = 1 - one.court.people_asked / people
            rows.append({"deals": deals, "enriched_pct": share, "people": people,
                         "people_cached": known, **_row(one)})  # fmt: skip
            say(f"{deals} deals, {share} % known: {one.seconds:.2f} s")
    return rows


def measure_repeated(folder: Path, seats: Sequence[int], say: Say) -> list[dict[str, Any]]:
    """The same 225 people on 200 deals, with so many deal contacts."""
    rows = []
    for number in seats:
        crm = folder / f"crm-repeated-{number}"
        write_sample_crm(crm, deals=200, accounts=16, people=225, contacts=number)
        (one,) = _ours(folder / f"repeated-{number}", crm, (COLD,))
        rows.append({"deal_contacts": number, **_row(one)})
        say(f"{number} deal contacts of 225 people: {one.seconds:.2f} s")
    return rows


def measure_batches(
    folder: Path, deals: int, batches: Sequence[int], say: Say
) -> list[dict[str, Any]]:
    """LLM batches of so many accounts at 60 (``classic``) and 270 tokens/s (``modern``)."""
    crm = _crm(folder, deals)
    rows = []
    for profile, speed in (("classic", 60), ("modern", 270)):
        for size in (None, *batches):
            wait = BATCH_WAIT_SECONDS if size and size > 1 else 0.0
            llm = {"batch_accounts": size, "batch_wait_seconds": wait} if size else {}
            state = folder / f"batch-{profile}-{size}"
            (one,) = _ours(state, crm, (COLD,), profile, settings={"llm": llm})
            rows.append({"profile": profile, "tokens_per_second": speed, "size": size,
                         "wait_seconds": wait, **_row(one)})  # fmt: skip
            say(f"{profile}, batches of {size or 'default'}: {one.seconds:.2f} s")
    return rows


def _crm(folder: Path, deals: int) -> Path:
    path = folder / f"crm-{deals}"
    if not path.exists():
        write_sample_crm(path, deals=deals)
    return path


def _ours(
    state: Path,
    crm: Path,
    steps: tuple[Step, ...],
    profile: str = "modern",
    clock: ClockName = "skipping",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Measured]:
    state.mkdir(parents=True)
    return run_job(Job("ours", profile, clock, str(crm), str(state), steps, settings or {}))


def _row(one: Measured) -> dict[str, Any]:
    court = one.court
    return {
        "seconds": one.seconds,
        "cpu_seconds": one.cpu_seconds,
        "classify_seconds": one.phases.get("classify", 0.0),
        "bound": asdict(one.bound),
        "paid_calls": court.paid_calls,
        "bulk_calls": court.bulk_calls,
        "classifications": court.classifications,
        "people_asked": court.people_asked,
        "people_credits": court.people_credits,
        "output_tokens": court.output_tokens,
        "llm_usd": court.llm_usd,
        "usd": court.usd,
        "rate_limited": court.rate_limited,
    }
