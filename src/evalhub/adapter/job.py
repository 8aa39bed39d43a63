"""Where the job this process was started for lies on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.settings import AdapterSettings

__all__ = ["get_job_spec_path", "job_folder"]


def get_job_spec_path() -> Path:
    """Return the path of the job file, which need not exist.

    Raises:
        ConfigurationError: A variable of the environment has a value it cannot have.
    """
    from evalhub.settings import AdapterSettings

    return AdapterSettings.from_env().resolved_job_spec_path


def job_folder(settings: AdapterSettings) -> Path | None:
    """Return the job's own folder in local mode; `None` without a job file, and in a cluster."""
    from evalhub.settings import EvalHubMode

    path = settings.resolved_job_spec_path
    if settings.mode is not EvalHubMode.LOCAL or not path.is_file():
        return None
    folder = path.absolute().parent
    folder = folder.parent if folder.name == "meta" else folder
    # A container started by hand has its job in `/meta`; its root belongs to no job.
    return None if folder == folder.parent else folder
