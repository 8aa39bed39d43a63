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


def job_folder(settings: AdapterSettings, job_spec_path: Path | None = None) -> Path | None:
    """Return the job's own folder in local mode; `None` in a cluster, where there is none.

    Args:
        settings: What the environment says.
        job_spec_path: The job file, in place of the one the settings name.
    """
    from evalhub.settings import EvalHubMode

    if settings.mode is not EvalHubMode.LOCAL:
        return None
    folder = (job_spec_path or settings.resolved_job_spec_path).absolute().parent
    return folder.parent if folder.name == "meta" else folder
