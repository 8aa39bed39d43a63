"""Names that scripts and adapters import. Taking one away breaks somebody."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

from evalhub import models
from evalhub.models import api

NAMES = """
AgentMetadata Benchmark BenchmarkAgentMetadata BenchmarkConfig BenchmarkInfo BenchmarkReference
BenchmarkResult BenchmarkStatus BenchmarkStatusEvent BenchmarkTest BenchmarksList
CapabilityEvalEntry Collection CollectionCloneRequest CollectionCreateRequest
CollectionFile CollectionList CollectionRef CollectionStatus CollectionUpdateRequest
EnvVar EnvironmentCard ErrorInfo ErrorResponse EvalCardMetadata EvaluationExports
EvaluationExportsOCI EvaluationJob EvaluationJobResource EvaluationJobResults EvaluationJobStatus
EvaluationOCIResults EvaluationRequest EvaluationResponse EvaluationResult EvaluationStatus
EvaluationTest ExperimentConfig ExperimentTag FrameworkInfo GPUConfig GitTestDataRef HFTestDataRef
HRef HardwareConfig HealthResponse ImagePullPolicy JobPhase JobResults JobSpec JobSpecExports
JobSpecExportsOCI JobStatus JobStatusUpdate JobSubmissionRequest JobsList K8sGPU K8sRuntime
LocalRuntime MessageInfo MessageOrigin MetricSchema ModelAuth ModelConfig OCIArtifactFile
OCIArtifactReference OCIArtifactResult OCIArtifactSpec OCIConnectionConfig OCICoordinates
OCIProcessingStatus OCISigningConfig OCISigningResult PVCTestDataRef Page PassCriteria PatchOp
PatchOperation PrimaryScore Provider ProviderCreateRequest ProviderFile ProviderList
ProviderUpdateRequest QueueConfig Resource ResourceQuantity ResultType Runtime S3TestDataRef
SafetyEvalEntry Sample SampleManifest SampleTokens Score ScoreRange StatusEvent TargetType
TestDataRef TestDataType
""".split()  # noqa: SIM905 - a hundred names read better without quotes
PRIVATE = {"_base", "_samples", "api", "rules"}


def test_the_names_are_these():
    assert sorted(models.__all__) == sorted(NAMES)
    assert sorted(api.__all__) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_both_paths_give_the_same_thing(name):
    assert getattr(api, name) is getattr(models, name)


def test_what_a_module_publishes_the_package_publishes():
    published = {
        name
        for module in pkgutil.iter_modules(models.__path__)
        if module.name not in PRIVATE
        for name in importlib.import_module(f"evalhub.models.{module.name}").__all__
    }

    assert published == set(NAMES)


@pytest.mark.parametrize("module", [models, api])
def test_a_name_that_is_not_there_is_an_attribute_error(module):
    with pytest.raises(
        AttributeError, match=f"module '{module.__name__}' has no attribute 'Modle'"
    ):
        _ = module.Modle


def test_importing_the_package_imports_no_model():
    code = "import sys, evalhub.models, evalhub.models.api; print('pydantic' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
