"""The connection to the service, made when the first event is sent."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.wire.drive import Driver
    from evalhub.wire.flow import Flow
    from evalhub.wire.identity import Identity

__all__ = ["Channel"]

T = TypeVar("T")


class Channel:
    """Performs flows for several threads.

    Args:
        identity: Where the service is and who we are.
        connect: Makes a driver; it is called in the thread that sends first, so that the start
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

    def fresh(self) -> Channel:
        """Return a channel of its own for a child process: connections must not be shared."""
        return Channel(self.identity, connect=self._connect)

    def close(self) -> None:
        """Close the connections; the next flow makes new ones."""
        with self._lock:
            driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()


def _connect(identity: Identity) -> Driver:
    from evalhub.wire.drive import Driver

    return Driver(identity)
