"""Compatibility: names of 1.x; new code imports them from `evalhub.settings`."""

from evalhub.adapter.config import (
    DEFAULT_JOB_SPEC_PATH_K8S,
    DEFAULT_JOB_SPEC_PATH_LOCAL,
    JOB_SPEC_PATH_ENV,
)
from evalhub.settings import AdapterSettings, EvalHubMode, MlflowBackend

__all__ = [
    "DEFAULT_JOB_SPEC_PATH_K8S",
    "DEFAULT_JOB_SPEC_PATH_LOCAL",
    "JOB_SPEC_PATH_ENV",
    "AdapterSettings",
    "EvalHubMode",
    "MlflowBackend",
]
