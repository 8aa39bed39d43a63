"""Turn responses into models and exceptions. Nothing here does I/O."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast

from evalhub.errors import APIError, ResponseError, ServiceTooOldError, error_for_status
from evalhub.models._problems import problems

if TYPE_CHECKING:
    from pydantic import ValidationError

    from evalhub.wire.flow import Call, Reply, Since

__all__ = ["ResponseModel", "exception_for", "parse", "retry_after"]

_EXCERPT = 200


class ResponseModel(Protocol):
    """A type that a response is parsed as: any pydantic model."""

    @classmethod
    def model_validate_json(cls, json_data: bytes, /) -> Self:
        """Return the model from JSON text."""
        ...


M = TypeVar("M", bound=ResponseModel)


def parse(model: type[M], reply: Reply) -> M:
    """Return the body of a success as a model.

    Raises:
        ResponseError: The body is empty, not JSON, or not valid for the model.
    """
    from pydantic import ValidationError

    if not reply.content.strip():
        raise _unexpected(reply, f"an empty body instead of {model.__name__}")
    try:
        return model.model_validate_json(reply.content)
    except ValidationError as error:
        raise _unexpected(reply, _why_not(model, reply, error)) from error


def exception_for(call: Call, reply: Reply, now: float) -> APIError | ResponseError:
    """Return the exception for a response that is not a success.

    Args:
        call: The request.
        reply: Its response.
        now: Seconds since the epoch.
    """
    if reply.status < 400:  # noqa: PLR2004 - below are redirects, which HTTP does not call errors
        location = reply.headers.get("location", "elsewhere")
        return _unexpected(
            reply,
            f"a redirect to {location}, which is not followed; check the base URL and the token",
        )
    document = _object_in(reply)
    message = document.get("message") or _error_in(document) or _excerpt(reply)
    details: dict[str, Any] = {
        "status": reply.status,
        "message_code": str(document.get("message_code", "")),
        "trace": str(document.get("trace") or reply.headers.get("x-global-transaction-id", "")),
        "method": call.method,
        "url": reply.url,
        "retry_after": retry_after(reply, now),
    }
    since = call.since
    if since is not None and _is_unknown(since, reply.status, details["message_code"], message):
        text = f"the service has no {since.feature}: it is older than EvalHub {since.version}"
        names = {"feature": since.feature, "since": since.version}
        return ServiceTooOldError(f"{text} ({message})", **names, **details)
    # Only for the service's own errors: a router answers 404 as well.
    kind = call.errors.get(reply.status) if "message_code" in document else None
    return (kind or error_for_status(reply.status))(str(message), **details)


def _is_unknown(since: Since, status: int, code: str, message: object) -> bool:
    """Whether a service refused a call because it is older."""
    if since.code:
        return code == since.code and since.word in str(message)
    # A router's 404 has no code; the service's own, for a resource that is missing, has one.
    return (status, code) in ((404, ""), (405, ""), (405, "method_not_allowed"))


def retry_after(reply: Reply, now: float) -> float | None:
    """Return the seconds a response asks to wait; `None` if it has no `Retry-After`.

    Args:
        reply: The response. `Retry-After` is seconds, or a date relative to its `Date`.
        now: Seconds since the epoch, used if the response has no `Date`.
    """
    value = reply.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    until = _timestamp(value)
    if until is None:
        return None
    dated = _timestamp(reply.headers.get("date", ""))
    return max(0.0, until - (now if dated is None else dated))


def _timestamp(value: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None


def _why_not(model: type[ResponseModel], reply: Reply, error: ValidationError) -> str:
    if error.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
        return f"an invalid {model.__name__}: {problems(error)[0]}"
    kind = reply.headers.get("content-type", "").partition(";")[0]
    if kind and "json" not in kind:
        return f"{kind} instead of JSON: {_excerpt(reply)}"
    return f"JSON that is invalid or incomplete: {_excerpt(reply)}"


def _unexpected(reply: Reply, problem: str) -> ResponseError:
    return ResponseError(
        f"{reply.url} returned {problem} (status {reply.status})",
        status=reply.status,
        url=reply.url,
        body=reply.content[:_EXCERPT].decode(errors="replace"),
    )


def _object_in(reply: Reply) -> dict[str, Any]:
    try:
        document: Any = json.loads(reply.content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _error_in(document: dict[str, Any]) -> Any:
    """Return the error text of a sidecar (a string) or a model's endpoint (an object)."""
    error = document.get("error")
    return cast("dict[str, Any]", error).get("message") if isinstance(error, dict) else error


def _excerpt(reply: Reply) -> str:
    """Return the start of a body as one readable line."""
    text = reply.content[: 50 * _EXCERPT].decode(errors="replace")
    if "<" in text:
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
        text = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    line = " ".join(text.split())
    return (line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]}...") or "an empty body"
