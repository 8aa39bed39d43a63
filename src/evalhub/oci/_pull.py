"""Read artifacts; everything is verified by its digest."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactResult
from evalhub.oci._artifact import CREATED, artifact_file, error_context, open_storage
from evalhub.oci._files import check_name
from evalhub.oci._manifest import Descriptor, digest_of, read_annotations
from evalhub.oci._pack import is_packed, members
from evalhub.oci._reference import check_digest, parse
from evalhub.oci._registry.access import Access

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from typing import Unpack

    from evalhub.oci._artifact import Storage
    from evalhub.oci._reference import LayoutReference, Reference
    from evalhub.oci._registry.access import RegistryOptions

__all__ = ["pull", "verify"]

logger = logging.getLogger(__name__)


def pull(
    reference: str, directory: Path | str, **options: Unpack[RegistryOptions]
) -> OCIArtifactResult:
    """Write the files of an artifact below a directory and return its description.

    A file appears once it is complete and its digest is verified.

    Args:
        reference: `host/repository:tag`, `...@sha256:...`, or `oci:PATH:tag`.
        directory: Created if missing.
        options: How the registry is reached: `RegistryOptions`.

    Raises:
        ArtifactError: It does not exist, does not match its digest, or has a file name that
            leads out of the directory.
        ConfigurationError: The credentials are incomplete, or of two kinds.
    """
    root = Path(directory)
    with _open_artifact("pull", reference, Access(**options)) as artifact:
        targets = [_target(root, layer.title) for layer in artifact.layers]
        for layer, target in zip(artifact.layers, targets, strict=True):
            if is_packed(layer):
                _unpack(root, layer, artifact.blocks(layer))
            else:
                _write(target, artifact.blocks(layer))
        return artifact.result()


def verify(reference: str, **options: Unpack[RegistryOptions]) -> OCIArtifactResult:
    """Read a whole artifact, check every digest and size, and return its description.

    The arguments are those of `pull`; nothing is written.

    Raises:
        ArtifactError: It does not exist, or does not match its digests.
        ConfigurationError: The credentials are incomplete, or of two kinds.
    """
    with _open_artifact("verify", reference, Access(**options)) as artifact:
        for blob in (artifact.config, *artifact.layers):
            for _ in artifact.blocks(blob):
                pass
        return artifact.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Artifact:
    where: Reference | LayoutReference
    storage: Storage
    manifest: Descriptor
    config: Descriptor
    layers: list[Descriptor]
    annotations: dict[str, str]

    @classmethod
    def read(cls, where: Reference | LayoutReference, storage: Storage) -> _Artifact:
        manifest, body = storage.manifest(where.digest or where.tag)
        _check(manifest, size=len(body), digest=digest_of(body))
        if where.digest not in {None, manifest.digest}:
            raise ArtifactError(f"expected {where.digest}, got {manifest.digest}")
        match _json(body):
            case {"config": config, "layers": [*layers]} as content:
                return cls(
                    where=replace(where, digest=manifest.digest),
                    storage=storage,
                    manifest=manifest,
                    config=Descriptor.from_json(config),
                    layers=_named(layers),
                    annotations=read_annotations(content),
                )
            case _:
                raise ArtifactError(f"expected an artifact manifest, got {manifest.media_type}")

    def blocks(self, blob: Descriptor) -> Iterator[bytes]:
        """Yield the bytes of a blob, and raise after the last if they do not match its digest."""
        algorithm, _, _ = check_digest(blob.digest).partition(":")
        hasher, size = hashlib.new(algorithm), 0
        for block in self.storage.blocks(blob):
            size += len(block)
            if size > blob.size:
                break
            hasher.update(block)
            yield block
        _check(blob, size=size, digest=f"{algorithm}:{hasher.hexdigest()}")

    def result(self) -> OCIArtifactResult:
        return OCIArtifactResult(
            digest=self.manifest.digest,
            reference=str(self.where),
            size_bytes=sum(layer.size for layer in self.layers),
            created_at=_time(self.annotations.get(CREATED)),
            media_type=self.manifest.media_type,
            files=[artifact_file(layer) for layer in self.layers],
        )


@contextmanager
def _open_artifact(action: str, reference: str, access: Access) -> Generator[_Artifact]:
    with error_context(action) as context:
        context.where = where = parse(reference)
        with open_storage(where, access) as storage:
            yield _Artifact.read(where, storage)


def _named(layers: Sequence[Any]) -> list[Descriptor]:
    found: dict[str, Descriptor] = {}
    for layer in map(Descriptor.from_json, layers):
        if found.setdefault(check_name(layer.title), layer) is not layer:
            raise ArtifactError(f"two files have the name {layer.title!r}")
    return list(found.values())


def _check(blob: Descriptor, *, size: int, digest: str) -> None:
    if (size, digest) != (blob.size, blob.digest):
        raise ArtifactError(
            f"expected {blob.digest} ({blob.size} bytes), got {digest} ({size} bytes)"
        )


def _target(root: Path, name: str) -> Path:
    target = root / name
    # A link below the directory may lead out of it.
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise ArtifactError(f"the file name {name!r} leads out of {root}")
    return target


def _write(target: Path, blocks: Iterable[bytes]) -> None:
    with _new_file(target.parent, blocks) as new:
        new.replace(target)


def _unpack(root: Path, layer: Descriptor, blocks: Iterable[bytes]) -> None:
    """Write the files of a packed layer, once its digest and all of its names are verified."""
    with _new_file(root, blocks) as archive:
        for name, _ in members(archive, layer):
            _target(root, name)
        for name, content in members(archive, layer):
            if content is None:
                logger.warning("left out %s of %s: not a regular file", name, layer.title)
            else:
                _write(_target(root, name), content)


@contextmanager
def _new_file(directory: Path, blocks: Iterable[bytes]) -> Generator[Path]:
    """Write a temporary file, which is deleted unless it is moved."""
    path = directory / f".{uuid4().hex}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.writelines(blocks)
        yield path
    except OSError as error:
        raise ArtifactError(f"cannot write below {directory}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            path.unlink()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise ArtifactError("the manifest is not JSON") from None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
