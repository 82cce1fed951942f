"""Turns what a run tells into one trace: the run, in it the phases, in them the calls."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    set_span_in_context,
)

from enrico.engine.money import credits_number, usd_number
from enrico.engine.stats import PROVIDERS, PhaseName, ProviderName
from enrico.engine.watching import CallSeen, Happened
from enrico.telemetry.instruments import STATUS

PHASE_OF: dict[ProviderName, PhaseName] = {
    "serper": "search", "deepseek": "classify", "apollo": "people",
}  # fmt: skip
GONE_WRONG = ("failed", "unknown", "held", "partial", "refused", "interrupted")
"""A run's statuses that mark its span as an error."""


class RunTrace:
    """Looks on at one run, or a part of one. *hosts* are the providers' hosts; *share* of calls get
    a span.
    """

    def __init__(
        self, tracer: Tracer, share: float, hosts: Mapping[str, str], name: str = "run"
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._share = share
        self._hosts = hosts
        self._began = 0.0
        self._run: Span | None = None
        self._phases: dict[str, Span] = {}
        self._random = random.Random()

    def began(self, run_id: str, plan: Mapping[str, Any], at: float) -> None:
        """The run's span begins."""
        self._began = at
        deals = {"enrico.deals": plan["deals"]} if plan else {}
        self._run = self._tracer.start_span(
            self._name,
            context=Context(),
            start_time=_nanoseconds(at),
            attributes={"enrico.run.id": run_id, **deals},
        )

    def call(self, seen: CallSeen) -> None:
        """A span for the call, in its phase; the first call begins the phase's span."""
        phase = self._phase(PHASE_OF[seen.provider], seen.began - seen.waited)
        ok = seen.state == "answered"
        if ok and self._random.random() >= self._share:
            return
        span = self._tracer.start_span(
            f"{seen.provider} {seen.endpoint}",
            context=phase,
            kind=SpanKind.CLIENT,
            start_time=_nanoseconds(seen.began),
            attributes={
                "server.address": self._hosts[seen.provider],
                "enrico.call.id": seen.call_id,
                "enrico.provider": seen.provider,
                "enrico.endpoint": seen.endpoint,
                "enrico.outcome": seen.state,
                "enrico.items": seen.items,
                "enrico.credits": float(credits_number(seen.cost.credits)),
                "enrico.cost.usd": usd_number(seen.cost.usd),
                "enrico.waited": seen.waited,
                "enrico.waited_for": seen.waited_for,
            },
        )
        if seen.status:
            span.set_attribute(STATUS, seen.status)
        if not ok:
            span.set_attribute("error.type", str(seen.status or seen.state))
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(seen.began + seen.took))

    def happened(self, what: Happened) -> None:
        """An event of the run."""
        if self._run is not None:
            self._run.add_event(
                what.kind,
                {"enrico.provider": what.provider, "enrico.seconds": what.seconds},
                _nanoseconds(what.at),
            )

    def ended(self, summary: Mapping[str, Any]) -> None:
        """All spans end."""
        if self._run is None:
            return
        for name, measured in summary["phases"].items():
            if measured["ended_ms"] is None:
                continue
            self._phase(name, self._began + measured["started_ms"] / 1000)
            self._phases.pop(name).end(_nanoseconds(self._began + measured["ended_ms"] / 1000))
        self._run.set_attributes(
            {
                "enrico.status": summary["status"],
                "enrico.cost.usd": summary["cost_usd"],
                "enrico.bound_by": summary["bound_by"],
                "enrico.efficiency": summary["efficiency"],
                "enrico.calls": sum(summary["providers"][name]["calls"] for name in PROVIDERS),
            }
        )
        self._end("" if summary["status"] not in GONE_WRONG else summary["status"])

    def over(self) -> None:
        """A part ended; it has no summary of its own."""
        self._end("")

    def gave_up(self, error: BaseException) -> None:
        """The run ended by an error, without a summary."""
        self._end(type(error).__name__)

    def _end(self, wrong: str) -> None:
        if self._run is None:
            return
        for span in self._phases.values():
            span.end()
        self._phases.clear()
        if wrong:
            self._run.set_attribute("error.type", wrong)
            self._run.set_status(Status(StatusCode.ERROR))
        self._run.end()
        self._run = None

    def _phase(self, name: str, began: float) -> Context:
        """The context in which a phase's spans stand."""
        if name not in self._phases:
            run = set_span_in_context(self._run, Context()) if self._run else Context()
            self._phases[name] = self._tracer.start_span(
                f"phase {name}",
                context=run,
                start_time=_nanoseconds(max(began, self._began)),
                attributes={"enrico.phase": name},
            )
        return set_span_in_context(self._phases[name], Context())


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
