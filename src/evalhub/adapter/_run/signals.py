"""SIGTERM, SIGINT, the job's deadline and `os._exit`: report the end whatever the adapter does.

A Python signal handler runs in the main thread between two bytecode instructions, so code that
blocks in C would outlast every signal. The interpreter's C-level handler, however, writes the
signal's number to a pipe at once (`signal.set_wakeup_fd`). A thread reads it there, gives the
evaluation a grace period, then sends the terminal event itself and ends the process.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from evalhub.adapter._run.failure import Failure, JobCancelled, by_deadline, by_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Watch", "noticing_exit"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STOP, _SAY_SO, _LOOK_AGAIN = 0, 254, 255  # no signal has these numbers
_NOTICE_TIMEOUT = 1.0
_LONGEST_WAIT = 24 * 3600.0
"""Deadlines may be further away than `select` can count."""

_watches: list[Watch] = []


class Watch:
    """Ends an evaluation on a signal or at its deadline; the second signal ends the process.

    Outside the main thread, where no signal can be caught, it does nothing.

    Args:
        grace: How long the evaluation may take to clean up after a signal, in seconds.
        on_interrupt: Called at once, in another thread, with the seconds that are left.
        last_resort: Called in another thread if the evaluation has not ended in time.
        echo: Seconds in which a repeated signal counts as the same one. A supervisor forwards
            signals, and one sent to the process group arrives directly as well.
        leave: Ends the process.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        grace: float,
        on_interrupt: Callable[[float], None],
        last_resort: Callable[[Failure], None],
        echo: float = 0.0,
        leave: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deadline: float | None = None
        self._grace = grace
        self._on_interrupt = on_interrupt
        self._last_resort = last_resort
        self._echo = echo
        self._first_signal: float | None = None
        self._leave = leave
        self._clock = clock
        self._until: float | None = None
        self._failure: Failure | None = None
        self._is_evaluating = False
        self._was_raised = False
        self._noticed = threading.Event()
        self._own_signals = 0
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        self._previous_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        _watches.append(self)
        self._thread = threading.Thread(target=self._watch, name="evalhub-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self not in _watches:
            return
        self._release()
        os.write(self._writer, bytes([_STOP]))
        self._thread.join()
        os.close(self._reader)
        os.close(self._writer)

    def set_deadline(self, seconds: float | None) -> None:
        """Set the deadline this many seconds from now; `None` sets none."""
        if seconds is None or self not in _watches or self._failure is not None:
            return
        self._deadline = seconds
        self._until = self._clock() + seconds
        os.write(self._writer, bytes([_LOOK_AGAIN]))

    @property
    def failure(self) -> Failure | None:
        """The signal or deadline that should end the evaluation, even if the adapter caught it."""
        if self in _watches:
            self._noticed.clear()
            os.write(self._writer, bytes([_SAY_SO]))
            self._noticed.wait(_NOTICE_TIMEOUT)
        return self._failure

    @property
    def raised(self) -> Failure | None:
        """The failure that was raised in the evaluation, even if the adapter caught it."""
        return self._failure if self._was_raised else None

    @contextmanager
    def evaluating(self) -> Generator[None]:
        """Let an interruption raise `JobCancelled` in this block, and nowhere else."""
        self._is_evaluating = True
        try:
            self._raise_if_interrupted()
            yield
        finally:
            self._is_evaluating = False

    def disown(self) -> None:
        """Stop watching in a forked child, whose signals are its own."""
        self._release()

    def _release(self) -> None:
        _watches.remove(self)
        signal.set_wakeup_fd(self._previous_wakeup)
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned

    def _handle(self, number: int, _: object) -> None:
        self._tell_thread(number)
        self._failure = self._failure or by_signal(number)
        self._raise_if_interrupted()

    def _tell_thread(self, number: int) -> None:
        """Write to the pipe in place of the C-level handler if an event loop has taken it over."""
        taken_by = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        if taken_by == self._writer:
            return
        if taken_by != -1:  # loops that have ended leave -1
            signal.set_wakeup_fd(taken_by, warn_on_full_buffer=False)
        os.write(self._writer, bytes([number]))

    def _raise_if_interrupted(self) -> None:
        if self._failure is not None and self._is_evaluating and not self._was_raised:
            self._was_raised = True
            raise JobCancelled(self._failure)

    def _watch(self) -> None:
        while True:
            left = None if self._until is None else max(0.0, self._until - self._clock())
            wait = None if left is None else min(left, _LONGEST_WAIT)
            ready, _, _ = select.select([self._reader], [], [], wait)
            if not ready:
                if wait == left:
                    self._time_is_up()
                continue
            for number in os.read(self._reader, 64):
                if number == _STOP:
                    return
                if number == _SAY_SO:
                    self._noticed.set()
                elif number in _SIGNALS:
                    self._note(number)

    def _note(self, number: int) -> None:
        if self._own_signals:
            self._own_signals -= 1
            return
        now = self._clock()
        if self._first_signal is None:
            self._first_signal = now
            self._interrupt(by_signal(number))
        elif now - self._first_signal >= self._echo:
            self._leave(128 + number)

    def _time_is_up(self) -> None:
        if self._failure is None and self._deadline is not None:
            self._interrupt(by_deadline(self._deadline))
            self._own_signals += 1
            # A real signal, because it also interrupts a blocking system call.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        elif self._failure is not None:
            self._until = None
            self._last_resort(self._failure)
            self._leave(self._failure.exit_code)

    def _interrupt(self, failure: Failure) -> None:
        self._failure = self._failure or failure
        self._until = self._clock() + self._grace
        self._on_interrupt(self._grace)


@contextmanager
def noticing_exit(on_exit: Callable[[int], None]) -> Generator[None]:
    """Call `on_exit` before this process, not a child of it, is ended with `os._exit`.

    `os._exit` runs no exit handler; frameworks call it when they give up. Under a supervisor
    this is not needed.
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


def _disown_all() -> None:
    while _watches:
        _watches[-1].disown()


os.register_at_fork(after_in_child=_disown_all)
