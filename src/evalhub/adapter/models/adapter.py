"""Compatibility: names of 1.x; new code imports them from `evalhub.adapter`."""

from evalhub.adapter.base import FrameworkAdapter
from evalhub.adapter.callbacks import JobCallbacks
from evalhub.models.result import JobResults
from evalhub.models.spec import JobSpec
from evalhub.settings import EvalHubMode

__all__ = ["EvalHubMode", "FrameworkAdapter", "JobCallbacks", "JobResults", "JobSpec"]
