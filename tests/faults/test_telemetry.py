"""Metrics and traces say what the run did, and never slow or fail it."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from enrico import Caps
from enrico.errors import ConfigError, StoreError
from enrico.sandbox import DEFAULT_KEYS
from enrico.telemetry.instruments import INSTRUMENTS, WORKSPACE, prometheus_label
from enrico.telemetry.ways import NEEDS_EXTRA
from receiver import Receiver, closed_port

WALLS = {"provider": "serper", "kind": "429", "at": [2], "retry_after": 0.1}
ERRORS = {"provider": "llm", "kind": "500", "at": [1]}


class Scrape:
    """Samples in Prometheus' text format."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        """The sum over all samples with these labels."""
        found = [
            sample.value
            for sample in self.samples
            if sample.name == name
            and all(sample.labels.get(label) == value for label, value in labels.items())
        ]
        assert found, f"{name} {labels} is not there"
        return sum(found)


def scrape(port: int) -> Scrape:
    """What Prometheus would get now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return Scrape(answer.read().decode())


class Onlooker:
    """A watcher that does something at the *at*-th call."""

    def __init__(self, at: int, do: Any) -> None:
        self._left, self._do = at, do

    def began(self, run_id: str, plan: Mapping[str, Any], at: float) -> None: ...

    def call(self, seen: Any) -> None:
        self._left -= 1
        if self._left == 0:
            self._do()

    def happened(self, what: Any) -> None: ...

    def ended(self, summary: Mapping[str, Any]) -> None: ...


def otlp(receiver: Receiver, **more: Any) -> dict[str, Any]:
    """Settings that send to *receiver*."""
    return {"otlp_endpoint": f"http://127.0.0.1:{receiver.port}", **more}


def spans_at(receiver: Receiver) -> list[Any]:
    """All spans that were received."""
    found = []
    for request in receiver.requests:
        if request.path == "/v1/traces":
            message = ExportTraceServiceRequest.FromString(request.body)
            found += [s for r in message.resource_spans for c in r.scope_spans for s in c.spans]
    return found


def attributes(span: Any) -> dict[str, Any]:
    """A span's attributes as plain values."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


async def test_the_prometheus_port_says_what_the_summary_says(bench):
    sandbox = await bench.sandbox(WALLS, ERRORS)
    bench.load(deals=10)
    port = closed_port()
    settings = {"telemetry": {"prometheus_port": port}, "workspace": "west"}

    async with bench.open(sandbox, **settings) as client:
        summary = await client.run(caps=Caps(usd=10**10))
        found = scrape(port)

    parts = summary["providers"]
    assert found.sum("enrico_runs_total", status=summary["status"], workspace="west") == 1
    for name, part in parts.items():
        assert found.sum("enrico_calls_total", provider=name) == part["calls"]
        assert found.sum("enrico_call_duration_seconds_count", provider=name) == part["calls"]
        assert found.sum("enrico_credits_total", provider=name) == part["credits"]
        assert found.sum("enrico_cost_usd_total", provider=name) == pytest.approx(
            part["cost_usd"], abs=1e-6
        )
        for outcome in ("found", "not_found", "failed", "held", "cached"):
            assert found.sum("enrico_items_total", provider=name, outcome=outcome) == part[outcome]
    assert found.sum("enrico_calls_total", http_response_status_code="429") == 1
    assert found.sum("enrico_calls_total", provider="deepseek", outcome="failed") == 1
    assert found.sum("enrico_rate_limit_walls_total", provider="serper") == 1
    for name, expected in {
        "enrico_run_duration_seconds": summary["duration_ms"] / 1000,
        "enrico_run_deals": 10,
        "enrico_run_deal_rate_per_second": summary["throughput"]["deals_per_s"],
        "enrico_run_contact_rate_per_second": summary["throughput"]["contacts_per_s"],
        "enrico_run_calls_per_deal": summary["throughput"]["calls_per_deal"],
        "enrico_run_efficiency_ratio": summary["efficiency"],
        "enrico_run_error_ratio": summary["error_rate"],
        "enrico_run_cost_usd": summary["cost_usd"],
        "enrico_budget_used_ratio": summary["cost_usd"] / 10,
    }.items():
        assert found.sum(name) == pytest.approx(expected, abs=1e-4), name
    for phase, measured in summary["phases"].items():
        seconds = found.sum("enrico_phase_duration_seconds", phase=phase)
        assert seconds == pytest.approx(measured["duration_ms"] / 1000)


async def test_waits_are_summed_by_what_held_the_calls_back(bench):
    sandbox = await bench.sandbox()
    bench.load(deals=10)
    port = closed_port()
    settings = {"telemetry": {"prometheus_port": port}, "serper": {"limits": "5/s"}}

    async with bench.open(sandbox, **settings) as client:
        summary = await client.run()
        found = scrape(port)

    waited = summary["providers"]["serper"]["waited_ms"]["5/s"] / 1000
    assert waited > 0
    seconds = found.sum("enrico_call_wait_seconds_total", provider="serper", cause="5/s")
    assert seconds == pytest.approx(waited, abs=0.001)


async def test_the_second_run_hits_the_cache_in_the_metrics_too(bench):
    sandbox = await bench.sandbox()
    await bench.run(sandbox, deals=10)
    port = closed_port()

    async with bench.open(sandbox, telemetry={"prometheus_port": port}) as client:
        await client.run()
        found = scrape(port)

    assert found.sum("enrico_cache_hit_ratio", kind="people") == 1.0
    assert found.sum("enrico_cache_hit_ratio", kind="search") == 1.0
    assert found.sum("enrico_run_repeated") == 1


async def test_metrics_can_be_read_while_the_run_goes(bench):
    sandbox = await bench.sandbox()
    bench.load(deals=10)
    port = closed_port()
    seen: list[Scrape] = []

    async with bench.open(sandbox, telemetry={"prometheus_port": port}) as client:
        await client.run(watchers=[Onlooker(4, lambda: seen.append(scrape(port)))])

    assert seen[0].sum("enrico_calls_total") == 4


async def test_only_listed_metrics_and_labels_come_out_and_none_tells_of_people(bench):
    sandbox = await bench.sandbox(WALLS, {"provider": "apollo", "kind": "reset_after", "at": 2})
    bench.load(deals=10)
    port = closed_port()

    async with bench.open(sandbox, telemetry={"prometheus_port": port}) as client:
        summary = await client.run()
        found = scrape(port)

    listed = {
        it.prometheus_name.removesuffix("_total"): {
            *map(prometheus_label, it.labels), WORKSPACE
        } for it in INSTRUMENTS
    }  # fmt: skip
    assert summary["providers"]["apollo"]["held"] == 10
    assert found.sum("enrico_run_held", provider="apollo") == 10
    assert found.sum("enrico_run_in_doubt_usd") == summary["in_doubt_usd"] > 0
    # What is not in this run: nothing waited for leave but for the wall.
    assert {family.name for family in found.families} == set(listed)
    for family in found.families:
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == listed[family.name], family.name
    keys = [row[0] for row in bench.query("select key from people")]
    names = [row[0] for row in bench.query("select name from accounts")]
    calls = [row[0] for row in bench.query("select id from calls")]
    for secret in [*keys, *names, *calls, *DEFAULT_KEYS.values(), summary["run_id"], "@"]:
        assert secret not in found.text


async def test_the_text_file_holds_the_last_run_after_the_process(bench, tmp_path):
    sandbox = await bench.sandbox()
    bench.load(deals=10)
    path = tmp_path / "enrico.prom"

    async with bench.open(sandbox, telemetry={"textfile": str(path)}) as client:
        summary = await client.run()

    assert Scrape(path.read_text()).sum("enrico_run_cost_usd") == summary["cost_usd"]


async def test_a_trace_has_the_run_its_phases_and_every_call(bench):
    sandbox = await bench.sandbox(WALLS, ERRORS)
    bench.load(deals=10)

    with Receiver() as receiver:
        async with bench.open(sandbox, telemetry=otlp(receiver)) as client:
            summary = await client.run()
        spans = spans_at(receiver)

    [run] = [span for span in spans if span.name == "run"]
    phases = {attributes(s)["enrico.phase"]: s for s in spans if s.name.startswith("phase ")}
    calls = [span for span in spans if "enrico.call.id" in attributes(span)]
    assert set(phases) == {"search", "classify", "roles", "people"}
    assert {span.trace_id for span in spans} == {run.trace_id}
    assert not run.parent_span_id
    assert {span.parent_span_id for span in phases.values()} == {run.span_id}
    assert len(calls) == sum(part["calls"] for part in summary["providers"].values())
    for span in calls:
        phase = {"serper": "search", "deepseek": "classify", "apollo": "people"}[
            attributes(span)["enrico.provider"]
        ]
        assert span.parent_span_id == phases[phase].span_id
        assert run.start_time_unix_nano <= span.start_time_unix_nano < span.end_time_unix_nano
        assert span.end_time_unix_nano <= run.end_time_unix_nano
        assert attributes(span)["server.address"] == "127.0.0.1"
    wrong = [attributes(span) for span in calls if span.status.code == 2]
    assert sorted(span["error.type"] for span in wrong) == ["429", "500"]
    assert [event.name for event in run.events] == ["rate_limited"]
    sent = b"".join(request.body for request in receiver.requests)
    assert all(key.encode() not in sent for (key,) in bench.query("select key from people"))


async def test_metrics_arrive_over_otlp_with_the_resource(bench):
    sandbox = await bench.sandbox()
    bench.load(deals=10)

    with Receiver() as receiver:
        async with bench.open(sandbox, telemetry=otlp(receiver)) as client:
            summary = await client.run()
        [body] = [r.body for r in receiver.requests if r.path == "/v1/metrics"]

    [resource] = ExportMetricsServiceRequest.FromString(body).resource_metrics
    metrics = {m.name: m for scope in resource.scope_metrics for m in scope.metrics}
    calls = sum(point.as_int for point in metrics["enrico.calls"].sum.data_points)
    assert calls == sum(part["calls"] for part in summary["providers"].values())
    assert set(metrics) <= {it.name for it in INSTRUMENTS}
    told = {a.key: a.value.string_value for a in resource.resource.attributes}
    assert told["service.name"] == "enrico"
    assert told["service.instance.id"] == "enrico"


async def test_the_standard_environment_alone_turns_otlp_on(bench, monkeypatch):
    sandbox = await bench.sandbox()

    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{receiver.port}/in")
        await bench.run(sandbox, deals=10)

    assert {request.path for request in receiver.requests} == {"/in/v1/traces", "/in/v1/metrics"}


async def test_a_share_of_calls_is_traced_and_those_that_went_wrong_always(bench):
    sandbox = await bench.sandbox(ERRORS)
    bench.load(deals=10)

    with Receiver() as receiver:
        async with bench.open(sandbox, telemetry=otlp(receiver, trace_calls=0)) as client:
            await client.run()
        calls = [a for a in map(attributes, spans_at(receiver)) if "enrico.call.id" in a]

    assert [call["enrico.outcome"] for call in calls] == ["failed"]


async def test_a_run_that_breaks_off_leaves_its_trace_marked(bench, monkeypatch):
    sandbox = await bench.sandbox()
    bench.load(deals=10)

    with Receiver() as receiver:
        async with bench.open(sandbox, telemetry=otlp(receiver)) as client:

            def breaks() -> None:
                client.db.broken = StoreError("the disk is full")

            with pytest.raises(StoreError):
                await client.run(watchers=[Onlooker(3, breaks)])
        [run] = [span for span in spans_at(receiver) if span.name == "run"]

    assert run.status.code == 2
    assert attributes(run)["error.type"] == "StoreError"


@pytest.mark.parametrize("trouble", ["refuses", "hangs", "fails"])
async def test_an_exporter_that_is_down_neither_fails_nor_slows_a_run(
    bench, small, monkeypatch, capfd, trouble
):
    sandbox = await bench.sandbox()
    bench.load(deals=10)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")

    with Receiver(hangs=trouble == "hangs", status=503) as receiver:
        port = closed_port() if trouble == "refuses" else receiver.port
        address = f"http://somebody:s3cret@127.0.0.1:{port}"
        telemetry = {"otlp_endpoint": address, "flush_seconds": 0.3}
        client = bench.open(sandbox, telemetry=telemetry, log_level="debug")
        async with client:
            summary = await client.run()
            tables = {name: await client.rows(name) for name in ("deals", "deal_contacts")}
            began = time.monotonic()
        closing = time.monotonic() - began

    assert summary["status"] == "done"
    assert len(tables["deal_contacts"]) == len(small.tables["deal_contacts"])
    assert closing < 5  # the exporters' own patience is ten minutes
    said = capfd.readouterr().err
    assert "s3cret" not in said
    assert "traces were not sent in time" in said
    assert trouble == "hangs" or "telemetry exporter" in said


async def test_a_port_that_is_taken_is_told_and_the_run_goes_on(bench, capfd):
    sandbox = await bench.sandbox()
    bench.load(deals=10)

    with Receiver() as receiver:
        settings = {"telemetry": {"prometheus_port": receiver.port}, "log_level": "warning"}
        async with bench.open(sandbox, **settings) as client:
            summary = await client.run()

    assert summary["status"] == "done"
    assert orjson.loads(capfd.readouterr().err)["port"] == receiver.port


async def test_without_the_extra_a_setting_says_what_to_install(bench, monkeypatch):
    sandbox = await bench.sandbox()
    for name in ("opentelemetry.exporter.prometheus", "opentelemetry.metrics"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "enrico.telemetry.metrics", raising=False)

    with pytest.raises(ConfigError) as caught:
        await bench.run(sandbox, deals=10, telemetry={"prometheus_port": 0})

    assert str(caught.value) == NEEDS_EXTRA
    assert sandbox.stats()["serper"]["calls"] == 0


async def test_without_the_extra_the_environment_of_others_does_no_harm(bench, monkeypatch):
    sandbox = await bench.sandbox()
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    monkeypatch.delitem(sys.modules, "enrico.telemetry.metrics", raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")

    outcome = await bench.run(sandbox, deals=10)

    assert outcome.summary["status"] == "done"
