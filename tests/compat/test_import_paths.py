"""Paths and names that published adapters and scripts import."""

from __future__ import annotations

from importlib import import_module

import pytest

PATHS = {
    "evalhub": """
        AsyncEvalHubClient BenchmarkConfig CollectionRef EvalHubClient EvaluationExports
        EvaluationExportsOCI EvaluationJob EvaluationResult ExperimentConfig ExperimentTag
        FrameworkInfo JobStatus JobSubmissionRequest ModelConfig OCIConnectionConfig OCICoordinates
        SyncEvalHubClient
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
        OCICoordinates SafetyEvalEntry clear_log_job_context configure_telemetry get_job_spec_path
        read_model_auth_key resolve_model_credentials set_log_job_context
        """,
    "evalhub.adapter.auth": """
        AdapterSettings EvalHubMode JobSpec ModelCredentials get_job_spec_path read_model_auth_key
        resolve_model_credentials
        """,
    "evalhub.adapter.collector": """
        CollectedRecord CollectionManifest CollectorConfig CollectorError CollectorProtocol
        LiveQuestion collect_responses collect_responses_from_parameters extract_by_path
        is_configured load_questions substitute_template
        """,
    "evalhub.adapter.callbacks": """
        DEFAULT_OCI_PROXY_HOST DefaultCallbacks EnvironmentCardMetadata ErrorInfo EvalHubMode
        EvalTracer EvaluationResult FrameworkAdapter JobCallbacks JobPhase JobResults JobSpec
        JobStatus JobStatusUpdate MessageInfo MessageOrigin Metric MlflowArtifact MlflowBackend
        MlflowFileArtifact OCIArtifactContext OCIArtifactPersister OCIArtifactResult
        OCIArtifactSpec Param PrimaryScore
        """,
    "evalhub.adapter.config": """
        DEFAULT_JOB_SPEC_PATH_K8S DEFAULT_JOB_SPEC_PATH_LOCAL EvalHubMode JOB_SPEC_PATH_ENV
        MlflowBackend get_job_spec_path
        """,
    "evalhub.adapter.examples": "ExampleAdapter",
    "evalhub.adapter.mlflow": """
        ArtifactInfo Experiment MLflowAPIError Metric MlflowArtifact MlflowBackend MlflowClient
        MlflowFileArtifact Param RunInfo SpanInfo Trace TraceInfo TracesNamespace
        sanitize_metric_key_for_api
        """,
    "evalhub.adapter.models": """
        ErrorInfo EvaluationResult FrameworkAdapter JobCallbacks JobPhase JobResults JobSpec
        JobStatus JobStatusUpdate MessageInfo MessageOrigin ModelConfig OCIArtifactResult
        OCIArtifactSpec
        """,
    "evalhub.adapter.models.adapter": """
        EvalHubMode FrameworkAdapter JobCallbacks JobResults JobSpec
        """,
    "evalhub.adapter.models.cards": """
        CapabilityEvalEntry EnvironmentCardMetadata EvalCardMetadata SafetyEvalEntry
        """,
    "evalhub.adapter.models.job": """
        EnvironmentCardMetadata ErrorInfo EvalCardMetadata EvaluationResult JobCallbacks JobPhase
        JobResults JobSpec JobStatus JobStatusUpdate MessageInfo OCIArtifactResult OCIArtifactSpec
        """,
    "evalhub.adapter.oci": """
        DEFAULT_OCI_PROXY_HOST OCIArtifactContext OCIArtifactPersister default_tag_hasher
        """,
    "evalhub.adapter.oci.persister": """
        DEFAULT_OCI_PROXY_HOST OCIArtifactContext OCIArtifactPersister OCIArtifactResult
        OCIArtifactSpec OCI_ANNOTATION_BENCHMARK_ID OCI_ANNOTATION_JOB_ID
        OCI_ANNOTATION_PROVIDER_ID OCI_ARTIFACT_TYPE default_tag_hasher
        """,
    "evalhub.adapter.settings": """
        AdapterSettings DEFAULT_JOB_SPEC_PATH_K8S DEFAULT_JOB_SPEC_PATH_LOCAL EvalHubMode
        JOB_SPEC_PATH_ENV MlflowBackend
        """,
    "evalhub.adapter.telemetry": """
        EvalTracer clear_log_job_context configure_telemetry set_log_job_context
        """,
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
        EvaluationExportsOCI EvaluationJob EvaluationJobFilesLocation EvaluationJobState
        EvaluationRequest EvaluationResult ExperimentConfig ExperimentTag GitTestDataRef
        HFTestDataRef JobStatus JobSubmissionRequest MessageInfo MetricSchema ModelAuth ModelConfig
        OCIConnectionConfig OCICoordinates OCI_ANNOTATION_BENCHMARK_ID OCI_ANNOTATION_JOB_ID
        OCI_ANNOTATION_PROVIDER_ID OCI_ARTIFACT_TYPE PVCTestDataRef PassCriteria PersistResponse
        Provider ProviderCreateRequest QueueConfig ResultType S3TestDataRef TestDataRef
        """,
}


def pairs(paths: dict[str, str]) -> list[tuple[str, str]]:
    return [(path, name) for path, names in paths.items() for name in names.split()]


@pytest.mark.parametrize("path", PATHS)
def test_names_are_there(path):
    module = import_module(path)

    assert [name for name in PATHS[path].split() if getattr(module, name, None) is None] == []


def test_one_thing_has_one_identity_by_whatever_path():
    homes: dict[str, set[int]] = {}
    for path, name in pairs(PATHS):
        homes.setdefault(name, set()).add(id(getattr(import_module(path), name)))

    assert {name for name, objects in homes.items() if len(objects) > 1} == set()


def test_values_of_names_are_those_of_1_0():
    config = import_module("evalhub.adapter.config")
    persister = import_module("evalhub.adapter.oci.persister")
    api = import_module("evalhub.models.api")

    assert config.DEFAULT_JOB_SPEC_PATH_K8S == "/meta/job.json"
    assert config.DEFAULT_JOB_SPEC_PATH_LOCAL == "meta/job.json"
    assert config.JOB_SPEC_PATH_ENV == "EVALHUB_JOB_SPEC_PATH"
    assert persister.OCI_ARTIFACT_TYPE == "application/vnd.eval-hub.github.io"
    assert persister.OCI_ANNOTATION_JOB_ID == "io.github.eval-hub.job_id"
    stored = api.PersistResponse(id="j", oci_ref="h/r@sha256:1", digest="sha256:1", files_count=2)
    assert stored.metadata == {}
    assert api.EvaluationJobFilesLocation(id="j").path is None
    assert api.EvaluationJobState(state="running").message is None


def test_a_name_that_was_never_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"callbacks' has no attribute 'nothing'"):
        _ = import_module("evalhub.adapter.callbacks").nothing
