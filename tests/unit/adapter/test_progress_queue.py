from __future__ import annotations

import pytest

from evalhub.adapter._report.event import Report
from evalhub.adapter._report.progress import Queue
from evalhub.models.event import BenchmarkStatusEvent
from evalhub.models.state import JobPhase, JobStatus

PHASES = {"a": JobPhase.LOADING_DATA, "b": JobPhase.RUNNING_EVALUATION, "c": None}


def event(name: str) -> BenchmarkStatusEvent:
    """Return an event of the stage its first letter names; the rest tells it from others."""
    return BenchmarkStatusEvent(
        provider_id="p",
        benchmark_id="b",
        status=JobStatus.PENDING if name[0] == "p" else JobStatus.RUNNING,
        phase=PHASES.get(name[0]),
        logs_path=name,
    )


def outbox(names: str) -> Queue:
    box = Queue()
    for name in names.split():
        box.put(Report(event(name)))
    return box


def taken(box: Queue) -> str:
    names = []
    while len(box):
        names.append(box.take().event.logs_path or "")
    return " ".join(names)


@pytest.mark.parametrize(
    ("put", "sent"),
    [
        ("", ""),
        ("a1", "a1"),
        ("a1 a2 a3", "a3"),
        ("a1 b1 c1", "a1 b1 c1"),
        ("a1 a2 b1 b2 b3 c1", "a2 b3 c1"),
        ("p1 c1", "p1 c1"),
        # A stage that comes again is not skipped the first time, and replaceable the second.
        ("a1 b1 a2", "a1 b1 a2"),
        ("a1 b1 a2 b2 a3 b3", "a1 b1 b3"),
        ("a1 b1 a2 c1", "a1 b1 c1"),
        ("a1 b1 a2 c1 c2", "a1 b1 c2"),
    ],
)
def test_newer_replaces_older_and_no_stage_is_skipped(put, sent):
    assert taken(outbox(put)) == sent


def test_a_stage_that_was_sent_gives_way_to_the_next():
    box = outbox("a1")
    assert box.take().event.logs_path == "a1"
    for name in ("a2", "a3", "b1"):
        box.put(Report(event(name)))
    assert taken(box) == "b1"


def test_no_more_wait_than_there_are_stages():
    box = outbox(" ".join(f"{stage}{i}" for i in range(1000) for stage in "pabc"))
    assert len(box) == 5  # each stage once, and the newest event
    assert taken(box).split()[:4] == ["p0", "a0", "b0", "c0"]


def test_what_could_not_be_sent_is_the_next_to_be_sent():
    box = outbox("a1")
    box.put_back(box.take())
    assert taken(box) == "a1"


def test_what_could_not_be_sent_gives_way_to_newer_of_its_stage():
    box = outbox("a1")
    first = box.take()
    box.put(Report(event("a2")))
    box.put_back(first)
    assert taken(box) == "a2"


def test_what_could_not_be_sent_is_replaced_by_newer_of_its_stage():
    box = outbox("a1")
    box.put_back(box.take())
    box.put(Report(event("a2")))
    assert taken(box) == "a2"


def test_what_could_not_be_sent_is_not_displaced_by_another_stage():
    box = outbox("a1")
    box.put_back(box.take())
    box.put(Report(event("b1")))
    assert taken(box) == "a1 b1"


def test_what_could_not_be_sent_goes_before_another_stage():
    box = outbox("a1")
    first = box.take()
    box.put(Report(event("b1")))
    box.put_back(first)
    assert taken(box) == "a1 b1"
