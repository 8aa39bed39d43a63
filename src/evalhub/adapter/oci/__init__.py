"""Compatibility: the 1.x path of `evalhub.oci`. New code imports from there."""

from evalhub.oci import (
    DEFAULT_OCI_PROXY_HOST,
    OCIArtifactContext,
    OCIArtifactPersister,
    OCILayoutPersister,
    Persister,
    default_tag_hasher,
    pull,
    verify,
)

__all__ = [
    "DEFAULT_OCI_PROXY_HOST",
    "OCIArtifactContext",
    "OCIArtifactPersister",
    "OCILayoutPersister",
    "Persister",
    "default_tag_hasher",
    "pull",
    "verify",
]
