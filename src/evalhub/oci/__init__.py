"""Store evaluation results as OCI artifacts, and read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub.oci._pull import pull, verify
    from evalhub.oci.persister import (
        DEFAULT_OCI_PROXY_HOST,
        OCIArtifactContext,
        OCIArtifactPersister,
        OCILayoutPersister,
        Persister,
        RegistryOptions,
        default_tag_hasher,
    )

__all__ = [
    "DEFAULT_OCI_PROXY_HOST",
    "OCIArtifactContext",
    "OCIArtifactPersister",
    "OCILayoutPersister",
    "Persister",
    "RegistryOptions",
    "default_tag_hasher",
    "pull",
    "verify",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub.oci.persister": (
            "DEFAULT_OCI_PROXY_HOST",
            "OCIArtifactContext",
            "OCIArtifactPersister",
            "OCILayoutPersister",
            "Persister",
            "RegistryOptions",
            "default_tag_hasher",
        ),
        "evalhub.oci._pull": ("pull", "verify"),
    },
)
