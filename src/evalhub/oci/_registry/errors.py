"""Map responses and failures of a registry to exceptions, and wait before the next attempt."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import RequestException
from requests.exceptions import InvalidSchema, InvalidURL, SSLError, Timeout

from evalhub.errors import ArtifactError
from evalhub.oci._files import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests import Response

    from evalhub.wire.send import Policy

__all__ = [
    "Backoff",
    "TransientError",
    "error_detail",
    "is_untrusted",
    "raise_if_transient",
    "read_blocks",
    "request_error",
]

logger = logging.getLogger(__name__)

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_DETAIL_LENGTH = 300


class TransientError(ArtifactError):
    """A failure that another attempt may overcome.

    Args:
        message: What happened.
        retry_after: Seconds to wait, if the registry asked for them.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Backoff:
    """The pauses between the attempts of one operation.

    Args:
        policy: Number and length of the pauses. Its budget limits the pauses alone, since a blob
            may take minutes to send.
        pause: Waits some seconds; returns whether to give up instead of trying again.
    """

    def __init__(self, policy: Policy, pause: Callable[[float], bool | None]) -> None:
        self._policy = policy
        self._pause = pause
        self._retries = 0
        self._waited = 0.0

    def wait(self, error: TransientError) -> None:
        """Wait until the next attempt.

        Raises:
            TransientError: The given one, if there is to be no further attempt.
        """
        pause = self._policy.pause(self._retries, error.retry_after)
        self._retries += 1
        self._waited += pause
        if self._retries > self._policy.retries or self._waited > self._policy.budget:
            raise error
        logger.info("%s; retrying in %.1f s", error, pause)
        if self._pause(pause):
            raise error

    def reset(self) -> None:
        """Start over after an attempt that made progress."""
        self._retries, self._waited = 0, 0.0


def raise_if_transient(response: Response, action: str) -> Response:
    """Return a response whose status is final.

    Raises:
        TransientError: Its status is temporary.
    """
    if response.status_code in _TRANSIENT:
        message = f"{action}: the registry answered {response.status_code}{error_detail(response)}"
        raise TransientError(message, retry_after=_retry_after(response))
    return response


def read_blocks(response: Response) -> Iterator[bytes]:
    """Yield the body of a response.

    Raises:
        TransientError: The connection was lost.
    """
    try:
        yield from response.iter_content(BLOCK)
    except RequestException as error:
        raise request_error(error, urlsplit(response.url).netloc) from None


def request_error(error: RequestException, host: str) -> ArtifactError:
    """Return the error for a request that got no response."""
    if is_untrusted(error):
        return ArtifactError(f"the certificate of {host} is not trusted; pass ca_bundle_path")
    if isinstance(error, SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return ArtifactError(f"{host} does not speak TLS; allow plain HTTP with insecure")
    if isinstance(error, InvalidSchema) and "SOCKS" in str(error):
        return ArtifactError("a SOCKS proxy needs: pip install 'requests[socks]'")
    if isinstance(error, InvalidURL):
        return ArtifactError(f"{host} is not the address of a registry")
    if isinstance(error, Timeout):
        return TransientError(f"{host} did not answer in time")
    return TransientError(f"no answer from {host}: {_os_error(error)}")


def is_untrusted(error: RequestException) -> bool:
    """Return whether a certificate could not be verified."""
    return isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def error_detail(response: Response) -> str:
    """Return the registry's own error text, shortened, after a colon; nothing if it gave none."""
    try:
        body = response.content
    except (RequestException, RuntimeError):
        return ""
    try:
        text = "; ".join(map(_error_line, json.loads(body)["errors"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        text = body.decode(errors="replace")
    # The queries of upload URLs are signed.
    text = " ".join(re.sub(r"\?\S*", "", text).split())
    return f": {text[:_DETAIL_LENGTH]}" if text else ""


def _os_error(error: BaseException) -> str:
    """Return the text of the operating system's error, without the URL that libraries add."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and not isinstance(cause, RequestException):
            return cause.strerror or "the connection was lost"
    return "the connection was lost"


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    for cause in (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__):
        if isinstance(cause, BaseException):
            yield from _causes(cause)


def _error_line(error: Any) -> str:
    parts = (error.get("code"), error.get("message"), error.get("detail"))
    return " ".join(str(part) for part in parts if part)


def _retry_after(response: Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
