"""Compatibility: `client.jobs`. New code imports from `evalhub.client.jobs`."""

from __future__ import annotations

from evalhub.client._client import AsyncEvalHubClient as BaseAsyncClient
from evalhub.client._client import EvalHubClient as BaseSyncClient
from evalhub.client.job_logs import (
    JobLogOptions,
    JobLogUpdate,
    fetch_job_logs,
    fetch_job_logs_sync,
    is_terminal_job,
    log_delta,
)
from evalhub.client.jobs import Jobs as AsyncJobsResource
from evalhub.client.jobs import Jobs as SyncJobsResource
from evalhub.errors import JobCanNotBeCancelledError, JobNotFoundError
from evalhub.models.job import EvaluationJob, JobsList
from evalhub.models.request import JobSubmissionRequest
from evalhub.models.state import JobStatus

__all__ = [
    "AsyncJobsResource",
    "BaseAsyncClient",
    "BaseSyncClient",
    "EvaluationJob",
    "JobCanNotBeCancelledError",
    "JobLogOptions",
    "JobLogUpdate",
    "JobNotFoundError",
    "JobStatus",
    "JobSubmissionRequest",
    "JobsList",
    "SyncJobsResource",
    "fetch_job_logs",
    "fetch_job_logs_sync",
    "is_terminal_job",
    "log_delta",
]
