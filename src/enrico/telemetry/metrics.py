"""Turns what a run tells into metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.metrics import Meter

from enrico.engine.money import MICRO, NANO
from enrico.engine.watching import CallSeen, Happened
from enrico.telemetry.instruments import INSTRUMENTS, SECONDS_BUCKETS, STATUS, WORKSPACE

ITEM_OUTCOMES = ("cached", "found", "not_found", "failed", "held")
CHARGED = ("answered", "failed")


class RunMetrics:
    """Looks on at runs, one after the other, of one workspace."""

    def __init__(self, meter: Meter, workspace: str) -> None:
        self._workspace = workspace
        self._instruments: dict[str, Any] = {}
        for it in INSTRUMENTS:
            if it.kind == "histogram":
                made: Any = meter.create_histogram(
                    it.name,
                    it.unit,
                    it.meaning,
                    explicit_bucket_boundaries_advisory=SECONDS_BUCKETS,
                )
            elif it.kind == "counter":
                made = meter.create_counter(it.name, it.unit, it.meaning)
            else:
                made = meter.create_gauge(it.name, it.unit, it.meaning)
            self._instruments[it.name] = made

    def began(self, run_id: str, plan: Mapping[str, Any], at: float) -> None:
        """The run is planned and begins."""
        self._set("enrico.budget.used_ratio", 0.0)

    def call(self, seen: CallSeen) -> None:
        """Count one attempt."""
        provider = {"provider": seen.provider}
        call = {**provider, "endpoint": seen.endpoint, "outcome": seen.state}
        self._add("enrico.calls", 1, {**call, STATUS: seen.status})
        self._instruments["enrico.call.duration"].record(
            seen.took, {**call, WORKSPACE: self._workspace}
        )
        if seen.waited_for:
            self._add("enrico.call.wait", seen.waited, {**provider, "cause": seen.waited_for})
        if seen.state in CHARGED:
            self._add("enrico.credits", seen.cost.credits / MICRO, provider)
            self._add("enrico.cost.usd", seen.cost.usd / NANO, provider)
        if seen.budget_used is not None:
            self._set("enrico.budget.used_ratio", seen.budget_used)

    def happened(self, what: Happened) -> None:
        """Count walls."""
        if what.kind == "rate_limited":
            self._add("enrico.rate_limit.walls", 1, {"provider": what.provider})

    def ended(self, summary: Mapping[str, Any]) -> None:
        """The figures of the whole run, as in its summary."""
        self._add("enrico.runs", 1, {"status": summary["status"]})
        for name, part in summary["providers"].items():
            for outcome in ITEM_OUTCOMES:
                self._add("enrico.items", part[outcome], {"provider": name, "outcome": outcome})
            self._set("enrico.run.held", part["held"], {"provider": name})
            self._set("enrico.run.refused", name in summary["refused"], {"provider": name})
        for name, phase in summary["phases"].items():
            self._set("enrico.phase.duration", phase["duration_ms"] / 1000, {"phase": name})
        for kind in ("people", "search"):
            share = summary["cache"][f"{kind}_cached_pct"] / 100
            self._set("enrico.cache.hit_ratio", share, {"kind": kind})
        rates = summary["throughput"]
        for metric, value in (
            ("enrico.budget.used_ratio", summary["budget_used"] or 0.0),
            ("enrico.run.ended", time.time()),
            ("enrico.run.duration", summary["duration_ms"] / 1000),
            ("enrico.run.deals", summary["deals"]),
            ("enrico.run.deal_rate", rates["deals_per_s"]),
            ("enrico.run.contact_rate", rates["contacts_per_s"]),
            ("enrico.run.calls_per_deal", rates["calls_per_deal"]),
            ("enrico.run.efficiency_ratio", summary["efficiency"]),
            ("enrico.run.error_ratio", summary["error_rate"]),
            ("enrico.run.repeated", summary["ran_before"]),
            ("enrico.run.cost.usd", summary["cost_usd"]),
            ("enrico.run.usual_cost.usd", summary["usual_usd_per_min"] or 0.0),
            ("enrico.run.in_doubt.usd", summary["in_doubt_usd"]),
        ):
            self._set(metric, value)

    def _add(self, metric: str, amount: float, labels: Mapping[str, Any]) -> None:
        self._instruments[metric].add(amount, {**labels, WORKSPACE: self._workspace})

    def _set(self, metric: str, value: float, labels: Mapping[str, Any] | None = None) -> None:
        self._instruments[metric].set(float(value), {**(labels or {}), WORKSPACE: self._workspace})
