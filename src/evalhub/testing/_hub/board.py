"""The jobs of a service (wire contract 1.4 to 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evalhub.testing._hub.jobs import Criteria, Job
from evalhub.testing._hub.schema import decode, show
from evalhub.testing._hub.shapes import JOB
from evalhub.testing._hub.values import Json, Refusal

if TYPE_CHECKING:
    from evalhub.testing._hub.catalog import Collections, Entry, Owner, Providers

__all__ = ["Board"]

_DEFAULT_THRESHOLD = 0.5


class Board:
    """All jobs, with access to the thresholds that decide their verdicts.

    Args:
        providers: The providers of benchmarks.
        collections: The collections.
        mlflow: Whether jobs may have an experiment.
    """

    def __init__(self, providers: Providers, collections: Collections, *, mlflow: bool) -> None:
        self._providers = providers
        self._collections = collections
        self._mlflow = mlflow
        self.jobs: dict[str, Job] = {}

    def submit(self, value: Any, owner: Owner) -> Job:
        """Add the job of a request body.

        Raises:
            Refusal: The service would refuse it.
        """
        config = decode(JOB, value)
        collection = self._collection_of(config, owner)
        overrides: list[Json] = config.get("collection", {}).get("benchmarks", [])
        named = [*config.get("benchmarks", ()), *overrides]
        if any(one.get("test_data_ref", {}).get("resolved_sha") for one in named):
            message = "The field 'resolved_sha' is read-only and must not be set on create."
            raise Refusal(400, "resolved_sha_read_only", message)
        benchmarks: list[Json] = (collection.content if collection else config)["benchmarks"]
        _check_overrides(overrides, benchmarks)
        for one in benchmarks:
            self._providers.benchmark(one["provider_id"], one["id"], owner)
        _check_model_url(config, benchmarks)
        if "experiment" in config and not self._mlflow:
            message = (
                "MLflow is required for experiment tracking. "
                "Please configure MLflow in the service configuration and try again."
            )
            raise Refusal(400, "mlflow_required_for_experiment", message)
        return self.add(config, owner, str(uuid4()))

    def add(self, config: Json, owner: Owner, ident: str) -> Job:
        """Add a job without validation."""
        collection = self._collection_of(config, owner)
        criteria: Json = config.get("pass_criteria", {})
        if collection is not None:
            criteria = criteria or collection.content.get("pass_criteria", {})
            config["collection"]["collection_updated_at"] = collection.resource["updated_at"]
        threshold: float | None = criteria.get("threshold")
        job = Job(
            id=ident,
            config=config,
            resource=owner.resource(ident),
            benchmarks=(collection.content if collection else config)["benchmarks"],
            criteria=self._criteria,
            threshold=_DEFAULT_THRESHOLD if threshold is None else threshold,
        )
        self.jobs[ident] = job
        return job

    def find(self, ident: str, owner: Owner) -> Job:
        """Return a job.

        Raises:
            Refusal: It does not exist, or belongs to another tenant.
        """
        job = self.jobs.get(ident)
        if job is None or not owner.sees(job.resource):
            message = f"The evaluation job resource '{ident}' was not found."
            raise Refusal(404, "resource_not_found", message)
        return job

    def running(self, ident: str, owner: Owner) -> Job:
        """Return a job for its events and logs; its benchmarks must be known.

        Raises:
            Refusal: The job or its collection does not exist.
        """
        job = self.find(ident, owner)
        self._collection_of(job.config, owner)
        return job

    def shown(self, job: Job) -> Json:
        """Return a job as responses show it."""
        return {"resource": job.resource, **job.show(), **show(JOB, job.config)}

    def _collection_of(self, config: Json, owner: Owner) -> Entry | None:
        named = config.get("collection")
        return self._collections.find(named["id"], owner) if named else None

    def _criteria(self, benchmark: Json) -> Criteria | None:
        """Use the provider's threshold only with the provider's primary score."""
        provided: Json = {}
        provider = self._providers.entries.get(benchmark["provider_id"])
        for one in (provider.content.get("benchmarks") or ()) if provider else ():
            if one.get("id") == benchmark["id"]:
                provided = one
                break
        score = benchmark.get("primary_score") or provided.get("primary_score")
        criteria = benchmark.get("pass_criteria")
        if not benchmark.get("primary_score"):
            criteria = criteria or provided.get("pass_criteria")
        if not score or not criteria:
            return None
        return Criteria(score["metric"], criteria["threshold"], bool(score.get("lower_is_better")))


def _check_overrides(overrides: list[Json], benchmarks: list[Json]) -> None:
    known = {(one["provider_id"], one["id"]) for one in benchmarks}
    for one in overrides:
        if (one["provider_id"], one["id"]) not in known:
            message = f"The benchmark with id '{one['id']}' does not exist."
            raise Refusal(400, "resource_does_not_exist", message)


def _check_model_url(config: Json, benchmarks: list[Json]) -> None:
    recorded = (one.get("test_data_ref", {}).get("type") for one in benchmarks)
    if not config["model"].get("url") and set(recorded) != {"pre_recorded_data"}:
        message = "The model URL is required when not all benchmarks have pre-recorded data."
        raise Refusal(400, "model_url_required", message)
