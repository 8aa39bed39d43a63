"""HTTP messages on a connection: heads are parsed, bodies pass through unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

__all__ = ["Head", "blocks"]

_BLOCK = 1 << 16
_PER_CONNECTION = frozenset({"connection", "keep-alive", "proxy-connection"})


@dataclass(frozen=True, slots=True)
class Head:
    """The start line and header lines of a request or a response."""

    start: tuple[str, str, str]
    lines: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, reader: BufferedReader) -> Self | None:
        """Return the next head, or `None` if the connection ended or is not HTTP."""
        if not reader.peek(1)[:1].isalpha():
            return None  # TLS, for one, may not send a line end for which to wait
        start = reader.readline(_BLOCK).decode("latin-1").rstrip("\r\n").split(" ", 2)
        if len(start) < 2 or not any(part.startswith("HTTP/") for part in (start[0], start[-1])):  # noqa: PLR2004 - a response may have no reason phrase
            return None
        lines: list[tuple[str, str]] = []
        while line := reader.readline(_BLOCK).decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            lines.append((name, value.strip()))
        head = cls((start[0], start[1], start[2] if len(start) > 2 else ""), tuple(lines))  # noqa: PLR2004
        return head if (head.get("content-length") or "0").isdigit() else None

    def get(self, name: str) -> str:
        return next((value for key, value in self.lines if key.lower() == name), "")

    def encode(self, *, close: bool = False) -> bytes:
        lines = self.lines
        if close:
            kept = tuple(line for line in lines if line[0].lower() not in _PER_CONNECTION)
            lines = (*kept, ("Connection", "close"))
        head = [" ".join(self.start).rstrip(), *(f"{name}: {value}" for name, value in lines)]
        return "\r\n".join((*head, "", "")).encode("latin-1")

    def body(self, reader: BufferedReader) -> Iterator[bytes]:
        """Yield the body of a request unchanged, chunk framing included."""
        if "chunked" in self.get("transfer-encoding").lower():
            yield from _chunks(reader)
        else:
            yield from blocks(reader, int(self.get("content-length") or 0))


def blocks(reader: BufferedReader, length: int | None = None) -> Iterator[bytes]:
    """Yield `length` bytes, or all bytes until the connection ends."""
    left = length
    while left is None or left > 0:
        # `read1` returns what has arrived, so that a slow body stays slow.
        block = reader.read1(_BLOCK if left is None else min(_BLOCK, left))
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield block


def _chunks(reader: BufferedReader) -> Iterator[bytes]:
    while size_line := reader.readline(_BLOCK):
        yield size_line
        size = int(size_line.partition(b";")[0], 16)
        if size == 0:
            break
        yield from blocks(reader, size + 2)
    while trailer := reader.readline(_BLOCK):
        yield trailer
        if trailer in (b"\r\n", b"\n"):
            return
