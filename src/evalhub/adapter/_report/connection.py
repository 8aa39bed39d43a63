"""The connection to the service or its sidecar, opened when the first event is sent."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from evalhub.errors import EvalHubError
from evalhub.wire.flow import Call, Flow, Pause
from evalhub.wire.send import Policy, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.wire.drive import Driver
    from evalhub.wire.identity import Identity

__all__ = ["Connection", "until_healthy"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_ONCE = Policy(retries=0)
_HEALTH_INTERVAL = 0.25
_HEALTH_TIMEOUT = 2.0


class Connection:
    """Performs flows for several threads.

    Args:
        identity: Address, token and certificates.
        connect: Makes a driver. It is called in the thread that sends first, so that the start
            of an evaluation does not wait for an HTTP library to be imported.
    """

    def __init__(
        self, identity: Identity, *, connect: Callable[[Identity], Driver] | None = None
    ) -> None:
        self.identity = identity
        self._connect = connect or _connect
        self._driver: Driver | None = None
        self._lock = Lock()

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow and return its result."""
        with self._lock:
            if self._driver is None:
                self._driver = self._connect(self.identity)
        return self._driver.run(flow)

    def close(self) -> None:
        """Close the connections; the next flow opens new ones."""
        with self._lock:
            driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()


def until_healthy(remaining: Callable[[], float]) -> Flow[bool]:
    """Ask the sidecar for its health until it is healthy; return whether it became so.

    Args:
        remaining: Returns the seconds left; the sidecar is asked once in any case.
    """
    while True:
        try:
            yield from send(Call("GET", "/health", timeout=_HEALTH_TIMEOUT), _ONCE)
        except EvalHubError as error:
            if remaining() < _HEALTH_INTERVAL:
                logger.warning("the sidecar is not healthy, going on without it: %s", error)
                return False
        else:
            return True
        yield Pause(_HEALTH_INTERVAL)


def _connect(identity: Identity) -> Driver:
    from evalhub.wire.drive import Driver

    return Driver(identity)
