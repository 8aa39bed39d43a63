"""Store results as OCI artifacts, in a registry or in a directory."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from evalhub.errors import ArtifactError
from evalhub.models.spec import BenchmarkRef
from evalhub.oci._artifact import doing, opened, store
from evalhub.oci._layout import Layout
from evalhub.oci._reference import (
    LAYOUT_PREFIX,
    LayoutReference,
    Reference,
    check_tag,
    layout_path,
    legal_repository,
    registry_of,
    registry_place,
    split_scheme,
    without_credentials,
)
from evalhub.oci._registry.access import Access
from evalhub.settings import EvalHubMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec

__all__ = [
    "DEFAULT_OCI_PROXY_HOST",
    "OCIArtifactContext",
    "OCIArtifactPersister",
    "OCILayoutPersister",
    "Persister",
    "default_tag_hasher",
    "persister_for",
]

DEFAULT_OCI_PROXY_HOST = "localhost:8080"
"""Where the sidecar listens in a cluster (wire contract 5)."""


@runtime_checkable
class Persister(Protocol):
    """Anything that can store an artifact; write your own for another kind of storage."""

    def persist(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store what a spec asks for and say where it is."""
        ...


OCIArtifactContext = BenchmarkRef
"""Compatibility: the name of `BenchmarkRef` in 1.x."""


def default_tag_hasher(ctx: BenchmarkRef) -> str:
    """Return a benchmark's tag: the same each time, and no other benchmark's."""
    identity = f"{ctx.job_id}:{ctx.provider_id or ''}:{ctx.benchmark_id}:{ctx.benchmark_index}"
    return f"evalhub-{hashlib.sha256(identity.encode()).hexdigest()}"


class OCIArtifactPersister:
    """Store artifacts in a registry.

    The registry is `registry_url`, or the one a spec's `coordinates` name, which win. With a
    `registry_url`, credentials given here are for that registry alone.

    Args:
        registry_url: Host, `host/prefix`, or a URL whose scheme decides between HTTP and HTTPS;
            `oci:PATH` is an image layout on disk.
        username: User name; without one the docker configuration is asked.
        password: Password of the user.
        token: Bearer token, instead of a user.
        insecure: Allow plain HTTP and certificates that cannot be verified.
        ca_bundle_path: Certificates to trust besides the usual ones.
        context: Who artifacts belong to, where their specs do not say.
        oci_auth_config_path: A docker `config.json` to ask first.
        oci_insecure: The same as `insecure`.
        tag_hasher: Makes the tag where none is given.
        oci_proxy_host: A sidecar that passes requests on to the registry of the coordinates and
            authenticates them.
        on_progress: Told the bytes stored and their total, every few seconds; called from
            the threads that store.
    """

    def __init__(  # noqa: PLR0913 - two documented forms, and how a registry is reached
        self,
        registry_url: str | None = None,
        username: str | None = None,
        password: str | SecretStr | None = None,
        *,
        token: str | SecretStr | None = None,
        insecure: bool = False,
        ca_bundle_path: Path | str | None = None,
        context: BenchmarkRef | None = None,
        oci_auth_config_path: Path | str | None = None,
        oci_insecure: bool = False,
        tag_hasher: Callable[[BenchmarkRef], str] | None = None,
        oci_proxy_host: str | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._registry_url = registry_url
        self._context = context
        self._tag_hasher = tag_hasher or default_tag_hasher
        self._on_progress = on_progress
        self._access = Access.of(
            username=username,
            password=password,
            token=token,
            insecure=insecure or oci_insecure,
            ca_bundle_path=ca_bundle_path,
            auth_config_path=oci_auth_config_path,
            proxy_host=oci_proxy_host,
        )

    def persist(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store the files of a spec and return where they are.

        Raises:
            ArtifactError: They were not stored; nothing is under the tag that was not before.
        """
        spec = _complete(spec, self._context)
        registry, reference = self._wanted(spec)
        with doing("store", registry=registry, reference=reference):
            tag = _tag(spec, self._tag_hasher)
            where = self._place(spec)
            with opened(where, self._access_to(where, spec)) as place:
                return store(spec, place, where, tag=tag, listener=self._on_progress)

    def _access_to(self, where: Reference | LayoutReference, spec: OCIArtifactSpec) -> Access:
        """Return how a place is reached: what is meant for one registry stays with it."""
        if spec.coordinates is None:
            return replace(self._access, proxy_host=None)
        url = self._registry_url
        if url and not (isinstance(where, Reference) and where.host == registry_of(url)):
            return replace(self._access, username=None, password=None, token=None)
        return self._access

    def _wanted(self, spec: OCIArtifactSpec) -> tuple[str, str]:
        """Return registry and reference for an error, before it is known whether they are legal."""
        url = spec.coordinates.oci_host if spec.coordinates else self._registry_url or ""
        registry = split_scheme(without_credentials(url))[1]
        if registry.startswith(LAYOUT_PREFIX):
            return registry, registry
        repository = spec.coordinates.oci_repository if spec.coordinates else _repository(spec)
        return registry, f"{registry}/{repository}" if registry else "an artifact"

    def _place(self, spec: OCIArtifactSpec) -> Reference | LayoutReference:
        if spec.coordinates is not None:
            return registry_place(spec.coordinates.oci_host, spec.coordinates.oci_repository)
        if not self._registry_url:
            raise ArtifactError(
                "no registry: give registry_url (REGISTRY_URL) or coordinates (exports.oci)"
            )
        if self._registry_url.startswith(LAYOUT_PREFIX):
            return LayoutReference(path=layout_path(self._registry_url).absolute())
        return registry_place(self._registry_url, _repository(spec))


class OCILayoutPersister:
    """Store artifacts in an OCI image layout on disk, which needs no server.

    `coordinates` of a spec give the tag and annotations; their host is not used.

    Args:
        path: Directory of the layout; it is created, and holds as many artifacts as have tags.
        context: Who artifacts belong to, where their specs do not say.
        tag_hasher: Makes the tag where none is given.
        on_progress: Told the bytes stored and their total, every few seconds.
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
        """Store the files of a spec and return where they are.

        Raises:
            ArtifactError: They were not stored; nothing is under the tag that was not before.
        """
        spec = _complete(spec, self._context)
        name = f"{LAYOUT_PREFIX}{self.path}"
        with doing("store", registry=name, reference=name):
            tag = _tag(spec, self._tag_hasher)
            where = LayoutReference(path=self.path)
            return store(spec, Layout(self.path), where, tag=tag, listener=self._on_progress)


def persister_for(  # noqa: PLR0913 - one argument for each setting that has a say
    *,
    mode: EvalHubMode,
    layout_directory: Path,
    context: BenchmarkRef | None = None,
    registry_url: str | None = None,
    username: str | None = None,
    password: str | SecretStr | None = None,
    insecure: bool = False,
    ca_bundle_path: Path | str | None = None,
    auth_config_path: Path | str | None = None,
    proxy_host: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Persister:
    """Return what stores the artifacts of a job.

    Where an artifact has coordinates it goes to the registry they name: in a cluster through the
    sidecar, elsewhere directly. Otherwise it goes to `registry_url`, if there is one; else, when
    working locally, to an image layout on disk.

    Args:
        mode: Where the adapter runs.
        layout_directory: The image layout for local work.
        context: Who artifacts belong to.
        registry_url: Registry for artifacts without coordinates.
        username: User name for it.
        password: Password for it.
        insecure: Allow plain HTTP and certificates that cannot be verified.
        ca_bundle_path: Certificates to trust besides the usual ones.
        auth_config_path: A docker `config.json` to ask first.
        proxy_host: Where the sidecar listens, if not at its usual place.
        on_progress: Told the bytes stored and their total, every few seconds.
    """
    in_cluster = mode is EvalHubMode.K8S
    return OCIArtifactPersister(
        registry_url or (None if in_cluster else f"{LAYOUT_PREFIX}{layout_directory}"),
        username,
        password,
        insecure=insecure,
        ca_bundle_path=ca_bundle_path,
        context=context,
        oci_auth_config_path=auth_config_path,
        oci_proxy_host=proxy_host or (DEFAULT_OCI_PROXY_HOST if in_cluster else None),
        on_progress=on_progress,
    )


def _complete(spec: OCIArtifactSpec, context: BenchmarkRef | None) -> OCIArtifactSpec:
    """Return the spec with the ids it leaves out."""
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
    context = BenchmarkRef(
        spec.job_id, spec.benchmark_id or "", spec.provider_id, spec.benchmark_index or 0
    )
    return check_tag(hasher(context))


def _repository(spec: OCIArtifactSpec) -> str:
    benchmark = legal_repository(spec.benchmark_id or "")
    return f"eval-results/{benchmark}" if benchmark else "eval-results"
