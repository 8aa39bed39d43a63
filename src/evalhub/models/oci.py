"""Artifacts in an OCI registry: destination, content, result."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import AliasChoices, Field, model_validator

from evalhub.models._base import Model
from evalhub.models._two_names import TwoNames
from evalhub.models.card import EnvironmentCard, EvalCardMetadata

if TYPE_CHECKING:
    from evalhub.models.spec import JobSpec

__all__ = [
    "OCI_ANNOTATION_BENCHMARK_ID",
    "OCI_ANNOTATION_JOB_ID",
    "OCI_ANNOTATION_PROVIDER_ID",
    "OCI_ARTIFACT_TYPE",
    "OCIArtifactFile",
    "OCIArtifactResult",
    "OCIArtifactSpec",
    "OCICoordinates",
]

OCI_ARTIFACT_TYPE = "application/vnd.eval-hub.github.io"
OCI_ANNOTATION_JOB_ID = "io.github.eval-hub.job_id"
OCI_ANNOTATION_BENCHMARK_ID = "io.github.eval-hub.benchmark_id"
OCI_ANNOTATION_PROVIDER_ID = "io.github.eval-hub.provider_id"


class OCICoordinates(Model):
    """A repository and tag in a registry (`exports.oci.coordinates` of a job)."""

    oci_host: str
    """Registry host with an optional port; prefix it with `http://` for plain HTTP."""

    oci_repository: str
    oci_tag: str | None = None
    oci_subject: str | None = None
    """Digest of the manifest that this artifact refers to (`subject` in OCI 1.1)."""

    annotations: dict[str, str] = Field(default_factory=dict)


class OCIArtifactSpec(TwoNames):
    """The files of an artifact, its destination and its origin.

    Set the files with `files` (with names relative to `base_path`) or `files_path` (one file or
    directory). Without `coordinates` the artifact goes to the persister's own registry.
    """

    _tolerant = True

    files: list[Path] = Field(default_factory=list[Path])
    base_path: Path | None = None
    files_path: Path | None = None
    pack: bool = False
    """Store the files as one compressed layer, which takes far fewer requests where there are
    many small files. `pull` returns the same files, `oras pull` unpacks them to a directory."""

    coordinates: OCICoordinates | None = None
    title: str | None = None
    description: str | None = None
    annotations: dict[str, str] = Field(default_factory=dict)
    job_id: str | None = Field(
        default=None, validation_alias=AliasChoices("job_id", "id"), serialization_alias="id"
    )
    provider_id: str | None = None
    benchmark_id: str | None = None
    benchmark_index: int | None = None
    model_name: str | None = None
    eval_card: EvalCardMetadata | None = None
    env_card: EnvironmentCard | None = None
    """Cards to store with the files, as `eval_card.json` and `env_card.json`. The callbacks of an
    adapter store a card of this machine if there is none."""

    @model_validator(mode="after")
    def _name_files_once(self) -> Self:
        if self.files and self.files_path is not None:
            raise ValueError("set either files or files_path, not both")
        return self

    @classmethod
    def for_job(cls, spec: JobSpec, **files: Any) -> Self:
        """Return what a job stores, to where the job wants it.

        Args:
            spec: The job.
            files: The files, and any other field.
        """
        return cls.model_validate(
            {
                "coordinates": spec.exports.oci.coordinates
                if spec.exports and spec.exports.oci
                else None,
                "title": f"{spec.benchmark_id} of {spec.model.name}",
                "job_id": spec.job_id,
                "provider_id": spec.provider_id,
                "benchmark_id": spec.benchmark_id,
                "benchmark_index": spec.benchmark_index,
                "model_name": spec.model.name,
                **files,
            }
        )

    @property
    def id(self) -> str | None:
        """Same as `job_id`: the service's name for it."""
        return self.job_id

    @id.setter
    def id(self, value: str | None) -> None:
        self.job_id = value


class OCIArtifactFile(Model):
    """One file of a stored artifact."""

    path: str
    """Name inside the artifact, relative, with forward slashes."""

    digest: str
    size_bytes: int
    media_type: str = "application/octet-stream"


class OCIArtifactResult(Model):
    """A stored artifact."""

    _tolerant = True

    digest: str
    """Digest of the manifest, `sha256:...`."""

    reference: str
    """`host/repository:tag@digest`, or `oci:PATH:tag@digest` for an image layout."""

    size_bytes: int = 0
    """Total size of the files."""

    created_at: datetime | None = None
    media_type: str = "application/vnd.oci.image.manifest.v1+json"
    files: list[OCIArtifactFile] = Field(default_factory=list[OCIArtifactFile])
