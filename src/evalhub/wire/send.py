"""Send a request: retries, exceptions, and responses as models. Nothing here does I/O."""

from __future__ import annotations

import json
import logging
import random
import time
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, TypeVar

from evalhub.errors import ConfigurationError, TransportError
from evalhub.wire.answer import exception_for, parse, retry_after
from evalhub.wire.flow import Call, Flow, Pause, Renew, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.errors import EvalHubError
    from evalhub.wire.answer import ResponseModel

__all__ = ["Policy", "exchange", "fetch", "may_pass", "send"]

logger = logging.getLogger(__name__)

M = TypeVar("M", bound="ResponseModel")

_UNAUTHORIZED = 401
_SHORTEST_TIMEOUT = 0.01
"""An attempt at the very end of a deadline; httpx takes 0 for no time at all."""

_UNAVAILABLE = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a call is retried.

    Args:
        retries: Maximum number of attempts after the first one.
        first_delay: Upper bound of the first pause, in seconds.
        max_delay: Upper bound of every pause, unless the service asks for a longer one.
        max_asked: Longest `Retry-After` to comply with, in seconds; after a longer one another
            attempt is made, because the service may be back long before.
        factor: Ratio of the bounds of two successive pauses.
        jitter: Whether each pause is random, between 0 and its bound.
        budget: Seconds from the first attempt after which no retry starts.
        also: Statuses after which a repeatable call is sent again, besides 429, 502, 503 and 504.
        until: Time of the clock at which the last attempt ends, even if it is in flight.
        clock: Monotonic clock, in seconds.
        wall: Seconds since the epoch, for a `Retry-After` that is a date.
        draw: Returns a random number from 0 to 1.
    """

    retries: int = 3
    first_delay: float = 0.5
    max_delay: float = 30.0
    max_asked: float = 60.0
    factor: float = 2.0
    jitter: bool = True
    budget: float = 120.0
    also: frozenset[int] = frozenset()
    until: float = inf
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random

    def pause(self, retry: int, asked: float | None = None) -> float:
        """Return the seconds to wait before a retry, counted from 0.

        Args:
            retry: Retries done so far.
            asked: Seconds the service asked to wait; the pause is at least as long.
        """
        longest = min(self.max_delay, self.first_delay * self.factor ** min(retry, 64))
        return max(
            min(asked or 0.0, self.max_asked), longest * self.draw() if self.jitter else longest
        )


def exchange(call: Call, policy: Policy) -> Flow[Reply]:
    """Send a call with retries, and return the last response, of any status.

    A repeatable call is sent again after a connection error, 429, 502, 503 or 504; any other
    only if no connection was made. After a 401 the token is read again, once.

    Raises:
        TransportError: The last attempt got no response.
    """
    call = _encoded(call)
    deadline = min(policy.clock() + policy.budget, policy.until)
    retry, repeated, renewed = 0, False, False
    while True:
        try:
            reply: Reply = yield _within(call, policy.until - policy.clock())
        except TransportError as error:
            repeated = repeated or error.sent
            pause = policy.pause(retry)
            if not _worth_repeating(call, error) or _over(policy, retry, pause, deadline):
                raise
            logger.info("%s %s: %s; trying again in %.1f s", call.method, call.path, error, pause)
        else:
            reply = replace(reply, repeated=repeated)
            if reply.status == _UNAUTHORIZED and not renewed and (yield Renew()):
                renewed = True
                continue
            if reply.status not in _UNAVAILABLE | policy.also or not call.may_repeat:
                return reply
            repeated = True
            pause = policy.pause(retry, retry_after(reply, policy.wall()))
            if _over(policy, retry, pause, deadline):
                return reply
            logger.info(
                "%s %s: %d; trying again in %.1f s", call.method, call.path, reply.status, pause
            )
        yield Pause(pause)
        retry += 1


def send(call: Call, policy: Policy) -> Flow[Reply]:
    """Send a call and return its response if it is a success.

    Raises:
        APIError: The service returned an error.
        ResponseError: The response is a redirect; redirects are never followed.
        TransportError: There was no response.
    """
    reply = yield from exchange(call, policy)
    if reply.is_success:
        return reply
    raise exception_for(call, reply, policy.wall())


def fetch(model: type[M], call: Call, policy: Policy) -> Flow[M]:
    """Send a call and return its response as a model."""
    reply = yield from send(call, policy)
    return parse(model, reply)


def _within(call: Call, left: float) -> Call:
    """Return the call with the time that is left, if it is less than the call's own."""
    if left == inf:
        return call
    timeout = max(_SHORTEST_TIMEOUT, left if call.timeout is None else min(left, call.timeout))
    return replace(call, timeout=timeout)


def _encoded(call: Call) -> Call:
    if call.json is None:
        return call
    try:
        content = json.dumps(call.json, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the body of {call.method} {call.path} is not valid JSON: {error}"
        ) from error
    headers = {"Content-Type": "application/json", **call.headers}
    return replace(call, json=None, content=content, headers=headers)


def may_pass(error: EvalHubError) -> bool:
    """Return whether an error may be transient; an untrusted certificate is not."""
    import ssl  # slow to load, and an error is rare

    return not isinstance(error.__cause__, ssl.SSLCertVerificationError)


def _worth_repeating(call: Call, error: TransportError) -> bool:
    return (call.may_repeat or not error.sent) and may_pass(error)


def _over(policy: Policy, retry: int, pause: float, deadline: float) -> bool:
    return retry >= policy.retries or policy.clock() + pause > deadline
