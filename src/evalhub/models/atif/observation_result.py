"""Compatibility: new code imports from `evalhub.models.atif`."""

from evalhub.models.atif.content import ContentPart
from evalhub.models.atif.step import ObservationResult, SubagentTrajectoryRef

__all__ = ["ContentPart", "ObservationResult", "SubagentTrajectoryRef"]
