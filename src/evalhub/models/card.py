"""Cards that describe an evaluation and its environment."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from evalhub.models._base import Model

__all__ = ["CapabilityEvalEntry", "EnvironmentCard", "EvalCardMetadata", "SafetyEvalEntry"]


class CapabilityEvalEntry(Model):
    """One capability and its score."""

    ability: str
    benchmark: str
    metric: str
    zero_shot: float | str | None = None
    alt_prompting: float | str | None = None
    alt_prompting_description: str | None = None


class SafetyEvalEntry(Model):
    """One safety feature and its score."""

    feature: str
    benchmark: str
    metric: str
    zero_shot: float | str | None = None
    alt_prompting: float | str | None = None
    alt_prompting_description: str | None = None


class EvalCardMetadata(Model):
    """Description of an evaluation."""

    modalities_input: list[str] = Field(default_factory=list)
    modalities_output: list[str] = Field(default_factory=list)
    languages_count: int | None = None
    languages: list[str] = Field(default_factory=list)
    capability_evaluations: list[CapabilityEvalEntry] = Field(
        default_factory=list[CapabilityEvalEntry]
    )
    safety_evaluations: list[SafetyEvalEntry] = Field(default_factory=list[SafetyEvalEntry])
    developer_footnotes: str | None = None


class EnvironmentCard(Model):
    """Hardware, software and inputs of an evaluation."""

    gpu_model: str | None = None
    gpu_count: int | None = None
    gpu_driver_version: str | None = None
    cpu_model: str | None = None
    total_memory_gb: float | None = None
    nvlink_topology: str | None = None
    os_info: str | None = None
    python_version: str | None = None
    cuda_version: str | None = None
    framework_name: str | None = None
    framework_version: str | None = None
    container_image: str | None = None
    key_packages: dict[str, str] = Field(default_factory=dict)
    k8s_pod_labels: dict[str, str] = Field(default_factory=dict)
    k8s_resource_limits: dict[str, str] = Field(default_factory=dict)
    model_id: str | None = None
    model_version: str | None = None
    model_provider: str | None = None
    collection_id: str | None = None
    collection_version: str | None = None
    scorer_ids: list[str] = Field(default_factory=list)
    dataset_hash: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    aggregate_results: dict[str, Any] = Field(default_factory=dict)
    per_task_results: dict[str, Any] = Field(default_factory=dict)
    confidence_intervals: dict[str, Any] = Field(default_factory=dict)
    autograder_bias: dict[str, Any] = Field(default_factory=dict)
    oci_artifact_ref: str | None = None
    signature: str | None = None
    generated_by: str | None = None
    capture_completeness: float | None = None
    custom: dict[str, Any] = Field(default_factory=dict)
