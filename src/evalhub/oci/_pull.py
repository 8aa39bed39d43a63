"""Get an artifact back, or check it, believing nothing but digests."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactResult
from evalhub.oci._artifact import CREATED, artifact_file, doing, opened
from evalhub.oci._files import check_name
from evalhub.oci._manifest import Descriptor, digest_of, read_annotations
from evalhub.oci._reference import check_digest, parse, registry_of, without_credentials
from evalhub.oci._registry.access import Access

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from pydantic import SecretStr

    from evalhub.oci._artifact import Place
    from evalhub.oci._reference import LayoutReference, Reference

__all__ = ["pull", "verify"]


def pull(  # noqa: PLR0913 - the same options as a persister has
    reference: str,
    directory: Path | str,
    *,
    username: str | None = None,
    password: str | SecretStr | None = None,
    token: str | SecretStr | None = None,
    insecure: bool = False,
    ca_bundle_path: Path | str | None = None,
    auth_config_path: Path | str | None = None,
) -> OCIArtifactResult:
    """Write the files of an artifact below a directory and return what they are.

    Each file appears when all of it is there and its digest is right.

    Args:
        reference: `host/repository:tag`, `...@sha256:...`, or `oci:PATH:tag`.
        directory: Where to write; it is created.
        username: User name; without one the docker configuration is asked.
        password: Password of the user.
        token: Bearer token, instead of a user.
        insecure: Allow plain HTTP and certificates that cannot be verified.
        ca_bundle_path: Certificates to trust besides the usual ones.
        auth_config_path: A docker `config.json` to ask first.

    Raises:
        ArtifactError: It is not there, is not what its digest says, or a name in it leads out
            of the directory.
    """
    access = Access.of(
        username=username,
        password=password,
        token=token,
        insecure=insecure,
        ca_bundle_path=ca_bundle_path,
        auth_config_path=auth_config_path,
    )
    root = Path(directory)
    with _opened("pull", reference, access) as artifact:
        targets = [_target(root, layer) for layer in artifact.layers]
        for layer, target in zip(artifact.layers, targets, strict=True):
            _write(target, artifact.blocks(layer))
        return artifact.result()


def verify(
    reference: str,
    *,
    username: str | None = None,
    password: str | SecretStr | None = None,
    token: str | SecretStr | None = None,
    insecure: bool = False,
    ca_bundle_path: Path | str | None = None,
    auth_config_path: Path | str | None = None,
) -> OCIArtifactResult:
    """Read all of an artifact, check every digest and size, and return what it holds.

    The arguments are those of `pull`; nothing is written.

    Raises:
        ArtifactError: It is not there, or is not what its digests say.
    """
    access = Access.of(
        username=username,
        password=password,
        token=token,
        insecure=insecure,
        ca_bundle_path=ca_bundle_path,
        auth_config_path=auth_config_path,
    )
    with _opened("verify", reference, access) as artifact:
        for blob in (artifact.config, *artifact.layers):
            for _ in artifact.blocks(blob):
                pass
        return artifact.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Artifact:
    where: Reference | LayoutReference
    place: Place
    manifest: Descriptor
    config: Descriptor
    layers: list[Descriptor]
    annotations: dict[str, str]

    @classmethod
    def read(cls, where: Reference | LayoutReference, place: Place) -> _Artifact:
        manifest, body = place.manifest(where.digest or where.tag)
        _check(manifest, size=len(body), digest=digest_of(body))
        if where.digest not in {None, manifest.digest}:
            raise ArtifactError(f"asked for {where.digest}, got {manifest.digest}")
        match _json(body):
            case {"config": config, "layers": [*layers]} as content:
                return cls(
                    where=replace(where, digest=manifest.digest),
                    place=place,
                    manifest=manifest,
                    config=Descriptor.from_json(config),
                    layers=_named(layers),
                    annotations=read_annotations(content),
                )
            case _:
                raise ArtifactError(f"its manifest is not an artifact's but {manifest.media_type}")

    def blocks(self, blob: Descriptor) -> Iterator[bytes]:
        """Yield the bytes of a blob; raise at the latest when they end, if they are not right."""
        algorithm, _, _ = check_digest(blob.digest).partition(":")
        hasher, size = hashlib.new(algorithm), 0
        for block in self.place.blocks(blob):
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
def _opened(what: str, reference: str, access: Access) -> Generator[_Artifact]:
    name = without_credentials(reference)
    with doing(what, registry=registry_of(name), reference=name):
        where = parse(reference)
        with opened(where, access) as place:
            yield _Artifact.read(where, place)


def _named(layers: Sequence[Any]) -> list[Descriptor]:
    found: dict[str, Descriptor] = {}
    for layer in map(Descriptor.from_json, layers):
        if found.setdefault(check_name(layer.title), layer) is not layer:
            raise ArtifactError(f"two of its files are called {layer.title!r}")
    return list(found.values())


def _check(blob: Descriptor, *, size: int, digest: str) -> None:
    if (size, digest) != (blob.size, blob.digest):
        raise ArtifactError(
            f"{blob.digest} of {blob.size} bytes was promised, {digest} of {size} came"
        )


def _target(root: Path, layer: Descriptor) -> Path:
    target = root / layer.title
    # A link below the directory may lead out of it.
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise ArtifactError(f"the file name {layer.title!r} leads out of {root}")
    return target


def _write(target: Path, blocks: Iterable[bytes]) -> None:
    new = target.with_name(f".{uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with new.open("xb") as stream:
            stream.writelines(blocks)
        new.replace(target)
    except OSError as error:
        raise ArtifactError(f"cannot write {target}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            new.unlink()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise ArtifactError("its manifest is not JSON") from None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
