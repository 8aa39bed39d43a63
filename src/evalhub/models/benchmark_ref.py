"""The identity of one benchmark in one job."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BenchmarkRef"]


@dataclass(frozen=True, slots=True)
class BenchmarkRef:
    """One benchmark of one job.

    Args:
        job_id: Job.
        benchmark_id: Benchmark.
        provider_id: Provider of the benchmark.
        benchmark_index: Position of the benchmark in the job, from 0.
    """

    job_id: str
    benchmark_id: str
    provider_id: str | None = None
    benchmark_index: int = 0
