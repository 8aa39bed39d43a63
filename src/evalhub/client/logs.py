"""Logs: options of a request, and updates of a log that is followed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from evalhub.client._job import job_call
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from evalhub.models.job import EvaluationJob
    from evalhub.wire.flow import Call, Reply

__all__ = [
    "ALL",
    "LONGEST_TAIL",
    "SERVICE_LIMIT",
    "JobLogOptions",
    "JobLogUpdate",
    "JobLogs",
    "is_truncated",
    "logs_call",
    "text_of",
]

logger = logging.getLogger(__name__)

ALL = -1
LONGEST_TAIL = 10_000

SERVICE_LIMIT = 50 * 1024 * 1024
"""Size in bytes at which the service truncates a log, unless configured otherwise (wire contract
1.7). It reports that in the trailer `X-Log-Truncated`, which httpx drops: a log of this size has
been truncated. Later services are to send it as a header."""


@dataclass(frozen=True, slots=True)
class JobLogOptions:
    """The part of a log to request.

    Args:
        tail_lines: Number of last lines of each benchmark's log, 1 to 10000; -1 means all.
        timestamps: Whether to put a timestamp before each line; ignored in local mode.
        since_seconds: Return only the lines of the last seconds; ignored in local mode.

    Raises:
        ConfigurationError: A value is out of range.
    """

    tail_lines: int = 1000
    timestamps: bool = False
    since_seconds: int | None = None

    def __post_init__(self) -> None:
        if self.tail_lines != ALL and not 1 <= self.tail_lines <= LONGEST_TAIL:
            raise ConfigurationError(
                f"tail_lines must be 1 to {LONGEST_TAIL}, or -1 for all, not {self.tail_lines}"
            )
        if self.since_seconds is not None and self.since_seconds < 1:
            raise ConfigurationError(f"since_seconds must be 1 or more, not {self.since_seconds}")


@dataclass(frozen=True, slots=True)
class JobLogUpdate:
    """New lines of a log, or a change of the job.

    Args:
        logs: New lines, each ending in a newline; empty if only the job has changed.
        job: The job as last seen.
        benchmark_index: Index of the benchmark; `None` if only the job has changed.
        truncated: Whether lines before these are missing, because the service truncated the log.
    """

    logs: str
    job: EvaluationJob
    benchmark_index: int | None = None
    truncated: bool = False

    @property
    def lines(self) -> list[str]:
        """The new lines, without their newlines."""
        return self.logs.split("\n")[:-1]


class JobLogs(str):
    """The text of a log.

    Attributes:
        truncated: Whether lines are missing, because the log exceeds the service's limit.
    """

    __slots__ = ("truncated",)

    truncated: bool

    def __new__(cls, text: str, *, truncated: bool = False) -> Self:
        """Return the text with its mark."""
        made = super().__new__(cls, text)
        made.truncated = truncated
        return made


def logs_call(
    job: str | EvaluationJob,
    benchmark_index: int | None,
    options: JobLogOptions,
    tenant: str | None,
    *,
    stream: bool = False,
) -> Call:
    """Return the request for the log of one benchmark, or of all, each below a header line."""
    if benchmark_index is not None and benchmark_index < 0:
        raise ConfigurationError(f"the benchmark index must be 0 or more, not {benchmark_index}")
    below = "/logs" if benchmark_index is None else f"/benchmarks/{benchmark_index:d}/logs"
    params: dict[str, int | bool] = {"tail_lines": options.tail_lines}
    if options.timestamps:
        params["timestamps"] = True
    if options.since_seconds is not None:
        params["since_seconds"] = options.since_seconds
    return job_call("GET", job, below, params=params, tenant=tenant, stream=stream)


def text_of(reply: Reply) -> JobLogs:
    """Return the text of a log; log a warning if the service truncated it."""
    truncated = is_truncated(reply, len(reply.content))
    if truncated:
        logger.warning("%s: the service truncated this log; request fewer lines", reply.url)
    return JobLogs(reply.content.decode(errors="replace"), truncated=truncated)


def is_truncated(reply: Reply, size: int, limit: int = SERVICE_LIMIT) -> bool:
    """Return whether the service truncated a log.

    Args:
        reply: The response.
        size: Size of the log in bytes.
        limit: Size at which the service truncates logs.
    """
    return reply.headers.get("x-log-truncated") == "true" or size >= limit
