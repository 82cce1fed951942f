"""The ways out of the process: OTLP push, a Prometheus port, a file for node_exporter.

Nothing here may slow or fail a run: exporters work in threads of their own, and what they could
not send is given up after ``telemetry.flush_seconds``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import structlog

from enrico.engine.beside import beside
from enrico.engine.watching import Watcher
from enrico.errors import ConfigError
from enrico.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import Tracer
    from prometheus_client import CollectorRegistry

    from enrico.telemetry.traces import RunTrace

log = structlog.get_logger("enrico.telemetry")

NEEDS_EXTRA = (
    "A way out for metrics or traces is set in [telemetry], but OpenTelemetry is not installed. "
    "Install it with: pip install 'enrico[telemetry]'"
)
SPANS_QUEUED = 20_000
Part = Literal["metrics", "traces"]


def otlp_endpoint(settings: Settings, part: Part) -> str:
    """Where OTLP is sent: our setting, then the standard environment; empty for nowhere."""
    if base := settings.telemetry.otlp_endpoint.get_secret_value():
        return f"{base.rstrip('/')}/v1/{part}"
    if own := os.environ.get(f"OTEL_EXPORTER_OTLP_{part.upper()}_ENDPOINT"):
        return own
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    return f"{base.rstrip('/')}/v1/{part}" if base else ""


def is_set(settings: Settings) -> bool:
    """Whether our own settings name a way out."""
    chosen = settings.telemetry
    return bool(
        chosen.otlp_endpoint.get_secret_value()
        or chosen.prometheus_port is not None
        or chosen.textfile
    )


def is_wanted(settings: Settings) -> bool:
    """Whether settings or the standard environment name a way out."""
    parts: tuple[Part, ...] = ("metrics", "traces")
    return is_set(settings) or any(otlp_endpoint(settings, part) for part in parts)


class Telemetry:
    """Metrics and traces of one process for one workspace. Close it at the end."""

    def __init__(self, settings: Settings, instance: str = "") -> None:
        """*instance* tells it from other processes of the workspace. Raises ConfigError when the
        extra is not installed.
        """
        try:
            from enrico.telemetry.metrics import RunMetrics

            self._readers, self._registry = _readers(settings)
            resource = _resource(settings, instance)
            from opentelemetry.sdk.metrics import MeterProvider
        except ImportError as error:
            raise ConfigError(NEEDS_EXTRA) from error
        self._words = _OurWords()
        self._words.take_over()
        self._settings = settings
        self._meters = MeterProvider(self._readers, resource, shutdown_on_exit=False)
        self._metrics = RunMetrics(self._meters.get_meter("enrico"), settings.workspace_name)
        self._spans = _tracing(settings, resource)
        self._server: Any = None
        self.port = 0
        """Where Prometheus may read; 0 when it may not."""
        if self._registry is not None and settings.telemetry.prometheus_port is not None:
            self._serve(self._registry, settings.telemetry.prometheus_port)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[list[Watcher]]:
        """Who looks on at one run."""
        async with self._looking_on(self._trace("run")) as watchers:
            yield watchers

    @asynccontextmanager
    async def part(self, run_id: str) -> AsyncIterator[list[Watcher]]:
        """Who looks on at one part of a run that workers do. It is a trace of its own."""
        trace = self._trace("part")
        if trace is not None:
            trace.began(run_id, {}, time.time())
        async with self._looking_on(trace) as watchers:
            yield watchers
            if trace is not None:
                trace.over()

    @asynccontextmanager
    async def _looking_on(self, trace: RunTrace | None) -> AsyncIterator[list[Watcher]]:
        try:
            yield [self._metrics] if trace is None else [self._metrics, trace]
        except BaseException as error:
            if trace is not None:
                trace.gave_up(error)
            raise
        if self._settings.telemetry.textfile is not None:
            await self._within_bound("the text file was not written", self._write_textfile)

    def _trace(self, name: str) -> RunTrace | None:
        if self._spans is None:
            return None
        from enrico.telemetry.traces import RunTrace

        share = self._settings.telemetry.trace_calls
        return RunTrace(self._spans.tracer, share, self._hosts(), name)

    async def close(self) -> None:
        """Send what is left, and stop; gives up after ``flush_seconds``."""
        bound = self._settings.telemetry.flush_seconds * 1000
        endings = [
            self._within_bound(
                "metrics were not sent in time", lambda: self._meters.shutdown(bound)
            )
        ]
        if self._server is not None:
            words = "the metrics port was not closed"
            endings.append(self._within_bound(words, self._stop_serving))
        if self._spans is not None:
            endings.append(self._within_bound("traces were not sent in time", self._spans.end))
        *_, all_sent = await asyncio.gather(*endings)
        if self._spans is not None and not all_sent:
            self._spans.give_up()
        self._words.over = True

    async def _within_bound(self, words: str, work: Callable[[], object]) -> bool:
        try:
            await beside(work, self._settings.telemetry.flush_seconds)
        except Exception as error:
            log.warning(words, why=type(error).__name__)
            return False
        return True

    def _hosts(self) -> dict[str, str]:
        settings = self._settings
        addresses = {
            "serper": settings.serper.base_url,
            "deepseek": settings.llm.base_url,
            "apollo": settings.apollo.base_url,
        }
        return {name: urlsplit(address).hostname or "" for name, address in addresses.items()}

    def _serve(self, registry: CollectorRegistry, port: int) -> None:
        from prometheus_client import start_http_server

        try:
            host = self._settings.telemetry.prometheus_host
            self._server, _ = start_http_server(port, host, registry)
        except OSError as error:
            log.warning("the metrics port cannot be opened", port=port, why=error.strerror)
        else:
            self.port = self._server.server_port

    def _stop_serving(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _write_textfile(self) -> None:
        from prometheus_client import write_to_textfile

        assert self._registry is not None
        write_to_textfile(str(self._settings.telemetry.textfile), self._registry)


def _readers(settings: Settings) -> tuple[list[MetricReader], CollectorRegistry | None]:
    """Who reads the metrics; the registry where Prometheus or the text file does."""
    chosen = settings.telemetry
    readers: list[MetricReader] = []
    registry = None
    if chosen.prometheus_port is not None or chosen.textfile is not None:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from prometheus_client import CollectorRegistry

        registry = CollectorRegistry()
        readers.append(
            PrometheusMetricReader(
                disable_target_info=True, scope_info_enabled=False, registry=registry
            )
        )
    if endpoint := otlp_endpoint(settings, "metrics"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(endpoint)))
    return readers, registry


def _resource(settings: Settings, instance: str) -> Resource:
    """Who speaks. But for workers, one process at a time works over a database."""
    from opentelemetry.sdk.resources import Resource

    return Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "enrico"),
            "service.version": version("enrico"),
            "service.instance.id": " ".join(filter(None, (settings.workspace_name, instance))),
        }
    )


@dataclass(frozen=True, slots=True)
class _Spans:
    """Where spans are made, and how their sending ends."""

    tracer: Tracer
    end: Callable[[], None]
    """Sends what is left; may take the exporter's own patience."""
    give_up: Callable[[], None]


def _tracing(settings: Settings, resource: Resource) -> _Spans | None:
    """None where no traces are sent."""
    endpoint = otlp_endpoint(settings, "traces") if settings.telemetry.traces else ""
    if not endpoint:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=SPANS_QUEUED))
    return _Spans(provider.get_tracer("enrico"), provider.shutdown, exporter.shutdown)


class _OurWords(logging.Handler):
    """An exporter's troubles once each, without the address that its own words may hold."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: set[str] = set()
        self.over = False
        """An exporter that was given up may speak on; nobody listens any more."""

    def emit(self, record: logging.LogRecord) -> None:
        template = str(record.msg)
        if self.over or template in self._told:
            return
        self._told.add(template)
        with suppress(ValueError):  # the log was closed meanwhile
            log.warning("telemetry exporter", where=record.name, template=template)

    def take_over(self) -> None:
        """Speak for all exporters, in place of whoever did before."""
        logger = logging.getLogger("opentelemetry")
        logger.propagate = False
        logger.handlers = [h for h in logger.handlers if not isinstance(h, _OurWords)]
        logger.addHandler(self)
