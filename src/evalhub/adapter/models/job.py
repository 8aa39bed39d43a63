"""The names published adapters import from here; each has its home elsewhere."""

from evalhub.adapter.callbacks import JobCallbacks
from evalhub.adapter.environment import EnvironmentCardMetadata
from evalhub.models.card import EvalCardMetadata
from evalhub.models.event import JobStatusUpdate
from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec, OCICoordinates
from evalhub.models.result import EvaluationResult, JobResults, MetricSchema
from evalhub.models.spec import (
    JobSpec,
    JobSpecExports,
    JobSpecExportsOCI,
    ModelConfig,
    PrimaryScore,
)
from evalhub.models.state import ErrorInfo, JobPhase, JobStatus, MessageInfo, MessageOrigin

__all__ = [
    "EnvironmentCardMetadata",
    "ErrorInfo",
    "EvalCardMetadata",
    "EvaluationResult",
    "JobCallbacks",
    "JobPhase",
    "JobResults",
    "JobSpec",
    "JobSpecExports",
    "JobSpecExportsOCI",
    "JobStatus",
    "JobStatusUpdate",
    "MessageInfo",
    "MessageOrigin",
    "MetricSchema",
    "ModelConfig",
    "OCIArtifactResult",
    "OCIArtifactSpec",
    "OCICoordinates",
    "PrimaryScore",
]
