"""The last will of a supervised process: the report its supervisor sends should it die.

Standard library alone, because the supervisor imports this before anything else of the package
(`evalhub.adapter._run.supervisor`). In a process without a supervisor nothing happens.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket
    from typing import BinaryIO

__all__ = ["is_supervised", "leave", "open_channel", "read", "withdraw"]

_LENGTH_BYTES = 8


class _Channel:
    """The socket to the supervisor, and the process that may write to it."""

    def __init__(self) -> None:
        self.supervisor: socket | None = None
        self.process = 0
        self.lock = Lock()


_channel = _Channel()


def open_channel(supervisor: socket | None) -> None:
    """Send wills through this socket from now on; `None` sends none."""
    _channel.supervisor = supervisor
    _channel.process = os.getpid()


def is_supervised() -> bool:
    """Whether a supervisor would send the will of this very process."""
    return _channel.supervisor is not None and os.getpid() == _channel.process


def leave(content: bytes) -> None:
    """Leave a will in place of the one before."""
    if not is_supervised() or _channel.supervisor is None:
        return
    with _channel.lock:
        try:
            _channel.supervisor.sendall(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
        except OSError:
            _channel.supervisor = None  # the supervisor is gone


def withdraw() -> None:
    """Withdraw the will: the end was delivered, or is kept in a file."""
    leave(b"")


def read(stream: BinaryIO) -> bytes | None:
    """Return the next will from the other end of the channel; `None` at its end."""
    header = stream.read(_LENGTH_BYTES)
    length = int.from_bytes(header, "big")
    content = stream.read(length)
    return content if len(header) == _LENGTH_BYTES and len(content) == length else None
