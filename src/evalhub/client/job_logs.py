"""Compatibility: log options and updates. New code imports them from `evalhub.client`."""

from __future__ import annotations

from evalhub.client.logs import JobLogOptions, JobLogUpdate

__all__ = ["JobLogOptions", "JobLogUpdate"]
