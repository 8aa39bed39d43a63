"""Counters and histograms, marked with the job; they do nothing without OpenTelemetry."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._job_context import job_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import Counter, Histogram

__all__ = ["create_counter", "create_histogram", "is_installed"]


@cache
def is_installed() -> bool:
    """Return whether OpenTelemetry can be imported."""
    try:
        import_module("opentelemetry.trace")
    except ImportError:
        return False
    return True


def create_counter(name: str, unit: str = "", description: str = "") -> Counter:
    """Return a counter, to be increased with `add(amount, attributes)`.

    What it counts is marked with the job; without telemetry it counts nothing.
    """
    return cast("Counter", _Instrument(_meter().create_counter(name, unit, description)))


def create_histogram(name: str, unit: str = "", description: str = "") -> Histogram:
    """Return a histogram, to be filled with `record(amount, attributes)`.

    What it measures is marked with the job; without telemetry it measures nothing.
    """
    return cast("Histogram", _Instrument(_meter().create_histogram(name, unit, description)))


class _Instrument:
    """Marks what is measured with the job."""

    def __init__(self, instrument: Any) -> None:
        self._instrument = instrument

    def add(self, amount: float, attributes: Mapping[str, Any] | None = None) -> None:
        self._instrument.add(amount, {**job_attributes(), **(attributes or {})})

    def record(self, amount: float, attributes: Mapping[str, Any] | None = None) -> None:
        self._instrument.record(amount, {**job_attributes(), **(attributes or {})})


class _NoInstrument:
    def add(self, *_: Any) -> None: ...

    record = add


class _NoMeter:
    """Makes instruments that do nothing, used without OpenTelemetry."""

    def create(self, *_: str) -> _NoInstrument:
        return _NoInstrument()

    create_counter = create_histogram = create


def _meter() -> Any:
    if not is_installed():
        return _NoMeter()
    from opentelemetry import metrics

    return metrics.get_meter("evalhub.adapter")
