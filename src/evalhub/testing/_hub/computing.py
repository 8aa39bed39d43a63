"""Post-processing of service 1.0.3, by its source and its OpenAPI document (wire contract 10).

No released service has it yet: unlike the rest, this is not compared with the real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evalhub.testing._hub.catalog import now
from evalhub.testing._hub.values import Json, Refusal

if TYPE_CHECKING:
    from evalhub.testing._hub.catalog import Owner
    from evalhub.testing._hub.jobs import Job

__all__ = ["Computation", "Computations"]

_KIND = "confidence_interval"
_SOURCES = frozenset({"eval_job", "s3", "pvc", "git", "hf", "mlflow", "oci"})
_HALF_WIDTH = 0.05


@dataclass(slots=True)
class Computation:
    """One computation; it ends when it is read for the second time.

    Args:
        resource: Its metadata.
        request: Its request.
        job: The job whose scores it is about, if any.
        of_job: Whether it belongs to the job, and is found below it.
    """

    resource: Json
    request: Json
    job: Job | None
    of_job: bool
    state: str = "pending"

    def show(self) -> Json:
        """Return the computation as a response shows it."""
        status: Json = {"state": self.state}
        shown: Json = {"resource": self.resource, **self.request, "status": status}
        if self.state == "completed":
            status["completed_at"] = now()
            shown["results"] = self._results()
        return shown

    def advance(self) -> None:
        """Go on to the next state."""
        self.state = {"pending": "running"}.get(self.state, "completed")

    def _results(self) -> Json:
        if self.job is None:
            return {_KIND: {"lower": 0.75, "upper": 0.85}}
        benchmarks: list[Json] = []
        for result in self.job.results.values():
            score: Any = result.get("test", {}).get("primary_score")
            if score is not None:
                bounds = {"lower": score - _HALF_WIDTH, "upper": score + _HALF_WIDTH}
                named = {name: result[name] for name in ("id", "provider_id", "benchmark_index")}
                benchmarks.append({**named, _KIND: bounds})
        return {"benchmarks": benchmarks}


class Computations:
    """The computations of a service."""

    def __init__(self) -> None:
        self._entries: dict[str, Computation] = {}
        self._of_jobs: dict[str, str] = {}

    def create(self, request: Any, owner: Owner, source: Job | None) -> Computation:
        """Add a computation of results that the request names."""
        config = _checked(request)
        data = config.get("results_data_ref")
        if not isinstance(data, dict) or len(_SOURCES & data.keys()) != 1:
            raise Refusal.of_rules("results_data_ref must have exactly one source")
        if ("eval_job" in data) == ("primary_score" in config):
            raise Refusal.of_rules("primary_score is required for results other than a job's")
        return self._add(Computation(owner.resource(str(uuid4())), request, source, of_job=False))

    def create_for(self, job: Job, request: Any, owner: Owner) -> bool:
        """Add the computation of a job; return whether there was none."""
        _checked(request)
        if job.id in self._of_jobs:
            return False
        if not job.is_final:
            message = f"The job {job.id} can not be post-processed because it is '{job.state}'."
            raise Refusal(409, "job_can_not_be_updated", message)
        made = self._add(Computation(owner.resource(str(uuid4())), request, job, of_job=True))
        self._of_jobs[job.id] = made.resource["id"]
        return True

    def of(self, job: Job) -> str | None:
        """Return the id of a job's computation."""
        return self._of_jobs.get(job.id)

    def find(self, ident: str, owner: Owner, job_id: str | None) -> Computation:
        """Return a computation.

        Raises:
            Refusal: It does not exist, belongs to another tenant, or to another job.
        """
        found = self._entries.get(ident)
        own = None if found is None or found.job is None or not found.of_job else found.job.id
        if found is None or own != job_id or not owner.sees(found.resource):
            message = f"The post-processing resource '{ident}' was not found."
            raise Refusal(404, "resource_not_found", message)
        return found

    def delete(self, ident: str, owner: Owner, job_id: str | None) -> None:
        """Remove a computation."""
        self.find(ident, owner, job_id)
        del self._entries[ident]
        if job_id is not None:
            del self._of_jobs[job_id]

    def _add(self, made: Computation) -> Computation:
        self._entries[made.resource["id"]] = made
        return made


def _checked(request: Any) -> Json:
    operations: Any = request.get("operations") if isinstance(request, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - JSON
    config: Any = operations.get(_KIND) if isinstance(operations, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - JSON
    if not isinstance(config, dict):
        raise Refusal.of_rules(f"operations.{_KIND} is required")
    if not config.get("calibration_data_ref"):  # pyright: ignore[reportUnknownMemberType] - JSON
        raise Refusal.of_rules("calibration_data_ref is required")
    level: Any = config.get("significance_level")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise Refusal.of_rules("significance_level must be between 0 and 1")
    return config  # pyright: ignore[reportUnknownVariableType] - JSON
