"""Compatibility: names of 1.x; new code imports them from `evalhub.adapter`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.settings import AdapterSettings, EvalHubMode, MlflowBackend

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EvalHubMode", "MlflowBackend", "get_job_spec_path"]


def get_job_spec_path() -> Path:
    """Return the path of the job file, which need not exist.

    Raises:
        ConfigurationError: An environment variable has an invalid value.
    """
    return AdapterSettings.from_env().resolved_job_spec_path
