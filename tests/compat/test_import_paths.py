"""Paths and names that published adapters and scripts import."""

from __future__ import annotations

from importlib import import_module

import pytest

PATHS = {
    "evalhub": """
        AsyncEvalHubClient BenchmarkConfig CollectionRef EvalHubClient EvaluationExports
        EvaluationExportsOCI EvaluationJob EvaluationResult ExperimentConfig ExperimentTag JobStatus
        JobSubmissionRequest ModelConfig OCIConnectionConfig OCICoordinates SyncEvalHubClient
        """,
    "evalhub.atif": """
        Agent AudioSource ContentPart FinalMetrics ImageSource Metrics Observation
        ObservationResult Step SubagentTrajectoryRef ToolCall Trajectory
        """,
    "evalhub.models.atif": """
        Agent AudioSource ContentPart FinalMetrics ImageSource Metrics Observation
        ObservationResult Step SubagentTrajectoryRef ToolCall Trajectory
        """,
    "evalhub.models.atif.content": "AudioMediaType AudioMediaTypeInput",
    "evalhub.adapter": """
        CollectedRecord CollectionManifest CollectorConfig CollectorError CollectorProtocol
        LiveQuestion collect_responses collect_responses_from_parameters extract_by_path
        is_collection_configured load_questions substitute_template
        AdapterSettings CapabilityEvalEntry DefaultCallbacks EnvironmentCardMetadata ErrorInfo
        EvalCardMetadata EvalTracer EvaluationResult FrameworkAdapter JobCallbacks JobPhase
        JobResults JobSpec JobStatus JobStatusUpdate MessageInfo MessageOrigin MlflowBackend
        ModelConfig ModelCredentials OCIArtifactPersister OCIArtifactResult OCIArtifactSpec
        OCICoordinates SafetyEvalEntry configure_telemetry get_job_spec_path read_model_auth_key
        resolve_model_credentials
        """,
    "evalhub.adapter.auth": "ModelCredentials read_model_auth_key resolve_model_credentials",
    "evalhub.adapter.collector": """
        CollectedRecord CollectionManifest CollectorConfig CollectorError CollectorProtocol
        LiveQuestion collect_responses collect_responses_from_parameters extract_by_path
        is_configured load_questions substitute_template
        """,
    "evalhub.adapter.callbacks": "DefaultCallbacks JobCallbacks",
    "evalhub.adapter.config": "EvalHubMode MlflowBackend",
    "evalhub.adapter.examples": "ExampleAdapter",
    "evalhub.adapter.mlflow": "MlflowArtifact MlflowClient MlflowFileArtifact",
    "evalhub.adapter.models": """
        ErrorInfo EvaluationResult FrameworkAdapter JobCallbacks JobPhase JobResults JobSpec
        JobStatus JobStatusUpdate MessageInfo MessageOrigin ModelConfig OCIArtifactResult
        OCIArtifactSpec
        """,
    "evalhub.adapter.models.cards": """
        CapabilityEvalEntry EnvironmentCardMetadata EvalCardMetadata SafetyEvalEntry
        """,
    "evalhub.adapter.models.job": """
        ErrorInfo EvaluationResult JobCallbacks JobPhase JobResults JobSpec JobStatus
        JobStatusUpdate MessageInfo OCIArtifactResult OCIArtifactSpec
        """,
    "evalhub.adapter.oci": """
        DEFAULT_OCI_PROXY_HOST OCIArtifactContext OCIArtifactPersister default_tag_hasher
        """,
    "evalhub.adapter.oci.persister": "OCIArtifactContext OCIArtifactPersister",
    "evalhub.adapter.settings": "AdapterSettings",
    "evalhub.adapter.telemetry": "EvalTracer configure_telemetry",
    "evalhub.client": """
        AsyncEvalHubClient ClientError EvalHubClient JobCanNotBeCancelledError JobLogOptions
        JobLogUpdate JobNotFoundError SyncEvalHubClient
        """,
    "evalhub.client.base": "ClientError JobCanNotBeCancelledError JobNotFoundError",
    "evalhub.client.job_logs": "JobLogOptions JobLogUpdate",
    "evalhub.models": """
        Benchmark BenchmarkConfig Collection CollectionCreateRequest CollectionRef EvaluationExports
        EvaluationExportsOCI EvaluationJob EvaluationResult ExperimentConfig ExperimentTag
        JobResults JobStatus JobSubmissionRequest MessageInfo MetricSchema ModelAuth ModelConfig
        OCIConnectionConfig OCICoordinates PassCriteria Provider ProviderCreateRequest QueueConfig
        ResultType TestDataRef
        """,
    "evalhub.models.api": """
        Benchmark BenchmarkConfig Collection CollectionCreateRequest CollectionRef EvaluationExports
        EvaluationExportsOCI EvaluationJob EvaluationRequest EvaluationResult ExperimentConfig
        ExperimentTag GitTestDataRef HFTestDataRef JobStatus JobSubmissionRequest MessageInfo
        MetricSchema ModelAuth ModelConfig OCIConnectionConfig OCICoordinates PVCTestDataRef
        PassCriteria Provider ProviderCreateRequest QueueConfig ResultType S3TestDataRef TestDataRef
        """,
}

PENDING = {
    "evalhub.adapter.mlflow": "TracesNamespace",
}
"""Names of later work: experiment tracking."""


def pairs(paths: dict[str, str]) -> list[tuple[str, str]]:
    return [(path, name) for path, names in paths.items() for name in names.split()]


@pytest.mark.parametrize("path", PATHS)
def test_names_are_there(path):
    module = import_module(path)

    assert [name for name in PATHS[path].split() if getattr(module, name, None) is None] == []


@pytest.mark.parametrize(("path", "name"), pairs(PENDING))
def test_pending_name_is_truly_absent(path, name):
    # One that exists by now belongs in the list above.
    with pytest.raises((ImportError, AttributeError)):
        getattr(import_module(path), name)


def test_one_thing_has_one_identity_by_whatever_path():
    homes: dict[str, set[int]] = {}
    for path, name in pairs(PATHS):
        homes.setdefault(name, set()).add(id(getattr(import_module(path), name)))

    assert {name for name, objects in homes.items() if len(objects) > 1} == set()
