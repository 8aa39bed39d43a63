"""Which job the process works on: what its log records and metrics are marked with."""

from __future__ import annotations

from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalhub.models.spec import BenchmarkRef

__all__ = ["clear_log_job_context", "job_attributes", "mark_with", "set_log_job_context"]

_NOTHING: Mapping[str, str] = MappingProxyType({})

_here: ContextVar[Mapping[str, str] | None] = ContextVar("evalhub_job", default=None)
_process: list[Mapping[str, str]] = []
"""The job set last: a thread that a framework starts does not inherit the context."""


def set_log_job_context(
    *,
    job_id: str | None = None,
    benchmark_id: str | None = None,
    provider_id: str | None = None,
    model_id: str | None = None,
) -> None:
    """Mark log records and metrics with a job from here on; replaces what was set before.

    Threads and tasks that have set nothing themselves have the job that was set last.
    """
    ids = {
        "evalhub.job_id": job_id,
        "evalhub.benchmark_id": benchmark_id,
        "evalhub.provider_id": provider_id,
        "evalhub.model_id": model_id,
    }
    job = {name: value for name, value in ids.items() if value is not None}
    _here.set(job)
    _process[:] = [job]


def mark_with(benchmark: BenchmarkRef, model_id: str | None) -> None:
    """Mark log records and metrics with a benchmark of a job."""
    set_log_job_context(
        job_id=benchmark.job_id,
        benchmark_id=benchmark.benchmark_id,
        provider_id=benchmark.provider_id,
        model_id=model_id,
    )


def clear_log_job_context() -> None:
    """Mark log records and metrics with no job any longer."""
    ended = _here.get()
    _here.set(None)
    if ended is None or ended in _process:
        _process.clear()


def job_attributes() -> Mapping[str, str]:
    """Return the ids of the current job, by the names of attributes."""
    here = _here.get()
    if here is not None:
        return here
    return _process[0] if _process else _NOTHING
