from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from evalhub.adapter._run.failure import Failure, JobCancelled
from evalhub.adapter._run.signals import Watch


class Process:
    """What a watch does to its process."""

    def __init__(self, *, grace=30.0):
        self.hurried: list[float] = []
        self.resorts: list[Failure] = []
        self.left: list[int] = []
        self.has_left = threading.Event()
        self.watch = Watch(
            grace=grace,
            on_interrupt=self.hurried.append,
            last_resort=self.resorts.append,
            leave=self.leave,
        )

    def leave(self, code):
        self.left.append(code)
        self.has_left.set()


@pytest.fixture(autouse=True)
def handlers_are_restored():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1


def wait_past_deadline(watch):
    """Sleep until a signal raises; the sleep is never slept."""
    watch.set_deadline(0.0)
    time.sleep(30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_raises_in_the_evaluation(number):
    process = Process()
    with process.watch as watch, pytest.raises(JobCancelled) as caught, watch.evaluating():
        signal.raise_signal(number)
    assert caught.value.failure.exit_code == 128 + number
    assert str(caught.value) == f"terminated by {number.name}"
    assert watch.raised is caught.value.failure
    assert process.hurried == [30.0]
    assert process.left == []


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_signal_is_noticed_where_an_event_loop_took_the_pipe(is_open):
    process = Process()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with process.watch as watch:
        signal.set_wakeup_fd(writer if is_open else -1)
        with pytest.raises(JobCancelled), watch.evaluating():
            signal.raise_signal(signal.SIGTERM)
    os.close(reader)
    os.close(writer)
    assert process.hurried == [30.0]
    assert process.left == []


def test_signal_before_the_evaluation_raises_at_its_start():
    process = Process()
    with process.watch as watch:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(JobCancelled), watch.evaluating():
            raise AssertionError


def test_signal_after_the_evaluation_raises_nowhere():
    process = Process()
    with process.watch as watch:
        with watch.evaluating():
            pass
        signal.raise_signal(signal.SIGTERM)
    assert watch.raised is None
    assert process.hurried == [30.0]


def test_second_signal_ends_the_process():
    process = Process()
    with process.watch:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert process.has_left.wait(10)
    assert process.left == [130]
    assert process.resorts == []


def test_deadline_interrupts_a_call_that_blocks():
    process = Process()
    with process.watch as watch, pytest.raises(JobCancelled) as caught, watch.evaluating():
        wait_past_deadline(watch)
    assert caught.value.failure.code == "deadline_exceeded"
    assert caught.value.failure.exit_code == 124
    assert process.left == []


def test_signals_are_heard_however_far_the_deadline():
    process = Process()
    with process.watch as watch:
        watch.set_deadline(1e12)
        assert watch.failure is None  # the thread is there to answer
        with pytest.raises(JobCancelled), watch.evaluating():
            signal.raise_signal(signal.SIGTERM)
    assert process.hurried == [30.0]


def test_last_resort_where_nothing_reacts():
    process = Process(grace=0.0)
    with process.watch as watch:
        signal.raise_signal(signal.SIGTERM)
        assert process.has_left.wait(10)
    assert [failure.code for failure in process.resorts] == ["terminated"]
    assert process.left == [143]
    assert watch.raised is None


def test_other_signals_are_none_of_ours():
    process = Process()
    previous = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with process.watch:
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert process.hurried == []


def test_outside_the_main_thread_it_does_nothing():
    process = Process()
    seen = []

    def work():
        with process.watch as watch, watch.evaluating():
            watch.set_deadline(0.0)
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
    assert process.hurried == []


def test_signals_of_a_child_are_its_own():
    process = Process()
    with process.watch:
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
    assert process.hurried == []
