"""Tell the service of the end when a process ends without having told it.

Nothing else would: the service does not watch its adapters (wire contract 4.1). `run()` reports
every end itself; this is for scripts that wire the callbacks by hand.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from evalhub.adapter._report.event import failure_event
from evalhub.errors import ReportError
from evalhub.models.state import MessageOrigin

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from evalhub.adapter._report.delivery import Delivery

__all__ = ["after_settling", "noticing_exit", "settle_at_exit"]

logger = logging.getLogger(__name__)

_open: dict[Delivery, float] = {}
_afterwards: list[Callable[[], object]] = []
_ended_by: list[BaseException] = []
_hooks: list[Callable[..., object]] = []


def settle_at_exit(delivery: Delivery, *, grace: float) -> None:
    """Report the end of a benchmark when the process exits, unless it has been reported by then.

    Args:
        delivery: Where it reports.
        grace: How long to try, in seconds, where there is something worth trying for.
    """
    _register()
    _open[delivery] = grace


def after_settling(last: Callable[[], object]) -> None:
    """Call `last` when the process exits, once the end of its benchmarks has been reported."""
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


@contextmanager
def noticing_exit(on_exit: Callable[[int], None]) -> Generator[None]:
    """Call `on_exit` first when this process, not a child of it, is ended with `os._exit`.

    It is the one way out of Python that runs no handler; frameworks take it when they give up.
    """
    leave, process = os._exit, os.getpid()

    def noticed(status: int) -> None:
        if os.getpid() == process:
            on_exit(status)
        leave(status)

    os._exit = noticed  # type: ignore[assignment]  # it does not return either
    try:
        yield
    finally:
        os._exit = leave


def _settle_all(owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child: the end of the benchmark is its parent's to report
    error = _unhandled()
    started = time.monotonic()
    for delivery, grace in _open.items():
        if delivery.is_over or not (delivery.has_begun or error):
            continue
        worth_trying = delivery.holds_success or error is not None
        left = grace - (time.monotonic() - started) if worth_trying else 0.0
        _settle(delivery, error, max(0.0, left))
    for last in _afterwards:
        last()


def _settle(delivery: Delivery, error: BaseException | None, seconds: float) -> None:
    delivery.hurry(seconds)
    try:
        if delivery.holds_success and error is None:
            delivery.settle()
            return
        reason = f"{type(error).__name__}: {error}" if error else "it reported no result"
        delivery.finish(
            failure_event(
                delivery.identity,
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
