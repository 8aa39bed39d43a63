"""A proxy that injects faults between a client and a server.

    with Faults("http://127.0.0.1:8080") as faults:
        faults.script(Answer(503, headers={"Retry-After": "1"}), Reset(forwarded=True),
                      method="POST", path="*/events")
        client = EvalHubClient(base_url=faults.url)

Bodies are streamed in both directions, so that artifacts of gigabytes need constant memory. Each
connection serves one request, so that a broken one does not affect the next.
"""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from itertools import repeat
from random import Random
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from evalhub.errors import ConfigurationError
from evalhub.testing._messages import Head, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping
    from io import BufferedReader

__all__ = ["Action", "Answer", "Delay", "Exchange", "Faults", "Hang", "Pass", "Reset", "Truncate"]

_UPSTREAM_TIMEOUT = 600.0
_HANG_POLL = 0.1
_NOT_HTTP = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Pass:
    """Forward the request and its response unchanged."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection.

    Args:
        forwarded: Whether the server receives the request; its response is lost.
        after: Bytes of the request body to read first; `None` reads all of it.
    """

    forwarded: bool = False
    after: int | None = None

    def __post_init__(self) -> None:
        if self.forwarded and self.after is not None:
            raise ConfigurationError(
                "set either forwarded or after: a truncated request is not forwarded"
            )


@dataclass(frozen=True, slots=True)
class Delay:
    """Delay the response by some seconds; the server receives the request at once."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Never respond; the connection stays open until the client or the proxy closes it."""

    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Close the connection after some bytes of the response body."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Respond in place of the server; the request is not forwarded."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Action = Pass | Reset | Delay | Hang | Truncate | Answer


@dataclass(slots=True)
class Exchange:
    """One request to the proxy, and what was done with it."""

    method: str
    path: str
    """Path and query, as received."""

    action: Action
    forwarded: bool = False
    """Whether the whole request was sent to the server."""

    status: int | None = None
    """Status of the response; `None` if there was none."""

    request_bytes: int = 0
    """Bytes of the request body read so far."""


class Faults:
    """A loopback HTTP proxy in front of `upstream`, a plain-HTTP base URL.

    Without a script it forwards everything. `seen` records all requests, in order of arrival.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        if parts.scheme != "http" or not parts.hostname:
            raise ConfigurationError(
                f"upstream must be an http:// URL with a host, not {upstream!r}"
            )
        self._upstream = (parts.hostname, parts.port or 80)
        self._base_path = parts.path.rstrip("/")
        self._rules: list[Callable[[Head], Action | None]] = []
        self._lock = Lock()
        self._stopped = Event()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._address = ("127.0.0.1", 0)
        self.seen: list[Exchange] = []

    @property
    def url(self) -> str:
        """Base URL to use in place of the upstream's."""
        return f"http://127.0.0.1:{self._address[1]}{self._base_path}"

    def script(self, *actions: Action, method: str = "*", path: str = "*") -> None:
        """Apply the actions to the next matching requests, one each, then forward again.

        Args:
            actions: The actions, in order.
            method: Shell pattern for the method.
            path: Shell pattern for the path without its query, such as `*/events`.
        """
        queue = iter(actions)
        self._rules.append(_matching(method, path, lambda: next(queue, None)))

    def always(self, action: Action, *, method: str = "*", path: str = "*") -> None:
        """Apply the action to every matching request, until `clear()`."""
        forever = repeat(action)
        self._rules.append(_matching(method, path, lambda: next(forever)))

    def at_random(
        self, rate: float, *actions: Action, seed: int, method: str = "*", path: str = "*"
    ) -> None:
        """Apply a random action to a fraction of the matching requests.

        Args:
            rate: Fraction of the requests, 0 to 1.
            actions: The actions to choose from.
            seed: Seed of the random choices.
            method: Shell pattern for the method.
            path: Shell pattern for the path without its query.
        """
        random = Random(seed)

        def pick() -> Action | None:
            return random.choice(actions) if random.random() < rate else None

        self._rules.append(_matching(method, path, pick))

    def require_token(self, tokens: Callable[[], Collection[str]]) -> None:
        """Answer 401 to requests without one of the bearer tokens that are valid at the time.

        Args:
            tokens: Returns them; called for each request, so that tokens can be rotated.
        """

        def check(head: Head) -> Action | None:
            scheme, _, token = (head.get("authorization")).partition(" ")
            return None if scheme == "Bearer" and token in tokens() else Answer(401)

        self._rules.append(check)

    def clear(self) -> None:
        """Forward everything from now on; recorded requests are kept."""
        with self._lock:
            self._rules.clear()

    @contextmanager
    def down(self) -> Generator[None]:
        """Refuse connections while the block runs: nothing listens on the port."""
        self._close_listener()
        try:
            yield
        finally:
            self._listen()

    def start(self) -> Self:
        """Listen on a free loopback port."""
        self._listen()
        return self

    def stop(self) -> None:
        """Close every connection and stop listening."""
        self._stopped.set()
        self._close_listener()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listen(self) -> None:
        listener = socket.create_server(self._address)
        self._address = listener.getsockname()[:2]
        self._listener = listener
        Thread(target=self._accept, args=(listener,), name="faults", daemon=True).start()

    def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            # Closing alone does not wake a thread that is blocked in accept().
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(client,), name="faults", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        try:
            with client, client.makefile("rb") as reader, suppress(OSError):
                head = Head.read(reader)
                if head is not None:
                    self._perform(head, reader, client)
                else:
                    client.sendall(_NOT_HTTP)
        finally:
            with self._lock:
                self._open.discard(client)

    def _decide(self, head: Head) -> Exchange:
        with self._lock:
            chosen = (rule(head) for rule in self._rules)
            action = next((action for action in chosen if action is not None), Pass())
            exchange = Exchange(head.start[0], head.start[1], action)
            self.seen.append(exchange)
        return exchange

    def _perform(self, head: Head, reader: BufferedReader, client: socket.socket) -> None:
        exchange = self._decide(head)
        body = _counted(head.body(reader), exchange)
        match exchange.action:
            case Answer() as answer:
                _drain(body)
                exchange.status = answer.status
                client.sendall(_encode(answer))
            case Reset(forwarded=False, after=after):
                _drain(body, until=after, exchange=exchange)
                _reset(client)
            case Hang(forwarded=False):
                _drain(body)
                self._hang(client)
            case action:
                self._forward(head, body, exchange, action, client)

    def _forward(
        self,
        head: Head,
        body: Iterator[bytes],
        exchange: Exchange,
        action: Action,
        client: socket.socket,
    ) -> None:
        with socket.create_connection(self._upstream, timeout=_UPSTREAM_TIMEOUT) as server:
            # Both directions at once: the server may respond before it has read the whole body,
            # as with 413.
            pump = Thread(target=_send, args=(server, head, body, exchange), daemon=True)
            pump.start()
            with server.makefile("rb") as answer:
                self._relay(answer, exchange, action, client)
        pump.join(timeout=1)

    def _hang(self, client: socket.socket) -> None:
        """Wait until the client or the proxy closes the connection."""
        while not self._stopped.wait(_HANG_POLL) and not _has_left(client):
            pass

    def _relay(
        self, answer: BufferedReader, exchange: Exchange, action: Action, client: socket.socket
    ) -> None:
        head = Head.read(answer)
        while head is not None and head.start[1].startswith("1"):
            client.sendall(head.encode())
            head = Head.read(answer)
        if head is None:
            _reset(client)
            return
        exchange.status = int(head.start[1])
        match action:
            case Reset():
                _drain(blocks(answer))
                _reset(client)
            case Hang():
                self._hang(client)
            case Delay(seconds=seconds):
                self._stopped.wait(seconds)
                _copy(head, answer, client)
            case Truncate(after=after):
                _copy(head, answer, client, limit=after)
            case _:
                _copy(head, answer, client)


def _has_left(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _matching(
    method: str, path: str, take: Callable[[], Action | None]
) -> Callable[[Head], Action | None]:
    def rule(head: Head) -> Action | None:
        of_method, target = head.start[0], head.start[1]
        matches = fnmatchcase(of_method, method) and fnmatchcase(target.partition("?")[0], path)
        return take() if matches else None

    return rule


def _counted(body: Iterator[bytes], exchange: Exchange) -> Iterator[bytes]:
    for block in body:
        exchange.request_bytes += len(block)
        yield block


def _drain(
    body: Iterator[bytes], *, until: int | None = None, exchange: Exchange | None = None
) -> None:
    if until == 0:
        return
    for _ in body:
        if until is not None and exchange is not None and exchange.request_bytes >= until:
            return


def _send(server: socket.socket, head: Head, body: Iterator[bytes], exchange: Exchange) -> None:
    with suppress(OSError):
        server.sendall(head.encode(close=True))
        for block in body:
            server.sendall(block)
        exchange.forwarded = True


def _copy(
    head: Head, answer: BufferedReader, client: socket.socket, *, limit: int | None = None
) -> None:
    client.sendall(head.encode(close=True))
    for block in blocks(answer, limit):
        client.sendall(block)


def _encode(answer: Answer) -> bytes:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    head = Head(("HTTP/1.1", str(answer.status), phrase), tuple(headers.items()))
    return head.encode(close=True) + answer.body


def _reset(client: socket.socket) -> None:
    # With a linger time of zero the kernel sends RST, as a crashed peer would.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
