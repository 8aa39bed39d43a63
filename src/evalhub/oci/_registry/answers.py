"""What a registry's answers and silences mean."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import RequestException
from requests.exceptions import InvalidURL, SSLError, Timeout

from evalhub.errors import ArtifactError
from evalhub.oci._files import BLOCK
from evalhub.oci._registry.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response

__all__ = ["failure", "is_untrusted", "lasting", "said", "stream"]

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_EXCERPT = 300


def lasting(response: Response, what: str) -> Response:
    """Return an answer, unless another attempt may get a different one.

    Raises:
        TransientError: It may.
    """
    if response.status_code in _PASSING:
        message = f"{what}: the registry answered {response.status_code}{said(response)}"
        raise TransientError(message, retry_after=_retry_after(response))
    return response


def stream(response: Response) -> Iterator[bytes]:
    """Yield the body of an answer.

    Raises:
        TransientError: The connection broke.
    """
    try:
        yield from response.iter_content(BLOCK)
    except RequestException as error:
        raise failure(error, urlsplit(response.url).netloc) from None


def failure(error: RequestException, host: str) -> ArtifactError:
    """Return the error that a request without an answer stands for."""
    if is_untrusted(error):
        return ArtifactError(f"the certificate of {host} is not trusted; give ca_bundle_path")
    if isinstance(error, SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return ArtifactError(f"{host} does not speak TLS; allow plain HTTP with insecure")
    if isinstance(error, InvalidURL):
        return ArtifactError(f"{host} is not the address of a registry")
    if isinstance(error, Timeout):
        return TransientError(f"{host} did not answer in time")
    return TransientError(f"no answer from {host}: {_reason(error)}")


def is_untrusted(error: RequestException) -> bool:
    """Return whether a certificate was not trusted."""
    return isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def _reason(error: BaseException) -> str:
    """Return what the system said, without the URL that libraries add to it."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and not isinstance(cause, RequestException):
            return cause.strerror or "the connection broke"
    return "the connection broke"


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    for cause in (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__):
        if isinstance(cause, BaseException):
            yield from _causes(cause)


def said(response: Response) -> str:
    """Return what an answer says, shortened, with a colon in front; nothing if it says nothing."""
    try:
        body = response.content
    except (RequestException, RuntimeError):
        return ""
    try:
        text = "; ".join(map(_line, json.loads(body)["errors"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        text = body.decode(errors="replace")
    # Queries of upload addresses are signed.
    text = " ".join(re.sub(r"\?\S*", "", text).split())
    return f": {text[:_EXCERPT]}" if text else ""


def _line(error: Any) -> str:
    parts = (error.get("code"), error.get("message"), error.get("detail"))
    return " ".join(str(part) for part in parts if part)


def _retry_after(response: Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
