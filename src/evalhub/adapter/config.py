"""Compatibility: names of 1.x; new code imports them from `evalhub.adapter`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.errors import JobSpecNotFoundError
from evalhub.settings import (
    CLUSTER_JOB_SPEC_PATH,
    LOCAL_JOB_SPEC_PATH,
    AdapterSettings,
    EvalHubMode,
    MlflowBackend,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DEFAULT_JOB_SPEC_PATH_K8S",
    "DEFAULT_JOB_SPEC_PATH_LOCAL",
    "JOB_SPEC_PATH_ENV",
    "AdapterSettings",
    "EvalHubMode",
    "MlflowBackend",
    "get_job_spec_path",
]

DEFAULT_JOB_SPEC_PATH_K8S = str(CLUSTER_JOB_SPEC_PATH)
DEFAULT_JOB_SPEC_PATH_LOCAL = str(LOCAL_JOB_SPEC_PATH)
JOB_SPEC_PATH_ENV = "EVALHUB_JOB_SPEC_PATH"


def get_job_spec_path() -> Path:
    """Return the path of the job file.

    Raises:
        JobSpecNotFoundError: There is no such file.
        ConfigurationError: An environment variable has an invalid value.
    """
    path = AdapterSettings.from_env().resolved_job_spec_path
    if not path.exists():
        raise JobSpecNotFoundError.at(path)
    return path
