"""Wait for the sidecar, through which everything goes in a cluster. Nothing here does I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from evalhub.errors import EvalHubError
from evalhub.wire.flow import Call, Flow, Pause
from evalhub.wire.send import Policy, send

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["until_healthy"]

logger = logging.getLogger(__name__)

_ONCE = Policy(retries=0)
_BETWEEN_SECONDS = 0.25
_ANSWER_SECONDS = 2.0


def until_healthy(remaining: Callable[[], float]) -> Flow[bool]:
    """Ask the sidecar for its health until it answers; return whether it did.

    Args:
        remaining: Seconds left for waiting; it is asked once in any case.
    """
    while True:
        try:
            yield from send(Call("GET", "/health", timeout=_ANSWER_SECONDS), _ONCE)
        except EvalHubError as error:
            if remaining() < _BETWEEN_SECONDS:
                logger.warning("the sidecar is not healthy, going on without it: %s", error)
                return False
        else:
            return True
        yield Pause(_BETWEEN_SECONDS)
