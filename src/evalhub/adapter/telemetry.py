"""Trace an evaluation with OpenTelemetry, if it is installed and configured.

Telemetry never costs a result: a failure here is a warning at most.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast

from evalhub.settings import AdapterSettings

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

    from evalhub.models.spec import JobSpec

__all__ = ["EvalTracer", "configure_telemetry"]

logger = logging.getLogger(__name__)

DEFAULT_SERVICE_NAME = "evalhub-adapter"

_lock = Lock()


def configure_telemetry(service_name: str | None = None, *, endpoint: str | None = None) -> bool:
    """Export this process's spans to a collector, and return whether spans are exported.

    Does nothing without an endpoint. A tracer provider that is already set is kept, so a second
    call has no effect. An unreachable collector delays the exit of the process by three seconds
    at most.

    Args:
        service_name: Service name; defaults to `OTEL_SERVICE_NAME`, then `evalhub-adapter`.
        endpoint: OTLP gRPC endpoint; defaults to `OTEL_EXPORTER_OTLP_ENDPOINT`.
    """
    settings = AdapterSettings.from_env()
    endpoint = endpoint or settings.otel_endpoint
    if not endpoint:
        return False
    with _lock:
        if _provider_is_set():
            return True
        return _export(endpoint, service_name or settings.otel_service_name or DEFAULT_SERVICE_NAME)


class EvalTracer:
    """Spans for the stages of an evaluation.

    Without OpenTelemetry the spans do nothing, so adapters need no separate code path. Every
    span has the tracer's attributes; those that are `None` are omitted.

    | span | its own attributes |
    |---|---|
    | `evalhub.evaluation_run` | |
    | `evalhub.dataset_load` | `evalhub.dataset.source`, `evalhub.dataset.samples` |
    | `evalhub.inference_batch` | `gen_ai.request.model`, `evalhub.batch_size`, `gen_ai.usage.input_tokens`, `gen_ai.usage.output_tokens` |
    | `evalhub.scoring` | `evalhub.benchmark_id`, `evalhub.scorer` |
    | `evalhub.result_log` | |

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
    def from_job_spec(cls, spec: JobSpec, *, provider: TracerProvider | None = None) -> Self:
        """Return a tracer whose spans identify the job.

        They have the attributes `evalhub.job_id`, `evalhub.provider_id`, `evalhub.benchmark_id`,
        `evalhub.benchmark_index` and `gen_ai.request.model`.
        """
        attributes = {
            "evalhub.job_id": spec.job_id,
            "evalhub.provider_id": spec.provider_id,
            "evalhub.benchmark_id": spec.benchmark_id,
            "evalhub.benchmark_index": spec.benchmark_index,
            "gen_ai.request.model": spec.model.name,
        }
        return cls(attributes, provider=provider)

    @staticmethod
    def extract_context() -> Context | None:
        """Return the trace context of `TRACEPARENT`, if it is set."""
        traceparent = AdapterSettings.from_env().traceparent
        if traceparent is None or not _is_installed():
            return None
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        return TraceContextTextMapPropagator().extract({"traceparent": traceparent})

    @contextmanager
    def evaluation_run(self) -> Generator[Span]:
        """Trace the whole evaluation."""
        with self._span("evalhub.evaluation_run") as span:
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
            "evalhub.dataset_load",
            {"evalhub.dataset.source": source, "evalhub.dataset.samples": size_samples},
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
            "evalhub.inference_batch",
            {
                "gen_ai.request.model": model_id,
                "evalhub.batch_size": batch_size,
                "gen_ai.usage.input_tokens": tokens_input,
                "gen_ai.usage.output_tokens": tokens_output,
            },
        )

    def scoring(
        self, benchmark: str | None = None, scorer: str | None = None
    ) -> AbstractContextManager[Span]:
        """Trace the scoring of answers."""
        return self._span(
            "evalhub.scoring", {"evalhub.benchmark_id": benchmark, "evalhub.scorer": scorer}
        )

    def result_log(self) -> AbstractContextManager[Span]:
        """Trace the writing and reporting of results."""
        return self._span("evalhub.result_log")

    @contextmanager
    def _span(self, name: str, attributes: Mapping[str, Any] | None = None) -> Generator[Span]:
        if not _is_installed():
            yield cast("Span", _NoSpan())
            return
        from opentelemetry import trace

        given = {key: value for key, value in (attributes or {}).items() if value is not None}
        always = {key: value for key, value in self._attributes.items() if value is not None}
        is_inner = trace.get_current_span().get_span_context().is_valid
        tracer = trace.get_tracer(__name__, tracer_provider=self._provider)
        with tracer.start_as_current_span(
            name, context=None if is_inner else self._outer, attributes={**always, **given}
        ) as span:
            yield span


class _NoSpan:
    """A span that does nothing, used without OpenTelemetry."""

    def _ignore(self, *_: Any, **__: Any) -> None: ...

    set_attribute = set_attributes = set_status = update_name = _ignore
    add_event = record_exception = _ignore

    def is_recording(self) -> bool:
        return False


def _export(endpoint: str, service_name: str) -> bool:
    try:
        from evalhub.adapter._otlp import export_spans
    except ImportError:
        _warn_of_missing_extra()
        return False
    try:
        export_spans(endpoint, service_name)
    except Exception as error:  # noqa: BLE001 - OpenTelemetry reads an environment of its own
        logger.warning("no telemetry: OpenTelemetry cannot be set up (%s)", error)
        return False
    return True


@cache
def _warn_of_missing_extra() -> None:
    logger.warning("no telemetry: it needs an extra, pip install 'eval-hub-sdk[telemetry]'")


@cache
def _is_installed() -> bool:
    try:
        import_module("opentelemetry.trace")
    except ImportError:
        return False
    return True


def _provider_is_set() -> bool:
    if not _is_installed():
        return False
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _current_context() -> Context | None:
    if not _is_installed():
        return None
    from opentelemetry import context

    return context.get_current()
