from __future__ import annotations

import logging
from threading import Event, current_thread

import pytest
from support.memory import WHO

from evalhub.adapter._report.event import Report, status_event
from evalhub.adapter._report.progress import Progress
from evalhub.errors import (
    AuthenticationError,
    BadRequestError,
    RateLimitError,
    ServerError,
    TransportError,
)
from evalhub.models.event import BenchmarkStatusEvent, JobStatusUpdate
from evalhub.models.state import JobPhase, JobStatus


def event(phase=JobPhase.RUNNING_EVALUATION, warning=None):
    update = JobStatusUpdate(status=JobStatus.RUNNING, phase=phase, warning_message=warning)
    return Report(status_event(WHO, update))


class Line:
    """A sender whose turns the test takes, in time that the test makes pass."""

    def __init__(self, *errors):
        self.sent = []
        self.now = 100.0
        self._errors = list(errors)
        self.sender = Progress(self._post, interval=0.5, clock=lambda: self.now)
        self.sender._thread = current_thread()  # the test is the thread

    def _post(self, event):
        error = self._errors.pop(0) if self._errors else None
        if error is not None:
            raise error
        self.sent.append(event)

    def put(self, *events):
        for one in events:
            self.sender.put(one)


def test_nothing_to_send():
    assert Line().sender.send_next() is None


def test_one_event_per_interval():
    line = Line()
    first, second = event(JobPhase.INITIALIZING), event(JobPhase.LOADING_DATA)
    line.put(first, second)
    assert line.sender.send_next() == 0.0
    assert line.sender.send_next() == 0.5
    line.now += 0.5
    assert line.sender.send_next() == 0.0
    assert line.sent == [first, second]


def test_newest_of_a_stage_is_sent():
    line = Line()
    events = [event() for _ in range(100)]
    line.put(*events)
    line.sender.send_next()
    assert line.sent == [events[-1]]
    assert line.sender.send_next() is None


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (TransportError("gone"), 0.5),
        (ServerError("no", status=503), 0.5),
        (AuthenticationError("no", status=401), 0.5),
        (RateLimitError("no", status=429, retry_after=7.0), 7.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_passing_failure_is_tried_again_later(error, delay):
    line = Line(error)
    only = event()
    line.put(only)
    line.sender.send_next()
    assert line.sender.send_next() == delay
    line.now += delay
    line.sender.send_next()
    assert line.sent == [only]


def test_each_failure_doubles_the_delay_up_to_half_a_minute():
    line = Line(*[TransportError("gone")] * 9)
    line.put(event())
    delays = []
    for _ in range(9):
        line.sender.send_next()
        delays.append(line.sender.send_next())
        line.now += 60
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_delay_starts_anew_after_a_success():
    line = Line(TransportError("gone"), TransportError("gone"), None, TransportError("gone"))
    line.put(event(JobPhase.INITIALIZING))
    for _ in range(3):
        line.sender.send_next()
        line.now += 60
    line.put(event(JobPhase.LOADING_DATA))
    line.sender.send_next()
    assert line.sender.send_next() == 0.5


def test_refused_event_is_dropped():
    line = Line(BadRequestError("no", status=400))
    line.put(event())
    line.sender.send_next()
    assert line.sender.send_next() is None
    assert line.sent == []


def test_one_warning_then_a_summary(caplog):
    caplog.set_level(logging.DEBUG)
    line = Line(TransportError("gone"), TransportError("gone"))
    line.put(event())
    for _ in range(3):
        line.sender.send_next()
        line.now += 60
    line.sender.close(timeout=0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "WARNING"]
    assert caplog.messages[-1] == "2 of 3 progress reports did not reach the service"


def test_close_sends_what_waits_without_pauses():
    sent: list[Report] = []
    sender = Progress(sent.append, interval=3600)
    phases = [event(phase) for phase in JobPhase]
    for one in phases:
        sender.put(one)
    sender.close(timeout=10)
    assert sent == phases


def test_close_gives_up_at_the_first_failure():
    tried = []

    def post(one):
        tried.append(one)
        raise TransportError("gone")

    sender = Progress(post, interval=3600)
    for phase in JobPhase:
        sender.put(event(phase))
    sender.close(timeout=10)
    assert len(tried) in (1, 2)  # one may have been under way already


def test_close_does_not_wait_for_what_never_comes_back():
    release, started = Event(), Event()

    def post(_):
        started.set()
        release.wait()

    sender = Progress(post)
    sender.put(event())
    started.wait()
    sender.close(timeout=0)
    release.set()


def test_what_comes_after_the_end_goes_nowhere():
    sent: list[Report] = []
    sender = Progress(sent.append)
    sender.close(timeout=0)
    sender.close(timeout=0)
    sender.put(event())
    assert sent == []


def test_thread_sleeps_until_there_is_news():
    arrived = Event()
    sent: list[BenchmarkStatusEvent] = []

    def post(one):
        sent.append(one.event)
        arrived.set()

    sender = Progress(post, interval=0)
    for phase in JobPhase:
        arrived.clear()
        sender.put(event(phase))
        assert arrived.wait(10)
    sender.close(timeout=10)
    assert [one.phase for one in sent] == list(JobPhase)
