"""The names published adapters import from here; each has its home elsewhere."""

from evalhub.adapter.base import FrameworkAdapter
from evalhub.adapter.callbacks import JobCallbacks
from evalhub.adapter.environment import EnvironmentCardMetadata
from evalhub.models.card import CapabilityEvalEntry, EvalCardMetadata, SafetyEvalEntry
from evalhub.models.event import JobStatusUpdate
from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec, OCICoordinates
from evalhub.models.result import EvaluationResult, JobResults, MetricSchema
from evalhub.models.spec import JobSpec, ModelConfig
from evalhub.models.state import ErrorInfo, JobPhase, JobStatus, MessageInfo, MessageOrigin

__all__ = [
    "CapabilityEvalEntry",
    "EnvironmentCardMetadata",
    "ErrorInfo",
    "EvalCardMetadata",
    "EvaluationResult",
    "FrameworkAdapter",
    "JobCallbacks",
    "JobPhase",
    "JobResults",
    "JobSpec",
    "JobStatus",
    "JobStatusUpdate",
    "MessageInfo",
    "MessageOrigin",
    "MetricSchema",
    "ModelConfig",
    "OCIArtifactResult",
    "OCIArtifactSpec",
    "OCICoordinates",
    "SafetyEvalEntry",
]
