"""Send spans to a collector over OTLP; needs the `telemetry` extra, so only telemetry imports it.

Nothing here may cost the evaluation time: spans leave from a background thread, an export takes
seconds at most, and so does the last one, when the process ends.
"""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from evalhub.adapter._report.at_exit import after_settling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["ReportingOnce", "export_spans", "shut_down_at_exit"]

logger = logging.getLogger(__name__)

EXPORT_SECONDS = 2.0
EXIT_SECONDS = 3.0

_CHATTY = ("opentelemetry.exporter.otlp", "opentelemetry.sdk._shared_internal")


def export_spans(endpoint: str, service_name: str) -> None:
    """Make every span of this process go to the collector at `endpoint`."""
    for name in _CHATTY:
        # They repeat for every batch what `ReportingOnce` says once.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    provider = TracerProvider(
        resource=Resource.create({"service.name": service_name}),
        shutdown_on_exit=False,  # it would wait for half a minute
    )
    # A password has no place in a log, and none in this URL.
    shown = endpoint.rpartition("@")[2]
    provider.add_span_processor(BatchSpanProcessor(ReportingOnce(exporter, shown)))
    trace.set_tracer_provider(provider)
    shut_down_at_exit(provider)


class ReportingOnce(SpanExporter):
    """An exporter that warns when spans do not arrive, the first time.

    Args:
        exporter: Sends the spans.
        endpoint: Where to, as the warning shows it.
    """

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._has_warned = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, or drop them."""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "no telemetry reaches %s: spans are dropped, the evaluation goes on", self._endpoint
            )
        return result

    def shutdown(self) -> None:
        """Stop sending."""
        self._exporter.shutdown()


def shut_down_at_exit(provider: TracerProvider, *, seconds: float = EXIT_SECONDS) -> None:
    """Send the last spans when the process ends, and wait for that a bounded time."""
    leaving = Event()

    def shut_down() -> None:
        leaving.wait()
        provider.shutdown()

    # Started now, because an interpreter that ends starts no threads.
    last = Thread(target=shut_down, name="telemetry-shutdown", daemon=True)
    last.start()

    def wait() -> None:
        leaving.set()
        last.join(seconds)

    after_settling(wait)
