"""What may pass if it is tried again, and how long that is done."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from evalhub.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.wire.send import Policy

__all__ = ["Patience", "TransientError"]

logger = logging.getLogger(__name__)


class TransientError(ArtifactError):
    """Something that may pass: it is tried again, and an `ArtifactError` if that did not help.

    Args:
        message: What happened.
        retry_after: Seconds the registry asked us to stay away.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Patience:
    """The pauses before the retries of one thing.

    Args:
        policy: How many there are and how long; its budget is for the pauses, not for the work,
            since a blob may take minutes.
        pause: Waits some seconds; says whether to give up instead of trying again.
    """

    def __init__(self, policy: Policy, pause: Callable[[float], bool | None]) -> None:
        self._policy = policy
        self._pause = pause
        self._retries = 0
        self._waited = 0.0

    def wait(self, error: TransientError) -> None:
        """Wait until the next attempt.

        Raises:
            TransientError: The one given, when there is no patience left or no use in it.
        """
        pause = self._policy.pause(self._retries, error.retry_after)
        self._retries += 1
        self._waited += pause
        if self._retries > self._policy.retries or self._waited > self._policy.budget:
            raise error
        logger.info("%s; trying again in %.1f s", error, pause)
        if self._pause(pause):
            raise error

    def renew(self) -> None:
        """Start over, after something worked."""
        self._retries, self._waited = 0, 0.0
