"""Write an adapter: subclass `FrameworkAdapter`, implement one method, call `run`.

Names resolve on first use: an adapter's process pays for what it touches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub.adapter._run.failure import JobCancelled
    from evalhub.adapter._run.runner import run
    from evalhub.adapter.base import FrameworkAdapter
    from evalhub.adapter.callbacks import DefaultCallbacks, JobCallbacks
    from evalhub.adapter.collector import (
        CollectedRecord,
        CollectionManifest,
        CollectorConfig,
        CollectorProtocol,
        LiveQuestion,
        collect_responses,
        collect_responses_from_parameters,
        extract_by_path,
        is_collection_configured,
        load_questions,
        substitute_template,
    )
    from evalhub.adapter.config import get_job_spec_path
    from evalhub.adapter.credentials import (
        ModelCredentials,
        read_model_auth_key,
        resolve_model_credentials,
    )
    from evalhub.adapter.environment import EnvironmentCardMetadata
    from evalhub.adapter.telemetry import (
        EvalTracer,
        clear_log_job_context,
        configure_telemetry,
        set_log_job_context,
    )
    from evalhub.errors import (
        ArtifactError,
        BenchmarkError,
        CollectorError,
        ConfigurationError,
        JobSpecError,
        ReportError,
    )
    from evalhub.models.card import CapabilityEvalEntry, EvalCardMetadata, SafetyEvalEntry
    from evalhub.models.event import JobStatusUpdate
    from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec, OCICoordinates
    from evalhub.models.result import EvaluationResult, JobResults, MetricSchema, ResultType
    from evalhub.models.spec import JobSpec, ModelConfig
    from evalhub.models.state import ErrorInfo, JobPhase, JobStatus, MessageInfo, MessageOrigin
    from evalhub.models.trajectory import TrajectoryScore
    from evalhub.oci import OCIArtifactPersister, OCILayoutPersister, Persister
    from evalhub.settings import AdapterSettings, MlflowBackend

__all__ = [
    "AdapterSettings",
    "ArtifactError",
    "BenchmarkError",
    "CapabilityEvalEntry",
    "CollectedRecord",
    "CollectionManifest",
    "CollectorConfig",
    "CollectorError",
    "CollectorProtocol",
    "ConfigurationError",
    "DefaultCallbacks",
    "EnvironmentCardMetadata",
    "ErrorInfo",
    "EvalCardMetadata",
    "EvalTracer",
    "EvaluationResult",
    "FrameworkAdapter",
    "JobCallbacks",
    "JobCancelled",
    "JobPhase",
    "JobResults",
    "JobSpec",
    "JobSpecError",
    "JobStatus",
    "JobStatusUpdate",
    "LiveQuestion",
    "MessageInfo",
    "MessageOrigin",
    "MetricSchema",
    "MlflowBackend",
    "ModelConfig",
    "ModelCredentials",
    "OCIArtifactPersister",
    "OCIArtifactResult",
    "OCIArtifactSpec",
    "OCICoordinates",
    "OCILayoutPersister",
    "Persister",
    "ReportError",
    "ResultType",
    "SafetyEvalEntry",
    "TrajectoryScore",
    "clear_log_job_context",
    "collect_responses",
    "collect_responses_from_parameters",
    "configure_telemetry",
    "extract_by_path",
    "get_job_spec_path",
    "is_collection_configured",
    "load_questions",
    "read_model_auth_key",
    "resolve_model_credentials",
    "run",
    "set_log_job_context",
    "substitute_template",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub.adapter.base": ("FrameworkAdapter",),
        "evalhub.adapter.callbacks": ("DefaultCallbacks", "JobCallbacks"),
        "evalhub.adapter.credentials": (
            "ModelCredentials",
            "read_model_auth_key",
            "resolve_model_credentials",
        ),
        "evalhub.adapter.environment": ("EnvironmentCardMetadata",),
        "evalhub.adapter._run.failure": ("JobCancelled",),
        "evalhub.adapter.collector": (
            "CollectedRecord",
            "CollectionManifest",
            "CollectorConfig",
            "CollectorProtocol",
            "LiveQuestion",
            "collect_responses",
            "collect_responses_from_parameters",
            "extract_by_path",
            "is_collection_configured",
            "load_questions",
            "substitute_template",
        ),
        "evalhub.adapter.config": ("get_job_spec_path",),
        "evalhub.oci": ("OCIArtifactPersister", "OCILayoutPersister", "Persister"),
        "evalhub.adapter._run.runner": ("run",),
        "evalhub.adapter.telemetry": (
            "EvalTracer",
            "clear_log_job_context",
            "configure_telemetry",
            "set_log_job_context",
        ),
        "evalhub.errors": (
            "ArtifactError",
            "BenchmarkError",
            "CollectorError",
            "ConfigurationError",
            "JobSpecError",
            "ReportError",
        ),
        "evalhub.models.card": ("CapabilityEvalEntry", "EvalCardMetadata", "SafetyEvalEntry"),
        "evalhub.models.event": ("JobStatusUpdate",),
        "evalhub.models.oci": ("OCIArtifactResult", "OCIArtifactSpec", "OCICoordinates"),
        "evalhub.models.result": ("EvaluationResult", "JobResults", "MetricSchema", "ResultType"),
        "evalhub.models.spec": ("JobSpec", "ModelConfig"),
        "evalhub.models.state": (
            "ErrorInfo",
            "JobPhase",
            "JobStatus",
            "MessageInfo",
            "MessageOrigin",
        ),
        "evalhub.models.trajectory": ("TrajectoryScore",),
        "evalhub.settings": ("AdapterSettings", "MlflowBackend"),
    },
)
