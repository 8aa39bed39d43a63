"""Files to store, and what they contained when they were read."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from evalhub.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BLOCK",
    "Blob",
    "File",
    "FileChangedError",
    "check_name",
    "retry_if_changed",
    "state_of",
    "unreadable",
]

BLOCK = 1 << 18

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class FileChangedError(Exception):
    """A file changed since its digest was computed; never leaves this package."""


class State(NamedTuple):
    """Properties that change with a file's content."""

    size: int
    modified_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class File:
    """A file to store.

    Args:
        name: Name in the artifact, relative, with forward slashes.
        path: Path on disk, with symlinks resolved.
        size: Bytes, when it was found.
    """

    name: str
    path: Path
    size: int

    def digest(self) -> Blob:
        """Read the file and return its digest and size.

        Raises:
            ArtifactError: It cannot be read.
        """
        with self.open() as stream:
            before = state_of(stream)
            try:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError as error:
                raise unreadable(self.path, error) from None
        return Blob(file=self, digest=f"sha256:{digest}", size=before.size, state=before)

    def copy(self, target: BinaryIO, *, sent: Callable[[int], None]) -> Blob:
        """Copy the file and return its digest and size.

        Args:
            target: Stream to write to.
            sent: Called with the number of bytes of each block.

        Raises:
            FileChangedError: It changed meanwhile.
            ArtifactError: It cannot be read.
        """
        sha256 = hashlib.sha256()
        with self.open() as stream:
            before = state_of(stream)
            while block := _read(stream, BLOCK, self.path):
                sha256.update(block)
                target.write(block)
                sent(len(block))
            if state_of(stream) != before:
                raise FileChangedError
        return Blob(
            file=self, digest=f"sha256:{sha256.hexdigest()}", size=before.size, state=before
        )

    def open(self) -> FileIO:
        """Open the file if it is a regular one.

        Raises:
            ArtifactError: It is not, or it cannot be opened.
        """
        try:
            # A FIFO that replaced the file must not block, and a symlink must not be followed.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise unreadable(self.path, error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ArtifactError(f"{self.path} is not a regular file")
        return FileIO(descriptor)


@dataclass(frozen=True, slots=True)
class Blob:
    """The content of a file when it was read: its digest and size in bytes."""

    file: File
    digest: str
    size: int
    state: State

    def blocks(
        self, *, start: int = 0, length: int | None = None, sent: Callable[[int], None]
    ) -> Iterator[bytes]:
        """Yield a range of the file.

        Args:
            start: Offset of the first byte.
            length: Number of bytes; all the others if `None`.
            sent: Called with the number of bytes of each block, after it was used.

        Raises:
            FileChangedError: It changed since its digest was computed.
            ArtifactError: It cannot be read.
        """
        left = self.size - start if length is None else length
        with self.file.open() as stream:
            stream.seek(start)
            while left:
                block = _read(stream, min(BLOCK, left), self.file.path)
                if not block:
                    raise FileChangedError
                yield block
                sent(len(block))
                left -= len(block)
            if state_of(stream) != self.state:
                raise FileChangedError

    @property
    def modified(self) -> datetime:
        """Time of the last modification, to the second."""
        return datetime.fromtimestamp(self.state.modified_ns // 1_000_000_000, UTC)


def retry_if_changed(file: File, store: Callable[[], Blob]) -> Blob:
    """Store a file, and store it again if it changed meanwhile.

    Raises:
        ArtifactError: It changed again.
    """
    for _ in range(2):
        with suppress(FileChangedError):
            return store()
    raise ArtifactError(f"{file.path} changed while it was stored; close it before storing it")


def check_name(name: str) -> str:
    """Return the name of a file in an artifact unchanged, if it is safe to write.

    Raises:
        ArtifactError: It is absolute, leads out of its directory, or is not printable UTF-8.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or str(path) != name or name == ".":
        raise ArtifactError(f"the file name {name!r} leads out of its directory")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ArtifactError(f"the file name {name!r} is not valid UTF-8; rename it") from None
    if _CONTROL.search(name):
        raise ArtifactError(f"the file name {name!r} contains control characters; rename it")
    return name


def unreadable(path: Path, error: OSError) -> ArtifactError:
    """Return the error for a file that cannot be read."""
    return ArtifactError(f"cannot read {path}: {error.strerror}")


def state_of(stream: FileIO) -> State:
    """Return the state of an open file."""
    status = os.fstat(stream.fileno())
    return State(status.st_size, status.st_mtime_ns, status.st_ino)


def _read(stream: FileIO, size: int, path: Path) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise unreadable(path, error) from None
