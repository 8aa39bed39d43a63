"""Persisters: artifacts in a registry or in an image layout on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from evalhub.errors import ArtifactError
from evalhub.models.spec import BenchmarkRef
from evalhub.oci._artifact import error_context, open_storage, store
from evalhub.oci._layout import Layout
from evalhub.oci._reference import (
    LAYOUT_PREFIX,
    LayoutReference,
    check_tag,
    layout_path,
    registry_of,
    repository_in,
    repository_segment,
)
from evalhub.oci._registry.access import Access, RegistryOptions
from evalhub.oci._registry.mounts import Mounts

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from evalhub.models.card import EnvironmentCard
    from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec
    from evalhub.oci._reference import Reference

__all__ = [
    "DEFAULT_OCI_PROXY_HOST",
    "OCIArtifactContext",
    "OCIArtifactPersister",
    "OCILayoutPersister",
    "Persister",
    "RegistryOptions",
    "default_tag_hasher",
]

DEFAULT_OCI_PROXY_HOST = "localhost:8080"
"""Address of the sidecar in a cluster (wire contract 5)."""

OCIArtifactContext = BenchmarkRef
"""Compatibility: the name of `BenchmarkRef` in 1.x."""


@runtime_checkable
class Persister(Protocol):
    """Storage for artifacts; implement it for another kind of storage."""

    def persist(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store an artifact and return its reference and digests."""
        ...


def default_tag_hasher(ref: BenchmarkRef) -> str:
    """Return the tag of a benchmark: always the same, and different from every other's."""
    identity = f"{ref.job_id}:{ref.provider_id or ''}:{ref.benchmark_id}:{ref.benchmark_index}"
    return f"evalhub-{hashlib.sha256(identity.encode()).hexdigest()}"


class OCIArtifactPersister:
    """Store artifacts in a registry.

    The registry is `registry_url`, unless the spec has `coordinates`. With a `registry_url`, the
    credentials given here are sent to that registry only.

    Args:
        registry_url: Host, `host/prefix`, or a URL whose scheme selects HTTP or HTTPS;
            `oci:PATH` is an image layout on disk.
        context: Benchmark of artifacts whose specs name none.
        tag_hasher: Makes the tag if the spec has none.
        on_progress: Called with the bytes stored and their total every few seconds, from the
            threads that send them.
        env_card: Returns the card of the environment for artifacts whose specs have none.
        oci_auth_config_path: The same as `auth_config_path`.
        oci_insecure: The same as `insecure`.
        oci_proxy_host: The same as `proxy_host`, which is used for coordinates only.
        options: How the registry is reached: `RegistryOptions`.

    Raises:
        ConfigurationError: The credentials are incomplete, or of two kinds.
    """

    def __init__(  # noqa: PLR0913 - three of them are names of 1.0
        self,
        registry_url: str | None = None,
        *,
        context: BenchmarkRef | None = None,
        tag_hasher: Callable[[BenchmarkRef], str] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        env_card: Callable[[], EnvironmentCard | None] | None = None,
        oci_auth_config_path: Path | str | None = None,
        oci_insecure: bool = False,
        oci_proxy_host: str | None = None,
        **options: Unpack[RegistryOptions],
    ) -> None:
        if oci_auth_config_path is not None:
            options["auth_config_path"] = oci_auth_config_path
        if oci_insecure:
            options["insecure"] = True
        if oci_proxy_host is not None:
            options["proxy_host"] = oci_proxy_host
        self._registry_url = registry_url
        self._context = context
        self._tag_hasher = tag_hasher or default_tag_hasher
        self._on_progress = on_progress
        self._env_card = env_card
        self._access = Access(**options)
        self._mounts = Mounts()

    def persist(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store the files of a spec and return the reference and digests.

        Raises:
            ArtifactError: They were not stored; the tag names what it named before.
        """
        spec = _with_ids(spec, self._context)
        if spec.env_card is None and self._env_card is not None:
            spec = spec.model_copy(update={"env_card": self._env_card()})
        with error_context("store") as context:
            context.where = where = self._destination(spec)
            tag = _tag(spec, self._tag_hasher)
            with open_storage(where, self._access_to(where, spec), self._mounts) as storage:
                return store(spec, storage, where, tag=tag, listener=self._on_progress)

    def _destination(self, spec: OCIArtifactSpec) -> Reference | LayoutReference:
        if spec.coordinates is not None:
            return repository_in(spec.coordinates.oci_host, spec.coordinates.oci_repository)
        if not self._registry_url:
            raise ArtifactError(
                "no registry: give registry_url (REGISTRY_URL) or coordinates (exports.oci)"
            )
        if self._registry_url.startswith(LAYOUT_PREFIX):
            return LayoutReference(path=layout_path(self._registry_url).absolute())
        return repository_in(self._registry_url, _repository(spec))

    def _access_to(self, where: Reference | LayoutReference, spec: OCIArtifactSpec) -> Access:
        """Return the access to a destination; credentials for one registry stay with it."""
        if spec.coordinates is None:
            return self._access.without_proxy()
        if self._registry_url and where.registry != registry_of(self._registry_url):
            return self._access.without_credentials()
        return self._access


class OCILayoutPersister:
    """Store artifacts in an OCI image layout on disk, which needs no server.

    Only tag and annotations are taken from the `coordinates` of a spec.

    Args:
        path: Directory of the layout, created if missing; it holds one artifact for each tag.
        context: Benchmark of artifacts whose specs name none.
        tag_hasher: Makes the tag if the spec has none.
        on_progress: Called with the bytes stored and their total every few seconds.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        context: BenchmarkRef | None = None,
        tag_hasher: Callable[[BenchmarkRef], str] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self._context = context
        self._tag_hasher = tag_hasher or default_tag_hasher
        self._on_progress = on_progress

    def persist(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store the files of a spec and return the reference and digests.

        Raises:
            ArtifactError: They were not stored; the tag names what it named before.
        """
        spec = _with_ids(spec, self._context)
        with error_context("store") as context:
            context.where = where = LayoutReference(path=self.path)
            tag = _tag(spec, self._tag_hasher)
            return store(spec, Layout(self.path), where, tag=tag, listener=self._on_progress)


def _with_ids(spec: OCIArtifactSpec, context: BenchmarkRef | None) -> OCIArtifactSpec:
    if context is None:
        return spec
    return spec.model_copy(
        update={
            name: getattr(context, name)
            for name in ("job_id", "benchmark_id", "provider_id", "benchmark_index")
            if getattr(spec, name) is None
        }
    )


def _tag(spec: OCIArtifactSpec, hasher: Callable[[BenchmarkRef], str]) -> str | None:
    if spec.coordinates is not None and spec.coordinates.oci_tag:
        return check_tag(spec.coordinates.oci_tag)
    if not spec.job_id:
        return None
    ref = BenchmarkRef(
        spec.job_id, spec.benchmark_id or "", spec.provider_id, spec.benchmark_index or 0
    )
    return check_tag(hasher(ref))


def _repository(spec: OCIArtifactSpec) -> str:
    segment = repository_segment(spec.benchmark_id or "")
    return f"eval-results/{segment}" if segment else "eval-results"
