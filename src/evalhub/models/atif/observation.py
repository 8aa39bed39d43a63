"""Compatibility: new code imports from `evalhub.models.atif`."""

from evalhub.models.atif.step import Observation, ObservationResult

__all__ = ["Observation", "ObservationResult"]
