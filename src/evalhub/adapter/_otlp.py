"""Send spans, logs and metrics to a collector over OTLP; needs the `telemetry` extra.

Nothing here may cost the evaluation time: everything leaves from background threads, an export
takes seconds at most, and so does the last one, when the process ends.
"""

from __future__ import annotations

import logging
from importlib import import_module
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from evalhub.adapter._log_records import send_records
from evalhub.adapter._report.at_exit import after_settling

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["Signal", "export", "report_once", "shut_down_at_exit"]

logger = logging.getLogger(__name__)

Signal = Literal["traces", "logs", "metrics"]

EXPORT_SECONDS = 2.0
EXIT_SECONDS = 3.0

_PACKAGE = "opentelemetry.exporter.otlp.proto"
_EXPORTERS = {
    "traces": ("trace_exporter", "OTLPSpanExporter"),
    "logs": ("_log_exporter", "OTLPLogExporter"),
    "metrics": ("metric_exporter", "OTLPMetricExporter"),
}

_CHATTY = (
    "opentelemetry.exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.metrics",
)


def export(
    endpoint: str,
    service_name: str,
    *,
    is_http: bool = False,
    signals: Collection[Signal] = ("traces", "logs", "metrics"),
) -> None:
    """Send what this process does to the collector at `endpoint`.

    Args:
        endpoint: URL of the collector.
        service_name: Name of the service in what is sent.
        is_http: Whether to send over HTTP; otherwise over gRPC.
        signals: What to send.
    """
    for name in _CHATTY:
        # They repeat for every batch what is said once here.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    resource = Resource.create({"service.name": service_name})
    # A password has no place in a log, and none in this URL.
    wrap = report_once(endpoint.rpartition("@")[2])
    exporters = {signal: wrap(_exporter(signal, endpoint, is_http=is_http)) for signal in signals}
    providers: list[Any] = []
    # Providers that shut themselves down at exit would wait for half a minute.
    if "traces" in exporters:
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracers.add_span_processor(BatchSpanProcessor(exporters["traces"]))
        trace.set_tracer_provider(tracers)
        providers.append(tracers)
    if "metrics" in exporters:
        reader = PeriodicExportingMetricReader(exporters["metrics"])
        meters = MeterProvider([reader], resource, shutdown_on_exit=False)
        metrics.set_meter_provider(meters)
        providers.append(meters)
    if "logs" in exporters:
        loggers = LoggerProvider(resource, shutdown_on_exit=False)
        loggers.add_log_record_processor(BatchLogRecordProcessor(exporters["logs"]))
        set_logger_provider(loggers)
        send_records(loggers)
        providers.append(loggers)
    shut_down_at_exit(providers)


def report_once(endpoint: str) -> Callable[[Any], Any]:
    """Return a function that makes exporters warn once, together, if nothing arrives.

    Args:
        endpoint: Where to, as the warning shows it.
    """
    warned: list[bool] = []

    def wrap(exporter: Any) -> Any:
        send = exporter.export

        def export(batch: Any, *args: Any, **options: Any) -> Any:
            result = send(batch, *args, **options)
            if result.name != "SUCCESS" and not warned:
                warned.append(True)
                logger.warning(
                    "no telemetry reaches %s: it is dropped, the evaluation goes on", endpoint
                )
            return result

        # On the exporter itself: processors and readers ask it for more than to export.
        exporter.export = export
        return exporter

    return wrap


def shut_down_at_exit(providers: Sequence[Any], *, seconds: float = EXIT_SECONDS) -> None:
    """Send what is left when the process ends, and wait for that a bounded time."""
    leaving = Event()

    def shut_down() -> None:
        leaving.wait()
        for provider in providers:
            provider.shutdown()

    # Started now, because an interpreter that ends starts no threads.
    last = Thread(target=shut_down, name="telemetry-shutdown", daemon=True)
    last.start()

    def wait() -> None:
        leaving.set()
        last.join(seconds)

    after_settling(wait)


def _exporter(signal: Signal, endpoint: str, *, is_http: bool) -> Any:
    module, name = _EXPORTERS[signal]
    kind = getattr(import_module(f"{_PACKAGE}.{'http' if is_http else 'grpc'}.{module}"), name)
    if is_http:
        endpoint = f"{endpoint.rstrip('/')}/v1/{signal}"
    return kind(endpoint=endpoint, timeout=EXPORT_SECONDS)
