"""Compatibility: logs of jobs. New code uses `client.jobs.logs` and `client.jobs.watch_logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from evalhub.client.logs import LONGEST_TAIL as MAX_LOG_TAIL_LINES
from evalhub.client.logs import JobLogOptions, JobLogUpdate
from evalhub.models.job import EvaluationJob
from evalhub.models.state import JobStatus

if TYPE_CHECKING:
    from evalhub.client import AsyncEvalHubClient, EvalHubClient

__all__ = [
    "DEFAULT_LOG_TAIL_LINES",
    "MAX_LOG_TAIL_LINES",
    "TERMINAL_JOB_STATES",
    "EvaluationJob",
    "JobLogOptions",
    "JobLogUpdate",
    "JobStatus",
    "build_log_query_params",
    "build_logs_path",
    "fetch_job_logs",
    "fetch_job_logs_sync",
    "is_terminal_job",
    "log_delta",
]

DEFAULT_LOG_TAIL_LINES = JobLogOptions().tail_lines
TERMINAL_JOB_STATES = frozenset(status for status in JobStatus if status.is_terminal)


def is_terminal_job(job: EvaluationJob) -> bool:
    """Return whether a job has ended: `job.is_terminal`."""
    return job.is_terminal


def log_delta(seen: str, current: str) -> str:
    """Return the part of a log that is new: without the longest start that ends what was seen.

    Args:
        seen: The log as read before.
        current: The log as read now; its start may be missing.
    """
    if current.startswith(seen):
        return current[len(seen) :]
    return current[_overlap(seen[-len(current) :], current) :] if current else ""


def _overlap(seen: str, current: str) -> int:
    """Return the length of the longest end of one text that is a start of the other.

    By Knuth, Morris and Pratt: the time grows with the length of the texts, not its square.
    """
    text = f"{current}\0{seen}"
    borders = [0] * len(text)
    length = 0
    for position in range(1, len(text)):
        while length and text[position] != text[length]:
            length = borders[length - 1]
        length += text[position] == text[length]
        borders[position] = length
    length = borders[-1] if text else 0
    while length > len(current):  # a log that has the separator
        length = borders[length - 1]
    return length


def build_logs_path(job_id: str, benchmark_index: int | None = None) -> str:
    """Return the path of a job's log, below `client.api_base`."""
    below = "" if benchmark_index is None else f"/benchmarks/{benchmark_index}"
    return f"/evaluations/jobs/{quote(job_id, safe='')}{below}/logs"


def build_log_query_params(options: JobLogOptions) -> dict[str, str]:
    """Return the query parameters of a log."""
    params = {"tail_lines": str(options.tail_lines)}
    if options.timestamps:
        params["timestamps"] = "true"
    if options.since_seconds is not None:
        params["since_seconds"] = str(options.since_seconds)
    return params


async def fetch_job_logs(
    client: AsyncEvalHubClient,
    job_id: str,
    *,
    benchmark_index: int | None = None,
    options: JobLogOptions | None = None,
    tenant: str | None = None,
) -> str:
    """Return the log of a job: `await client.jobs.get_logs(...)`."""
    return await client.jobs.get_logs(
        job_id, benchmark_index=benchmark_index, options=options, tenant=tenant
    )


def fetch_job_logs_sync(
    client: EvalHubClient,
    job_id: str,
    *,
    benchmark_index: int | None = None,
    options: JobLogOptions | None = None,
    tenant: str | None = None,
) -> str:
    """Return the log of a job: `client.jobs.get_logs(...)`."""
    return client.jobs.get_logs(
        job_id, benchmark_index=benchmark_index, options=options, tenant=tenant
    )
