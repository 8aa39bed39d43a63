"""What adapters hand over for MLflow. This release does not send it anywhere, and says so."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - a field type, shown by help()
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.models.result import JobResults
    from evalhub.models.spec import JobSpec

__all__ = ["MlflowArtifact", "MlflowFileArtifact", "NoMlflow"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MlflowArtifact:
    """Bytes to store with a run."""

    path: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class MlflowFileArtifact:
    """A file to store with a run."""

    path: str
    local_path: str | Path
    content_type: str | None = None


class NoMlflow:
    """Stands where the MLflow integration will: no run is made, and no result is lost by that."""

    def save(
        self,
        results: JobResults,
        job_spec: JobSpec,
        artifacts: Sequence[MlflowArtifact | MlflowFileArtifact] | None = None,
    ) -> str | None:
        """Return the id of the run that holds the results: `None`, for there is none."""
        logger.info(
            "MLflow is not available in this release: %d metrics and %d artifacts of job %s "
            "are not saved there",
            len(results.results),
            len(artifacts or ()),
            job_spec.job_id,
        )
        return None
