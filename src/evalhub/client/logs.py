"""Logs: what to ask for, and what comes back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalhub.client._job import job_call
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from evalhub.models.job import EvaluationJob
    from evalhub.wire.flow import Call, Reply

__all__ = ["ALL", "LONGEST_TAIL", "JobLogOptions", "JobLogUpdate", "is_cut", "logs_call", "text_of"]

logger = logging.getLogger(__name__)

ALL = -1
LONGEST_TAIL = 10_000

_SERVICE_LIMIT = 50 * 1024 * 1024
"""Bytes after which the service cuts a log unless configured otherwise (wire contract 1.7). It
says so in a trailer, which httpx does not hand on: a log of this size has been cut."""


@dataclass(frozen=True, slots=True)
class JobLogOptions:
    """Which part of a log to ask for.

    Args:
        tail_lines: Last lines of each benchmark's log, 1 to 10000; -1 means all.
        timestamps: Put a timestamp before each line; without effect in local mode.
        since_seconds: Lines of the last seconds alone; without effect in local mode.
    """

    tail_lines: int = 1000
    timestamps: bool = False
    since_seconds: int | None = None

    def __post_init__(self) -> None:
        if self.tail_lines != ALL and not 1 <= self.tail_lines <= LONGEST_TAIL:
            raise ConfigurationError(
                f"tail_lines must be 1 to {LONGEST_TAIL}, or -1 for all: {self.tail_lines}"
            )
        if self.since_seconds is not None and self.since_seconds < 1:
            raise ConfigurationError(f"since_seconds must be 1 or more: {self.since_seconds}")


@dataclass(frozen=True, slots=True)
class JobLogUpdate:
    """What a log has gained.

    Args:
        logs: New lines, each ending in a newline; empty where only the job has changed.
        job: The job as last seen.
        benchmark_index: The benchmark whose log it is; `None` where only the job has changed.
        truncated: Whether the service cut the log, so that lines are missing before these.
    """

    logs: str
    job: EvaluationJob
    benchmark_index: int | None = None
    truncated: bool = False

    @property
    def lines(self) -> list[str]:
        """The new lines, without their newlines."""
        return self.logs.split("\n")[:-1]


def logs_call(
    job: str | EvaluationJob,
    benchmark_index: int | None,
    options: JobLogOptions,
    tenant: str | None,
    *,
    stream: bool = False,
) -> Call:
    """Return the call for a log: of one benchmark, or of all, each below a header line."""
    if benchmark_index is not None and benchmark_index < 0:
        raise ConfigurationError(f"benchmark index must not be negative: {benchmark_index}")
    below = "/logs" if benchmark_index is None else f"/benchmarks/{benchmark_index:d}/logs"
    params: dict[str, int | bool] = {"tail_lines": options.tail_lines}
    if options.timestamps:
        params["timestamps"] = True
    if options.since_seconds is not None:
        params["since_seconds"] = options.since_seconds
    return job_call("GET", job, below, params=params, tenant=tenant, stream=stream)


def text_of(reply: Reply) -> str:
    """Return a log, and say so if the service cut it."""
    if is_cut(reply, len(reply.content)):
        logger.warning("%s: the service cut this log short; ask for fewer lines", reply.url)
    return reply.content.decode(errors="replace")


def is_cut(reply: Reply, size: int) -> bool:
    """Whether the service has cut a log of this size."""
    return reply.headers.get("x-log-truncated") == "true" or size >= _SERVICE_LIMIT
