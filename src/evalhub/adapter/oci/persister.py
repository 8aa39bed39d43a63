"""Compatibility: the 1.x path of `evalhub.oci.persister`. New code imports `evalhub.oci`."""

from evalhub.oci.persister import (
    DEFAULT_OCI_PROXY_HOST,
    OCIArtifactContext,
    OCIArtifactPersister,
    Persister,
    default_tag_hasher,
)

__all__ = [
    "DEFAULT_OCI_PROXY_HOST",
    "OCIArtifactContext",
    "OCIArtifactPersister",
    "Persister",
    "default_tag_hasher",
]
