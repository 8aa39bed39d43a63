"""Compatibility: the 1.x path of `evalhub.oci.persister`. New code imports `evalhub.oci`."""

from evalhub.models.oci import (
    OCI_ANNOTATION_BENCHMARK_ID,
    OCI_ANNOTATION_JOB_ID,
    OCI_ANNOTATION_PROVIDER_ID,
    OCI_ARTIFACT_TYPE,
    OCIArtifactResult,
    OCIArtifactSpec,
)
from evalhub.oci.persister import (
    DEFAULT_OCI_PROXY_HOST,
    OCIArtifactContext,
    OCIArtifactPersister,
    Persister,
    default_tag_hasher,
)

__all__ = [
    "DEFAULT_OCI_PROXY_HOST",
    "OCI_ANNOTATION_BENCHMARK_ID",
    "OCI_ANNOTATION_JOB_ID",
    "OCI_ANNOTATION_PROVIDER_ID",
    "OCI_ARTIFACT_TYPE",
    "OCIArtifactContext",
    "OCIArtifactPersister",
    "OCIArtifactResult",
    "OCIArtifactSpec",
    "Persister",
    "default_tag_hasher",
]
