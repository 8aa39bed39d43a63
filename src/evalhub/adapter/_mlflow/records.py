"""What MLflow stores and returns."""

from __future__ import annotations

from collections.abc import Iterable  # noqa: TC003 - a field type, shown by help()
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - a field type, shown by help()
from typing import Any

__all__ = [
    "ArtifactInfo",
    "Experiment",
    "Metric",
    "MlflowArtifact",
    "MlflowFileArtifact",
    "Param",
    "RunInfo",
    "SpanInfo",
    "Trace",
    "TraceInfo",
]


@dataclass
class MlflowArtifact:
    """Bytes, or an iterable of bytes, to store with a run.

    Args:
        path: Below the run's artifacts, file name included.
        content: The bytes; an iterable is read once, piece by piece.
        content_type: MIME type.
    """

    path: str
    content: bytes | Iterable[bytes]
    content_type: str = "application/octet-stream"


@dataclass
class MlflowFileArtifact:
    """A file to store with a run; it is opened when it is sent, read in pieces, and not deleted.

    Args:
        path: Below the run's artifacts, file name included.
        local_path: The file.
        content_type: MIME type; guessed from the file's suffix if not given.
    """

    path: str
    local_path: str | Path
    content_type: str | None = None


@dataclass
class Metric:
    """One value of a metric; `timestamp` is in milliseconds, 0 means now."""

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
    """A run; times are in milliseconds."""

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


@dataclass
class ArtifactInfo:
    """A file or a folder of a run; a folder has no size."""

    path: str
    is_dir: bool = False
    file_size: int | None = None


@dataclass
class SpanInfo:
    """One step of a trace; times are in nanoseconds since the epoch."""

    name: str
    span_id: str
    parent_span_id: str | None = None
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    status: str = "UNSET"
    span_type: str = "UNKNOWN"
    inputs: Any = None
    outputs: Any = None
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    trace_id: str = ""


@dataclass
class TraceInfo:
    """What is known of a trace without its spans."""

    request_id: str
    experiment_id: str = ""
    timestamp_ms: int = 0
    execution_time_ms: int | None = None
    status: str = ""
    tags: dict[str, str] = field(default_factory=dict[str, str])
    request_metadata: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Trace:
    """A trace; `data["spans"]` is empty where only the information was asked for."""

    info: TraceInfo
    data: dict[str, Any] = field(default_factory=lambda: dict[str, Any](spans=[]))
