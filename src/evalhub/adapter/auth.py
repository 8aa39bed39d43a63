"""Compatibility: names of 1.x; new code imports them from `evalhub.adapter`."""

from evalhub.adapter.config import get_job_spec_path
from evalhub.adapter.credentials import (
    ModelCredentials,
    read_model_auth_key,
    resolve_model_credentials,
)
from evalhub.models.spec import JobSpec
from evalhub.settings import AdapterSettings, EvalHubMode

__all__ = [
    "AdapterSettings",
    "EvalHubMode",
    "JobSpec",
    "ModelCredentials",
    "get_job_spec_path",
    "read_model_auth_key",
    "resolve_model_credentials",
]
