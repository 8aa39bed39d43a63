"""Errors of the client, by the path that earlier scripts import them from."""

from __future__ import annotations

from evalhub.errors import EvalHubError as ClientError
from evalhub.errors import JobCanNotBeCancelledError, JobNotFoundError

__all__ = ["ClientError", "JobCanNotBeCancelledError", "JobNotFoundError"]
