"""Spans, log records and metrics with OpenTelemetry, if it is installed and configured.

Telemetry never costs a result: a failure here is a warning at most.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast

from evalhub.adapter._instruments import create_counter, create_histogram, is_installed
from evalhub.adapter._job_context import clear_log_job_context, mark_with, set_log_job_context
from evalhub.settings import AdapterSettings

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

    from evalhub.adapter._otlp import Signal
    from evalhub.models.spec import BenchmarkRef, JobSpec

__all__ = [
    "EvalTracer",
    "clear_log_job_context",
    "configure_telemetry",
    "create_counter",
    "create_histogram",
    "set_log_job_context",
]

logger = logging.getLogger(__name__)

DEFAULT_SERVICE_NAME = "evalhub-adapter"
TRACER_NAME = "evalhub.adapter"

_HTTP = ("http/protobuf", "http/json")
_lock = Lock()
_sent_to: list[str] = []
"""The endpoint, once this process sends to one."""


def configure_telemetry(service_name: str | None = None, *, endpoint: str | None = None) -> bool:
    """Send this process's spans, log records and metrics to a collector; return whether it does.

    Does nothing without an endpoint, or where `OTEL_SDK_DISABLED` is true. A tracer provider that
    is already set is kept, so a second call has no effect. An unreachable collector delays the
    exit of the process by three seconds at most.

    Log records are those that pass the level of the root logger: configure logging first. Where
    nobody has, records from INFO on are sent.

    Args:
        service_name: Service name; defaults to `OTEL_SERVICE_NAME`, then `evalhub-adapter`.
        endpoint: OTLP endpoint; defaults to `OTEL_EXPORTER_OTLP_ENDPOINT`. It is spoken to over
            gRPC, or over HTTP where `OTEL_EXPORTER_OTLP_PROTOCOL` is `http/protobuf`.
    """
    settings = AdapterSettings.from_env()
    endpoint = endpoint or settings.otel_endpoint
    if not endpoint or settings.otel_disabled:
        return False
    with _lock:
        if _sent_to or _provider_is_set():
            return True
        name = service_name or settings.otel_service_name or DEFAULT_SERVICE_NAME
        return _export(endpoint, name, settings)


class EvalTracer:
    """Spans for the stages of an evaluation.

    Without OpenTelemetry the spans do nothing, so adapters need no separate code path. Every
    span has the tracer's attributes; those that are `None` are omitted.

    | span | its own attributes |
    |---|---|
    | `evalhub.evaluation.run` | |
    | `evalhub.evaluation.dataset_load` | `dataset.source`, `dataset.size_samples` |
    | `evalhub.evaluation.inference` | `model.id`, `batch.size`, `tokens.input`, `tokens.output`; also `gen_ai.request.model`, `gen_ai.usage.input_tokens`, `gen_ai.usage.output_tokens` |
    | `evalhub.evaluation.scoring` | `benchmark.name`, `scorer.type` |
    | `evalhub.evaluation.result_log` | |

    A span's parent is the enclosing span; in another thread, the evaluation run; otherwise the
    span named by `TRACEPARENT`.

    Args:
        attributes: Attributes of every span.
        provider: Tracer provider to use instead of the global one.
    """  # noqa: E501 - a table row is one line

    def __init__(
        self,
        attributes: Mapping[str, Any] | None = None,
        *,
        provider: TracerProvider | None = None,
    ) -> None:
        self._attributes = dict(attributes or {})
        self._provider = provider
        self._outer = self.extract_context()

    @classmethod
    def from_job_spec(cls, job_spec: JobSpec, *, provider: TracerProvider | None = None) -> Self:
        """Return a tracer whose spans identify the job; log records identify it from then on.

        The spans have the attributes `evalhub.job_id`, `evalhub.provider`, `evalhub.collection`
        (the benchmark's id) and `evalhub.model_id`, and beside them `evalhub.provider_id`,
        `evalhub.benchmark_id`, `evalhub.benchmark_index` and `gen_ai.request.model`.
        """
        return cls.of_benchmark(
            job_spec.benchmark_ref, model_id=job_spec.model.name, provider=provider
        )

    @classmethod
    def of_benchmark(
        cls,
        benchmark: BenchmarkRef,
        *,
        model_id: str | None = None,
        provider: TracerProvider | None = None,
    ) -> Self:
        """Return a tracer as `from_job_spec` does.

        Args:
            benchmark: The benchmark of the job.
            model_id: The model under evaluation.
            provider: Tracer provider to use instead of the global one.
        """
        mark_with(benchmark, model_id)
        attributes = {
            "evalhub.job_id": benchmark.job_id,
            "evalhub.provider": benchmark.provider_id,
            "evalhub.provider_id": benchmark.provider_id,
            "evalhub.collection": benchmark.benchmark_id,
            "evalhub.benchmark_id": benchmark.benchmark_id,
            "evalhub.benchmark_index": benchmark.benchmark_index,
            "evalhub.model_id": model_id,
            "gen_ai.request.model": model_id,
        }
        return cls(attributes, provider=provider)

    @staticmethod
    def extract_context() -> Context | None:
        """Return the trace context of `TRACEPARENT` and `TRACESTATE`, if it is set."""
        settings = AdapterSettings.from_env()
        if settings.traceparent is None or not is_installed():
            return None
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {"traceparent": settings.traceparent, "tracestate": settings.tracestate or ""}
        return TraceContextTextMapPropagator().extract(carrier)

    @staticmethod
    def headers() -> dict[str, str]:
        """Return the headers that continue this trace in the service a request is sent to."""
        headers: dict[str, str] = {}
        if is_installed():
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

            TraceContextTextMapPropagator().inject(headers)
        return headers

    @contextmanager
    def evaluation_run(self) -> Generator[Span]:
        """Trace the whole evaluation."""
        self._outer = self._outer or self.extract_context()
        with self._span("run") as span:
            before, self._outer = self._outer, _current_context()
            try:
                yield span
            finally:
                self._outer = before

    def dataset_load(
        self, source: str | None = None, size_samples: int | None = None
    ) -> AbstractContextManager[Span]:
        """Trace the loading of a dataset."""
        return self._span(
            "dataset_load", {"dataset.source": source, "dataset.size_samples": size_samples}
        )

    def inference_batch(
        self,
        model_id: str | None = None,
        batch_size: int | None = None,
        tokens_input: int | None = None,
        tokens_output: int | None = None,
    ) -> AbstractContextManager[Span]:
        """Trace a batch of requests to the model."""
        return self._span(
            "inference",
            {
                "model.id": model_id,
                "batch.size": batch_size,
                "tokens.input": tokens_input,
                "tokens.output": tokens_output,
                "gen_ai.request.model": model_id,
                "gen_ai.usage.input_tokens": tokens_input,
                "gen_ai.usage.output_tokens": tokens_output,
            },
        )

    def scoring(
        self, benchmark: str | None = None, scorer: str | None = None
    ) -> AbstractContextManager[Span]:
        """Trace the scoring of answers."""
        return self._span("scoring", {"benchmark.name": benchmark, "scorer.type": scorer})

    def result_log(self) -> AbstractContextManager[Span]:
        """Trace the writing and reporting of results."""
        return self._span("result_log")

    @contextmanager
    def _span(self, stage: str, attributes: Mapping[str, Any] | None = None) -> Generator[Span]:
        if not is_installed():
            yield cast("Span", _NoSpan())
            return
        from opentelemetry import trace

        given = {key: value for key, value in (attributes or {}).items() if value is not None}
        always = {key: value for key, value in self._attributes.items() if value is not None}
        is_inner = trace.get_current_span().get_span_context().is_valid
        tracer = trace.get_tracer(TRACER_NAME, tracer_provider=self._provider)
        with tracer.start_as_current_span(
            f"evalhub.evaluation.{stage}",
            context=None if is_inner else self._outer,
            attributes={**always, **given},
        ) as span:
            yield span


class _NoSpan:
    """A span that does nothing, used without OpenTelemetry."""

    def _ignore(self, *_: Any, **__: Any) -> None: ...

    set_attribute = set_attributes = set_status = update_name = _ignore
    add_event = record_exception = _ignore

    def is_recording(self) -> bool:
        return False


def _export(endpoint: str, service_name: str, settings: AdapterSettings) -> bool:
    protocol = (settings.otel_protocol or "grpc").strip().lower()
    if protocol not in ("grpc", *_HTTP):
        logger.warning(
            "OTEL_EXPORTER_OTLP_PROTOCOL is %r, which is not known; grpc is used", protocol
        )
    exporters: dict[Signal, str | None] = {
        "traces": settings.otel_traces_exporter,
        "logs": settings.otel_logs_exporter,
        "metrics": settings.otel_metrics_exporter,
    }
    wanted: list[Signal] = [signal for signal, exporter in exporters.items() if exporter != "none"]
    if not wanted:
        return False
    try:
        from evalhub.adapter._otlp import export

        export(endpoint, service_name, is_http=protocol in _HTTP, signals=wanted)
    except ImportError:
        _warn_of_missing_extra()
        return False
    except Exception as error:  # noqa: BLE001 - OpenTelemetry reads an environment of its own
        logger.warning("no telemetry: OpenTelemetry cannot be set up (%s)", error)
        return False
    _sent_to.append(endpoint)
    return True


@cache
def _warn_of_missing_extra() -> None:
    logger.warning("no telemetry: it needs an extra, pip install 'eval-hub-sdk[telemetry]'")


def _provider_is_set() -> bool:
    if not is_installed():
        return False
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _current_context() -> Context | None:
    if not is_installed():
        return None
    from opentelemetry import context

    return context.get_current()
