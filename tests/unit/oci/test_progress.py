from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from evalhub.oci._progress import INTERVAL, Progress

if TYPE_CHECKING:
    import pytest

MIB = 1 << 20


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_long_push_tells_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    clock = _Clock()
    reported: list[tuple[int, int]] = []
    progress = Progress(
        4 * MIB, listener=lambda done, total: reported.append((done, total)), clock=clock
    )
    caplog.set_level(logging.INFO, logger="evalhub")

    for _ in range(4):
        progress.add(MIB)
        clock.now += INTERVAL / 2

    assert reported == [(3 * MIB, 4 * MIB)]
    assert caplog.messages == ["stored 3 of 4 MiB"]


def test_a_short_push_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="evalhub")

    Progress(MIB, clock=_Clock()).add(MIB)

    assert caplog.messages == []


def test_a_listener_is_optional(caplog: pytest.LogCaptureFixture) -> None:
    clock = _Clock()
    progress = Progress(MIB, clock=clock)
    caplog.set_level(logging.INFO, logger="evalhub")
    clock.now = INTERVAL

    progress.add(MIB)

    assert caplog.messages == ["stored 1 of 1 MiB"]


def test_a_failed_attempt_is_taken_back() -> None:
    progress = Progress(10)

    attempt = progress.attempt()
    attempt.__enter__()(4)
    attempt.__exit__(OSError, OSError("broken"), None)
    with progress.attempt() as sent:
        sent(7)

    assert progress.done == 7
