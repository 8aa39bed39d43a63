"""Directories as one layer, in the form that `oras` packs and unpacks."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from evalhub.errors import ArtifactError
from evalhub.oci._files import BLOCK, File, FileChangedError, check_name, state_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from evalhub.oci._manifest import Descriptor

__all__ = ["describe_pack", "is_packed", "members", "pack"]

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
UNPACK = "io.deis.oras.content.unpack"
"""Asks `oras pull` to unpack a layer. The entries begin with the layer's title."""

ROOT = "io.github.eval-hub.pack"
"""Asks `pull` to leave out the title: the same files as without packing."""

_LEVEL = 6


def describe_pack(layer: Descriptor) -> Descriptor:
    """Return the descriptor of a packed layer, with the annotations that unpacking needs."""
    annotations = {**layer.annotations, UNPACK: "true", ROOT: "root"}
    return replace(layer, media_type=MEDIA_TYPE, annotations=annotations)


@contextmanager
def pack(files: Sequence[File], *, title: str) -> Generator[File]:
    """Write files to a temporary archive, which is the same for the same files and times.

    Args:
        files: The files.
        title: Name of the archive, and directory that `oras pull` unpacks it to.

    Raises:
        ArtifactError: A file cannot be read or keeps changing, or the disk is full.
    """
    check_name(title)
    with TemporaryDirectory(prefix="evalhub-", ignore_cleanup_errors=True) as directory:
        path = Path(directory, "pack.tar.gz")
        try:
            _write(path, files, title)
        except OSError as error:
            raise ArtifactError(f"cannot pack files in {directory}: {error.strerror}") from None
        yield File(name=title, path=path.resolve(), size=path.stat().st_size)


def is_packed(layer: Descriptor) -> bool:
    """Return whether a layer is a directory that `oras` or `pack` packed."""
    return layer.media_type == MEDIA_TYPE and layer.annotations.get(UNPACK) == "true"


def members(archive: Path, layer: Descriptor) -> Iterator[tuple[str, Iterator[bytes] | None]]:
    """Yield the name and the content of each file in a packed layer; a link has no content.

    Raises:
        ArtifactError: It is not an archive, or a name leads out of its directory.
    """
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for info in tar:
                if info.isdir():
                    continue
                content = tar.extractfile(info) if info.isreg() else None
                blocks = iter(partial(content.read, BLOCK), b"") if content else None
                yield _member_name(info.name, layer), blocks
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ArtifactError(f"{layer.title!r} is not a packed directory: {error}") from None


def _member_name(name: str, layer: Descriptor) -> str:
    try:
        path = PurePosixPath(name).relative_to(layer.title)
    except ValueError:
        raise ArtifactError(f"the file name {name!r} leads out of {layer.title!r}") from None
    return check_name(str(path if ROOT in layer.annotations else layer.title / path))


def _write(path: Path, files: Sequence[File], title: str) -> None:
    """Write an archive, and write it again if a file changed meanwhile."""
    for _ in range(2):
        with suppress(FileChangedError):
            with (
                path.open("wb") as stream,
                # Without the time and the name of the archive, which would change its digest.
                gzip.GzipFile("", "wb", _LEVEL, stream, mtime=0) as compressed,
                tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                for folder in _folders(files, title):
                    tar.addfile(_entry(folder, kind=tarfile.DIRTYPE, mode=0o755))
                newest = max(_add(tar, file, title) for file in files)
            # The time of an artifact is that of its newest file.
            os.utime(path, ns=(newest, newest))
            return
    raise ArtifactError("files changed while they were packed; close them before storing them")


def _add(tar: tarfile.TarFile, file: File, title: str) -> int:
    """Add a file and return its modification time in nanoseconds."""
    with file.open() as stream:
        before = state_of(stream)
        try:
            tar.addfile(_entry(f"{title}/{file.name}", size=before.size), stream)
        except OSError as error:
            if error.errno is None:  # the file has become shorter than its entry
                raise FileChangedError from None
            raise
        if state_of(stream) != before:
            raise FileChangedError
    return before.modified_ns


def _folders(files: Sequence[File], title: str) -> list[str]:
    """Return the directories of files, parents first; `oras` makes only those with an entry."""
    parents = {
        f"{title}/{folder}"
        for file in files
        for folder in PurePosixPath(file.name).parents
        if folder.name
    }
    return [title, *sorted(parents)]


def _entry(
    name: str, *, size: int = 0, kind: bytes = tarfile.REGTYPE, mode: int = 0o644
) -> tarfile.TarInfo:
    """Return an entry with the same times and owner on every machine."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.mode = size, kind, mode
    return entry
