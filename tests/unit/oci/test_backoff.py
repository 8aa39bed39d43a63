from __future__ import annotations

import pytest

from evalhub.oci._registry.errors import Backoff, TransientError
from evalhub.wire.send import Policy


def test_pauses_grow_until_the_retries_are_used_up() -> None:
    pauses: list[float] = []
    backoff = Backoff(Policy(jitter=False, first_delay=1.0, retries=3), pauses.append)
    error = TransientError("busy")

    for _ in range(3):
        backoff.wait(error)
    with pytest.raises(TransientError, match="busy"):
        backoff.wait(error)

    assert pauses == [1.0, 2.0, 4.0]


def test_retry_after_is_the_shortest_pause() -> None:
    pauses: list[float] = []

    Backoff(Policy(jitter=False), pauses.append).wait(TransientError("busy", retry_after=7.0))

    assert pauses == [7.0]


def test_a_long_retry_after_is_waited_for_a_minute_at_a_time_within_the_budget() -> None:
    pauses: list[float] = []
    backoff = Backoff(Policy(retries=9, budget=130.0), pauses.append)
    error = TransientError("busy", retry_after=86400.0)

    backoff.wait(error)
    backoff.wait(error)
    with pytest.raises(TransientError, match="busy"):
        backoff.wait(error)

    assert pauses == [60.0, 60.0]


def test_there_is_no_retry_after_a_stop() -> None:
    backoff = Backoff(Policy(retries=3), lambda _: True)

    with pytest.raises(TransientError, match="busy"):
        backoff.wait(TransientError("busy"))


def test_progress_resets_the_retries() -> None:
    pauses: list[float] = []
    backoff = Backoff(Policy(jitter=False, first_delay=1.0, retries=1), pauses.append)

    for _ in range(5):
        backoff.wait(TransientError("busy"))
        backoff.reset()

    assert pauses == [1.0] * 5
