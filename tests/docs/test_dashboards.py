"""The dashboard and Prometheus' rules name metrics that there are, and our own thresholds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import yaml

from enrico.alerts.rules import RULES
from enrico.settings import AlertSettings
from enrico.telemetry.instruments import INSTRUMENTS, WORKSPACE, prometheus_label

FOLDER = Path(__file__).parents[2] / "dashboards"
DASHBOARD = orjson.loads((FOLDER / "grafana.json").read_bytes())
RULES_FILE = yaml.safe_load((FOLDER / "prometheus-alerts.yml").read_text())
ALERTS: dict[str, Any] = {rule["alert"]: rule for rule in RULES_FILE["groups"][0]["rules"]}
EXPRESSIONS = [
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
    *(variable["query"] for variable in DASHBOARD["templating"]["list"][1:]),
    *(rule["expr"] for rule in ALERTS.values()),
]
METRIC = re.compile(r"enrico_\w+")
LISTED = {
    it.prometheus_name + ("_bucket" if it.kind == "histogram" else ""): {
        *map(prometheus_label, it.labels), WORKSPACE
    }
    for it in INSTRUMENTS
}  # fmt: skip


def test_every_metric_that_is_looked_at_exists() -> None:
    named = {name for expression in EXPRESSIONS for name in METRIC.findall(expression)}

    assert named - set(LISTED) == set()
    assert len(named) > 15


def test_every_label_that_is_grouped_by_or_asked_for_exists() -> None:
    for expression in EXPRESSIONS:
        labels = {
            label
            for group in re.findall(r"(?:by|on) \(([^)]*)\)", expression)
            for label in re.split(r",\s*", group)
        } | set(re.findall(r"(\w+)=~?\"", expression))
        known = set().union(*(LISTED[name] for name in METRIC.findall(expression)))
        assert labels - {"le"} <= known, expression


def test_legends_name_labels_that_there_are() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            [names] = [METRIC.findall(target["expr"])]
            asked = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert asked <= set().union(*(LISTED[name] for name in names)), panel["title"]


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])
        }  # fmt: skip
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert max(x for x, _ in taken) == 23


def test_thresholds_are_those_of_our_own_alerts() -> None:
    defaults = AlertSettings()

    assert f"> {defaults.slow_seconds_per_50_deals:g} * " in ALERTS["EnricoSlow"]["expr"]
    assert ALERTS["EnricoFailing"]["expr"].endswith(f"> {defaults.failing_pct / 100:.2f}")
    assert f"< {defaults.cold_cache_pct / 100:.2f} " in ALERTS["EnricoColdCache"]["expr"]
    assert f"> {defaults.burn_rate_factor:g} * " in ALERTS["EnricoBurnRate"]["expr"]
    for pct in defaults.budget_pct:
        assert float(ALERTS[f"EnricoBudget{pct}"]["expr"].split(">= ")[1]) == pct / 100


def test_every_rule_of_ours_is_among_prometheus_rules_with_its_runbook() -> None:
    runbooks = {rule["annotations"]["runbook"] for rule in ALERTS.values()}

    assert runbooks == {rule.runbook for rule in RULES.values()}
    page, _, _ = next(iter(runbooks)).partition("#")
    headings = re.findall(r"^## (\w+)$", (FOLDER.parent / page).read_text(), re.MULTILINE)
    assert set(RULES) <= set(headings)
