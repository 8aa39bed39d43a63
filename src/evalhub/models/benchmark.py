"""One benchmark of a job or a collection: parameters, test data, pass criteria, hardware."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from evalhub.models._base import Model, OpenEnum, is_reading, on_build
from evalhub.models.rules import DNSLabel, NotBlank, at_least, check_url
from evalhub.models.spec import PrimaryScore

__all__ = [
    "BenchmarkConfig",
    "GPUConfig",
    "GitTestDataRef",
    "HFTestDataRef",
    "HardwareConfig",
    "PVCTestDataRef",
    "PassCriteria",
    "QueueConfig",
    "ResourceQuantity",
    "S3TestDataRef",
    "TestDataRef",
    "TestDataType",
]


def _check_threshold(threshold: float | None) -> None:
    if threshold is None:
        raise ValueError("must be a number")


class PassCriteria(Model):
    """The threshold of a score."""

    threshold: Annotated[float | None, on_build(_check_threshold)]
    """The score to reach, or not to exceed if lower is better. The service stores a 32-bit float,
    or `null` after a patch that removed it."""


class QueueConfig(Model):
    """The Kueue queue of a job."""

    name: DNSLabel
    kind: str | None = None


class ResourceQuantity(Model):
    """A Kubernetes quantity, such as `500m` or `4Gi`."""

    request: str | None = None
    limit: str | None = None


class GPUConfig(Model):
    """Accelerators: name and number."""

    name: str | None = None
    count: Annotated[int | None, on_build(at_least(1))] = None


class HardwareConfig(Model):
    """Hardware of a benchmark's pod: a named profile, or quantities.

    A service in local mode ignores it.
    """

    hardware_profile_name: DNSLabel | None = None
    queue: QueueConfig | None = None
    cpu: ResourceQuantity | None = None
    memory: ResourceQuantity | None = None
    gpu: GPUConfig | None = None

    @model_validator(mode="after")
    def _profile_or_quantities(self) -> Self:
        quantities = (self.queue, self.cpu, self.memory, self.gpu)
        mixed = self.hardware_profile_name is not None and quantities != (None,) * len(quantities)
        if mixed and not is_reading():
            raise ValueError(
                "set either hardware_profile_name or queue, cpu, memory, gpu, not both"
            )
        return self


class TestDataType(OpenEnum):
    """Kind of the test data."""

    __test__ = False  # pytest collects classes whose name starts like this

    DATA_SET = "data_set"
    """Questions for the model."""

    PRE_RECORDED_DATA = "pre_recorded_data"
    """Recorded answers of the model: it is not called, and needs no URL."""


class S3TestDataRef(Model):
    """Test data in an S3 bucket."""

    bucket: NotBlank
    key: NotBlank
    """Prefix of the objects."""

    secret_ref: NotBlank
    """Secret with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_DEFAULT_REGION` and
    `AWS_S3_ENDPOINT`."""


class PVCTestDataRef(Model):
    """Test data on a persistent volume."""

    claim_name: DNSLabel
    sub_path: str | None = None


class GitTestDataRef(Model):
    """Test data in a git repository outside the cluster."""

    url: str
    ref: NotBlank
    """Branch, tag or commit."""

    sub_path: str | None = None
    secret_ref: DNSLabel | None = None
    """Secret with credentials; requires an https URL."""

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if not is_reading():
            check_url(self.url, schemes=("https",) if self.secret_ref else ("http", "https"))
        return self


class HFTestDataRef(Model):
    """Test data in a repository of the Hugging Face Hub."""

    repo_id: NotBlank
    revision: str | None = None
    sub_path: str | None = None
    secret_ref: DNSLabel | None = None


class TestDataRef(Model):
    """The source from which the service fetches test data before the adapter starts."""

    __test__ = False  # pytest collects classes whose name starts like this

    s3: S3TestDataRef | None = None
    pvc: PVCTestDataRef | None = None
    git: GitTestDataRef | None = None
    hf: HFTestDataRef | None = None
    type: TestDataType | None = None
    resolved_sha: str | None = None
    """The commit that was fetched; set by the service, and left out of a submission."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = (self.s3, self.pvc, self.git, self.hf)
        if not is_reading() and len([source for source in sources if source]) != 1:
            raise ValueError("set exactly one of s3, pvc, git, hf")
        return self


def _check_num_examples(parameters: dict[str, Any]) -> None:
    number = parameters.get("num_examples")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
        kind = type(number).__name__
        raise ValueError(f"num_examples must be a number, not {kind}")


class BenchmarkConfig(Model):
    """One benchmark of a job, with its parameters."""

    id: NotBlank
    provider_id: NotBlank
    parameters: Annotated[dict[str, Any], on_build(_check_num_examples)] = Field(
        default_factory=dict
    )
    """Passed to the adapter unchanged, except for `num_examples`: the service moves a number to a
    field of the job specification, and drops anything else."""

    weight: Annotated[float | None, on_build(at_least(0))] = None
    """Weight in the job's score; absent or 0 counts as 1."""

    primary_score: PrimaryScore | None = None
    """The metric compared with the threshold. Set `pass_criteria` with it: the provider's threshold
    applies only to the provider's metric."""

    pass_criteria: PassCriteria | None = None
    hardware_config: HardwareConfig | None = None
    test_data_ref: TestDataRef | None = None
