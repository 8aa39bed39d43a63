"""EvalHub SDK: bring any evaluation framework to EvalHub, and use the service from Python.

- `evalhub.adapter`: write an adapter with one method, `FrameworkAdapter.run_benchmark_job`
- `evalhub.client`: submit jobs, wait for them, read their scores
- `evalhub.models`: the documents that travel between the two
- `evalhub.errors`: every exception, one tree
- `evalhub.testing`: test adapters and clients without a cluster
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub._version import __version__
    from evalhub.client import (
        AsyncEvalHubClient,
        EvalHubClient,
        JobLogOptions,
        JobLogUpdate,
        SyncEvalHubClient,
    )
    from evalhub.errors import (
        APIError,
        BenchmarkError,
        ConfigurationError,
        EvalHubError,
        TransportError,
        WaitTimeoutError,
    )
    from evalhub.models import (
        BenchmarkConfig,
        BenchmarkInfo,
        CollectionRef,
        ErrorResponse,
        EvaluationExports,
        EvaluationExportsOCI,
        EvaluationJob,
        EvaluationOCIResults,
        EvaluationRequest,
        EvaluationResponse,
        EvaluationResult,
        EvaluationStatus,
        ExperimentConfig,
        ExperimentTag,
        FrameworkInfo,
        HealthResponse,
        JobStatus,
        JobSubmissionRequest,
        ModelConfig,
        OCIArtifactReference,
        OCIConnectionConfig,
        OCICoordinates,
        OCIProcessingStatus,
        OCISigningConfig,
        OCISigningResult,
        PassCriteria,
        PrimaryScore,
    )

__all__ = [
    "APIError",
    "AsyncEvalHubClient",
    "BenchmarkConfig",
    "BenchmarkError",
    "BenchmarkInfo",
    "CollectionRef",
    "ConfigurationError",
    "ErrorResponse",
    "EvalHubClient",
    "EvalHubError",
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
    "FrameworkInfo",
    "HealthResponse",
    "JobLogOptions",
    "JobLogUpdate",
    "JobStatus",
    "JobSubmissionRequest",
    "ModelConfig",
    "OCIArtifactReference",
    "OCIConnectionConfig",
    "OCICoordinates",
    "OCIProcessingStatus",
    "OCISigningConfig",
    "OCISigningResult",
    "PassCriteria",
    "PrimaryScore",
    "SyncEvalHubClient",
    "TransportError",
    "WaitTimeoutError",
    "__version__",
]

_CLIENT = (
    "AsyncEvalHubClient",
    "EvalHubClient",
    "JobLogOptions",
    "JobLogUpdate",
    "SyncEvalHubClient",
)
_ERRORS = (
    "APIError",
    "BenchmarkError",
    "ConfigurationError",
    "EvalHubError",
    "TransportError",
    "WaitTimeoutError",
)

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub._version": ("__version__",),
        "evalhub.client": _CLIENT,
        "evalhub.errors": _ERRORS,
        "evalhub.models": sorted({*__all__} - {*_CLIENT, *_ERRORS, "__version__"}),
    },
)
