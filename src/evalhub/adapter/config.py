"""The names published adapters import from here; each has its home elsewhere."""

from evalhub.adapter.job import get_job_spec_path
from evalhub.settings import EvalHubMode, MlflowBackend

__all__ = ["EvalHubMode", "MlflowBackend", "get_job_spec_path"]
