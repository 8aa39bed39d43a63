"""Every answer behind a score, read from a job's artifact, a layout, a folder or a file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evalhub.errors import ArtifactError
from evalhub.models._samples.files import iter_samples, read_manifest, sample_files
from evalhub.models.sample import Sample, SampleManifest

if TYPE_CHECKING:
    from evalhub.models.job import EvaluationJob

__all__ = [
    "Sample",
    "SampleManifest",
    "iter_samples",
    "pull_samples",
    "read_manifest",
    "read_samples",
    "reference_of",
    "sample_files",
]


def read_samples(source: Path | str, **registry: Any) -> list[Sample]:
    """Return the samples of a file, a folder or an artifact.

    Files of lm-eval, inspect, garak and guidellm are converted.

    Args:
        source: A path, or a reference: `host/repository:tag@sha256:...`, `oci:PATH:tag`.
        registry: What `evalhub.oci.pull` takes to reach the registry.

    Raises:
        ArtifactError: There are none, or what is there cannot be read.
    """
    if isinstance(source, Path) or Path(source).exists():
        return list(iter_samples(source))
    return pull_samples(source, **registry)


def pull_samples(reference: str, **registry: Any) -> list[Sample]:
    """Pull an artifact to a temporary folder and return the samples in it.

    Args:
        reference: `host/repository:tag@sha256:...`, or `oci:PATH:tag@sha256:...`.
        registry: What `evalhub.oci.pull` takes to reach the registry.

    Raises:
        ArtifactError: It cannot be had, or holds no samples.
    """
    from evalhub.oci import pull

    with TemporaryDirectory(prefix="evalhub-samples-") as folder:
        pull(reference, folder, **registry)
        return list(iter_samples(folder))


def reference_of(
    job: EvaluationJob,
    benchmark_id: str | None = None,
    *,
    provider_id: str | None = None,
    index: int | None = None,
) -> str:
    """Return the reference of the artifact that a benchmark of a job has stored.

    Raises:
        ArtifactError: The benchmark has no result, or stored no artifact.
        ConfigurationError: Several benchmarks match.
    """
    result = job.result(benchmark_id, provider_id=provider_id, index=index)
    name = benchmark_id or "the benchmark"
    if result is None:
        raise ArtifactError(f"{name} of job {job.id} has no result: the job is {job.state}")
    reference = result.artifacts.get("oci_reference")
    if not isinstance(reference, str):
        raise ArtifactError(f"{name} of job {job.id} has stored no artifact, and so no samples")
    return reference
