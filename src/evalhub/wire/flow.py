"""The steps a conversation with the service consists of. Nothing here does I/O.

A flow is a generator: it yields what should happen, is sent what happened, and returns its
result. A driver (`evalhub.wire.drive`) performs it, blocking or on an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.errors import APIError

__all__ = [
    "Call",
    "Emit",
    "Flow",
    "Pause",
    "Read",
    "Renew",
    "Reply",
    "Step",
    "Stream",
    "Work",
    "segment",
]

T = TypeVar("T")

_IDEMPOTENT = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT"})


@dataclass(frozen=True, slots=True)
class Call:
    """Send a request; the driver answers with a `Reply` or throws a `TransportError`.

    Args:
        method: HTTP method in capitals.
        path: Path below the base URL, starting with a slash, its segments already quoted.
        params: Query parameters.
        json: A JSON value to send; `None` sends no body.
        content: A body that is not JSON: bytes, or a file that can be opened again.
        headers: Headers besides those every request has.
        tenant: Tenant of this call, in place of the driver's.
        timeout: Seconds to wait for each part of the exchange, in place of the driver's.
        repeatable: Whether sending it twice does no harm; `None` decides by the method.
        stream: Leave the body of a success on the connection, to be had with `Read`.
        errors: Closer names for the service's errors, by status.
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

    @property
    def may_repeat(self) -> bool:
        """Whether this call may be sent again when its fate is unknown."""
        return self.method in _IDEMPOTENT if self.repeatable is None else self.repeatable


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status.

    Attributes:
        status: HTTP status code.
        headers: Headers, their names in lower case.
        content: The body; empty while it is to be read with `Read`.
        url: URL of the request, without its query.
        repeated: Whether an earlier attempt may have reached the service and done its work.
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
    """Read on in the streamed body; answered with bytes, `b""` at its end."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Read the token again; answered with whether it is another one now."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let this many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Do what blocks, such as reading files; answered with what it returns.

    On an event loop it is done in a thread. What it raises ends the flow.
    """

    do: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Hand a value to whoever iterates over the stream."""

    value: T


Step: TypeAlias = Call | Read | Renew | Pause | Work
Flow: TypeAlias = Generator[Step, Any, T]
"""A conversation with a result: `Flow[Job]` returns a `Job` in the end."""

Stream: TypeAlias = Generator[Step | Emit[T], Any, None]
"""A conversation that hands out values on its way: `Stream[Job]` emits jobs."""


def segment(value: str, name: str = "id") -> str:
    """Return an id as one segment of a path, whatever characters it has.

    Raises:
        ConfigurationError: The id is empty or a relative path.
    """
    if value in ("", ".", ".."):
        raise ConfigurationError(f"{name} must name something, not {value!r}")
    return quote(value, safe="")
