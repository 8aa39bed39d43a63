"""Compatibility: errors of the client. New code imports them from `evalhub.errors`."""

from __future__ import annotations

from evalhub.errors import EvalHubError as ClientError
from evalhub.errors import JobCanNotBeCancelledError, JobNotFoundError

__all__ = ["ClientError", "JobCanNotBeCancelledError", "JobNotFoundError"]
