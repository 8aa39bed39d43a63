"""Build requests about one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub.client._endpoint import API
from evalhub.errors import ConfigurationError, JobCanNotBeCancelledError, JobNotFoundError
from evalhub.wire.flow import Call, segment

if TYPE_CHECKING:
    from evalhub.models.job import EvaluationJob

__all__ = ["job_call", "job_id_of"]

_ERRORS = {404: JobNotFoundError, 409: JobCanNotBeCancelledError}


def job_call(method: str, job: str | EvaluationJob, below: str = "", **options: Any) -> Call:
    """Return a request about one job, with the exceptions that 404 and 409 stand for.

    Args:
        method: HTTP method.
        job: The job, or its id.
        below: Path below the job's own.
        options: Further fields of the `Call`.
    """
    path = f"{API}/jobs/{segment(job_id_of(job), 'job_id')}{below}"
    return Call(method, path, errors=_ERRORS, **options)


def job_id_of(job: str | EvaluationJob) -> str:
    """Return the id of a job.

    Raises:
        ConfigurationError: The value is neither a job nor an id.
    """
    if isinstance(job, str):
        return job
    try:
        return job.id
    except AttributeError:
        raise ConfigurationError(f"expected a job or a job id, got {type(job).__name__}") from None
