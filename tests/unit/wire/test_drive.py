from __future__ import annotations

import asyncio
import gc
import gzip
import ssl
from itertools import islice
from typing import Any

import httpx
import pytest

from evalhub.errors import (
    ConfigurationError,
    MissingExtraError,
    TransportError,
    TransportTimeoutError,
)
from evalhub.testing import FakeEvalHub
from evalhub.wire.drive import AsyncDriver, Driver
from evalhub.wire.flow import Call, Emit, Pause, Read, Renew
from evalhub.wire.identity import Identity, Token

HUB = Identity("http://hub/prefix", token=Token("t"), tenant="team")


class Drive:
    """One of the two drivers, by one interface; requests and pauses are recorded."""

    def __init__(self, kind, answer, identity=HUB):
        self.kind = kind
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.driver: Any

        def handle(request):
            request.read() if kind == "sync" else None
            self.requests.append(request)
            return answer(request)

        async def handle_async(request):
            await request.aread()
            return handle(request)

        async def pause(seconds):
            self.pauses.append(seconds)

        if kind == "sync":
            transport = httpx.MockTransport(handle)
            self.driver = Driver(identity, transport=transport, pause=self.pauses.append)
        else:
            transport = httpx.MockTransport(handle_async)
            self.driver = AsyncDriver(identity, transport=transport, pause=pause)

    def run(self, flow):
        if self.kind == "sync":
            return self.driver.run(flow)
        return asyncio.run(self.driver.run(flow))

    def stream(self, flow, first=None):
        """Return what is emitted, or the first values of it."""
        if self.kind == "sync":
            values = self.driver.stream(flow)
            got = list(islice(values, first))
            values.close()
            return got

        async def collect():
            values = self.driver.stream(flow)
            got = []
            async for value in values:
                got.append(value)
                if len(got) == first:
                    break
            await values.aclose()
            return got

        return asyncio.run(collect())


@pytest.fixture(params=["sync", "async"])
def drive(request):
    return lambda answer, **options: Drive(request.param, answer, **options)


def ok(request):
    return httpx.Response(200, json={"path": request.url.path})


def one(call):
    return (yield call)


def test_call_is_answered(drive):
    driven = drive(ok)
    call = Call("POST", "/x", params={"a": True, "b": 1}, content=b"body", headers={"X": "y"})

    reply = driven.run(one(call))

    assert (reply.status, reply.content, reply.is_success) == (200, b'{"path":"/prefix/x"}', True)
    assert reply.url == "http://hub/prefix/x"
    sent = driven.requests[0]
    assert sent.content == b"body"
    assert sent.headers["Authorization"] == "Bearer t"
    assert sent.headers["X-Tenant"] == "team"
    assert sent.headers["X"] == "y"
    assert sent.headers["User-Agent"] == "eval-hub-sdk"


def test_call_names_tenant_and_timeout(drive):
    driven = drive(ok)

    driven.run(one(Call("GET", "/x", tenant="other", timeout=3)))
    driven.run(one(Call("GET", "/x")))

    first, second = driven.requests
    assert first.headers["X-Tenant"] == "other"
    assert first.extensions["timeout"] == {"connect": 3, "read": 3, "write": 3, "pool": 3}
    assert second.extensions["timeout"] == {"connect": 10, "read": 30, "write": 30, "pool": 30}


def test_file_is_a_body_that_can_be_sent_again(drive, tmp_path):
    path = tmp_path / "big"
    path.write_bytes(b"x" * 600_000)
    driven = drive(ok)

    def twice():
        yield Call("PUT", "/x", content=path)
        yield Call("PUT", "/x", content=path)

    driven.run(twice())

    assert [request.content for request in driven.requests] == [b"x" * 600_000] * 2


def test_percent_in_a_path_is_kept(drive):
    driven = drive(ok)

    driven.run(one(Call("GET", "/a%2Fb%20c")))

    assert driven.requests[0].url.raw_path == b"/prefix/a%2Fb%20c"


def test_redirect_is_an_answer_and_is_not_followed(drive):
    driven = drive(lambda _: httpx.Response(302, headers={"Location": "http://elsewhere/"}))

    assert driven.run(one(Call("GET", "/x"))).status == 302
    assert [request.url.host for request in driven.requests] == ["hub"]


def test_pause_and_renewal_are_performed(drive, tmp_path):
    path = tmp_path / "token"
    path.write_text("one")
    driven = drive(ok, identity=Identity("http://hub", token=Token(path=path)))

    def flow():
        yield Call("GET", "/x")
        same = yield Renew()
        path.write_text("another")
        other = yield Renew()
        yield Pause(2.5)
        yield Call("GET", "/x")
        return same, other

    assert driven.run(flow()) == (False, True)
    assert driven.pauses == [2.5]
    assert [r.headers["Authorization"] for r in driven.requests] == ["Bearer one", "Bearer another"]


def test_transport_error_is_thrown_into_the_flow(drive):
    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    def flow():
        try:
            yield Call("GET", "/x")
        except TransportError as error:
            return str(error), error.sent

    text, sent = drive(refuse).run(flow())

    assert text == "GET http://hub/prefix/x: cannot connect (refused)"
    assert sent is False


def test_error_does_not_show_the_query(drive):
    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(TransportError, match="GET http://hub/prefix/x: cannot connect") as caught:
        drive(refuse).run(one(Call("GET", "/x", params={"api-key": "secret"})))
    assert "secret" not in str(caught.value)


def test_error_the_flow_does_not_handle_leaves_the_driver(drive):
    def late(request):
        raise httpx.ReadTimeout("", request=request)

    with pytest.raises(
        TransportTimeoutError, match=r"timed out waiting for the response$"
    ) as caught:
        drive(late).run(one(Call("GET", "/x")))
    assert caught.value.sent is True


def test_flow_that_fails_is_closed(drive):
    closed = []

    def flow():
        try:
            yield Call("GET", "/x")
            raise KeyError("mine")
        finally:
            closed.append(True)

    with pytest.raises(KeyError):
        drive(ok).run(flow())
    assert closed == [True]


def read_all():
    reply = yield Call("GET", "/x", stream=True)
    yield Emit(reply.content)
    while piece := (yield Read()):
        yield Emit(piece)
    yield Emit((yield Read()))


def test_streamed_body_is_read_piece_by_piece(drive):
    driven = drive(lambda _: httpx.Response(200, content=b"one two"))

    assert driven.stream(read_all()) == [b"", b"one two", b""]


def test_streamed_error_has_its_body(drive):
    driven = drive(lambda _: httpx.Response(404, content=b"no"))

    reply = driven.run(one(Call("GET", "/x", stream=True)))

    assert (reply.status, reply.content) == (404, b"no")


def test_reading_without_a_stream_gives_nothing(drive):
    def flow():
        yield Call("GET", "/x")
        return (yield Read())

    assert drive(ok).run(flow()) == b""


def test_stream_is_closed_by_the_next_call_and_by_leaving(drive):
    def flow():
        yield Call("GET", "/x", stream=True)
        yield Call("GET", "/y")
        yield Emit((yield Read()))
        yield Call("GET", "/z", stream=True)
        yield Emit("left here")
        raise AssertionError

    assert drive(ok).stream(flow(), first=2) == [b"", "left here"]


def test_answer_that_is_not_encoded_as_it_says(drive):
    def broken(_):
        return httpx.Response(
            200,
            headers={"Content-Encoding": "gzip"},
            stream=httpx.ByteStream(b"plain" + gzip.compress(b"x")),
        )

    with pytest.raises(TransportError, match="does not match its Content-Encoding"):
        drive(broken).run(one(Call("GET", "/x")))


def test_interruption_is_thrown_into_the_flow_and_out_again():
    def interrupt(_):
        raise KeyboardInterrupt

    def flow():
        try:
            yield Pause(60)
        except KeyboardInterrupt as interruption:
            interruption.add_note("told")
            raise

    driver = Driver(HUB, transport=httpx.MockTransport(ok), pause=interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        driver.run(flow())
    assert caught.value.__notes__ == ["told"]


def test_cancellation_is_thrown_into_the_flow_and_out_again():
    def flow():
        try:
            yield Pause(60)
        except asyncio.CancelledError as cancellation:
            cancellation.add_note("told")
            raise

    async def main():
        driver = AsyncDriver(HUB, transport=httpx.MockTransport(ok))
        task = asyncio.create_task(driver.run(flow()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError) as caught:
        asyncio.run(main())
    assert caught.value.__notes__ == ["told"]


def test_closed_driver_closes_its_transport(drive):
    driven = drive(ok)
    driven.run(one(Call("GET", "/x")))

    if driven.kind == "sync":
        driven.driver.close()
        with pytest.raises(ConfigurationError, match="the client is closed; make another one"):
            driven.run(one(Call("GET", "/x")))
    else:
        asyncio.run(driven.driver.aclose())
        with pytest.raises(ConfigurationError, match="the client is closed; make another one"):
            driven.run(one(Call("GET", "/x")))


def test_driver_that_is_dropped_closes_its_transport():
    closed = []

    class Transport(httpx.MockTransport):
        def close(self):
            closed.append(True)

    Driver(HUB, transport=Transport(ok))
    gc.collect()

    assert closed == [True]


def test_concurrent_calls_are_spread_over_lanes_and_bounded():
    busy, most = 0, 0

    async def answer(_):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return httpx.Response(200)

    async def main():
        driver = AsyncDriver(HUB, transport=httpx.MockTransport(answer), connections=25)
        await asyncio.gather(*(driver.run(one(Call("GET", "/x"))) for _ in range(60)))
        await driver.aclose()

    asyncio.run(main())

    assert most == 25


EXPECTED = {
    "CloseError": (TransportError, True),
    "ConnectError": (TransportError, False),
    "ConnectTimeout": (TransportTimeoutError, False),
    "CookieConflict": (TransportError, True),
    "DecodingError": (TransportError, True),
    "HTTPError": (TransportError, True),
    "HTTPStatusError": (TransportError, True),
    "InvalidURL": (TransportError, False),
    "LocalProtocolError": (TransportError, True),
    "NetworkError": (TransportError, True),
    "PoolTimeout": (TransportTimeoutError, False),
    "ProtocolError": (TransportError, True),
    "ProxyError": (TransportError, False),
    "ReadError": (TransportError, True),
    "ReadTimeout": (TransportTimeoutError, True),
    "RemoteProtocolError": (TransportError, True),
    "RequestError": (TransportError, True),
    "RequestNotRead": (TransportError, True),
    "ResponseNotRead": (TransportError, True),
    "StreamClosed": (TransportError, True),
    "StreamConsumed": (TransportError, True),
    "StreamError": (TransportError, True),
    "TimeoutException": (TransportTimeoutError, True),
    "TooManyRedirects": (TransportError, True),
    "TransportError": (TransportError, True),
    "UnsupportedProtocol": (TransportError, False),
    "WriteError": (TransportError, True),
    "WriteTimeout": (TransportTimeoutError, True),
}


def exceptions_of_httpx():
    public = (getattr(httpx, name) for name in httpx.__all__)
    return [each for each in public if isinstance(each, type) and issubclass(each, Exception)]


def test_every_exception_of_httpx_is_known():
    assert sorted(each.__name__ for each in exceptions_of_httpx()) == sorted(EXPECTED)


@pytest.mark.parametrize("kind", exceptions_of_httpx(), ids=lambda kind: kind.__name__)
def test_no_exception_of_httpx_leaves_the_driver(drive, kind):
    def fail(_):
        error = kind.__new__(kind)
        Exception.__init__(error, "why")
        raise error

    with pytest.raises(TransportError) as caught:
        drive(fail).run(one(Call("GET", "/x")))

    assert (type(caught.value), caught.value.sent) == EXPECTED[kind.__name__]


def test_certificate_problem_is_the_cause(drive):
    untrusted = ssl.SSLCertVerificationError("self-signed")

    def fail(request):
        try:
            raise OSError("tls") from untrusted  # noqa: TRY301
        except OSError:
            raise httpx.ConnectError("tls", request=request)  # noqa: B904 - as httpcore does

    with pytest.raises(TransportError) as caught:
        drive(fail).run(one(Call("GET", "/x")))

    assert caught.value.__cause__ is untrusted


def test_a_response_that_trickles_ends_with_the_call_s_time():
    now = iter(range(100))

    class Slow(httpx.SyncByteStream):
        def __iter__(self):
            yield from (b"x" for _ in range(50))

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Slow()))
    driver = Driver(Identity("http://hub"), transport=transport, clock=lambda: next(now))
    with pytest.raises(TransportTimeoutError, match="the response takes too long"):
        driver.run(one(Call("GET", "/x", timeout=3)))


def test_a_response_that_trickles_ends_with_the_call_s_time_on_an_event_loop():
    class Slow(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                yield b"x"
                await asyncio.sleep(0.01)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Slow()))
    driver = AsyncDriver(Identity("http://hub"), transport=transport)
    with pytest.raises(TransportTimeoutError, match="the response takes too long"):
        asyncio.run(driver.run(one(Call("GET", "/x", timeout=0.05))))


@pytest.mark.parametrize(
    ("proxy", "error", "text"),
    [
        ("socks5://proxy:1080", MissingExtraError, "needs a package: pip install 'httpx[socks]'"),
        ("nonsense://proxy", ConfigurationError, "the proxy in the environment is invalid"),
    ],
)
def test_a_proxy_that_cannot_be_used(proxy, error, text, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(error) as caught:
        Driver(Identity("http://hub"))
    assert text in str(caught.value)
    with pytest.raises(error):
        asyncio.run(AsyncDriver(Identity("http://hub")).run(one(Call("GET", "/x"))))


def test_https_to_a_port_that_speaks_http_says_so():
    with FakeEvalHub() as hub:
        address = hub.url.replace("http:", "https:")
        with pytest.raises(TransportError, match="the port does not speak TLS: use http://"):
            Driver(Identity(address, insecure=True)).run(one(Call("GET", "/x")))
