"""Every metric that there is: name, kind, unit, labels, meaning. Plain data; needs no extra.

``docs/reference/metrics.md`` is generated from it, and the dashboards are tested against it.
All metrics also carry ``workspace``. No label holds a call, an address, a name or a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
STATUS = "http.response.status_code"
WORKSPACE = "workspace"
SECONDS_BUCKETS = (
    0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0, 120.0
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric under its OpenTelemetry name. ``unit`` is UCUM, with words in braces."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def prometheus_name(self) -> str:
        """What Prometheus calls it; a histogram also has ``_bucket``, ``_count``, ``_sum``."""
        name = self.name.replace(".", "_")
        if self.unit == "s":
            name += "_seconds"
        elif self.unit.endswith("}/s"):
            name += "_per_second"
        return name + ("_total" if self.kind == "counter" else "")


def prometheus_label(label: str) -> str:
    """A label as Prometheus writes it."""
    return re.sub(r"[^a-zA-Z0-9]", "_", label)


CALL = ("provider", "endpoint", "outcome")

INSTRUMENTS: tuple[Instrument, ...] = (
    # While a run goes.
    Instrument(
        "enrico.calls", "counter", "{call}", (*CALL, STATUS),
        "Attempts of calls. outcome: answered, refused, not_sent, failed or unknown, as in the "
        "journal; the status is 0 where no answer came.",
    ),
    Instrument(
        "enrico.call.duration", "histogram", "s", CALL, "From sending to the end of the answer."
    ),
    Instrument(
        "enrico.call.wait", "counter", "s", ("provider", "cause"),
        "What calls waited for leave, by what held them back: a window such as 5/s, concurrency "
        "or 429. Calls wait side by side.",
    ),
    Instrument(
        "enrico.rate_limit.walls", "counter", "{wall}", ("provider",),
        "Times that a 429 stopped a provider for a while; 429s themselves are enrico.calls with "
        "that status.",
    ),
    Instrument("enrico.credits", "counter", "{credit}", ("provider",), "Credits charged."),
    Instrument("enrico.cost.usd", "counter", "{USD}", ("provider",), "Dollars charged."),
    Instrument(
        "enrico.budget.used_ratio", "gauge", "1", (),
        "Share of the run's cap that is spent; 0 without a cap.",
    ),
    # When a run has ended.
    Instrument("enrico.runs", "counter", "{run}", ("status",), "Runs by status."),
    Instrument(
        "enrico.items", "counter", "{item}", ("provider", "outcome"),
        "Accounts or people: cached, found, not_found, failed or held.",
    ),
    Instrument("enrico.run.ended", "gauge", "s", (), "When the last run ended, in Unix time."),
    Instrument("enrico.run.duration", "gauge", "s", (), "The last run's."),
    Instrument(
        "enrico.phase.duration", "gauge", "s", ("phase",),
        "The last run's, for search, classify, roles and people: first start to last end.",
    ),
    Instrument("enrico.run.deals", "gauge", "{deal}", (), "Deals in the last run's scope."),
    Instrument("enrico.run.deal_rate", "gauge", "{deal}/s", (), "Deals of the last run."),
    Instrument(
        "enrico.run.contact_rate", "gauge", "{contact}/s", (), "Deal contacts of the last run."
    ),
    Instrument("enrico.run.calls_per_deal", "gauge", "{call}", (), "Calls of the last run."),
    Instrument(
        "enrico.run.efficiency_ratio", "gauge", "1", (),
        "The last run's lower bound by the limits, divided by its duration.",
    ),
    Instrument(
        "enrico.run.error_ratio", "gauge", "1", (), "Share of the last run's calls that failed."
    ),
    Instrument(
        "enrico.cache.hit_ratio", "gauge", "1", ("kind",),
        "Share of people and of searches that the last run did not have to buy.",
    ),
    Instrument(
        "enrico.run.repeated", "gauge", "1", (),
        "1 when a run came before the last one, so that a cache is to be expected.",
    ),
    Instrument("enrico.run.cost.usd", "gauge", "{USD}", (), "Dollars that the last run spent."),
    Instrument(
        "enrico.run.usual_cost.usd", "gauge", "{USD}", (),
        "Median dollars a minute of the runs before the last; 0 for fewer than three.",
    ),
    Instrument(
        "enrico.run.in_doubt.usd", "gauge", "{USD}", (),
        "What held calls of the last run may have cost beside that.",
    ),
    Instrument(
        "enrico.run.held", "gauge", "{item}", ("provider",), "Items in held calls of the last run."
    ),
    Instrument(
        "enrico.run.refused", "gauge", "1", ("provider",),
        "1 when the provider refused the key in the last run, or its balance was spent.",
    ),
)  # fmt: skip
