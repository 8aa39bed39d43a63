"""Send a call until it is answered: retry, errors, and answers as models. Nothing here does I/O."""

from __future__ import annotations

import json
import logging
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from evalhub.errors import ConfigurationError, TransportError
from evalhub.wire.answer import failure, parse, retry_after
from evalhub.wire.flow import Call, Flow, Pause, Renew, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.errors import EvalHubError
    from evalhub.wire.answer import Answer

__all__ = ["Policy", "exchange", "fetch", "may_pass", "send"]

logger = logging.getLogger(__name__)

M = TypeVar("M", bound="Answer")

_UNAUTHORIZED = 401
_UNAVAILABLE = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often, how long and how patiently a call is repeated.

    Args:
        retries: Attempts after the first one.
        first_delay: Longest pause before the first retry, in seconds.
        max_delay: Longest pause before any retry, unless the service asks for a longer one.
        factor: How much longer each pause may be than the one before.
        jitter: Whether each pause is drawn evenly between zero and its longest.
        budget: Seconds from the first attempt after which no retry begins.
        also: Statuses after which a repeatable call is sent again, besides 429, 502, 503 and 504.
        clock: Seconds that only grow.
        wall: Seconds since the epoch, for a `Retry-After` that is a date.
        draw: A number from 0 to 1.
    """

    retries: int = 3
    first_delay: float = 0.5
    max_delay: float = 30.0
    factor: float = 2.0
    jitter: bool = True
    budget: float = 120.0
    also: frozenset[int] = frozenset()
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random

    def pause(self, retry: int, asked: float | None = None) -> float:
        """Return the seconds to wait before a retry, counted from 0.

        Args:
            retry: Retries done so far.
            asked: Seconds the service asked us to stay away, which is the least we do.
        """
        longest = min(self.max_delay, self.first_delay * self.factor**retry)
        return max(asked or 0.0, longest * self.draw() if self.jitter else longest)


def exchange(call: Call, policy: Policy) -> Flow[Reply]:
    """Send a call, repeating it as the policy allows, and return the last answer.

    A repeatable call is sent again after a connection error, 429, 502, 503 or 504; any other
    only if the connection was never made. A refused token is read again, once.

    Raises:
        TransportError: No attempt was answered.
    """
    call = _encoded(call)
    deadline = policy.clock() + policy.budget
    retry, repeated, renewed = 0, False, False
    while True:
        try:
            reply: Reply = yield call
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
    """Send a call and return a success.

    Raises:
        APIError: The service answered with an error.
        ResponseError: The answer is a redirect, which is never followed.
        TransportError: There was no answer.
    """
    reply = yield from exchange(call, policy)
    if reply.is_success:
        return reply
    raise failure(call, reply, policy.wall())


def fetch(model: type[M], call: Call, policy: Policy) -> Flow[M]:
    """Send a call and return the answer as a model."""
    reply = yield from send(call, policy)
    return parse(model, reply)


def _encoded(call: Call) -> Call:
    if call.json is None:
        return call
    try:
        content = json.dumps(call.json, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the body of {call.method} {call.path}: {error}") from error
    headers = {"Content-Type": "application/json", **call.headers}
    return replace(call, json=None, content=content, headers=headers)


def may_pass(error: EvalHubError) -> bool:
    """Whether an error may be gone in a while; a certificate stays as untrusted as it is."""
    import ssl  # slow to load, and an error is rare

    return not isinstance(error.__cause__, ssl.SSLCertVerificationError)


def _worth_repeating(call: Call, error: TransportError) -> bool:
    return (call.may_repeat or not error.sent) and may_pass(error)


def _over(policy: Policy, retry: int, pause: float, deadline: float) -> bool:
    return retry >= policy.retries or policy.clock() + pause > deadline
