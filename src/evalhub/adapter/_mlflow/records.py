"""What MLflow stores and returns, and its errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - a field type, shown by help()
from typing import Any

from evalhub.errors import EvalHubError

__all__ = [
    "Experiment",
    "MLflowAPIError",
    "Metric",
    "MlflowArtifact",
    "MlflowFileArtifact",
    "Param",
    "RunInfo",
]


@dataclass
class MlflowArtifact:
    """Bytes to store with a run; `path` is below the run's artifacts."""

    path: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass
class MlflowFileArtifact:
    """A file to store with a run; it is read when it is sent, and never as a whole."""

    path: str
    local_path: str | Path
    content_type: str | None = None


@dataclass
class Metric:
    """A value of a metric; `timestamp` in milliseconds, 0 for now."""

    key: str
    value: float
    timestamp: int = 0
    step: int = 0


@dataclass
class Param:
    """A parameter of a run."""

    key: str
    value: str


@dataclass
class RunInfo:
    """A run, without its data."""

    run_id: str
    experiment_id: str
    run_name: str = ""
    status: str = ""
    start_time: int | None = None
    end_time: int | None = None
    artifact_uri: str = ""
    lifecycle_stage: str = "active"
    params: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Experiment:
    """An experiment."""

    experiment_id: str
    name: str
    artifact_location: str = ""
    lifecycle_stage: str = "active"
    tags: dict[str, Any] = field(default_factory=dict[str, Any])


class MLflowAPIError(EvalHubError):
    """MLflow returned an error."""

    def __init__(self, status_code: int, error_code: str, message: str) -> None:
        self.status_code = status_code
        self.error_code = error_code or "UNKNOWN"
        self.message = message
        super().__init__(f"[{self.error_code}] {message} (HTTP {status_code})")
