"""`FakeEvalHub` answers as the real service does: status, headers that matter, every field."""

from __future__ import annotations

import json
import re
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from e2e.testing.scenarios import COLLECTION_FILES, LOG, PROVIDER_FILES, SUBJECTS, Session

from evalhub.testing import FakeEvalHub, RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

pytestmark = pytest.mark.e2e

_MASKS = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r'"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"'), '"<time>"'),
]


OWN_WORDS = ("invalid_json_request", "request_validation_failed", "unknown_error")


class Recorder:
    """Sends requests to one of the two and keeps what was asked and answered."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self.exchanges: list[tuple[str, Any]] = []

    def send(
        self, method: str, path: str, body: Any, raw: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        content = json.dumps(body).encode() if raw is None and body is not None else raw
        connection = HTTPConnection(self._host, timeout=30)
        connection.request(method, path, content, headers)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        asked = f"{method} {path} {(content or b'')[:300].decode()}"
        kept = {name: reply.headers[name] for name in ("Content-Type", "X-Content-Type-Options")}
        self.exchanges.append((_masked(asked), (reply.status, kept, _comparable(text))))
        return reply.status, _loaded(text)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def _comparable(text: str) -> Any:
    answer = _in_order(_loaded(_masked(text)))
    # What its decoder says of a body is the service's own wording, and changes with releases.
    if isinstance(answer, dict) and answer.get("message_code") in OWN_WORDS:
        assert answer["message"]
        return {**answer, "message": "<text>"}
    return answer


def _in_order(value: Any) -> Any:
    """Put in order what the service gives in random order, or in the order of its ids."""
    if isinstance(value, dict):
        ordered = {name: _in_order(one) for name, one in value.items()}
        for name in ("items", "metrics_schema"):
            if isinstance(ordered.get(name), list):
                ordered[name] = sorted(ordered[name], key=json.dumps)
        return ordered
    return [_in_order(one) for one in value] if isinstance(value, list) else value


class RealSide:
    def __init__(self, service: RealEvalHub) -> None:
        self._service = service
        self.url = service.url

    def wait_for_logs(self, job: str) -> None:
        """Its adapters write by themselves, in their own time."""
        deadline = time.monotonic() + 10
        logs = [self._service.job_folder(job) / f"{index}" for index in (0, 1)]
        while not all(LOG in _read(log) for log in logs):
            assert time.monotonic() < deadline
            time.sleep(0.01)


class FakeSide:
    def __init__(self, service: FakeEvalHub) -> None:
        self._service = service
        self.url = service.url

    def wait_for_logs(self, job: str) -> None:
        """It starts no adapters: what they would write is given to it."""
        for index in (0, 1):
            self._service.write_log(job, LOG, index=index)


def _read(folder: Path) -> str:
    return "".join(log.read_text() for log in folder.glob("*/*/jobrun.log"))


@pytest.fixture(scope="module")
def real() -> Generator[RealSide]:
    with RealEvalHub(providers=PROVIDER_FILES, collections=COLLECTION_FILES) as service:
        yield RealSide(service)


@pytest.fixture(scope="module")
def fake() -> Generator[FakeSide]:
    with FakeEvalHub(providers=PROVIDER_FILES, collections=COLLECTION_FILES) as service:
        yield FakeSide(service)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.__name__)
def test_the_fake_answers_like_the_real_service(
    subject: Callable[[Session], None],
    real: RealSide,
    fake: FakeSide,
    record_property: Callable[[str, object], None],
) -> None:
    recorders = [Recorder(real.url), Recorder(fake.url)]
    tenant = f"tenant-{subject.__name__}"
    subject(Session(recorders[0].send, tenant, real.wait_for_logs))
    subject(Session(recorders[1].send, tenant, fake.wait_for_logs))
    ours, theirs = recorders[1].exchanges, recorders[0].exchanges
    record_property("requests", len(theirs))
    differences = [
        f"{asked}\n  real: {answer}\n  fake: {given}"
        for (asked, answer), (_, given) in zip(theirs, ours, strict=True)
        if answer != given
    ]
    assert not differences, "\n".join([f"{len(differences)} of {len(theirs)}", *differences])
