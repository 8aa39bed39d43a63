"""Compatibility: names that adapters of 1.x import from modules that do not define them."""

from __future__ import annotations

__all__ = ["FROM_CALLBACKS"]

FROM_CALLBACKS = {
    "evalhub.adapter.base": ("FrameworkAdapter",),
    "evalhub.adapter.environment": ("EnvironmentCardMetadata",),
    "evalhub.adapter.mlflow": ("Metric", "MlflowArtifact", "MlflowFileArtifact", "Param"),
    "evalhub.adapter.telemetry": ("EvalTracer",),
    "evalhub.models.oci": ("OCIArtifactResult", "OCIArtifactSpec"),
    "evalhub.models.result": ("EvaluationResult", "JobResults"),
    "evalhub.models.spec": ("JobSpec", "PrimaryScore"),
    "evalhub.models.state": ("ErrorInfo",),
    "evalhub.oci": ("DEFAULT_OCI_PROXY_HOST", "OCIArtifactContext", "OCIArtifactPersister"),
    "evalhub.settings": ("EvalHubMode", "MlflowBackend"),
}
"""Names of `evalhub.adapter.callbacks`, by the modules that define them."""
