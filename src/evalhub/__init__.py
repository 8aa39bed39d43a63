"""EvalHub SDK: bring any evaluation framework to EvalHub, and use the service from Python.

- `evalhub.adapter`: write an adapter with one method, `FrameworkAdapter.run_benchmark_job`
- `evalhub.client`: submit jobs, wait for them, read their scores
- `evalhub.analysis`: compare jobs, gate pipelines, follow benchmarks
- `evalhub.report`: pages, Markdown and JUnit made of jobs
- `evalhub.models`: the documents that travel between service, client and adapter
- `evalhub.errors`: every exception, one tree
- `evalhub.testing`: test adapters and clients without a cluster
"""

from __future__ import annotations

from evalhub._lazy import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub._version": ("__version__",),
        "evalhub.client": (
            "AsyncEvalHubClient",
            "EvalHubClient",
            "JobLogOptions",
            "JobLogUpdate",
            "SyncEvalHubClient",
        ),
        "evalhub.client.progress": ("progress",),
        "evalhub.errors": (
            "APIError",
            "ArtifactError",
            "AuthenticationError",
            "BadRequestError",
            "BenchmarkError",
            "CollectorError",
            "ConfigurationError",
            "ConflictError",
            "EvalHubError",
            "JobCanNotBeCancelledError",
            "JobNotFoundError",
            "JobSpecError",
            "JobSpecNotFoundError",
            "MLflowAPIError",
            "MissingExtraError",
            "NotFoundError",
            "PermissionDeniedError",
            "RateLimitError",
            "ReportError",
            "RequestTooLargeError",
            "ResponseError",
            "ServerError",
            "ServiceTooOldError",
            "TransportError",
            "TransportTimeoutError",
            "UnprocessableError",
            "WaitTimeoutError",
        ),
        "evalhub.models": (
            "Agent",
            "AudioSource",
            "BenchmarkConfig",
            "BenchmarkInfo",
            "CollectionRef",
            "ContentPart",
            "ErrorResponse",
            "EvaluationExports",
            "EvaluationExportsOCI",
            "EvaluationJob",
            "EvaluationOCIResults",
            "EvaluationRequest",
            "EvaluationResponse",
            "EvaluationResult",
            "EvaluationStatus",
            "ExperimentConfig",
            "ExperimentTag",
            "FinalMetrics",
            "FrameworkInfo",
            "HealthResponse",
            "ImageSource",
            "JobStatus",
            "JobSubmissionRequest",
            "Metrics",
            "ModelConfig",
            "OCIArtifactReference",
            "OCIConnectionConfig",
            "OCICoordinates",
            "OCIProcessingStatus",
            "OCISigningConfig",
            "OCISigningResult",
            "Observation",
            "ObservationResult",
            "PassCriteria",
            "PrimaryScore",
            "Step",
            "SubagentTrajectoryRef",
            "ToolCall",
            "Trajectory",
            "TrajectoryScore",
        ),
    },
)
