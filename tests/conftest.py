"""Fixtures over the programs the end-to-end tests run against.

One fixture for each shape a test usually wants; a test that wants another calls
`support.registry.docker_registry` and the others itself.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from support.recorder import EventRecorder
from support.registry import Registry, docker_registry

from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_configure() -> None:
    # Shells start what runs in the background with SIGINT ignored, and children inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def recorder() -> Iterator[EventRecorder]:
    """An events endpoint that records and answers as the service does."""
    with EventRecorder() as running:
        yield running


@pytest.fixture(scope="session")
def service() -> Iterator[RealEvalHub]:
    """The real service without providers, one for the whole run: a test makes what it needs."""
    with RealEvalHub() as running:
        yield running


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A plain registry, one for the whole run: tests use repositories of their own."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def private_registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry over TLS that asks for a user and a password."""
    with docker_registry(tmp_path / "private-registry", tls=True, auth="basic") as running:
        yield running
