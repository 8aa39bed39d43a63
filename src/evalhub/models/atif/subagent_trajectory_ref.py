"""Compatibility: new code imports from `evalhub.models.atif`."""

from evalhub.models.atif.step import SubagentTrajectoryRef

__all__ = ["SubagentTrajectoryRef"]
