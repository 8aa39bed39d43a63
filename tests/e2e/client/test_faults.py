"""What a bad network does to the clients, and what it must not do."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.tls import issue

from evalhub.client import EvalHubClient
from evalhub.errors import (
    AuthenticationError,
    EvalHubError,
    ResponseError,
    ServerError,
    TransportError,
    TransportTimeoutError,
    WaitTimeoutError,
)
from evalhub.testing.faults import Answer, Delay, Faults, Hang, Pass, Reset, Truncate

pytestmark = pytest.mark.e2e

MODEL = {"name": "m", "url": "http://127.0.0.1:1/v1"}
SUMS = {"id": "sums", "provider_id": "silent"}
UNAVAILABLE = Answer(503, b"no", {"Retry-After": "0"})


@pytest.fixture
def faults(api):
    with Faults(api.url) as running:
        yield running


@pytest.mark.parametrize(
    "fault",
    [UNAVAILABLE, Answer(429), Reset(), Reset(after=10), Reset(forwarded=True), Truncate(5)],
    ids=repr,
)
def test_submission_leaves_one_job_or_none_and_says_which(api, faults, fault):
    name = f"once-{api.kind}-{fault!r}"
    faults.script(fault, fault, fault, fault, method="POST")

    def submit(client):
        return client.jobs.submit(name=name, model=MODEL, benchmarks=[SUMS])

    if fault in (Reset(forwarded=True), Truncate(5)):
        job = api(submit, url=faults.url)
        attempts, expected = 1, [job.id]
    else:
        with pytest.raises(EvalHubError) as caught:
            api(submit, url=faults.url)
        assert caught.value.__notes__ == ["no job was created"]
        attempts, expected = 4, []

    assert len([seen for seen in faults.seen if seen.method == "POST"]) == attempts
    assert [job.id for job in api(lambda c: c.jobs.list()) if job.name == name] == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda c, job: c.jobs.wait(job, timeout=1.5),
        lambda c, job: c.jobs.wait_all([job, job], timeout=1.5),
        lambda c, job: c.jobs.watch(job, timeout=1.5),
        lambda c, job: c.jobs.watch_logs(job, timeout=1.5),
    ],
    ids=["wait", "wait_all", "watch", "watch_logs"],
)
def test_a_deadline_bounds_the_request_in_flight(api, faults, call):
    job = api.submit(SUMS)
    faults.always(Hang(), path="*/evaluations/*")
    started = time.monotonic()
    with pytest.raises(WaitTimeoutError, match=r"no response about job .* within 1\.5 s"):
        api(lambda c: call(c, job.id), url=faults.url)
    assert 1.4 < time.monotonic() - started < 6  # not the 30 s of a request


def test_submission_waits_for_a_service_that_is_down(api, faults):
    name = f"down-{api.kind}"
    up = threading.Event()

    def come_back():
        with faults.down():
            up.set()
            threading.Event().wait(0.3)

    threading.Thread(target=come_back).start()
    up.wait()
    job = api(
        lambda c: c.jobs.submit(name=name, model=MODEL, benchmarks=[SUMS]),
        url=faults.url,
        max_retries=20,
        retry_initial_delay=0.1,
        retry_backoff_factor=1.0,
        retry_randomization=False,
    )

    assert [each.id for each in api(lambda c: c.jobs.list(name=name))] == [job.id]


def test_submission_at_random_faults_never_makes_two_jobs(api, faults):
    faults.at_random(
        0.5, UNAVAILABLE, Reset(), Reset(forwarded=True), Pass(), seed=11, method="POST"
    )
    for number in range(30):
        name = f"random-{api.kind}-{number}"
        try:
            api(
                lambda c, name=name: c.jobs.submit(name=name, model=MODEL, benchmarks=[SUMS]),
                url=faults.url,
            )
            least = 1
        except EvalHubError:
            least = 0
        found = api(lambda c, name=name: c.jobs.list(name=name))
        assert least <= len(found) <= 1


def test_reading_survives_what_passes(api, faults):
    job = api.submit(SUMS)
    faults.script(UNAVAILABLE, Reset(), Reset(forwarded=True), Truncate(20))

    found = api(lambda c: c.jobs.get(job.id), url=faults.url, max_retries=4)

    assert found.id == job.id
    assert len(faults.seen) == 5


def test_deletion_whose_answer_is_lost_is_done(api, faults):
    job = api.submit(SUMS)
    faults.script(Reset(forwarded=True))

    assert api(lambda c: c.jobs.delete(job), url=faults.url) is None
    assert [seen.status for seen in faults.seen] == [204, 404]


def test_wait_survives_a_restarting_service(api, faults):
    job = api.submit(SUMS)
    faults.script(*[Reset()] * 2, *[Answer(502, b"Bad Gateway")] * 2)
    threading.Timer(0.5, lambda: api.report(job, "completed", benchmark=SUMS)).start()

    assert api(lambda c: c.jobs.wait(job, timeout=30, poll=0.2), url=faults.url).is_terminal


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Answer(502, b"upstream gone\n"), ServerError, "502: upstream gone"),
        (
            Answer(200, b"<html><title>Log in</title></html>", {"Content-Type": "text/html"}),
            ResponseError,
            "text/html instead of JSON: Log in",
        ),
        (Answer(204), ResponseError, "an empty body instead of HealthResponse"),
        (Answer(200, b'{"status":'), ResponseError, "JSON that is invalid or incomplete"),
        (Answer(401, b'{"error":"expired"}'), AuthenticationError, "401: expired"),
        (
            Answer(302, b"", {"Location": "http://elsewhere/"}),
            ResponseError,
            "returned a redirect to",
        ),
        (Truncate(3), TransportError, "the connection closed before the response was complete"),
        (Reset(), TransportError, "the connection broke while reading the response"),
        (Hang(), TransportTimeoutError, "timed out waiting for the response"),
        (Delay(2), TransportTimeoutError, "timed out waiting for the response"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or repr(value)[:30],
)
def test_each_fault_is_its_own_error_in_one_line(api, faults, fault, error, text):
    faults.always(fault)

    with pytest.raises(error) as caught:
        api(lambda c: c.health(), url=faults.url, max_retries=0, timeout=0.5)

    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreachable_host(api):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(TransportError, match="cannot connect") as caught:
        api(lambda c: c.health(), url=url, max_retries=1)
    assert caught.value.sent is False


def test_unknown_host(api):
    with pytest.raises(TransportError, match="cannot connect"):
        api(lambda c: c.health(), url="http://nowhere.invalid", max_retries=0)


def test_redirect_elsewhere_is_not_given_the_token(api, tmp_path):
    (tmp_path / "token").write_text("secret")
    with (
        recording() as (elsewhere, requests),
        recording(redirect_to=elsewhere) as (url, first),
        pytest.raises(ResponseError, match=f"a redirect to {elsewhere}"),
    ):
        api(lambda c: c.health(), url=url, auth_token_path=tmp_path / "token")

    assert [request["Authorization"] for request in first] == ["Bearer secret"]
    assert requests == []


def test_rotated_token_is_used_after_a_401(api, tmp_path):
    token = tmp_path / "token"
    token.write_text("old")

    def answer(headers):
        if headers["Authorization"] == "Bearer old":
            token.write_text("new")
            return 401
        return 200

    with recording(answer) as (url, requests):
        api(lambda c: c.health(), url=url, auth_token_path=token)

    assert [r["Authorization"] for r in requests] == ["Bearer old", "Bearer new"]


def test_tls(api, tmp_path):
    certificate = issue(tmp_path)
    with recording(certificate=certificate) as (url, _):
        assert api(lambda c: c.health(), url=url, ca_bundle_path=certificate.authority)
        assert api(lambda c: c.health(), url=url, insecure=True)
        assert api(lambda c: c.health(), url=url, verify_ssl=False)
        with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            api(lambda c: c.health(), url=url, max_retries=50, retry_initial_delay=10)
    assert caught.value.sent is False


def test_plain_http_where_tls_is_spoken(api, tmp_path):
    with recording(certificate=issue(tmp_path)) as (url, _), pytest.raises(TransportError):
        api(lambda c: c.health(), url=url.replace("https", "http"), max_retries=0)


def test_loopback_is_reached_past_a_proxy(api, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert api(lambda c: c.health()).status == "healthy"


def test_other_hosts_are_reached_through_the_proxy(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with recording() as (proxy, requests):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        with EvalHubClient("http://hub.example.com") as client:
            assert client.health().status == "healthy"
    assert [request["Host"] for request in requests] == ["hub.example.com"]


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Say nothing about clients that do not trust us."""


@contextmanager
def recording(answer=lambda _: 200, *, redirect_to=None, certificate=None):
    """Serve health, or a redirect; yields the URL and the headers of all requests."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.headers)
            body = b'{"status": "healthy"}'
            self.send_response(302 if redirect_to else answer(self.headers))
            if redirect_to:
                self.send_header("Location", redirect_to)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{scheme}://localhost:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
