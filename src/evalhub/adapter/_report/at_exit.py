"""Report a failure at exit if the process never reported its end.

Nothing else would: the service does not watch its adapters (wire contract 4.1). `run()` reports
every end itself; this is for scripts that wire the callbacks by hand.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from evalhub.adapter._report.delivery import State
from evalhub.adapter._report.event import failure_event
from evalhub.adapter._report.jsonable import safe_text
from evalhub.errors import ReportError
from evalhub.models.state import MessageOrigin

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from evalhub.adapter._report.delivery import Delivery

__all__ = ["after_settling", "settle_at_exit"]

logger = logging.getLogger(__name__)

_open: dict[Delivery, float] = {}
_afterwards: list[Callable[[], object]] = []
_ended_by: list[BaseException] = []
_hooks: list[Callable[..., object]] = []


def settle_at_exit(delivery: Delivery, *, grace: float) -> None:
    """Report the end of a benchmark at exit, unless it was reported before.

    Args:
        delivery: The delivery of the benchmark.
        grace: How long to try, in seconds, if there is a success or an error to report.
    """
    _register()
    _open[delivery] = grace


def after_settling(last: Callable[[], object]) -> None:
    """Call `last` at exit, after the ends of all benchmarks have been reported."""
    _register()
    _afterwards.append(last)


@cache
def _register() -> None:
    # Once: exit handlers run in reverse order, and nothing may come before the report.
    atexit.register(_settle_all, os.getpid())
    previous = sys.excepthook

    def remember(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        _ended_by.append(error)
        previous(kind, error, traceback)

    sys.excepthook = remember
    _hooks.append(remember)


def _settle_all(owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child: its parent reports the end of the benchmark
    error = _unhandled()
    started = time.monotonic()
    for delivery, grace in _open.items():
        has_begun = delivery.state is not State.OPEN or delivery.last is not None
        if delivery.state in (State.KEPT, State.RECORDED) or not (has_begun or error):
            continue
        worth_trying = delivery.state is not State.OPEN or error is not None
        left = grace - (time.monotonic() - started) if worth_trying else 0.0
        _settle(delivery, error, max(0.0, left))
    for last in _afterwards:
        last()


def _settle(delivery: Delivery, error: BaseException | None, seconds: float) -> None:
    delivery.hurry(seconds)
    try:
        if delivery.state is State.SENDING or (delivery.state is State.HELD and error is None):
            delivery.settle()
            return
        reason = f"{type(error).__name__}: {safe_text(error)}" if error else "it reported no result"
        delivery.finish(
            failure_event(
                delivery.benchmark,
                f"the adapter's process ended: {reason}",
                code="adapter_ended",
                origin=MessageOrigin.SDK,
                before=delivery.last,
                at=datetime.now(UTC),
            )
        )
    except ReportError as undelivered:
        logger.error("%s", undelivered)  # noqa: TRY400 - nobody can act on the traceback


def _unhandled() -> BaseException | None:
    """Return the exception that ends this process, if one does.

    `sys.last_exc` does not say so: pytest, notebooks and debuggers set it and go on. It is asked
    only where another exception hook has replaced the one of this module.
    """
    if _ended_by or sys.excepthook in _hooks:
        return _ended_by[-1] if _ended_by else None
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
