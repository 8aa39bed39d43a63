"""One benchmark of a job or a collection: how it runs, on which data, and how it is judged."""

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
    """When a score is good enough."""

    threshold: Annotated[float | None, on_build(_check_threshold)]
    """The score to reach (or to stay under, where lower is better). The service keeps it as a
    32-bit float, and stores `null` where an unvalidated patch took it away."""


class QueueConfig(Model):
    """The Kueue queue that a job waits in."""

    name: DNSLabel
    kind: str | None = None


class ResourceQuantity(Model):
    """A Kubernetes quantity, such as `500m` or `4Gi`."""

    request: str | None = None
    limit: str | None = None


class GPUConfig(Model):
    """Accelerators: which, and how many."""

    name: str | None = None
    count: Annotated[int | None, on_build(at_least(1))] = None


class HardwareConfig(Model):
    """What the pod of a benchmark gets: a named profile, or the quantities themselves.

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
            raise ValueError("give either hardware_profile_name or queue, cpu, memory, gpu")
        return self


class TestDataType(OpenEnum):
    """What the test data are."""

    __test__ = False  # pytest collects classes by this name

    DATA_SET = "data_set"
    """Questions that the model is asked."""

    PRE_RECORDED_DATA = "pre_recorded_data"
    """Answers that the model has given already: it is not asked, and needs no URL."""


class S3TestDataRef(Model):
    """Test data in a bucket."""

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
    """Test data in a git repository that the cluster can reach from outside of it."""

    url: str
    ref: NotBlank
    """Branch, tag or commit."""

    sub_path: str | None = None
    secret_ref: DNSLabel | None = None
    """Secret with credentials; only ever used over https."""

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if not is_reading():
            check_url(self.url, schemes=("https",) if self.secret_ref else ("http", "https"))
        return self


class HFTestDataRef(Model):
    """Test data in a repository of the Hugging Face hub."""

    repo_id: NotBlank
    revision: str | None = None
    sub_path: str | None = None
    secret_ref: DNSLabel | None = None


def _check_resolved_sha(value: str | None) -> None:
    if value is not None:
        raise ValueError("is read-only: the service sets it to the commit that was fetched")


class TestDataRef(Model):
    """Where the service fetches test data from before the adapter starts: exactly one source."""

    __test__ = False  # pytest collects classes by this name

    s3: S3TestDataRef | None = None
    pvc: PVCTestDataRef | None = None
    git: GitTestDataRef | None = None
    hf: HFTestDataRef | None = None
    type: TestDataType | None = None
    resolved_sha: Annotated[str | None, on_build(_check_resolved_sha)] = None
    """Commit that was fetched; set by the service."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = (self.s3, self.pvc, self.git, self.hf)
        if not is_reading() and len([source for source in sources if source]) != 1:
            raise ValueError("give exactly one of s3, pvc, git, hf")
        return self


def _num_examples_arrives(parameters: dict[str, Any]) -> None:
    number = parameters.get("num_examples")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
        kind = type(number).__name__
        raise ValueError(f"num_examples must be a number, not {kind}")


class BenchmarkConfig(Model):
    """One benchmark of a job, and how it runs in it."""

    id: NotBlank
    provider_id: NotBlank
    parameters: Annotated[dict[str, Any], on_build(_num_examples_arrives)] = Field(
        default_factory=dict
    )
    """Handed to the adapter as they are, but for `num_examples`: the service moves it to a field
    of the job specification if it is a number, and drops anything else."""

    weight: Annotated[float | None, on_build(at_least(0))] = None
    """Share in the job's score; absent and 0 count as 1."""

    primary_score: PrimaryScore | None = None
    """The metric that is judged. Give `pass_criteria` with it: the provider's threshold is used
    only with the provider's metric."""

    pass_criteria: PassCriteria | None = None
    hardware_config: HardwareConfig | None = None
    test_data_ref: TestDataRef | None = None
