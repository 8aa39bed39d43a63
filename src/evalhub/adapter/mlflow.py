"""MLflow: save the results of a benchmark as a run, and a client of the tracking server."""

from evalhub.adapter._mlflow.client import MlflowClient
from evalhub.adapter._mlflow.names import sanitize as sanitize_metric_key_for_api
from evalhub.adapter._mlflow.records import (
    Experiment,
    Metric,
    MLflowAPIError,
    MlflowArtifact,
    MlflowFileArtifact,
    Param,
    RunInfo,
)
from evalhub.adapter._mlflow.save import MlflowSaver, NoMlflow
from evalhub.settings import MlflowBackend

__all__ = [
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
    "sanitize_metric_key_for_api",
]
