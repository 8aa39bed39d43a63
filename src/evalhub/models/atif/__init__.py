"""Trajectories of agents, in the Agent Trajectory Interchange Format (ATIF) of Harbor.

```python
trajectory = Trajectory.from_file("trajectory.json")
print(trajectory.totals().total_cost_usd)
```

Versions 1.0 to 1.8 are checked by the format's rules. A later 1.x is read, and what it adds is
kept.
"""

from __future__ import annotations

from evalhub.models.atif.content import AudioSource, ContentPart, ImageSource
from evalhub.models.atif.step import (
    Metrics,
    Observation,
    ObservationResult,
    Step,
    SubagentTrajectoryRef,
    ToolCall,
)
from evalhub.models.atif.trajectory import Agent, FinalMetrics, Trajectory
from evalhub.models.trajectory import TrajectoryScore

__all__ = [
    "Agent",
    "AudioSource",
    "ContentPart",
    "FinalMetrics",
    "ImageSource",
    "Metrics",
    "Observation",
    "ObservationResult",
    "Step",
    "SubagentTrajectoryRef",
    "ToolCall",
    "Trajectory",
    "TrajectoryScore",
]
