"""Supervise an adapter's process, and report its end if it dies without doing so itself.

The process forks before anything of the adapter is imported. The child goes on and leaves its last
will (`evalhub.adapter._report.will`); the parent waits, with the standard library alone in memory,
and sends the will if the child ends by a signal or by `os._exit`. As process 1 of a container the
parent is its init as well: it forwards signals and reaps orphans.

Child and parent stay in one process group: the terminal signals both, and stops and resumes both.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalhub.adapter._report import will
from evalhub.adapter._run.memory import MemoryUse, memory_use, readable_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from typing import NoReturn

__all__ = ["Ended", "supervise"]

_FORWARDED = frozenset(
    (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
)
_WAITED_FOR = _FORWARDED | {signal.SIGCHLD}
_SENT_BY_KERNEL = 0x80
"""`si_code` of a signal from the terminal, which the child has got, too (sigaction(2))."""

_PR_SET_PDEATHSIG = 1
_KIB = 1024
_NEAR_LIMIT = 0.9


@dataclass(frozen=True, slots=True)
class Ended:
    """How the child ended.

    Args:
        status: Exit code; minus the signal's number if a signal ended it.
        peak: Largest resident memory of the child, in bytes.
        before: Memory use of the container at the start.
        after: Memory use of the container at the end.
        terminated: Whether the supervisor was told to end.
    """

    status: int
    peak: int
    before: MemoryUse
    after: MemoryUse
    terminated: bool = False

    @property
    def exit_code(self) -> int:
        """The exit code for a child that died without reporting its end; never 0."""
        return 128 - self.status if self.status < 0 else self.status or 1

    def __str__(self) -> str:
        if self.terminated and self.status - 128 in _FORWARDED:
            return f"terminated by {signal.Signals(self.status - 128).name}, at once"
        if self.status >= 0:
            return f"the adapter ended the process with os._exit({self.status})"
        text = f"the adapter's process was killed by {signal.Signals(-self.status).name}"
        return text + self._memory() if -self.status == signal.SIGKILL else text

    def _memory(self) -> str:
        limit = self.after.limit
        if limit is None:  # then the cgroup may be that of a whole machine
            return f"; peak memory {readable_size(self.peak)}"
        peak = self.after.peak or self.peak
        used = f"peak memory {readable_size(peak)} of {readable_size(limit)}"
        if (self.after.kills or 0) > (self.before.kills or 0):
            return f", out of memory; {used}"
        if peak >= _NEAR_LIMIT * limit:
            return f", most likely out of memory; {used}"
        return f"; {used}"


def supervise(report: Callable[[bytes, Ended], object]) -> None:
    """Fork, and return in the child; the parent stays here and exits when the child has ended.

    Args:
        report: Sends the will of a child that died; called in the parent.
    """
    if not hasattr(os, "fork") or not hasattr(signal, "sigwaitinfo"):
        return
    import socket

    receiver, sender = socket.socketpair()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    child = os.fork()
    if child:
        sender.close()
        _Supervisor(child, receiver, report).run()
    receiver.close()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    _end_with(parent)
    will.open_channel(sender)


class _Supervisor:
    def __init__(
        self, child: int, receiver: socket, report: Callable[[bytes, Ended], object]
    ) -> None:
        self._child = child
        self._report = report
        self._before = memory_use()
        self._will = b""
        self._terminated = False
        self._reader = threading.Thread(target=self._read, args=[receiver], daemon=True)

    def run(self) -> NoReturn:
        self._reader.start()
        while (ended := self._wait()) is None:
            pass
        # A process that the child left behind may hold the socket open for ever.
        self._reader.join(timeout=1.0)
        if not self._will:
            sys.exit(ended.exit_code if ended.status < 0 else ended.status)
        sys.stderr.write(f"{ended}\n")
        # From here on every signal ends the supervisor at once.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED_FOR)
        self._report(self._will, ended)
        sys.exit(ended.exit_code)

    def _wait(self) -> Ended | None:
        """Wait for a signal; return how the child ended, if it did."""
        received = signal.sigwaitinfo(_WAITED_FOR)
        if received.si_signo == signal.SIGCHLD:
            return self._reap()
        self._terminated = True
        if received.si_code != _SENT_BY_KERNEL:
            with suppress(ProcessLookupError):
                os.kill(self._child, received.si_signo)
        return None

    def _reap(self) -> Ended | None:
        ended = None
        with suppress(ChildProcessError):
            while True:
                process, status, usage = os.wait4(-1, os.WNOHANG)
                if process == 0:
                    break
                if process == self._child:
                    code = os.waitstatus_to_exitcode(status)
                    peak = usage.ru_maxrss * _KIB
                    ended = Ended(code, peak, self._before, memory_use(), self._terminated)
        return ended

    def _read(self, receiver: socket) -> None:
        with receiver, receiver.makefile("rb") as stream:
            while (content := will.read(stream)) is not None:
                self._will = content


def _end_with(parent: int) -> None:
    """Have the kernel terminate this process when its supervisor is gone (Linux alone)."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (AttributeError, ImportError, OSError):
        return
    if os.getppid() != parent:  # it went before the kernel was asked
        os.kill(os.getpid(), signal.SIGTERM)
