"""The benchmarks of a job and their states, in the order of the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from evalhub.models import EvaluationJob
    from evalhub.models.job import BenchmarkStatus

__all__ = ["BenchmarkState", "benchmark_states"]


class BenchmarkState(NamedTuple):
    """One benchmark of a job."""

    id: str
    provider_id: str
    reported: BenchmarkStatus | None
    """Its status; `None` until its adapter reports."""

    @property
    def name(self) -> str:
        """State as a word."""
        return str(self.reported.status) if self.reported else "pending"


def benchmark_states(job: EvaluationJob) -> list[BenchmarkState]:
    """Return every benchmark of a job, also those that have not reported.

    A job may run one benchmark twice, with other parameters: they are told apart by index. For a
    collection the service lists only those that have reported.
    """
    reported = {entry.benchmark_index: entry for entry in job.status.benchmarks}
    found = {
        index: BenchmarkState(entry.id, entry.provider_id, reported.get(index))
        for index, entry in enumerate(job.benchmarks)
    }
    for index, entry in reported.items():
        found.setdefault(index, BenchmarkState(entry.id, entry.provider_id, entry))
    return [found[index] for index in sorted(found)]
