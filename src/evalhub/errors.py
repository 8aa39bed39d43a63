"""The exceptions of the package, by cause.

    EvalHubError
    ├── ConfigurationError (ValueError)      the caller's settings, files or arguments
    │   ├── JobSpecError                     the job file
    │   │   └── JobSpecNotFoundError (FileNotFoundError)
    │   └── MissingExtraError (ImportError)  an extra that is not installed
    ├── TransportError                       no response: DNS, connection, TLS, proxy
    │   └── TransportTimeoutError (TimeoutError)
    ├── APIError                             an error response of the service
    │   ├── BadRequestError              400
    │   ├── AuthenticationError          401
    │   ├── PermissionDeniedError        403
    │   ├── NotFoundError                404
    │   │   └── JobNotFoundError
    │   ├── ConflictError                409
    │   │   └── JobCanNotBeCancelledError
    │   ├── RequestTooLargeError         413
    │   ├── UnprocessableError           422
    │   ├── RateLimitError               429
    │   ├── ServerError                  5xx
    │   └── ServiceTooOldError           the service lacks what was asked for
    ├── MLflowAPIError                       an error response of an MLflow server
    ├── ResponseError                        an invalid response, or a redirect
    ├── WaitTimeoutError (TimeoutError)      a job is still running after the timeout
    ├── ArtifactError (RuntimeError)         an artifact could not be stored or read
    ├── ReportError (RuntimeError)           the final report of an adapter was not delivered
    └── BenchmarkError (RuntimeError)        raised by adapters: the evaluation failed
        └── CollectorError                   an endpoint did not answer a question

A message says what is wrong and what to do next; no message contains a secret.

Two exceptions are not in this tree. `evalhub.adapter.JobCancelled` is a `KeyboardInterrupt`, so
that `except Exception` in an adapter does not stop a cancellation. Models built directly, as in
`JobSubmissionRequest(...)`, raise `pydantic.ValidationError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evalhub.models.job import EvaluationJob

__all__ = [
    "APIError",
    "ArtifactError",
    "AuthenticationError",
    "BadRequestError",
    "BenchmarkError",
    "CollectorError",
    "ConfigurationError",
    "ConflictError",
    "EvalHubError",
    "JobCanNotBeCancelledError",
    "JobNotFoundError",
    "JobSpecError",
    "JobSpecNotFoundError",
    "MLflowAPIError",
    "MissingExtraError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ReportError",
    "RequestTooLargeError",
    "ResponseError",
    "ServerError",
    "ServiceTooOldError",
    "TransportError",
    "TransportTimeoutError",
    "UnprocessableError",
    "WaitTimeoutError",
    "error_for_status",
]


class EvalHubError(Exception):
    """Base class of the errors of this package.

    Args:
        args: The message.
        cause: The error behind this one, as `ClientError` of 1.0 takes it.
    """

    def __init__(self, *args: object, cause: BaseException | None = None) -> None:
        super().__init__(*args)
        if cause is not None:
            self.__cause__ = cause

    @property
    def cause(self) -> BaseException | None:
        """Same as `__cause__`."""
        return self.__cause__

    def __reduce__(self) -> tuple[object, ...]:
        # Process pools pickle exceptions; the default calls `__init__` with `args` alone.
        return _without_init, (type(self), *self.args), self.__dict__


def _without_init(kind: type[EvalHubError], *args: object) -> EvalHubError:
    # Not the first `__new__` among the bases: an OSError is made by its own.
    make: Any = OSError.__new__ if issubclass(kind, OSError) else kind.__new__
    error: EvalHubError = make(kind, *args)
    error.args = args  # those that are an OSError, such as TimeoutError, set them in `__init__`
    return error


class ConfigurationError(EvalHubError, ValueError):
    """An argument, a setting or a file is invalid; a retry will not help.

    Args:
        message: One line.
        details: One line for each problem, if there are several.
    """

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        self.message = message
        self.details = tuple(details)
        super().__init__("\n".join((message, *(f"  - {line}" for line in self.details))))


class JobSpecError(ConfigurationError):
    """The job file is missing, unreadable or invalid.

    Args:
        message: One line.
        details: One line for each invalid field.
        path: The job file, if there is one.
    """

    def __init__(
        self, message: str, *, details: Sequence[str] = (), path: Path | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.path = path


class JobSpecNotFoundError(JobSpecError, FileNotFoundError):
    """The job file does not exist."""

    @classmethod
    def at(cls, path: Path) -> Self:
        """Return the error for this path."""
        text = f"job file {path} does not exist; set EVALHUB_JOB_SPEC_PATH or pass --job-spec"
        return cls(text, path=path)


class MissingExtraError(ConfigurationError, ImportError):
    """A feature needs a package that is not installed.

    Args:
        feature: What needs it.
        extra: The extra of this package that brings it.
        install: What to install, in place of an extra of this package.
    """

    def __init__(self, feature: str, extra: str = "", *, install: str = "") -> None:
        self.feature = feature
        self.extra = extra
        needed = f"a package: pip install '{install}'"
        if not install:
            needed = f"an extra: pip install 'eval-hub-sdk[{extra}]'"
        super().__init__(f"{feature} needs {needed}")


class TransportError(EvalHubError):
    """There was no complete response: DNS, connection, TLS or proxy failed.

    Args:
        message: One line that names the URL.
        sent: Whether the request may have arrived. `False` means that no connection was made,
            so that the request can safely be sent again.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        self.sent = sent
        super().__init__(message)


class TransportTimeoutError(TransportError, TimeoutError):
    """There was no response in time."""


class APIError(EvalHubError):
    """The service returned an error.

    Attributes:
        status: HTTP status code.
        message: The service's message, or the start of a body that is not from the service.
        message_code: The service's code, for programs to branch on; empty if a proxy answered.
        trace: The service's transaction id, to search for in its logs.
        method: HTTP method of the request.
        url: URL of the request.
        retry_after: Seconds the service asked to wait before a retry, if it did.
    """

    def __init__(  # noqa: PLR0913 - what a response tells
        self,
        message: str,
        *,
        status: int,
        message_code: str = "",
        trace: str = "",
        method: str = "",
        url: str = "",
        retry_after: float | None = None,
        cause: BaseException | None = None,
    ) -> None:
        self.status = status
        self.message = message
        self.message_code = message_code
        self.trace = trace
        self.method = method
        self.url = url
        self.retry_after = retry_after
        code = f" {message_code}" if message_code else ""
        where = f" ({method} {url})" if url else ""
        tail = f" [trace {trace}]" if trace else ""
        super().__init__(f"{status}{code}: {message}{where}{tail}", cause=cause)


class BadRequestError(APIError):
    """400: the request is invalid."""


class AuthenticationError(APIError):
    """401: the token is missing, invalid or expired."""


class PermissionDeniedError(APIError):
    """403: the token is valid, but does not permit this."""


class NotFoundError(APIError):
    """404: it does not exist, or belongs to another tenant."""


class JobNotFoundError(NotFoundError):
    """404: the job does not exist, or belongs to another tenant.

    `JobNotFoundError(job_id)` builds one for a test.

    Args:
        message: The service's message; the id of the job where no status is given.
        cause: The error behind this one.
        status: HTTP status code.
        details: Further arguments of `APIError`.

    Attributes:
        job_id: Id of the job.
    """

    def __init__(
        self,
        message: str,
        cause: BaseException | None = None,
        *,
        status: int | None = None,
        **details: Any,
    ) -> None:
        self.job_id = message if status is None else _job_in(details.get("url", ""))
        if status is None:
            message = f"Job {message!r} not found"
        super().__init__(message, status=status or 404, cause=cause, **details)


class ConflictError(APIError):
    """409: its state does not allow this."""


class JobCanNotBeCancelledError(ConflictError):
    """409: the job has already ended.

    `JobCanNotBeCancelledError(job_id, reason=...)` builds one for a test.

    Args:
        message: The service's message; the id of the job where no status is given.
        reason: Why it cannot be cancelled.
        cause: The error behind this one.
        status: HTTP status code.
        details: Further arguments of `APIError`.

    Attributes:
        job_id: Id of the job.
        reason: Why it cannot be cancelled; the service's message if it came from there.
    """

    def __init__(
        self,
        message: str,
        reason: str | None = None,
        cause: BaseException | None = None,
        *,
        status: int | None = None,
        **details: Any,
    ) -> None:
        self.job_id = message if status is None else _job_in(details.get("url", ""))
        self.reason = reason if status is None else reason or message
        if status is None:
            message = f"Job {message!r} cannot be cancelled{f': {reason}' if reason else ''}"
        super().__init__(message, status=status or 409, cause=cause, **details)


def _job_in(url: str) -> str:
    """Return the id of the job in a URL of the service; empty if there is none."""
    from urllib.parse import unquote

    _, _, below = url.partition("/evaluations/jobs/")
    return unquote(below.partition("/")[0])


class RequestTooLargeError(APIError):
    """413: the body exceeds the service's limit (10 MiB by default)."""


class UnprocessableError(APIError):
    """422: the request is well-formed but cannot be processed."""


class RateLimitError(APIError):
    """429: too many requests; `retry_after` says how long to wait."""


class ServerError(APIError):
    """5xx: the service, its sidecar or a proxy failed."""


class ServiceTooOldError(APIError):
    """The service is older than what it was asked for.

    Attributes:
        feature: What it lacks.
        since: The first version of the service that has it.
    """

    def __init__(self, message: str, *, feature: str = "", since: str = "", **details: Any) -> None:
        self.feature = feature
        self.since = since
        super().__init__(message, **details)


_BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableError,
    429: RateLimitError,
}


def error_for_status(status: int) -> type[APIError]:
    """Return the exception class for an HTTP status."""
    if status >= 500:  # noqa: PLR2004 - the class of status codes HTTP calls server errors
        return ServerError
    return _BY_STATUS.get(status, APIError)


class MLflowAPIError(EvalHubError):
    """An MLflow server returned an error.

    Args:
        status_code: HTTP status code; 0 if a backend does not tell it.
        error_code: MLflow's code, such as `RESOURCE_DOES_NOT_EXIST`; `UNKNOWN` if there is none.
        message: MLflow's message.
    """

    def __init__(self, status_code: int, error_code: str | None, message: str) -> None:
        self.status_code = status_code
        self.error_code = error_code or "UNKNOWN"
        self.message = message
        super().__init__(f"[{self.error_code}] {message} (HTTP {status_code})")


class ResponseError(EvalHubError):
    """An invalid response: a redirect, HTML, truncated JSON, or JSON of another type.

    Attributes:
        status: HTTP status code.
        url: URL of the request.
        body: The start of the body.
    """

    def __init__(self, message: str, *, status: int = 0, url: str = "", body: str = "") -> None:
        self.status = status
        self.url = url
        self.body = body
        super().__init__(message)


class WaitTimeoutError(EvalHubError, TimeoutError):
    """A job is still running after the timeout.

    Attributes:
        job: The job as last seen, or `None` if there was no response at all.
    """

    def __init__(self, message: str, *, job: EvaluationJob | None = None) -> None:
        self.job = job
        super().__init__(message)


class ArtifactError(EvalHubError, RuntimeError):
    """An artifact could not be stored, was not found, or does not match its digest.

    Attributes:
        registry: Host of the registry, or the path of the image layout.
        reference: The artifact.
    """

    def __init__(self, message: str, *, registry: str = "", reference: str = "") -> None:
        self.registry = registry
        self.reference = reference
        super().__init__(message)


class ReportError(EvalHubError, RuntimeError):
    """The final report of an adapter was not delivered to the service.

    Attributes:
        kept: The file in which the report was saved, to be resent; `None` if saving failed.
    """

    def __init__(self, message: str, *, kept: Path | None = None) -> None:
        self.kept = kept
        super().__init__(message)


class BenchmarkError(EvalHubError, RuntimeError):
    """Raise this in an adapter if the evaluation fails.

    Args:
        message: What went wrong, for the person who submitted the job.
        code: A stable code in snake case, for programs to branch on.
        retryable: Whether another attempt may succeed.
    """

    def __init__(
        self, message: str, *, code: str = "benchmark_failed", retryable: bool = False
    ) -> None:
        self.message = message
        self.code = code
        self.retryable = retryable
        super().__init__(message)


class CollectorError(BenchmarkError):
    """A question was not answered, and the collection was to end at the first one.

    Args:
        message: What went wrong.
        question_id: The question.
        cause: The error behind it.
        retryable: Whether another attempt may succeed.
    """

    def __init__(
        self,
        message: str,
        question_id: str | None = None,
        cause: Exception | None = None,
        *,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, code="collection_failed", retryable=retryable)
        self.question_id = question_id
        self.__cause__ = cause
