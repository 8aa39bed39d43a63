"""The steps of an exchange with the service. Nothing here does I/O.

A flow is a generator: it yields a step, is sent the outcome of the step, and returns its result.
A driver (`evalhub.wire.drive`) performs the steps, synchronously or on an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.errors import APIError

__all__ = [
    "Begin",
    "Begun",
    "Call",
    "Emit",
    "Finish",
    "Flow",
    "Pause",
    "Read",
    "Renew",
    "Reply",
    "Since",
    "Step",
    "Stream",
    "Work",
    "segment",
]

T = TypeVar("T")

_IDEMPOTENT = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT"})


@dataclass(frozen=True, slots=True)
class Since:
    """What older services do not have, and how they say so.

    Args:
        version: The first version of the service that has it.
        feature: A noun for it, for the error message.
        code: The `message_code` with which an older service refuses it; empty for an endpoint,
            which an older service's router does not know.
        word: A word in the refusal that tells it from others of that code.
    """

    version: str
    feature: str
    code: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """Send a request; the outcome is a `Reply`, or a `TransportError` thrown into the flow.

    Args:
        method: HTTP method in capitals.
        path: Path below the base URL; starts with a slash, segments are quoted.
        params: Query parameters.
        json: A JSON value to send; `None` sends no body.
        content: A body that is not JSON: bytes, or the path of a file, opened for each attempt.
        headers: Headers besides the driver's.
        tenant: Tenant of this call, in place of the driver's.
        timeout: Longest time for the request with its response, in seconds; the driver's own
            timeout, for each phase, applies if it is shorter.
        repeatable: Whether the request may be sent twice; `None` decides by the method.
        stream: Do not read the body of a success; read it in pieces with `Read`.
        errors: More specific exceptions for the service's errors, by status.
        since: What in this call older services do not have.
    """

    method: str
    path: str
    _: KW_ONLY
    params: Mapping[str, str | int | bool] = field(default_factory=dict[str, "str | int | bool"])
    json: Any = None
    content: bytes | Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    tenant: str | None = None
    timeout: float | None = None
    repeatable: bool | None = None
    stream: bool = False
    errors: Mapping[int, type[APIError]] = field(default_factory=dict[int, "type[APIError]"])
    since: Since | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether the call may be sent again when its outcome is unknown."""
        return self.method in _IDEMPOTENT if self.repeatable is None else self.repeatable


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response of any status.

    Attributes:
        status: HTTP status code.
        headers: Headers, their names in lower case.
        content: The body; empty if it is read with `Read`.
        url: URL of the request, without its query.
        repeated: Whether an earlier attempt may have reached the service.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str
    repeated: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class HTTP calls success


@dataclass(frozen=True, slots=True)
class Read:
    """Read the next piece of the streamed body; the outcome is bytes, `b""` at the end."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Read the token again; the outcome says whether it changed."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for a number of seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Do what blocks, such as reading files; answered with what it returns.

    On an event loop it is done in a thread. An error of this package is thrown in at the `yield`,
    any other ends the flow.
    """

    do: Callable[[], Any]


class Begun(Protocol):
    """A flow that a driver performs beside the one that began it."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Perform a flow beside this one; the outcome is a `Begun`, to finish later.

    It ends with the flow that began it, finished or not.
    """

    flow: Flow[Any]


@dataclass(frozen=True, slots=True)
class Finish:
    """Wait for a flow that was begun; the outcome is its result, or its error thrown in."""

    begun: Begun


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Yield a value from the stream."""

    value: T


Step: TypeAlias = Call | Read | Renew | Pause | Work | Begin | Finish
Flow: TypeAlias = Generator[Step, Any, T]
"""An exchange with a result: `Flow[Job]` returns a `Job`."""

Stream: TypeAlias = Generator[Step | Emit[T], Any, None]
"""An exchange that yields values: `Stream[Job]` emits jobs."""


def segment(value: str, name: str = "id") -> str:
    """Return an id quoted as one segment of a path.

    Args:
        value: The id.
        name: Name of the argument, for error messages.

    Raises:
        ConfigurationError: The id is not a string, is empty, or is a relative path.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users may
        raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
    if not value:
        raise ConfigurationError(f"{name} must not be empty")
    if value in (".", ".."):
        raise ConfigurationError(f"{name} must not be a relative path: {value!r}")
    return quote(value, safe="")
