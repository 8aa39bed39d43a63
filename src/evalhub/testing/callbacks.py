"""Callbacks that record what an adapter reports, and raise what the service would refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evalhub.adapter import JobCallbacks, JobStatus, OCILayoutPersister
from evalhub.adapter._kit import with_samples
from evalhub.adapter._report.event import Report, result_event, status_event
from evalhub.adapter.mlflow import NoMlflow
from evalhub.errors import error_for_status
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
    """Record updates, artifacts and results; raise at once what the service would refuse.

    Args:
        spec: The job; by default `job_spec()`.
        layout: Directory of the image layout for artifacts; by default a temporary one.
        hub: The service that validates; by default a new one.

    Attributes:
        updates: All updates, in order.
        artifacts: The specification and the result of each artifact, in order.
        results: The results, once they are reported.
        layout: Directory of the image layout.
        mlflow: As in `DefaultCallbacks`, for adapters that save runs.
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
        self.primary_score = self.spec.primary_score
        self.hub = hub or FakeEvalHub()
        self.hub.add_job(self.spec)
        self._before: BenchmarkStatusEvent | None = None

    @property
    def events(self) -> list[Json]:
        """The events that the service would have accepted, in order."""
        return self.hub.events(self.spec.job_id)

    @property
    def metrics(self) -> Json:
        """The metrics that the service would store."""
        results: Json = self.hub.job(self.spec.job_id)["results"]
        reported: list[Json] = results.get("benchmarks", [])
        return reported[-1].get("metrics", {}) if reported else {}

    def report_status(self, update: JobStatusUpdate) -> None:
        """Record an update.

        Raises:
            APIError: The service would refuse the event.
        """
        self.updates.append(update.model_copy(deep=True))
        # The results end the job: a completed update before them would end it too early.
        if update.status is not JobStatus.COMPLETED:
            self._send(status_event(self.spec.benchmark_ref, update, before=self._before))

    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store files in the image layout.

        Raises:
            ArtifactError: A file does not exist, or cannot be stored.
        """
        with with_samples(self, spec) as whole:
            stored = OCILayoutPersister(self.layout, context=self.spec.benchmark_ref).persist(whole)
        self.artifacts.append((spec.model_copy(deep=True), stored))
        return stored

    def report_results(self, results: JobResults) -> None:
        """Record the results.

        Raises:
            APIError: The service would refuse the event.
        """
        self.results = results.model_copy(deep=True)
        self._send(result_event(self.spec.benchmark_ref, results, before=self._before))

    def _send(self, event: BenchmarkStatusEvent) -> None:
        path = f"/api/v1/evaluations/jobs/{self.spec.job_id}/events"
        answer = self.hub.respond(Request.of("POST", path, Report(event).body))
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
