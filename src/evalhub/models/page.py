"""What every stored thing and every list of them has: a resource, an envelope, an error body."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from evalhub.models._base import ListOf, Model, Received
from evalhub.models.state import ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["ErrorResponse", "HRef", "HealthResponse", "Page", "Resource"]


class Stored(Model):
    """What the service says about anything it stores, besides what it is."""

    id: str
    tenant: str | None = None
    updated_at: datetime | None = None
    owner: str | None = None
    """The user who made it; `system` for what the service was configured with."""


class Resource(Stored):
    """What the service says about a provider or a collection."""

    created_at: datetime | None = None


class HRef(Model):
    """A link."""

    href: str


class Page(Received):
    """The envelope of a list: one page of it."""

    first: HRef | None = None
    """The request itself, not page one, whatever its name says."""

    next: HRef | None = None
    """The next page, relative to the host; absent on the last one. After `limit=0`, which
    returns everything, it points at the same page for ever."""

    limit: int | None = None
    total_count: int = 0
    errors: ListOf[str] = Field(default_factory=list)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read a page as JSON text."""
        with _collector_paused():
            return super().model_validate_json(json_data, **options)


@contextmanager
def _collector_paused() -> Generator[None, None, None]:
    """Build a page without the garbage collector.

    A thousand jobs are a hundred thousand objects and no garbage. Their number alone makes the
    collector walk them, and everything else in the process, many times over: four fifths of the
    time it takes to read them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class ErrorResponse(Received):
    """The body of every error the service itself answers with.

    Branch on `message_code`; the text may change.
    """

    message: str = ""
    message_code: str = ""
    trace: str = ""
    """Transaction id, for the service's logs."""

    error: str | None = None
    error_code: str | None = None
    details: dict[str, Any] | None = None
    timestamp: datetime | None = None
    request_id: str | None = None


class HealthResponse(Received):
    """The state of the service. It sends `status` and `timestamp`; other servers say more."""

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
        """Return a field as the service sent it: published scripts read this as a dict."""
        return self.to_wire()[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field as the service sent it, or `default` where it sent none."""
        return self.to_wire().get(key, default)
