"""Keep a report that did not reach the service, so that it can be sent again."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalhub.adapter._report.event import body
from evalhub.errors import ConfigurationError
from evalhub.models.event import BenchmarkStatusEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Undelivered", "keep", "spool_folders"]

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A report and where it was to go. It holds no token; the sender brings its own."""

    base_url: str
    path: str
    event: BenchmarkStatusEvent

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a kept report.

        Raises:
            ConfigurationError: The file is not one.
        """
        try:
            content: Any = json.loads(file.read_bytes())
            return cls(
                base_url=str(content["base_url"]),
                path=str(content["path"]),
                event=BenchmarkStatusEvent.model_validate(content["benchmark_status_event"]),
            )
        except OSError as error:
            raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
        except (KeyError, TypeError, ValueError):
            raise ConfigurationError(f"{file} is not a report that was kept") from None

    def dump(self) -> bytes:
        """Return the content of the file that keeps this report."""
        content = {"base_url": self.base_url, "path": self.path, **json.loads(body(self.event))}
        return json.dumps(content, indent=1).encode()


def keep(report: Undelivered, name: str, folders: Sequence[Path]) -> Path:
    """Write a report to the first folder that takes it; all of it or nothing.

    Args:
        report: What to keep.
        name: Name of the file without its suffix.
        folders: Where to try, in order; they are made where they do not exist.

    Raises:
        OSError: No folder takes it.
    """
    failure = OSError("there is no folder to keep it in")
    for folder in folders:
        try:
            return _write(folder, name, report.dump())
        except OSError as error:
            failure = error
    raise failure


def spool_folders(spool_dir: Path | None, job_folder: Path | None) -> list[Path]:
    """Return where undelivered reports may be kept, the best place first.

    Args:
        spool_dir: The folder the settings name; nothing else is tried then.
        job_folder: The job's own folder.
    """
    if spool_dir is not None:
        return [spool_dir]
    # In a cluster the job file's folder is read-only; `/data` is the volume that can be written.
    parents = [folder for folder in (job_folder, Path("/data"), Path.cwd()) if folder is not None]
    return [parent / "undelivered" for parent in parents if parent.is_dir()]


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
