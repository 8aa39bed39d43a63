"""Compatibility: models of frameworks and their evaluations.

The service does not use them; tools written for earlier releases do.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from evalhub.models._base import Model
from evalhub.models.result import EvaluationResult
from evalhub.models.rules import NotBlank
from evalhub.models.state import MessageInfo

__all__ = [
    "BenchmarkInfo",
    "EvaluationJobFilesLocation",
    "EvaluationJobState",
    "EvaluationResponse",
    "EvaluationStatus",
    "FrameworkInfo",
    "PersistResponse",
]


class EvaluationStatus(StrEnum):
    """State of an evaluation inside a framework."""

    QUEUED = "queued"
    INITIALIZING = "initializing"
    RUNNING = "running"
    POST_PROCESSING = "post_processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BenchmarkInfo(Model):
    """A benchmark that a framework can run."""

    benchmark_id: NotBlank
    name: NotBlank
    description: str | None = None
    category: str | None = None
    tags: list[str] = Field(default_factory=list)
    metrics: list[str] = Field(default_factory=list)
    dataset_size: int | None = None
    supports_few_shot: bool = True
    num_few_shot: int | None = None
    custom_config_schema: dict[str, Any] | None = None


class FrameworkInfo(Model):
    """A framework and the benchmarks it can run."""

    framework_id: str
    name: str
    version: str
    description: str | None = None
    supported_benchmarks: list[BenchmarkInfo] = Field(default_factory=list[BenchmarkInfo])
    supported_model_types: list[str] = Field(default_factory=list)
    capabilities: list[str] = Field(default_factory=list)
    default_model_config: dict[str, Any] = Field(default_factory=dict)
    config_schema: dict[str, Any] | None = None
    author: str | None = None
    contact: str | None = None
    documentation_url: str | None = None
    repository_url: str | None = None


class EvaluationResponse(Model):
    """Results of one evaluation inside a framework."""

    job_id: str
    benchmark_id: str
    model_name: str
    results: list[EvaluationResult]
    overall_score: float | None = None
    num_examples_evaluated: int
    evaluation_metadata: dict[str, Any] = Field(default_factory=dict)
    completed_at: datetime
    duration_seconds: float


class EvaluationJobState(Model):
    """State of a job, in words."""

    state: str
    message: MessageInfo | None = None


class EvaluationJobFilesLocation(Model):
    """The files of a job that are to be stored."""

    id: str
    path: str | None = None
    """Directory; `None` if there are none."""

    metadata: dict[str, str] = Field(default_factory=dict)


class PersistResponse(Model):
    """The artifact in which the files of a job were stored."""

    id: str
    oci_ref: str
    """Reference of the artifact, with its digest."""

    digest: str
    files_count: int
    metadata: dict[str, Any] = Field(default_factory=dict)
