"""Every exception of the package: whose fault, then what.

    EvalHubError
    ├── ConfigurationError (ValueError)      the caller's settings, files or arguments
    │   ├── JobSpecError                     the job file
    │   └── MissingExtraError (ImportError)  an extra that is not installed
    ├── TransportError                       no usable answer: DNS, connection, TLS, proxy
    │   └── TransportTimeoutError (TimeoutError)
    ├── APIError                             the service answered, and said no
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
    │   └── ServerError                  5xx
    ├── ResponseError                        a 2xx answer that is not what it should be
    ├── WaitTimeoutError (TimeoutError)      a job did not finish in time; holds the last job seen
    ├── ArtifactError (RuntimeError)         an artifact was not stored
    ├── ReportError (RuntimeError)           a terminal event did not reach the service
    └── BenchmarkError (RuntimeError)        raised by adapters: the evaluation itself failed

A message says what happened and what to do next. None carries a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    "ConfigurationError",
    "ConflictError",
    "EvalHubError",
    "JobCanNotBeCancelledError",
    "JobNotFoundError",
    "JobSpecError",
    "MissingExtraError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ReportError",
    "RequestTooLargeError",
    "ResponseError",
    "ServerError",
    "TransportError",
    "TransportTimeoutError",
    "UnprocessableError",
    "WaitTimeoutError",
    "error_for_status",
]


class EvalHubError(Exception):
    """The root of every exception this package raises."""


class ConfigurationError(EvalHubError, ValueError):
    """Settings, a file or an argument is wrong; trying again will not help.

    Args:
        message: One readable line.
        details: One line for each thing that is wrong, where there are several.
    """

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        self.message = message
        self.details = tuple(details)
        super().__init__("\n".join((message, *(f"  - {line}" for line in self.details))))


class JobSpecError(ConfigurationError):
    """The job file is missing, unreadable or not a job specification.

    Args:
        message: One readable line.
        details: One line for each field that is wrong.
        path: The job file, where there is one.
    """

    def __init__(
        self, message: str, *, details: Sequence[str] = (), path: Path | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.path = path


class MissingExtraError(ConfigurationError, ImportError):
    """A feature needs an extra that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(f"{feature} needs an extra: pip install 'eval-hub-sdk[{extra}]'")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.feature, self.extra), self.__dict__


class TransportError(EvalHubError):
    """No usable answer came back: DNS, connection, TLS, proxy or a broken reply.

    Args:
        message: One readable line that names the URL.
        sent: Whether the request may have reached the other side. `False` means the
            connection was never made, so sending again cannot do anything twice.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        self.sent = sent
        super().__init__(message)


class TransportTimeoutError(TransportError, TimeoutError):
    """The other side did not answer in time."""


class APIError(EvalHubError):
    """The service answered with an error.

    Attributes:
        status: HTTP status code.
        message: What the service said, or a short form of a body that is not the service's.
        message_code: The service's code, the thing to branch on; empty if a proxy answered.
        trace: The service's transaction id, for its logs.
        method: HTTP method of the request.
        url: URL of the request.
        retry_after: Seconds the service asked us to stay away, if it did.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        message_code: str = "",
        trace: str = "",
        method: str = "",
        url: str = "",
        retry_after: float | None = None,
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
        super().__init__(f"{status}{code}: {message}{where}{tail}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process pools; the default rebuilds from `args` alone.
        return (_rebuild_api_error, (type(self), self.message, self.__dict__))


def _rebuild_api_error(cls: type[APIError], message: str, state: dict[str, object]) -> APIError:
    error = cls.__new__(cls, message)
    error.__dict__.update(state)
    APIError.__init__(
        error,
        message,
        status=error.status,
        message_code=error.message_code,
        trace=error.trace,
        method=error.method,
        url=error.url,
        retry_after=error.retry_after,
    )
    return error


class BadRequestError(APIError):
    """400: the service refused what it was sent."""


class AuthenticationError(APIError):
    """401: no token, or one that is not valid any more."""


class PermissionDeniedError(APIError):
    """403: the token is valid and not allowed to do this."""


class NotFoundError(APIError):
    """404: no such thing, or it belongs to another tenant."""


class JobNotFoundError(NotFoundError):
    """404: no such job, or it belongs to another tenant."""


class ConflictError(APIError):
    """409: the thing is in a state that does not allow this."""


class JobCanNotBeCancelledError(ConflictError):
    """409: the job has already ended."""


class RequestTooLargeError(APIError):
    """413: the body is over the service's limit (10 MiB unless configured)."""


class UnprocessableError(APIError):
    """422: well-formed and not acceptable."""


class RateLimitError(APIError):
    """429: too many requests; `retry_after` says how long to stay away."""


class ServerError(APIError):
    """5xx: the service, its sidecar or a proxy failed."""


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
    """Return the exception type that stands for an HTTP status."""
    if status >= 500:  # noqa: PLR2004 - the class of status codes HTTP calls server errors
        return ServerError
    return _BY_STATUS.get(status, APIError)


class ResponseError(EvalHubError):
    """A success that is not what the service promises: another type, HTML, truncated JSON.

    Attributes:
        status: HTTP status code.
        url: URL of the request.
        body: The start of the body, for a reader.
    """

    def __init__(self, message: str, *, status: int = 0, url: str = "", body: str = "") -> None:
        self.status = status
        self.url = url
        self.body = body
        super().__init__(message)


class WaitTimeoutError(EvalHubError, TimeoutError):
    """A job did not end within the time given; it goes on running.

    Attributes:
        job: The job as last seen, or `None` if the service never answered.
    """

    def __init__(self, message: str, *, job: EvaluationJob | None = None) -> None:
        self.job = job
        super().__init__(message)


class ArtifactError(EvalHubError, RuntimeError):
    """An artifact was not stored, not found, or is not what its digest says.

    Attributes:
        registry: Host of the registry, or the path of the image layout.
        reference: What was to be stored or read.
    """

    def __init__(self, message: str, *, registry: str = "", reference: str = "") -> None:
        self.registry = registry
        self.reference = reference
        super().__init__(message)


class ReportError(EvalHubError, RuntimeError):
    """A terminal event did not reach the service.

    Attributes:
        kept: The file that holds the event, to be sent again; `None` if it could not be kept.
    """

    def __init__(self, message: str, *, kept: Path | None = None) -> None:
        self.kept = kept
        super().__init__(message)


class BenchmarkError(EvalHubError, RuntimeError):
    """Raise this in an adapter when the evaluation cannot be done.

    Args:
        message: What went wrong, for the person who submitted the job.
        code: A stable code that programs branch on, in snake case.
        retryable: Whether another attempt may succeed.
    """

    def __init__(
        self, message: str, *, code: str = "benchmark_failed", retryable: bool = False
    ) -> None:
        self.message = message
        self.code = code
        self.retryable = retryable
        super().__init__(message)
