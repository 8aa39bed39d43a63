"""Compatibility: new code imports from `evalhub.models.atif`."""

from evalhub.models.atif.step import Metrics

__all__ = ["Metrics"]
