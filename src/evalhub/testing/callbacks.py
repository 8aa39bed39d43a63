"""Callbacks that keep what an adapter reports, and refuse what the service would refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evalhub.adapter import JobCallbacks, JobStatus, OCILayoutPersister
from evalhub.adapter._kit import with_samples
from evalhub.adapter._report.event import Identity, body, result_event, status_event
from evalhub.adapter.mlflow import NoMlflow
from evalhub.errors import error_for_status
from evalhub.oci import OCIArtifactContext
from evalhub.testing._folders import temporary_folder
from evalhub.testing._hub import FakeEvalHub
from evalhub.testing._loopback import Request
from evalhub.testing.build import job_spec

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.adapter import (
        JobResults,
        JobSpec,
        JobStatusUpdate,
        OCIArtifactResult,
        OCIArtifactSpec,
    )
    from evalhub.models.event import BenchmarkStatusEvent
    from evalhub.testing._openai import Json

__all__ = ["RecordingCallbacks"]


class RecordingCallbacks(JobCallbacks):
    """Keeps updates, artifacts and results; what the service would refuse is raised at once.

    Args:
        spec: The job the adapter runs; by default `job_spec()`.
        layout: Directory of the image layout artifacts go to; by default a temporary one.
        hub: The service that judges; by default one of its own.

    Attributes:
        updates: Every update, in order.
        artifacts: Every artifact's specification with what became of it, in order.
        results: The results, once they are reported.
        layout: Directory of the image layout.
        mlflow: As `DefaultCallbacks` has it, for adapters that save runs.
    """

    def __init__(
        self,
        spec: JobSpec | None = None,
        *,
        layout: Path | None = None,
        hub: FakeEvalHub | None = None,
    ) -> None:
        self.spec = spec or job_spec()
        self.updates: list[JobStatusUpdate] = []
        self.artifacts: list[tuple[OCIArtifactSpec, OCIArtifactResult]] = []
        self.results: JobResults | None = None
        self.layout = layout or temporary_folder("artifacts")
        self.mlflow = NoMlflow()
        # What the samples belong to; `samples` reads these where `DefaultCallbacks` has them.
        self.benchmark_id = self.spec.benchmark_id
        self.provider_id = self.spec.provider_id
        self._primary_score = self.spec.primary_score
        self.hub = hub or FakeEvalHub()
        self.hub.add_job(self.spec)
        self._identity = Identity.of(self.spec)
        self._before: BenchmarkStatusEvent | None = None

    @property
    def events(self) -> list[Json]:
        """What the service would have been sent and taken, in order."""
        return self.hub.events(self.spec.job_id)

    @property
    def metrics(self) -> Json:
        """The metrics the service would hold."""
        results: Json = self.hub.job(self.spec.job_id)["results"]
        reported: list[Json] = results.get("benchmarks", [])
        return reported[-1].get("metrics", {}) if reported else {}

    def report_status(self, update: JobStatusUpdate) -> None:
        """Keep an update.

        Raises:
            APIError: The service would refuse it.
        """
        self.updates.append(update.model_copy(deep=True))
        # The end is announced by the results: without them it would end the job too early.
        if update.status is not JobStatus.COMPLETED:
            self._send(status_event(self._identity, update, before=self._before))

    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store files in the image layout.

        Raises:
            ArtifactError: A file does not exist, or cannot be stored.
        """
        identity = self._identity
        context = OCIArtifactContext(
            identity.job_id,
            identity.benchmark_id,
            identity.provider_id,
            identity.benchmark_index,
        )
        with with_samples(self, spec) as whole:
            stored = OCILayoutPersister(self.layout, context=context).persist(whole)
        self.artifacts.append((spec.model_copy(deep=True), stored))
        return stored

    def report_results(self, results: JobResults) -> None:
        """Keep the results.

        Raises:
            APIError: The service would refuse them.
            ConfigurationError: Two metrics have the same name.
        """
        self.results = results.model_copy(deep=True)
        self._send(result_event(self._identity, results, before=self._before))

    def _send(self, event: BenchmarkStatusEvent) -> None:
        path = f"/api/v1/evaluations/jobs/{self.spec.job_id}/events"
        answer = self.hub.respond(Request.of("POST", path, body(event)))
        if answer.status >= 400:  # noqa: PLR2004 - the class of status codes that are errors
            error: Json = json.loads(b"".join(answer.blocks()))
            raise error_for_status(answer.status)(
                error["message"],
                status=answer.status,
                message_code=error["message_code"],
                method="POST",
                url=path,
            )
        self._before = event
