"""Find the files of an artifact and name them."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from evalhub.errors import ArtifactError
from evalhub.oci._files import File, check_name, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evalhub.models.oci import OCIArtifactSpec

__all__ = ["Found", "collect"]

logger = logging.getLogger(__name__)

_LAYOUT = frozenset({"blobs", "index.json", "oci-layout"})
_LOGGED = 10


@dataclass(frozen=True, slots=True)
class Found:
    """The files of an artifact.

    Args:
        files: Sorted by name, so that the same files make the same artifact.
        omitted: Name and reason of what a directory contains and the artifact does not.
    """

    files: Sequence[File]
    omitted: Mapping[str, str]


def collect(spec: OCIArtifactSpec, *, layout: Path | None = None) -> Found:
    """Return the files of a spec.

    Files of a directory (`files_path`) are named by their path in it, and `files` by their path
    below `base_path`. Without a base path a file has its own name; several files of one name keep
    their directories below the nearest common one.

    Args:
        spec: Names the files.
        layout: Image layout the files are stored in, which is not stored in itself.

    Raises:
        ArtifactError: There are no files; or one is missing, unreadable, not a regular file,
            outside the base path, or has the name of another.
    """
    omitted: dict[str, str] = {}
    if spec.files_path is not None and spec.files_path.is_dir():
        tree = _Tree(spec.files_path, layout=layout, omitted=omitted)
        files = tree.files()
    else:
        paths = spec.files or ([spec.files_path] if spec.files_path is not None else [])
        files = _below(spec.base_path, paths) if spec.base_path else _listed(paths)
    omitted = dict(sorted(omitted.items()))
    if omitted:
        _log(omitted, spec.files_path)
    if not files:
        where = f" in {spec.files_path}" if spec.files_path is not None else ""
        raise ArtifactError(f"no files to store{where}")
    # A file that is listed twice is stored once; other files differ in their names.
    by_name = {file.name: file for file in files}
    _check_names(by_name)
    return Found([by_name[name] for name in sorted(by_name)], omitted)


class _Tree:
    """The files below a directory."""

    def __init__(self, base: Path, *, layout: Path | None, omitted: dict[str, str]) -> None:
        self._base = base
        self._root = base.resolve()
        self._layout = layout.resolve() if layout else None
        self._omitted = omitted

    def files(self) -> list[File]:
        found: list[File] = []
        for directory, folders, names in os.walk(self._base, onerror=_fail):
            here = Path(directory)
            self._leave_out_layout(here, folders, names)
            for folder in folders:
                # The files behind a link to a directory are stored under their own names.
                self._target(here / folder)
            found += filter(None, (self._file(here / name) for name in names))
        return found

    def _leave_out_layout(self, here: Path, folders: list[str], names: list[str]) -> None:
        real = self._root / here.relative_to(self._base)
        if real == self._layout:  # the base itself
            folders[:] = [folder for folder in folders if folder not in _LAYOUT]
            names[:] = [name for name in names if name not in _LAYOUT]
        folders[:] = [folder for folder in folders if real / folder != self._layout]

    def _file(self, path: Path) -> File | None:
        try:
            target = self._target(path)
            status = target.stat() if target else None
        except OSError as error:
            raise unreadable(path, error) from None
        if target is None or status is None:
            return None
        if not stat.S_ISREG(status.st_mode):
            self._omit(path, "not a regular file")
            return None
        return File(name=check_name(self._name(path)), path=target, size=status.st_size)

    def _target(self, path: Path) -> Path | None:
        """Return the file itself or the one a link leads to; leave out a link to elsewhere."""
        if not path.is_symlink():
            return self._root / path.relative_to(self._base)
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            self._omit(path, "a link without a target")
            return None
        if not target.is_relative_to(self._root):
            self._omit(path, "a link that leads out of the directory")
            return None
        return target

    def _omit(self, path: Path, reason: str) -> None:
        self._omitted[self._name(path)] = reason

    def _name(self, path: Path) -> str:
        return path.relative_to(self._base).as_posix()


def _below(base: Path, paths: Iterable[Path]) -> list[File]:
    root = base.absolute()
    found: list[File] = []
    for path in paths:
        # A relative path may start at the working directory or at the base.
        is_given = path.is_absolute() or (path.exists() and path.absolute().is_relative_to(root))
        place = path if is_given else base / path
        try:
            name = place.absolute().relative_to(root).as_posix()
        except ValueError:
            raise ArtifactError(f"{path} is not below the base path {base}") from None
        found.append(_file(place, name=name, root=base.resolve()))
    return found


def _listed(paths: Iterable[Path]) -> list[File]:
    by_name: dict[str, dict[str, Path]] = {}
    for path in paths:
        by_name.setdefault(path.name, {})[os.path.abspath(path)] = path  # noqa: PTH100 - links stay
    return [
        _file(path, name=name, root=path.parent.resolve())
        for same_named in by_name.values()
        for name, path in _short_names(same_named)
    ]


def _short_names(paths: Mapping[str, Path]) -> list[tuple[str, Path]]:
    """Return the shortest names that tell apart paths with the same last part."""
    common = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120 - text
    return [
        (PurePosixPath(full).relative_to(common).as_posix(), path) for full, path in paths.items()
    ]


def _file(path: Path, *, name: str, root: Path) -> File:
    try:
        target = path.resolve()
        status = target.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    except (RuntimeError, ValueError) as error:
        raise ArtifactError(f"cannot read {str(path)!r}: {error}") from None
    if not target.is_relative_to(root):
        raise ArtifactError(f"{path} is a link that leads out of {root}, to {target}")
    if stat.S_ISDIR(status.st_mode):
        raise ArtifactError(f"{path} is a directory, not a file; pass it as files_path")
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactError(f"{path} is not a regular file")
    return File(name=check_name(name), path=target, size=status.st_size)


def _check_names(files: Mapping[str, File]) -> None:
    folders = {str(folder) for name in files for folder in PurePosixPath(name).parents}
    for name, file in files.items():
        if name in folders:
            raise ArtifactError(
                f"{file.path} has the name of a directory in the artifact, {name!r}; "
                "pass base_path to keep its directory"
            )


def _log(omitted: Mapping[str, str], base: Path | None) -> None:
    lines = [f"{name} ({reason})" for name, reason in list(omitted.items())[:_LOGGED]]
    more = f" and {len(omitted) - _LOGGED} more" if len(omitted) > _LOGGED else ""
    logger.warning("left out of the artifact of %s: %s%s", base, ", ".join(lines), more)


def _fail(error: OSError) -> None:
    raise unreadable(Path(error.filename), error)
