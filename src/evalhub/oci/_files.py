"""The files of an artifact: which they are, what they are called, what they hold."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from evalhub.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evalhub.models.oci import OCIArtifactSpec

__all__ = ["Blob", "File", "FileChangedError", "check_name", "collect", "despite_change"]

BLOCK = 1 << 18

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class FileChangedError(Exception):
    """A file is not what it was when its digest was taken; it never leaves this package."""


class State(NamedTuple):
    """What changes when a file does."""

    size: int
    modified_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class File:
    """A file to store.

    Args:
        name: Its name in the artifact, relative, with forward slashes.
        path: Where it is, every symlink resolved.
        size: Bytes, when it was found.
    """

    name: str
    path: Path
    size: int

    def digest(self) -> Blob:
        """Read the file once and return what it holds.

        Raises:
            ArtifactError: It cannot be read.
        """
        with self.open() as stream:
            before = _state(stream)
            try:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError as error:
                raise unreadable(self.path, error) from None
        return Blob(file=self, digest=f"sha256:{digest}", size=before.size, state=before)

    def copy(self, target: BinaryIO, *, sent: Callable[[int], None]) -> Blob:
        """Copy the file, reading it once, and return what it holds.

        Raises:
            FileChangedError: It changed meanwhile.
            ArtifactError: It cannot be read.
        """
        sha256 = hashlib.sha256()
        with self.open() as stream:
            before = _state(stream)
            while block := _read(stream, BLOCK, self.path):
                sha256.update(block)
                target.write(block)
                sent(len(block))
            if _state(stream) != before:
                raise FileChangedError
        return Blob(
            file=self, digest=f"sha256:{sha256.hexdigest()}", size=before.size, state=before
        )

    def open(self) -> FileIO:
        """Open the file, if it is a regular one.

        Raises:
            ArtifactError: It is not, or it cannot be opened.
        """
        try:
            # A FIFO put in the file's place must not block the push, nor a symlink lead it away.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise unreadable(self.path, error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ArtifactError(f"{self.path} is not a regular file")
        return FileIO(descriptor)


@dataclass(frozen=True, slots=True)
class Blob:
    """What a file held when it was read: its digest and size in bytes."""

    file: File
    digest: str
    size: int
    state: State

    def blocks(
        self, *, start: int = 0, length: int | None = None, sent: Callable[[int], None]
    ) -> Iterator[bytes]:
        """Yield the file's bytes from `start` on, telling `sent` how many each time.

        Raises:
            FileChangedError: The file is not the one that was read.
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
            if _state(stream) != self.state:
                raise FileChangedError

    @property
    def modified(self) -> datetime:
        """When the file was last written, to the second."""
        return datetime.fromtimestamp(self.state.modified_ns // 1_000_000_000, UTC)


def collect(spec: OCIArtifactSpec) -> list[File]:
    """Return the files of a spec, sorted by name, so that the same files make the same artifact.

    A directory given as `files_path` keeps its relative paths, as do `files` below `base_path`;
    without a base path a file is called by its own name.

    Raises:
        ArtifactError: There are none, or one is missing, unreadable, not a regular file, outside
            its base directory, or called like another.
    """
    if spec.files_path is not None and spec.files_path.is_dir():
        found = _tree(spec.files_path)
    else:
        single = [spec.files_path] if spec.files_path is not None else []
        found = [_named(path, spec.base_path) for path in spec.files or single]
    if not found:
        where = f" in {spec.files_path}" if spec.files_path is not None else ""
        raise ArtifactError(f"no files to store{where}")
    files = sorted(_told_apart(found, spec.base_path), key=lambda file: file.name)
    for first, second in pairwise(files):
        if first.name == second.name:
            raise ArtifactError(
                f"two files are called {first.name!r}: {first.path} and {second.path}; "
                "give base_path to keep their directories"
            )
    return files


def _told_apart(found: list[File], base: Path | None) -> list[File]:
    """Let files of one name keep their directories, below the nearest one they have in common.

    An error would come after hours of work.
    """
    once = list({(file.name, file.path): file for file in found}.values())
    if base is not None or len({file.name for file in once}) == len(once):
        return once
    unique = {file.path: file for file in once}
    common = Path(os.path.commonpath([path.parent for path in unique]))
    return [
        File(name=check_name(path.relative_to(common).as_posix()), path=path, size=file.size)
        for path, file in unique.items()
    ]


def despite_change(file: File, store: Callable[[], Blob]) -> Blob:
    """Store a file; if it changed meanwhile, once more as it is then.

    Raises:
        ArtifactError: It changed again.
    """
    for _ in range(2):
        with suppress(FileChangedError):
            return store()
    raise ArtifactError(f"{file.path} changed while it was stored; close it before storing it")


def check_name(name: str) -> str:
    """Return a file's name in an artifact if it is safe to write below a directory.

    Raises:
        ArtifactError: It is absolute, leads out of the directory, or cannot be written down.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or str(path) != name or name == ".":
        raise ArtifactError(f"the file name {name!r} leads out of its directory")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ArtifactError(f"the file name {name!r} is not valid UTF-8; rename it") from None
    if _CONTROL.search(name):
        raise ArtifactError(f"the file name {name!r} holds control characters; rename it")
    return name


def unreadable(path: Path, error: OSError) -> ArtifactError:
    """Say that a file cannot be read, and why."""
    return ArtifactError(f"cannot read {path}: {error.strerror}")


def _tree(base: Path) -> list[File]:
    root = base.resolve()
    found: list[File] = []

    def fail(error: OSError) -> None:
        raise unreadable(Path(error.filename), error)

    for directory, folders, names in os.walk(base, onerror=fail):
        for folder in folders:
            # A link to a directory is not followed: what it leads to is stored by its own name.
            _inside(Path(directory, folder), root)
        for name in names:
            path = Path(directory, name)
            found.append(_file(path, name=path.relative_to(base).as_posix(), root=root))
    return found


def _named(path: Path, base: Path | None) -> File:
    if base is None:
        return _file(path, name=path.name, root=path.parent.resolve())
    root = base.absolute()
    # A relative path may begin where we are, or at the base.
    if not path.is_absolute() and not (path.exists() and path.absolute().is_relative_to(root)):
        path = base / path
    try:
        name = path.absolute().relative_to(root)
    except ValueError:
        raise ArtifactError(f"{path} is not below the base path {base}") from None
    return _file(path, name=name.as_posix(), root=base.resolve())


def _file(path: Path, *, name: str, root: Path) -> File:
    real = _inside(path, root)
    try:
        status = real.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise ArtifactError(f"{path} is a directory, not a file; give it as files_path")
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactError(f"{path} is not a regular file")
    return File(name=check_name(name), path=real, size=status.st_size)


def _inside(path: Path, root: Path) -> Path:
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ArtifactError(f"cannot read {str(path)!r}: {error}") from None
    if not real.is_relative_to(root):
        raise ArtifactError(f"{path} is a link that leaves {root}; it leads to {real}")
    return real


def _state(stream: FileIO) -> State:
    status = os.fstat(stream.fileno())
    return State(status.st_size, status.st_mtime_ns, status.st_ino)


def _read(stream: FileIO, size: int, path: Path) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise unreadable(path, error) from None
