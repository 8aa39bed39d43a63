"""What every callbacks object offers besides its three methods: phases, progress, samples."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import contextmanager, suppress
from functools import cached_property
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import finalize

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from evalhub.adapter.callbacks import JobCallbacks
    from evalhub.adapter.progress import Progress
    from evalhub.adapter.samples import SampleWriter
    from evalhub.models.oci import OCIArtifactSpec
    from evalhub.models.state import JobPhase

__all__ = ["Kit", "sample_files", "samples_of", "with_samples"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_ASIDE = "evalhub"
"""Folder of the samples in an artifact that has files of their names already."""


class Kit:
    """Mixed into `JobCallbacks`; works for a subclass that never calls our `__init__`."""

    def phase(
        self, name: JobPhase | str, message: str | None = None
    ) -> AbstractContextManager[None]:
        """Report that a phase has begun, trace it, and log how long it took.

        Args:
            name: The phase.
            message: What is done in it; the phase's name by default.
        """
        from evalhub.adapter.progress import phase

        return phase(cast("JobCallbacks", self), name, message)

    def progress(
        self, iterable: Iterable[T] = (), *, total: int | None = None, **options: Any
    ) -> Progress[T]:
        """Return a loop over an iterable that reports how far it is.

        Args:
            iterable: What to loop over; without one, call `update` or `at` on what is returned.
            total: Number of steps; taken from the iterable where it has a length.
            options: The other arguments of `evalhub.adapter.progress.Progress`.
        """
        from evalhub.adapter.progress import Progress

        return Progress(cast("JobCallbacks", self), iterable, total=total, **options)

    @cached_property
    def samples(self) -> SampleWriter:
        """Keeps every answer; what is added goes into the job's artifact."""
        from evalhub.adapter.samples import SampleWriter

        primary = getattr(self, "primary_score", None)
        folder = self._samples_folder()
        writer = SampleWriter(
            folder or mkdtemp(prefix="evalhub-samples-"),
            benchmark_id=_text(getattr(self, "benchmark_id", None)),
            provider_id=_text(getattr(self, "provider_id", None)),
            metric=_text(getattr(primary, "metric", None)),
        )
        if folder is None:
            finalize(writer, shutil.rmtree, writer.folder, ignore_errors=True)
        return writer

    def _samples_folder(self) -> Path | None:
        """Return where the samples are kept; `None` for a folder that goes with the writer."""
        return None


def samples_of(callbacks: object) -> SampleWriter:
    """Return the writer of callbacks; one of its own where they are a test's double."""
    from evalhub.adapter.samples import SampleWriter

    found = getattr(callbacks, "samples", None)
    return found if isinstance(found, SampleWriter) else Kit().samples


def sample_files(kit: Kit) -> list[Path]:
    """Return the file of samples and its manifest, up to date; none if there are no samples."""
    # Not `kit.samples`: nothing is made for an adapter that keeps no samples.
    writer = kit.__dict__.get("samples")
    if not writer or not len(writer):
        return []
    writer.finish()
    return [writer.path, writer.path.with_name("manifest.json")]


@contextmanager
def with_samples(kit: Kit, spec: OCIArtifactSpec) -> Generator[OCIArtifactSpec]:
    """Yield a specification of an artifact that holds the samples as well, if there are any.

    A directory's artifact gets them as links that are gone afterwards. What cannot be added is
    left out with a warning: the artifact is worth more than its completion.
    """
    ours = sample_files(kit)
    if not ours:
        yield spec
        return
    placed: list[Path] = []
    try:
        spec = _joined(spec, ours, placed)
    except OSError as error:
        logger.warning("the artifact goes without samples: %s", error)
    try:
        yield spec
    finally:
        for path in placed:
            with suppress(OSError):
                path.unlink()
        for folder in {path.parent for path in placed if path.parent.name == _ASIDE}:
            with suppress(OSError):
                folder.rmdir()


def _joined(spec: OCIArtifactSpec, ours: list[Path], placed: list[Path]) -> OCIArtifactSpec:
    base = spec.files_path if spec.files_path and spec.files_path.is_dir() else spec.base_path
    if base is None:
        files = spec.files or ([spec.files_path] if spec.files_path else [])
        if {path.name for path in ours} & {path.name for path in files}:
            logger.warning("the artifact has files called as the samples are; it keeps its own")
            return spec
        return spec.model_copy(update={"files": [*files, *ours], "files_path": None})
    if all(path.resolve().is_relative_to(base.resolve()) for path in ours):
        more = [] if spec.files_path else ours
        return spec.model_copy(update={"files": [*spec.files, *more]})
    taken = any((base / path.name).exists() for path in ours)
    folder = base / _ASIDE if taken else base
    folder.mkdir(exist_ok=True)
    for path in ours:
        target = folder / path.name
        _link(path, target)
        placed.append(target)
    if spec.files_path:
        return spec
    return spec.model_copy(update={"files": [*spec.files, *placed]})


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
