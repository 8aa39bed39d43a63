"""OCI image layouts: artifacts in a directory, as `skopeo`, `oras` and `crane` read them."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evalhub.errors import ArtifactError
from evalhub.oci._files import BLOCK, retry_if_changed
from evalhub.oci._manifest import (
    EMPTY_CONFIG,
    EMPTY_CONFIG_BODY,
    Descriptor,
    dump,
    index,
    read_annotations,
)
from evalhub.oci._reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from evalhub.oci._files import Blob, File
    from evalhub.oci._progress import Progress

__all__ = ["Layout"]

_REF_NAME = "org.opencontainers.image.ref.name"
_MARKER = dump({"imageLayoutVersion": "1.0.0"})


class Layout:
    """Store and read blobs and manifests; safe for several processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add_files(self, files: Sequence[File], progress: Progress) -> list[Blob]:
        """Store files and return their blobs.

        Raises:
            ArtifactError: A file cannot be read or keeps changing, or the disk is full.
        """
        return [self._add_file(file, progress) for file in files]

    def add_manifest(
        self, body: bytes, manifest: Descriptor, *, tag: str, subject: Descriptor | None
    ) -> None:
        """Store a manifest under a tag, in place of the manifest that had it.

        A layout has no list of referrers: its readers look at every manifest.
        """
        del subject
        entry = manifest.to_json() | {"annotations": {_REF_NAME: tag}}
        with self._locked():
            for blob, content in ((EMPTY_CONFIG, EMPTY_CONFIG_BODY), (manifest, body)):
                self._write(self._blob(blob.digest), content)
            others = [other for other in self._index() if _name(other) != tag]
            self._write(self.path / "index.json", index([*others, entry]))

    def manifest(self, reference: str | None) -> tuple[Descriptor, bytes]:
        """Return the manifest with a tag or digest, or else the only manifest of the layout.

        Raises:
            ArtifactError: There is none, or more than one.
        """
        entries = self._index()
        found = [
            entry for entry in entries if reference in {None, _name(entry), entry.get("digest")}
        ]
        if not found:
            raise ArtifactError(f"there is no {reference or 'artifact'} in the layout {self.path}")
        if len({entry.get("digest") for entry in found}) > 1:
            tags = ", ".join(_name(entry) or "(untagged)" for entry in entries)
            raise ArtifactError(f"the layout {self.path} has several artifacts; name one: {tags}")
        manifest = replace(Descriptor.from_json(found[0]), annotations={})
        return manifest, b"".join(self.blocks(manifest))

    def blocks(self, blob: Descriptor) -> Iterator[bytes]:
        """Yield the bytes of a blob.

        Raises:
            ArtifactError: It does not exist or cannot be read.
        """
        try:
            with self._blob(check_digest(blob.digest)).open("rb") as stream:
                while block := stream.read(BLOCK):
                    yield block
        except OSError as error:
            raise ArtifactError(
                f"cannot read {blob.digest} in the layout {self.path}: {error.strerror}"
            ) from None

    def _add_file(self, file: File, progress: Progress) -> Blob:
        def copy() -> Blob:
            with self._new_file(self.path / "blobs" / "sha256") as (stream, path):
                with progress.attempt() as sent:
                    blob = file.copy(stream, sent=sent)
                stream.flush()
                path.replace(self._blob(blob.digest))
            return blob

        return retry_if_changed(file, copy)

    def _write(self, path: Path, content: bytes) -> None:
        with self._new_file(path.parent) as (stream, new):
            stream.write(content)
            stream.flush()
            new.replace(path)

    @contextmanager
    def _new_file(self, directory: Path) -> Generator[tuple[BinaryIO, Path]]:
        path = directory / f".{uuid4().hex}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            # Buffered, since an unbuffered write to a full disk may be partial without an error.
            with path.open("xb") as stream:
                yield stream, path
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            with suppress(OSError):
                path.unlink()

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Exclude other writers while the index is replaced."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # This file is never replaced: two writers would lock different ones.
            with (self.path / "oci-layout").open("a+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not os.fstat(lock.fileno()).st_size:
                    lock.write(_MARKER)
                    lock.flush()
                yield
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> ArtifactError:
        return ArtifactError(f"cannot write to the layout {self.path}: {error.strerror}")

    def _index(self) -> list[dict[str, Any]]:
        try:
            entries = json.loads((self.path / "index.json").read_bytes())["manifests"]
            return [dict(entry) for entry in entries]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            raise ArtifactError(f"{self.path}/index.json is not the index of a layout") from None

    def _blob(self, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        return self.path / "blobs" / algorithm / value


def _name(entry: dict[str, Any]) -> str | None:
    return read_annotations(entry).get(_REF_NAME)
