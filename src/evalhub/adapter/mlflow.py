"""MLflow: save the results of a benchmark as a run, and a client of the tracking server."""

from evalhub.adapter._mlflow.client import MlflowClient
from evalhub.adapter._mlflow.names import sanitize as sanitize_metric_key_for_api
from evalhub.adapter._mlflow.records import (
    ArtifactInfo,
    Experiment,
    Metric,
    MlflowArtifact,
    MlflowFileArtifact,
    Param,
    RunInfo,
    SpanInfo,
    Trace,
    TraceInfo,
)
from evalhub.adapter._mlflow.save import MlflowSaver, NoMlflow
from evalhub.adapter._mlflow.traces import TracesNamespace
from evalhub.errors import MLflowAPIError
from evalhub.settings import MlflowBackend

__all__ = [
    "ArtifactInfo",
    "Experiment",
    "MLflowAPIError",
    "Metric",
    "MlflowArtifact",
    "MlflowBackend",
    "MlflowClient",
    "MlflowFileArtifact",
    "MlflowSaver",
    "NoMlflow",
    "Param",
    "RunInfo",
    "SpanInfo",
    "Trace",
    "TraceInfo",
    "TracesNamespace",
    "sanitize_metric_key_for_api",
]
