"""Compatibility: new code imports from `evalhub.models.atif`."""

from evalhub.models.atif.trajectory import FinalMetrics

__all__ = ["FinalMetrics"]
