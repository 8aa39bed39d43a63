"""Calls in threads: their results, their first exception, and the exceptions of signal handlers."""

from __future__ import annotations

import signal
import threading
from threading import Barrier, Event, Thread
from typing import TYPE_CHECKING

import pytest

from evalhub.oci._registry.threads import call_interruptibly, map_in_threads

if TYPE_CHECKING:
    from collections.abc import Iterator


class OutOfTimeError(Exception):
    pass


@pytest.fixture
def alarm() -> Iterator[None]:
    """SIGALRM raises `OutOfTimeError` in the main thread."""

    def ring(*_: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.signal(signal.SIGALRM, before)


def _ring() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)


def test_results_are_in_the_order_of_the_items() -> None:
    stop = Event()
    both = Barrier(2, timeout=10)

    def square(number: int) -> int:
        if number < 2:
            both.wait()
        return number * number

    assert map_in_threads(square, range(5), threads=2, stop=stop) == [0, 1, 4, 9, 16]
    assert not stop.is_set()


def test_no_items() -> None:
    assert map_in_threads(str, [], threads=8, stop=Event()) == []


def test_the_first_exception_stops_the_others() -> None:
    stop = Event()
    done: list[int] = []

    def fail(number: int) -> None:
        if number == 0:
            raise ValueError("no")
        stop.wait(10)
        done.append(number)

    with pytest.raises(ValueError, match="no"):
        map_in_threads(fail, range(100), threads=3, stop=stop)

    assert stop.is_set()
    assert len(done) <= 2


@pytest.mark.usefixtures("alarm")
def test_a_signal_handler_raises_while_calls_block() -> None:
    stop, release = Event(), Event()

    def block(_: int) -> None:
        _ring()
        release.wait(10)

    with pytest.raises(OutOfTimeError):
        map_in_threads(block, range(1), threads=1, stop=stop)

    assert stop.is_set()
    release.set()


@pytest.mark.usefixtures("alarm")
def test_a_signal_handler_raises_during_one_call() -> None:
    release = Event()

    def block() -> None:
        _ring()
        release.wait(10)

    with pytest.raises(OutOfTimeError):
        call_interruptibly(block)

    release.set()


def test_a_call_of_another_thread_is_made_in_that_thread() -> None:
    names: list[str] = []
    thread = Thread(
        target=lambda: names.append(call_interruptibly(lambda: threading.current_thread().name)),
        name="other",
    )
    thread.start()
    thread.join()

    assert names == ["other"]
    assert call_interruptibly(lambda: threading.current_thread().daemon)
