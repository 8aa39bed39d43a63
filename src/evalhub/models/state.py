"""States of jobs and benchmarks, and messages about them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evalhub.models._base import Model, OpenEnum

__all__ = ["ErrorInfo", "JobPhase", "JobStatus", "MessageInfo", "MessageOrigin"]


class JobStatus(OpenEnum):
    """State of a job, or of one benchmark in it.

    Adapters report `PENDING` to `FAILED`; only the service sets the last two.
    """

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTIALLY_FAILED = "partially_failed"

    @property
    def is_terminal(self) -> bool:
        """Whether this state is final; `False` for a state not known here."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.PARTIALLY_FAILED)
)


class JobPhase(OpenEnum):
    """Phase of a running benchmark, in order."""

    INITIALIZING = "initializing"
    LOADING_DATA = "loading_data"
    RUNNING_EVALUATION = "running_evaluation"
    POST_PROCESSING = "post_processing"
    PERSISTING_ARTIFACTS = "persisting_artifacts"
    COMPLETED = "completed"


class MessageOrigin(OpenEnum):
    """Origin of a message."""

    ADAPTER = "adapter"
    SDK = "sdk"
    SERVER = "server"
    RUNTIME = "runtime"


class MessageInfo(Model):
    """A message for users, with a code for programs."""

    _tolerant = True

    message: str
    message_code: str
    message_origin: Annotated[MessageOrigin | str | None, Field(union_mode="left_to_right")] = None

    def __str__(self) -> str:
        return self.message


class ErrorInfo(MessageInfo):
    """An error, as adapters report it."""
