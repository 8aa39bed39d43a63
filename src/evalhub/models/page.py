"""What all endpoints share: resource metadata, pages of lists, error bodies, health."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from evalhub.models._base import ListOf, Model, ServiceModel
from evalhub.models.state import ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["ErrorResponse", "HRef", "HealthResponse", "Page", "Resource"]


class Stored(Model):
    """Metadata common to everything the service stores."""

    id: str
    tenant: str | None = None
    updated_at: datetime | None = None
    owner: str | None = None
    """The user who created it; `system` if it is part of the service's configuration."""


class Resource(Stored):
    """Metadata of a provider or a collection."""

    created_at: datetime | None = None


class HRef(Model):
    """A link."""

    href: str


class Page(ServiceModel):
    """One page of a list."""

    first: HRef | None = None
    """The request itself; despite the name, not the first page."""

    next: HRef | None = None
    """The next page, relative to the host; absent on the last one. With `limit=0`, which returns
    everything, it is the same page again."""

    limit: int | None = None
    total_count: int = 0
    errors: ListOf[str] = Field(default_factory=list)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read a page as JSON text."""
        with _collector_paused():
            return super().model_validate_json(json_data, **options)


_FROZEN_BY_PYTHON = 1_000
"""More frozen objects than the interpreter starts with (375 on 3.12): the program froze some."""


@contextmanager
def _collector_paused() -> Generator[None, None, None]:
    """Parse a page without garbage collection, and count its objects as old afterwards.

    The hundred thousand objects of a page trigger collections that find no garbage, while it is
    parsed and right after it: without this, `jobs.list()` of 10,000 jobs takes twice as long
    (measured on Python 3.11, 3.12 and 3.13).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if gc.get_freeze_count() < _FROZEN_BY_PYTHON:
                # Freezing moves every object out of the young generations without a look at it,
                # and unfreezing moves it to the oldest one.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


class ErrorResponse(ServiceModel):
    """The body of an error response of the service.

    Branch on `message_code`; the message may change.
    """

    message: str = ""
    message_code: str = ""
    trace: str = ""
    """Transaction id, to search for in the service's logs."""

    error: str | None = None
    error_code: str | None = None
    details: dict[str, Any] | None = None
    timestamp: datetime | None = None
    request_id: str | None = None


class HealthResponse(ServiceModel):
    """State of the service. It sends `status` and `timestamp`; other servers send more."""

    status: str
    timestamp: datetime | None = None
    framework_id: str | None = None
    version: str | None = None
    dependencies: dict[str, dict[str, Any]] | None = None
    memory_usage: dict[str, Any] | None = None
    gpu_usage: dict[str, Any] | None = None
    uptime_seconds: float | None = None
    last_evaluation_time: datetime | None = None
    error: ErrorInfo | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        """Return a field as the service sent it, for scripts that read this as a dictionary."""
        return self.to_wire()[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field as the service sent it, or `default` if it sent none."""
        return self.to_wire().get(key, default)
