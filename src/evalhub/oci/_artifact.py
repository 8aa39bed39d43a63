"""Artifacts, in a registry or an image layout."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from evalhub.errors import ArtifactError
from evalhub.models.oci import (
    OCI_ANNOTATION_BENCHMARK_ID,
    OCI_ANNOTATION_JOB_ID,
    OCI_ANNOTATION_PROVIDER_ID,
    OCIArtifactFile,
    OCIArtifactResult,
)
from evalhub.oci._cards import with_cards
from evalhub.oci._collect import collect
from evalhub.oci._layout import Layout
from evalhub.oci._manifest import build, check_annotations, describe, layer
from evalhub.oci._pack import describe_pack, pack
from evalhub.oci._progress import Progress
from evalhub.oci._reference import LayoutReference, check_digest, check_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from evalhub.models.oci import OCIArtifactSpec
    from evalhub.oci._files import Blob, File
    from evalhub.oci._manifest import Descriptor
    from evalhub.oci._reference import Reference
    from evalhub.oci._registry.access import Access
    from evalhub.oci._registry.mounts import Mounts

__all__ = ["Storage", "artifact_file", "error_context", "open_storage", "store"]

CREATED = "org.opencontainers.image.created"
OMITTED = "io.github.eval-hub.omitted"
"""JSON object: what the directory contained and the artifact does not, with the reason."""

_MOST_OMITTED = 100


class Storage(Protocol):
    """A repository of a registry, or an image layout."""

    def add_files(self, files: Sequence[File], progress: Progress) -> list[Blob]:
        """Store files and return their blobs in the same order."""
        ...

    def add_manifest(
        self, body: bytes, manifest: Descriptor, *, tag: str, subject: Descriptor | None
    ) -> None:
        """Store a manifest under a tag."""
        ...

    def manifest(self, reference: str | None) -> tuple[Descriptor, bytes]:
        """Return the descriptor and the bytes of the manifest with a tag or digest."""
        ...

    def blocks(self, blob: Descriptor) -> Iterator[bytes]:
        """Yield the bytes of a blob."""
        ...


@contextmanager
def open_storage(
    where: Reference | LayoutReference, access: Access, mounts: Mounts | None = None
) -> Generator[Storage]:
    """Open a repository of a registry, or an image layout."""
    if isinstance(where, LayoutReference):
        yield Layout(where.path)
        return
    # The registry's client takes longer to import than a layout to write.
    from evalhub.oci._registry.repository import Repository

    with closing(Repository(where, access, mounts=mounts)) as repository:
        yield repository


@dataclass
class _ErrorContext:
    where: Reference | LayoutReference | None = None
    """Set as soon as it is known; until then errors name the text that is not a reference."""


@contextmanager
def error_context(action: str) -> Generator[_ErrorContext]:
    """Add the action, the registry and the reference to every `ArtifactError`."""
    context = _ErrorContext()
    try:
        yield context
    except ArtifactError as error:
        where = context.where
        registry = where.registry if where else error.registry
        reference = str(where) if where else error.reference
        message = f"cannot {action} {reference or 'an artifact'}: {error}"
        raise ArtifactError(message, registry=registry, reference=reference) from error


def store(
    spec: OCIArtifactSpec,
    storage: Storage,
    where: Reference | LayoutReference,
    *,
    tag: str | None,
    listener: Callable[[int, int], None] | None = None,
) -> OCIArtifactResult:
    """Store an artifact: files first, manifest last, so that the tag is never of a partial one.

    Args:
        spec: Files, annotations and ids.
        storage: Where to store it.
        where: Its reference, without tag and digest.
        tag: Tag; made of the manifest's digest if `None`.
        listener: Called with the bytes stored and their total every few seconds.

    Raises:
        ArtifactError: It was not stored.
    """
    layout = where.path if isinstance(where, LayoutReference) else None
    found = collect(spec, layout=layout)
    annotations = _annotations(spec, found.omitted)
    subject = _subject(spec, storage)
    with ExitStack() as stack:
        files = stack.enter_context(with_cards(spec, found.files))
        if spec.pack:
            files = [stack.enter_context(pack(files, title=_title(spec)))]
        progress = Progress(sum(file.size for file in files), listener=listener)
        blobs = storage.add_files(files, progress)
    created = max(blob.modified for blob in blobs)
    layers = [describe_pack(layer(blob)) if spec.pack else layer(blob) for blob in blobs]
    # The time of the files, not the clock's: the same files have the same digest again.
    annotations = {CREATED: created.isoformat().replace("+00:00", "Z"), **annotations}
    body = build(layers, annotations=annotations, subject=subject)
    manifest = describe(body, annotations=annotations)
    tag = tag or f"evalhub-{manifest.digest.partition(':')[2]}"
    storage.add_manifest(body, manifest, tag=tag, subject=subject)
    return OCIArtifactResult(
        digest=manifest.digest,
        reference=str(replace(where, tag=tag, digest=manifest.digest)),
        size_bytes=sum(blob.size for blob in blobs),
        created_at=created,
        media_type=manifest.media_type,
        files=[artifact_file(descriptor) for descriptor in layers],
    )


def artifact_file(descriptor: Descriptor) -> OCIArtifactFile:
    """Return the file in a layer."""
    return OCIArtifactFile(
        path=descriptor.title,
        digest=descriptor.digest,
        size_bytes=descriptor.size,
        media_type=descriptor.media_type,
    )


def _subject(spec: OCIArtifactSpec, storage: Storage) -> Descriptor | None:
    name = spec.coordinates.oci_subject if spec.coordinates else None
    if not name:
        return None
    manifest, _ = storage.manifest(check_digest(name) if ":" in name else check_tag(name))
    return manifest


def _title(spec: OCIArtifactSpec) -> str:
    base = spec.files_path or spec.base_path
    return (base.resolve().name if base else "") or "files"


def _annotations(spec: OCIArtifactSpec, omitted: Mapping[str, str]) -> dict[str, str]:
    ours = {
        OCI_ANNOTATION_JOB_ID: spec.job_id,
        OCI_ANNOTATION_BENCHMARK_ID: spec.benchmark_id,
        OCI_ANNOTATION_PROVIDER_ID: spec.provider_id,
        "io.github.eval-hub.model_name": spec.model_name,
        "org.opencontainers.image.title": spec.title,
        "org.opencontainers.image.description": spec.description,
        OMITTED: _list_omitted(omitted),
    }
    annotations = {
        **{key: value for key, value in ours.items() if value},
        **(spec.coordinates.annotations if spec.coordinates else {}),
        **spec.annotations,
    }
    check_annotations(annotations)
    return annotations


def _list_omitted(omitted: Mapping[str, str]) -> str | None:
    if not omitted:
        return None
    listed = dict(list(omitted.items())[:_MOST_OMITTED])
    if len(omitted) > len(listed):
        listed["..."] = f"{len(omitted) - len(listed)} more"
    return json.dumps(listed)  # ASCII: a name need not be valid UTF-8
