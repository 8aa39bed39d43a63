"""Log options and updates, by the path that earlier scripts import them from."""

from __future__ import annotations

from evalhub.client.logs import JobLogOptions, JobLogUpdate

__all__ = ["JobLogOptions", "JobLogUpdate"]
