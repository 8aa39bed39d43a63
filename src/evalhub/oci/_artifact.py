"""Artifacts, whatever they are stored in."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactFile, OCIArtifactResult
from evalhub.oci._files import collect
from evalhub.oci._layout import Layout
from evalhub.oci._manifest import build, check_annotations, describe, layer
from evalhub.oci._progress import Progress
from evalhub.oci._reference import LayoutReference, check_digest, check_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from evalhub.models.oci import OCIArtifactSpec
    from evalhub.oci._files import Blob, File
    from evalhub.oci._manifest import Descriptor
    from evalhub.oci._reference import Reference
    from evalhub.oci._registry.access import Access
    from evalhub.oci._registry.mounts import Mounts

__all__ = ["Place", "artifact_file", "error_context", "open_place", "store"]

CREATED = "org.opencontainers.image.created"


class Place(Protocol):
    """Where content is: a repository of a registry, or an image layout."""

    def add_files(self, files: Sequence[File], progress: Progress) -> list[Blob]:
        """Store files and return what they hold, in the same order."""
        ...

    def add_manifest(
        self, body: bytes, manifest: Descriptor, *, tag: str, subject: Descriptor | None
    ) -> None:
        """Store a manifest and let a tag name it."""
        ...

    def manifest(self, reference: str | None) -> tuple[Descriptor, bytes]:
        """Return the manifest a tag or digest names, and its bytes."""
        ...

    def blocks(self, blob: Descriptor) -> Iterator[bytes]:
        """Yield the bytes of a blob."""
        ...


@contextmanager
def open_place(
    where: Reference | LayoutReference, access: Access, mounts: Mounts | None = None
) -> Generator[Place]:
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
    place: Place,
    where: Reference | LayoutReference,
    *,
    tag: str | None,
    listener: Callable[[int, int], None] | None = None,
) -> OCIArtifactResult:
    """Store an artifact: the files first, the manifest last, so that a tag names all or nothing.

    Args:
        spec: What to store, and who it belongs to.
        place: What stores it.
        where: What the place is called.
        tag: Tag; without one it is made of the manifest's digest.
        listener: Told the bytes stored and their total, every few seconds.

    Raises:
        ArtifactError: It was not stored.
    """
    files = collect(spec)
    annotations = _annotations(spec)
    subject = _subject(spec, place)
    progress = Progress(sum(file.size for file in files), listener=listener)
    blobs = place.add_files(files, progress)
    created = max(blob.modified for blob in blobs)
    layers = [layer(blob) for blob in blobs]
    # The files' time, not the clock's: storing the same files again gives the same digest.
    annotations = {CREATED: created.isoformat().replace("+00:00", "Z"), **annotations}
    body = build(layers, annotations=annotations, subject=subject)
    manifest = describe(body, annotations=annotations)
    tag = tag or f"evalhub-{manifest.digest.partition(':')[2]}"
    place.add_manifest(body, manifest, tag=tag, subject=subject)
    return OCIArtifactResult(
        digest=manifest.digest,
        reference=str(replace(where, tag=tag, digest=manifest.digest)),
        size_bytes=sum(blob.size for blob in blobs),
        created_at=created,
        media_type=manifest.media_type,
        files=[artifact_file(descriptor) for descriptor in layers],
    )


def artifact_file(descriptor: Descriptor) -> OCIArtifactFile:
    """Return a layer as the user sees it."""
    return OCIArtifactFile(
        path=descriptor.title,
        digest=descriptor.digest,
        size_bytes=descriptor.size,
        media_type=descriptor.media_type,
    )


def _subject(spec: OCIArtifactSpec, place: Place) -> Descriptor | None:
    name = spec.coordinates.oci_subject if spec.coordinates else None
    if not name:
        return None
    manifest, _ = place.manifest(check_digest(name) if ":" in name else check_tag(name))
    return manifest


def _annotations(spec: OCIArtifactSpec) -> dict[str, str]:
    ours = {
        "io.github.eval-hub.job_id": spec.job_id,
        "io.github.eval-hub.benchmark_id": spec.benchmark_id,
        "io.github.eval-hub.provider_id": spec.provider_id,
        "io.github.eval-hub.model_name": spec.model_name,
        "org.opencontainers.image.title": spec.title,
        "org.opencontainers.image.description": spec.description,
    }
    annotations = {
        **{key: value for key, value in ours.items() if value},
        **(spec.coordinates.annotations if spec.coordinates else {}),
        **spec.annotations,
    }
    check_annotations(annotations)
    return annotations
