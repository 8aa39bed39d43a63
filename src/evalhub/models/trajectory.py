"""What a trajectory is worth."""

from __future__ import annotations

import re
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from evalhub.models._base import Details, Model

if TYPE_CHECKING:
    from evalhub.models.atif.trajectory import Trajectory

__all__ = ["TrajectoryScore"]

FOLDER = "trajectories"
_LONGEST_NAME = 100


def _as_trajectory(value: Any) -> Any:
    if value is None:
        return None
    from evalhub.models.atif.trajectory import Trajectory

    return value if isinstance(value, Trajectory) else Trajectory.model_validate(value)


class TrajectoryScore(Model):
    """The score of one trajectory, for `JobResults.trajectory_results`.

    The service is sent the score and the sums; the trajectory itself goes into the artifact.
    """

    _identified_by = ("trajectory_id", "task_id", "score", "passed")

    trajectory_id: str = ""
    """By default the id of the trajectory, or else of its session."""

    task_id: str | None = None
    """The task, the same in each run."""

    score: float | None = None
    passed: bool | None = None
    metrics: Details = Field(default_factory=dict[str, Any])
    """Anything else that was measured."""

    error: str | None = None
    """Why there is no score."""

    file: str | None = None
    """The trajectory's file in the artifact."""

    if TYPE_CHECKING:
        trajectory: Trajectory | None = None
    else:
        # The models of a trajectory are built for those who have one, not for every result.
        trajectory: Annotated[Any, BeforeValidator(_as_trajectory)] = Field(
            default=None, exclude=True, repr=False
        )

    @model_validator(mode="after")
    def _has_an_id(self) -> Self:
        if not self.trajectory_id:
            found = self.trajectory
            name = (found.trajectory_id or found.session_id) if found else None
            if not (name or self.task_id):
                raise ValueError("give a trajectory_id, a task_id, or a trajectory that has an id")
            self.trajectory_id = name or self.task_id or ""
        return self

    def to_folder(self, folder: Path | str) -> Path | None:
        """Write the trajectory to `trajectories/ID.json` in an artifact's folder; `file` names it.

        Raises:
            ConfigurationError: A value has no JSON form, or the file cannot be written.
        """
        if self.trajectory is None:
            return None
        stem = (
            re.sub(r"[^\w.-]+", "_", self.trajectory_id).strip(".")[:_LONGEST_NAME] or "trajectory"
        )
        names = chain([f"{stem}.json"], (f"{stem}-{number}.json" for number in count(2)))
        place = Path(folder, FOLDER)
        path = next(path for name in names if not (path := place / name).exists())
        self.trajectory.to_file(path)
        self.file = f"{FOLDER}/{path.name}"
        return path

    def summary(self) -> dict[str, Any]:
        """Return the score and the trajectory's sums, without any of its content."""
        kept = {name: value for name, value in dict(self).items() if value not in (None, {})}
        trajectory: Trajectory | None = kept.pop("trajectory", None)
        if trajectory is not None:
            kept["totals"] = trajectory.totals().model_dump(exclude_none=True)
            kept["agent"] = trajectory.agent.name
        return kept
