"""A small HTTP server on loopback: the base of the test doubles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase, BufferedReader, BytesIO, RawIOBase
from threading import Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs

from evalhub.errors import ConfigurationError
from evalhub.testing.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed import WriteableBuffer

__all__ = ["Double", "Request", "Response"]

_BLOCK = 1 << 16
_DRAINED = 1 << 24


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to a double."""

    method: str
    target: str
    """Path and query, as on the wire."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case."""

    body: BufferedIOBase = field(default_factory=BytesIO)

    @classmethod
    def of(cls, method: str, target: str, body: bytes = b"", **headers: str) -> Self:
        """Build a request from bytes; in header names `_` stands for `-`."""
        named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        return cls(method, target, named, BytesIO(body))

    @property
    def path(self) -> str:
        """The quoted path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, list[str]]:
        """Query parameters, with all values of each in order."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response of a double; a body in pieces is sent in chunks."""

    status: int
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def blocks(self) -> Iterable[bytes]:
        """Return the body in pieces."""
        return (self.body,) if isinstance(self.body, bytes) else self.body

    @classmethod
    def of_json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Self:
        """Build a response with a JSON body."""
        body = json.dumps(value, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": "application/json", **(headers or {})})


class Double:
    """A context manager: a server on a free loopback port, with a `faults` proxy in front of it.

    Args:
        handle: Responds to a request; called from several threads at once.
        path: Path of the base URL.
    """

    def __init__(self, handle: Callable[[Request], Response], *, path: str = "") -> None:
        self._handle = handle
        self._path = path
        self._server: ThreadingHTTPServer | None = None
        self._faults: Faults | None = None

    @property
    def url(self) -> str:
        """Base URL, through `faults`.

        Raises:
            ConfigurationError: The server is not running.
        """
        return self.faults.url

    @property
    def faults(self) -> Faults:
        """The proxy in front of the server, for scripting faults.

        Raises:
            ConfigurationError: The server is not running.
        """
        if self._faults is None:
            name = type(self).__name__
            raise ConfigurationError(f"{name} is not running; use it in a `with` statement")
        return self._faults

    @property
    def is_started(self) -> bool:
        """Whether the server is running."""
        return self._faults is not None

    def start(self) -> Self:
        """Listen on a free loopback port."""
        server = _Server(self._handle)
        Thread(target=server.serve_forever, args=(0.05,), name="double", daemon=True).start()
        self._server = server
        self._faults = Faults(f"http://127.0.0.1:{server.server_port}{self._path}").start()
        return self

    def stop(self) -> None:
        """Stop listening; recorded requests are kept."""
        faults, self._faults = self._faults, None
        server, self._server = self._server, None
        if faults is not None:
            faults.stop()
        if server is not None:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handle: Callable[[Request], Response]) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, handle))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: tests break connections on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Send head and body in one packet.
    wbufsize = -1

    def __init__(self, answer: Callable[[Request], Response], *args: Any) -> None:
        self._answer = answer
        super().__init__(*args)

    def handle_one_request(self) -> None:
        """Respond to one request, of any method."""
        self.raw_requestline = self.rfile.readline(_BLOCK)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = BufferedReader(_Body(self.rfile, headers), _BLOCK)
        self._send(self._answer(Request(self.command, self.path, headers, body)))
        self.wfile.flush()
        if len(body.read(_DRAINED)) == _DRAINED:
            self.close_connection = True

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if isinstance(response.body, bytes):
            self._send_whole(response.body, response)
        elif "Content-Length" in response.headers:
            self.end_headers()
            self.wfile.writelines(response.body)
        else:
            self._send_chunks(response.body)

    def _send_whole(self, body: bytes, response: Response) -> None:
        # A response to HEAD has the length of the body.
        if response.status != HTTPStatus.NO_CONTENT and "Content-Length" not in response.headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_chunks(self, body: Iterable[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for block in body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


class _Body(RawIOBase):
    """A request body, without its framing."""

    def __init__(self, stream: BufferedIOBase, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._stream = stream
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._left = 0 if self._chunked else int(headers.get("content-length") or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        if self._left == 0 and self._chunked:
            self._start_chunk()
        block = self._stream.read1(min(len(view), self._left)) if self._left else b""
        view[: len(block)] = block
        self._left -= len(block)
        if block and self._left == 0 and self._chunked:
            self._stream.readline(_BLOCK)
        return len(block)

    def _start_chunk(self) -> None:
        self._left = int(self._stream.readline(_BLOCK).partition(b";")[0] or b"0", 16)
        if self._left == 0:
            self._chunked = False
            while self._stream.readline(_BLOCK).strip():
                pass
