"""Keep a report that did not reach the service in a file, so that it can be sent again."""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalhub.adapter._report.event import Report
from evalhub.errors import ConfigurationError
from evalhub.models.event import BenchmarkStatusEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Undelivered", "keep", "spool_folders"]

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A report and its destination. It holds no token; the sender brings its own."""

    base_url: str
    path: str
    job_id: str
    report: Report

    @property
    def name(self) -> str:
        """The name of its file, without the suffix."""
        return re.sub(r"[^\w.-]", "_", f"{self.job_id}-{self.report.event.benchmark_index}")

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read the file of a kept report.

        Raises:
            ConfigurationError: The file cannot be read, or holds no report.
        """
        try:
            return cls.parse(file.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
        except ValueError:
            raise ConfigurationError(f"{file} does not hold an undelivered report") from None

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a kept report.

        Raises:
            ValueError: The content is no report.
        """
        fields: Any = json.loads(content)
        try:
            event = BenchmarkStatusEvent.model_validate(fields["benchmark_status_event"])
            return cls(
                str(fields["base_url"]), str(fields["path"]), str(fields["job_id"]), Report(event)
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not an undelivered report") from error

    def dump(self) -> bytes:
        """Return the content of the file that keeps this report."""
        destination = json.dumps(
            {"base_url": self.base_url, "path": self.path, "job_id": self.job_id}
        )
        # The body is a JSON object already: it is joined, not parsed and serialised again.
        return destination[:-1].encode() + b",\n" + self.report.body[1:] + b"\n"


def keep(undelivered: Undelivered, folders: Sequence[Path]) -> Path:
    """Write a report to the first folder that can be written; all of it or nothing.

    Args:
        undelivered: The report to keep.
        folders: Folders to try, in order; they are created where they do not exist.

    Raises:
        OSError: None of the folders can be written.
    """
    failure = OSError("there is no folder to keep it in")
    for folder in folders:
        try:
            return _write(folder, undelivered.name, undelivered.dump())
        except OSError as error:
            failure = error
    raise failure


def spool_folders(spool_dir: Path | None, job_folder: Path | None) -> list[Path]:
    """Return the folders in which to keep undelivered reports, the best one first.

    The last one is the temporary directory, which may not outlive the container: a report there
    is better than none.

    Args:
        spool_dir: The folder that the settings name; of the others, only the last is tried then.
        job_folder: The job's own folder.
    """
    last_resort = _temporary_folders()
    if spool_dir is not None:
        return [spool_dir, *last_resort]
    # In a cluster the job file's folder is read-only; `/data` is the volume that can be written.
    parents = [folder for folder in (job_folder, Path("/data"), Path.cwd()) if folder is not None]
    return [*(parent / "undelivered" for parent in parents if parent.is_dir()), *last_resort]


def _temporary_folders() -> list[Path]:
    try:
        return [Path(tempfile.gettempdir()) / "evalhub-undelivered"]
    except FileNotFoundError:  # a read-only file system without a volume for temporary files
        return []


def _write(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    draft = folder / f".{name}.{os.getpid()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        draft.replace(file)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    return file
