from __future__ import annotations

import pytest

from evalhub.oci._registry.retry import Patience, TransientError
from evalhub.wire.send import Policy


def test_pauses_grow_until_patience_ends() -> None:
    pauses: list[float] = []
    patience = Patience(Policy(jitter=False, first_delay=1.0, retries=3), pauses.append)
    error = TransientError("busy")

    for _ in range(3):
        patience.wait(error)
    with pytest.raises(TransientError, match="busy"):
        patience.wait(error)

    assert pauses == [1.0, 2.0, 4.0]


def test_the_registry_s_wish_is_the_least() -> None:
    pauses: list[float] = []

    Patience(Policy(jitter=False), pauses.append).wait(TransientError("busy", retry_after=7.0))

    assert pauses == [7.0]


def test_a_wish_beyond_the_budget_is_an_error_at_once() -> None:
    pauses: list[float] = []

    with pytest.raises(TransientError):
        Patience(Policy(budget=60.0), pauses.append).wait(TransientError("x", retry_after=61.0))

    assert pauses == []


def test_there_is_no_patience_after_a_stop() -> None:
    patience = Patience(Policy(retries=3), lambda _: True)

    with pytest.raises(TransientError, match="busy"):
        patience.wait(TransientError("busy"))


def test_what_works_renews_patience() -> None:
    pauses: list[float] = []
    patience = Patience(Policy(jitter=False, first_delay=1.0, retries=1), pauses.append)

    for _ in range(5):
        patience.wait(TransientError("busy"))
        patience.renew()

    assert pauses == [1.0] * 5
