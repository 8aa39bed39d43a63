from __future__ import annotations

import logging

import pytest


@pytest.fixture
def logging_as_before():
    """Undo what `run()` does to the process's logging."""
    names = (None, "evalhub", "httpx", "httpcore")
    levels = [logging.getLogger(name).level for name in names]
    yield
    for name, level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(level)
