"""Callbacks: how an adapter reports its progress and results, and stores its artifacts."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

from evalhub._lazy import forwarded
from evalhub.adapter._job_context import mark_with
from evalhub.adapter._kit import Kit, with_samples
from evalhub.adapter._names import FROM_CALLBACKS
from evalhub.adapter._report.at_exit import settle_at_exit
from evalhub.adapter._report.cards import (
    captured_card,
    complete_card,
    start_capture,
)
from evalhub.adapter._report.connection import Connection
from evalhub.adapter._report.event import result_event
from evalhub.adapter._report.metrics import primary_score as resolve_primary_score
from evalhub.adapter._report.spool import spool_folders
from evalhub.adapter._report.summary import Headline, metrics_line
from evalhub.errors import ConfigurationError, EvalHubError, JobSpecError
from evalhub.models.event import JobStatusUpdate
from evalhub.models.spec import BenchmarkRef
from evalhub.models.state import JobPhase, JobStatus, MessageInfo, MessageOrigin
from evalhub.wire.flow import segment
from evalhub.wire.identity import Identity, Token, is_loopback, namespace

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from evalhub.adapter._report.delivery import Delivery
    from evalhub.adapter.base import FrameworkAdapter
    from evalhub.adapter.mlflow import MlflowSaver
    from evalhub.adapter.telemetry import EvalTracer
    from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec
    from evalhub.models.result import JobResults
    from evalhub.models.spec import PrimaryScore
    from evalhub.oci import Persister, RegistryOptions
    from evalhub.settings import AdapterSettings, MlflowBackend

__all__ = ["DefaultCallbacks", "JobCallbacks"]

logger = logging.getLogger(__name__)

_LOGGED_STEPS = 20
"""Steps of progress that are logged at most; the others are for debugging."""

EVENTS_PATH = "/api/v1/evaluations/jobs/{job_id}/events"

_forwarded = forwarded(__name__, FROM_CALLBACKS)


class JobCallbacks(Kit, ABC):
    """What an adapter reports with."""

    @abstractmethod
    def report_status(self, update: JobStatusUpdate) -> None:
        """Report the status of the evaluation."""

    @abstractmethod
    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store files as an artifact and return its reference."""

    def report_results(self, results: JobResults) -> None:
        """Report the results."""
        logger.info("results of job %s: %s", results.job_id, metrics_line(results))


class DefaultCallbacks(JobCallbacks):
    """Reports to the service, or to the log without one, and stores artifacts.

    Safe to call from several threads and from a coroutine: `report_status` does not block unless
    the evaluation has failed, and in an event loop not even then. In a forked child reports are
    refused with a line in the log; to another process callbacks cannot be passed.

    Args:
        job_id: The job.
        benchmark_id: The benchmark.
        provider_id: The benchmark's provider; by default that of the process's job file.
        benchmark_index: Position of the benchmark in the job.
        sidecar_url: Base URL to report to, the job's `callback_url`; `None` reports to the log.
        insecure: With `registry_url`: reach the registry over plain HTTP or unverified TLS.
            Without: do not verify the certificate of the service.
        auth_token: Token for the service; none is needed in a cluster.
        auth_token_path: File that holds it, read again when it changes.
        ca_bundle_path: Certificates to trust when talking to the service.
        events_path_template: Path to report to, with `{job_id}` in it.
        oci_auth_config_path: A docker `config.json` with credentials.
        oci_insecure: As `insecure`, for the registry alone.
        oci_proxy_host: Host to push artifacts to in place of their registry.
        mlflow_backend: `odh`, our own client, or `upstream`, that of the extra `mlflow`; by default
            `EVALHUB_MLFLOW_BACKEND`.
        generate_additional_info_fn: Returns more `additional_info` for the results.
        tracer: Traces the stages of the evaluation; by default one for this benchmark.
        primary_score: The metric by which the benchmark is judged.
        registry_url: Registry for artifacts, or `oci:PATH` for an image layout on disk.
        registry_username: User of the registry.
        registry_password: Password of the user.
        settings: The settings of this run; read from the environment if not given.

    Raises:
        ConfigurationError: `sidecar_url` is not a URL.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the documented signature, and the order of 1.0
        self,
        job_id: str,
        benchmark_id: str,
        provider_id: str | None = None,
        benchmark_index: int = 0,
        sidecar_url: str | None = None,
        insecure: bool = False,
        auth_token: str | None = None,
        auth_token_path: Path | str | None = None,
        ca_bundle_path: Path | str | None = None,
        events_path_template: str | None = None,
        oci_auth_config_path: Path | str | None = None,
        oci_insecure: bool = False,
        oci_proxy_host: str | None = None,
        mlflow_backend: MlflowBackend | str | None = None,
        generate_additional_info_fn: Callable[[JobResults], dict[str, Any] | None] | None = None,
        tracer: EvalTracer | None = None,
        primary_score: PrimaryScore | None = None,
        *,
        registry_url: str | None = None,
        registry_username: str | None = None,
        registry_password: str | SecretStr | None = None,
        settings: AdapterSettings | None = None,
    ) -> None:
        settings = settings or _settings_from_env()
        self._mlflow_backend = mlflow_backend or settings.mlflow_backend
        if provider_id is None and sidecar_url is not None:
            provider_id, benchmark_index = _look_up(settings, job_id, benchmark_id)
        self.benchmark = BenchmarkRef(job_id, benchmark_id, provider_id, benchmark_index)
        self.sidecar_url = sidecar_url
        self._job_folder = settings.job_folder
        self._stage: tuple[object, ...] = ()
        self.generate_additional_info_fn = generate_additional_info_fn
        self.primary_score = primary_score
        self._tracer = tracer
        self._model_id: str | None = None
        self.delivery: Delivery | None = None
        if sidecar_url is not None:
            service = Identity(
                base_url=sidecar_url,
                token=Token(auth_token, path=_path(auth_token_path)),
                tenant=namespace(),
                ca_bundle=_path(ca_bundle_path),
                insecure=settings.evalhub_insecure or (insecure and registry_url is None),
                system_cas=settings.ssl_cert_file,
            )
            template = events_path_template or EVENTS_PATH
            self.delivery = self._open_delivery(service, template, settings)
        self._settings = settings
        self._registry_url = registry_url
        self._registry: RegistryOptions = {
            "username": registry_username,
            "password": registry_password,
            "insecure": oci_insecure or (insecure and registry_url is not None),
            "auth_config_path": oci_auth_config_path,
            "proxy_host": oci_proxy_host,
        }

    @classmethod
    def from_adapter(cls, adapter: FrameworkAdapter) -> Self:
        """Return callbacks for an adapter's job.

        Raises:
            ConfigurationError: The job file or the environment is invalid.
        """
        spec, settings = adapter.job_spec, adapter.settings
        if spec.callback_url is None:
            _no_callback_url(settings)
        callbacks = cls(
            **asdict(spec.benchmark_ref),
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
        callbacks._model_id = spec.model.name
        mark_with(spec.benchmark_ref, spec.model.name)
        return callbacks

    @property
    def job_id(self) -> str:
        """The job."""
        return self.benchmark.job_id

    @property
    def benchmark_id(self) -> str:
        """The benchmark."""
        return self.benchmark.benchmark_id

    @property
    def provider_id(self) -> str | None:
        """The benchmark's provider."""
        return self.benchmark.provider_id

    @property
    def benchmark_index(self) -> int:
        """Position of the benchmark in the job."""
        return self.benchmark.benchmark_index

    @cached_property
    def persister(self) -> Persister:
        """Stores the artifacts; assign another one to store them elsewhere.

        Artifacts with coordinates go to the registry these name, in a cluster through the
        sidecar; others to `registry_url`, or else to an image layout on disk, which a cluster
        has no place for.
        """
        from evalhub.oci import OCIArtifactPersister
        from evalhub.settings import EvalHubMode

        options, registry_url = self._registry.copy(), self._registry_url
        if self._settings.mode is EvalHubMode.K8S:
            options["proxy_host"] = options.get("proxy_host") or self._sidecar_host
        else:
            registry_url = registry_url or f"oci:{self._layout_directory}"
        return OCIArtifactPersister(
            registry_url,
            context=self.benchmark,
            on_progress=self._report_push,
            env_card=captured_card,
            **options,
        )

    @cached_property
    def mlflow(self) -> MlflowSaver:
        """Saves results and artifacts to MLflow; a failure there is a warning.

        Raises:
            ConfigurationError: There is no such backend.
        """
        from evalhub.adapter._mlflow.backends import saver

        return saver(self._mlflow_backend, self, warn=self._warn_of_mlflow)

    @property
    def tracer(self) -> EvalTracer:
        """Traces the stages of the evaluation; it does nothing without the `telemetry` extra."""
        if self._tracer is None:
            from evalhub.adapter.telemetry import EvalTracer

            self._tracer = EvalTracer.of_benchmark(self.benchmark, model_id=self._model_id)
        return self._tracer

    def report_status(self, update: JobStatusUpdate) -> None:
        """Report the status of the evaluation; returns at once unless it has failed.

        Raises:
            ReportError: The update is a failure, and it could not be delivered.
        """
        # The service keeps no more than the phase: the log is where progress can be followed.
        stage = (update.status, update.phase, int((update.progress or 0.0) * _LOGGED_STEPS))
        is_news = self.delivery is None or stage != self._stage
        self._stage = stage
        logger.log(logging.INFO if is_news else logging.DEBUG, "%s", Headline(update))
        if self.delivery is not None:
            start_capture()
            self.delivery.report(update)

    def report_results(self, results: JobResults) -> None:
        """Report the results; returns once the service has recorded them.

        An `overall_score` of `None` is set to the metric by which the benchmark is judged, and an
        `env_card` of `None` to a card of this machine.

        Raises:
            ReportError: They could not be delivered; `kept` names the file they are in.
        """
        if results.overall_score is None:
            results.overall_score = resolve_primary_score(results, self.primary_score)
        super().report_results(results)
        if self.delivery is not None:
            before, extra = self.delivery.last, self._extra_info(results)
            complete_card(results, before)
            self.delivery.finish(
                result_event(self.benchmark, results, before=before, extra_info=extra)
            )

    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        """Store files as an artifact and return its reference.

        It blocks; in a coroutine call it through `asyncio.to_thread`.

        Raises:
            ArtifactError: The artifact could not be stored.
        """
        with with_samples(self, spec) as whole:
            return self.persister.persist(whole)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "callbacks cannot be passed to another process: report from the process that made "
            "them, for example with values handed back through a queue"
        )

    @property
    def _sidecar_host(self) -> str:
        """Host and port of the sidecar: a cluster may be set up with another port than 8080."""
        from evalhub.oci import DEFAULT_OCI_PROXY_HOST

        parts = urlsplit(self.sidecar_url or "")
        is_sidecar = parts.scheme == "http" and is_loopback(parts.hostname or "")
        return parts.netloc if is_sidecar else DEFAULT_OCI_PROXY_HOST

    @property
    def _layout_directory(self) -> Path:
        parent = self._settings.job_folder or Path.cwd()
        return self._settings.artifacts_dir or parent / "evalhub-artifacts"

    def _report_push(self, stored: int, total: int) -> None:
        self.report_status(
            JobStatusUpdate(
                status=JobStatus.RUNNING,
                phase=JobPhase.PERSISTING_ARTIFACTS,
                message=f"stored {stored} of {total} bytes",
            )
        )

    def _warn_of_mlflow(self, text: str) -> None:
        logger.warning("%s", text)
        warning = MessageInfo(
            message=text, message_code="mlflow_not_saved", message_origin=MessageOrigin.SDK
        )
        update = JobStatusUpdate(
            status=JobStatus.RUNNING,
            phase=JobPhase.PERSISTING_ARTIFACTS,
            warning_message=warning,
        )
        try:
            self.report_status(update)
        except EvalHubError as error:
            logger.warning("the warning was not reported: %s", error)

    def _extra_info(self, results: JobResults) -> dict[str, Any] | None:
        if self.generate_additional_info_fn is None:
            return None
        try:
            return self.generate_additional_info_fn(results)
        except Exception:
            logger.exception("generate_additional_info failed; the results go without it")
            return None

    def _samples_folder(self) -> Path | None:
        return self._job_folder / "samples" if self._job_folder else None

    def _open_delivery(
        self, service: Identity, template: str, settings: AdapterSettings
    ) -> Delivery:
        from evalhub.adapter._report.delivery import Delivery

        delivery = Delivery(
            self.benchmark,
            Connection(service),
            template.format(job_id=segment(self.job_id, "job_id")),
            budget=settings.report_timeout,
            folders=spool_folders(settings.spool_dir, settings.job_folder),
        )
        settle_at_exit(delivery, grace=settings.termination_grace)
        return delivery


def __getattr__(name: str) -> Any:
    return _forwarded(name)


def _settings_from_env() -> AdapterSettings:
    from evalhub.settings import AdapterSettings

    return AdapterSettings.from_env()


def _look_up(settings: AdapterSettings, job_id: str, benchmark_id: str) -> tuple[str | None, int]:
    """Return provider and index from the process's job file, which the documented form omits."""
    from evalhub.models.spec import JobSpec

    try:
        spec = JobSpec.from_file(settings.resolved_job_spec_path)
    except JobSpecError:
        return None, 0
    if (spec.job_id, spec.benchmark_id) != (job_id, benchmark_id):
        return None, 0
    return spec.provider_id, spec.benchmark_index


def _no_callback_url(settings: AdapterSettings) -> None:
    from evalhub.settings import EvalHubMode

    problem = f"job file {settings.resolved_job_spec_path} has no callback_url"
    if settings.mode is EvalHubMode.K8S:
        raise ConfigurationError(f"{problem}: the service would never hear of the results")
    logger.warning("%s: nothing will be reported to a service", problem)


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
