"""How an adapter reports what it does and stores what it made."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalhub.adapter._kit import Kit, with_samples
from evalhub.adapter._report.at_exit import settle_at_exit
from evalhub.adapter._report.connection import Channel
from evalhub.adapter._report.event import Identity, result_event
from evalhub.adapter._report.metrics import primary_score as resolve_primary_score
from evalhub.adapter._report.spool import spool_folders
from evalhub.adapter._report.summary import metrics_line
from evalhub.adapter.job import job_folder
from evalhub.errors import JobSpecError
from evalhub.models.event import JobStatusUpdate
from evalhub.models.state import JobPhase, JobStatus
from evalhub.wire.flow import segment
from evalhub.wire.identity import Identity as ServiceIdentity
from evalhub.wire.identity import Token, namespace

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from evalhub.adapter._report.delivery import Delivery
    from evalhub.adapter.base import FrameworkAdapter
    from evalhub.adapter.mlflow import NoMlflow
    from evalhub.adapter.telemetry import EvalTracer
    from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec
    from evalhub.models.result import JobResults
    from evalhub.models.spec import PrimaryScore
    from evalhub.oci import Persister
    from evalhub.settings import AdapterSettings, MlflowBackend

__all__ = ["DefaultCallbacks", "JobCallbacks"]

logger = logging.getLogger(__name__)

EVENTS_PATH = "/api/v1/evaluations/jobs/{job_id}/events"


class JobCallbacks(Kit, ABC):
    """What an adapter is given to report with."""

    @abstractmethod
    def report_status(self, update: JobStatusUpdate) -> None:
        """Report how the evaluation is getting on."""

    @abstractmethod
    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store files as an artifact and say where it is."""

    def report_results(self, results: JobResults) -> None:
        """Report what was measured."""
        logger.info("results of job %s: %s", results.job_id, metrics_line(results))


class DefaultCallbacks(JobCallbacks):
    """Reports to the service, or to the log where there is none, and stores artifacts.

    Args:
        job_id: The job.
        benchmark_id: The benchmark.
        provider_id: Who provides it; taken from the process's job file when not given.
        benchmark_index: Its position in the job.
        sidecar_url: Base URL to report to, the job's `callback_url`; `None` reports to the log.
        insecure: With `registry_url`: reach the registry over plain HTTP or unverified TLS.
            Without: do not verify the certificate of the service.
        auth_token: Token for the service; none is needed in a cluster.
        auth_token_path: A file that holds it, read again when it changes.
        ca_bundle_path: Certificates to trust when talking to the service.
        events_path_template: Path to report to, with `{job_id}` in it.
        registry_url: Registry for artifacts, or `oci:PATH` for an image layout on disk.
        registry_username: User of the registry.
        registry_password: Password of the user.
        oci_auth_config_path: A docker `config.json` with credentials.
        oci_insecure: As `insecure`, for the registry alone.
        oci_proxy_host: Where artifacts are pushed in place of their registry.
        mlflow_backend: Accepted for adapters that pass it; there is no MLflow integration yet.
        generate_additional_info_fn: Makes more `additional_info` out of the results.
        primary_score: The metric by which the benchmark is judged.
        tracer: Traces the stages of the evaluation; one for this benchmark when not given.
        settings: What the environment says; read from it on first use when not given.

    Raises:
        ConfigurationError: `sidecar_url` is not a URL.
    """

    def __init__(  # noqa: PLR0913 - the documented signature
        self,
        job_id: str,
        benchmark_id: str,
        provider_id: str | None = None,
        benchmark_index: int = 0,
        sidecar_url: str | None = None,
        *,
        insecure: bool = False,
        auth_token: str | None = None,
        auth_token_path: Path | str | None = None,
        ca_bundle_path: Path | str | None = None,
        events_path_template: str | None = None,
        registry_url: str | None = None,
        registry_username: str | None = None,
        registry_password: str | SecretStr | None = None,
        oci_auth_config_path: Path | str | None = None,
        oci_insecure: bool = False,
        oci_proxy_host: str | None = None,
        mlflow_backend: MlflowBackend | str | None = None,
        generate_additional_info_fn: Callable[[JobResults], dict[str, Any] | None] | None = None,
        primary_score: PrimaryScore | None = None,
        tracer: EvalTracer | None = None,
        settings: AdapterSettings | None = None,
    ) -> None:
        del mlflow_backend  # adapters in the field pass it
        settings = settings or _settings_from_env()
        if provider_id is None and sidecar_url is not None:
            provider_id, benchmark_index = _look_up(settings, job_id, benchmark_id)
        self.job_id = job_id
        self.benchmark_id = benchmark_id
        self.provider_id = provider_id
        self.benchmark_index = benchmark_index
        self.sidecar_url = sidecar_url
        self._stage: tuple[JobStatus, JobPhase | None] | None = None
        self._generate_additional_info = generate_additional_info_fn
        self._primary_score = primary_score
        self._tracer = tracer
        self.delivery: Delivery | None = None
        if sidecar_url is not None:
            service = ServiceIdentity(
                base_url=sidecar_url,
                token=Token(auth_token, path=_path(auth_token_path)),
                tenant=namespace(),
                ca_bundle=_path(ca_bundle_path),
                insecure=settings.evalhub_insecure or (insecure and registry_url is None),
            )
            template = events_path_template or EVENTS_PATH
            self.delivery = self._open_delivery(service, template, settings)
        self._make_persister = partial(
            self._default_persister,
            settings,
            registry_url=registry_url,
            username=registry_username,
            password=registry_password,
            insecure=oci_insecure or (insecure and registry_url is not None),
            auth_config_path=oci_auth_config_path,
            proxy_host=oci_proxy_host,
        )

    @classmethod
    def from_adapter(cls, adapter: FrameworkAdapter) -> Self:
        """Return callbacks for the job an adapter was started for.

        Raises:
            ConfigurationError: The job file or the environment is not usable.
        """
        spec, settings = adapter.job_spec, adapter.settings
        return cls(
            job_id=spec.job_id,
            benchmark_id=spec.benchmark_id,
            provider_id=spec.provider_id,
            benchmark_index=spec.benchmark_index,
            sidecar_url=spec.callback_url,
            auth_token_path=settings.resolved_auth_token_path,
            ca_bundle_path=settings.ca_bundle_path,
            registry_url=settings.registry_url,
            registry_username=settings.registry_username,
            registry_password=settings.registry_password,
            oci_auth_config_path=settings.oci_auth_config_path,
            oci_insecure=settings.oci_insecure or settings.registry_insecure,
            generate_additional_info_fn=adapter.generate_additional_info,
            primary_score=spec.primary_score,
            settings=settings,
        )

    @cached_property
    def persister(self) -> Persister:
        """What stores the artifacts; assign another one to store them elsewhere."""
        return self._make_persister()

    @cached_property
    def mlflow(self) -> NoMlflow:
        """Where adapters save their runs: nowhere yet, which it says."""
        from evalhub.adapter.mlflow import NoMlflow

        return NoMlflow()

    @property
    def tracer(self) -> EvalTracer:
        """Traces the stages of the evaluation; it does nothing without the `telemetry` extra."""
        if self._tracer is None:
            from evalhub.adapter.telemetry import EvalTracer

            self._tracer = EvalTracer(
                {
                    "evalhub.job_id": self.job_id,
                    "evalhub.provider_id": self.provider_id,
                    "evalhub.benchmark_id": self.benchmark_id,
                    "evalhub.benchmark_index": self.benchmark_index,
                }
            )
        return self._tracer

    def report_status(self, update: JobStatusUpdate) -> None:
        """Report how the evaluation is getting on; returns at once unless it has failed.

        Raises:
            ReportError: The update is a failure, and it could not be delivered.
        """
        stage = (update.status, update.phase)
        is_news = self.delivery is None or stage != self._stage
        self._stage = stage
        logger.log(logging.INFO if is_news else logging.DEBUG, "%s", _Headline(update))
        if self.delivery is not None:
            self.delivery.report(update)

    def report_results(self, results: JobResults) -> None:
        """Report what was measured, and return when the service holds it.

        An `overall_score` that is not set is set to the metric the benchmark is judged by.

        Raises:
            ConfigurationError: Two metrics have the same name.
            ReportError: It could not be delivered; `kept` names the file it is in.
        """
        if results.overall_score is None:
            results.overall_score = resolve_primary_score(results, self._primary_score)
        super().report_results(results)
        if self.delivery is not None:
            before, extra = self.delivery.last, self._extra_info(results)
            self.delivery.finish(
                result_event(self.delivery.identity, results, before=before, extra_info=extra)
            )

    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store files as an artifact and say where it is.

        Raises:
            ArtifactError: It could not be stored.
        """
        with with_samples(self, spec) as whole:
            return self.persister.persist(whole)

    def _default_persister(self, settings: AdapterSettings, **registry: Any) -> Persister:
        from evalhub.oci import OCIArtifactContext, persister_for

        folder = settings.artifacts_dir
        return persister_for(
            mode=settings.mode,
            layout_directory=folder or (job_folder(settings) or Path.cwd()) / "evalhub-artifacts",
            context=OCIArtifactContext(
                self.job_id, self.benchmark_id, self.provider_id, self.benchmark_index
            ),
            on_progress=self._report_push,
            **registry,
        )

    def _report_push(self, stored: int, total: int) -> None:
        self.report_status(
            JobStatusUpdate(
                status=JobStatus.RUNNING,
                phase=JobPhase.PERSISTING_ARTIFACTS,
                message=f"stored {stored} of {total} bytes",
            )
        )

    def _extra_info(self, results: JobResults) -> dict[str, Any] | None:
        if self._generate_additional_info is None:
            return None
        try:
            return self._generate_additional_info(results)
        except Exception:
            logger.exception("generate_additional_info failed; the results go without it")
            return None

    def _samples_folder(self) -> Path | None:
        folder = job_folder(_settings_from_env())
        return folder / "samples" if folder else None

    def _open_delivery(
        self, service: ServiceIdentity, template: str, settings: AdapterSettings
    ) -> Delivery:
        from evalhub.adapter._report.delivery import Delivery

        delivery = Delivery(
            Identity(self.job_id, self.provider_id or "", self.benchmark_id, self.benchmark_index),
            Channel(service),
            template.format(job_id=segment(self.job_id, "job_id")),
            budget=settings.report_timeout,
            folders=spool_folders(settings.spool_dir, job_folder(settings)),
        )
        settle_at_exit(delivery, grace=settings.termination_grace)
        return delivery


def _settings_from_env() -> AdapterSettings:
    from evalhub.settings import AdapterSettings

    return AdapterSettings.from_env()


def _look_up(settings: AdapterSettings, job_id: str, benchmark_id: str) -> tuple[str | None, int]:
    """Find in the process's job file what the documented arguments leave out."""
    from evalhub.models.spec import JobSpec

    try:
        spec = JobSpec.from_file(settings.resolved_job_spec_path)
    except JobSpecError:
        return None, 0
    if (spec.job_id, spec.benchmark_id) != (job_id, benchmark_id):
        return None, 0
    return spec.provider_id, spec.benchmark_index


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


class _Headline:
    """A status update in one line, made only if it is logged: there may be thousands."""

    def __init__(self, update: JobStatusUpdate) -> None:
        self._update = update

    def __str__(self) -> str:
        update = self._update
        progress = f" {update.progress:.0%}" if update.progress is not None else ""
        phase = f" {update.phase}" if update.phase else ""
        said = update.error_message or update.error or update.warning_message or update.message
        return f"{update.status}{phase}{progress}{f': {said}' if said else ''}"
