from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from evalhub.adapter.base import FrameworkAdapter
from evalhub.adapter.callbacks import DefaultCallbacks, JobCallbacks
from evalhub.adapter.telemetry import EvalTracer
from evalhub.errors import ArtifactError, ConfigurationError, ReportError
from evalhub.models.event import JobStatusUpdate
from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec, OCICoordinates
from evalhub.models.result import EvaluationResult, JobResults
from evalhub.models.spec import PrimaryScore
from evalhub.models.state import ErrorInfo, JobPhase, JobStatus, MessageInfo
from evalhub.oci import DEFAULT_OCI_PROXY_HOST, Persister
from evalhub.settings import AdapterSettings, EvalHubMode
from evalhub.testing import FakeEvalHub, OCIRegistry, job_file, job_spec

LOGGER = "evalhub.adapter.callbacks"


@pytest.fixture
def hub():
    with FakeEvalHub() as running:
        yield running


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch, clean_environment):
    """Run in an empty directory: what a test keeps or stores goes there."""
    monkeypatch.chdir(tmp_path)


def results(**metrics: float) -> JobResults:
    return JobResults.for_job(
        job_spec(job_id="job-1", benchmark_id="arith"),
        metrics,
        num_examples_evaluated=1,
        duration_seconds=1.0,
    )


def callbacks(hub: FakeEvalHub | None = None, **more: Any) -> DefaultCallbacks:
    """Return callbacks for a job that the service, if there is one, knows."""
    if hub is not None:
        spec = job_spec(job_id="job-1", provider_id="demo", benchmark_id="arith")
        hub.add_job(spec)
        more = {"provider_id": "demo", "sidecar_url": hub.url, **more}
    return DefaultCallbacks("job-1", "arith", **more)


def running(**more: Any) -> JobStatusUpdate:
    return JobStatusUpdate(status=JobStatus.RUNNING, **more)


class Reports(JobCallbacks):
    """Callbacks with the two methods an adapter's tests write."""

    def report_status(self, update):
        raise NotImplementedError

    def create_oci_artifact(self, spec):
        raise NotImplementedError


def test_callbacks_have_two_methods_to_write():
    assert JobCallbacks.__abstractmethods__ == {"report_status", "create_oci_artifact"}
    assert not hasattr(JobCallbacks, "mlflow")


def test_callbacks_of_one_s_own_log_the_results(caplog):
    with caplog.at_level(logging.INFO, logger=LOGGER):
        Reports().report_results(results(accuracy=0.5, n=3))
    assert caplog.messages == ["results of job job-1: accuracy=0.5, n=3"]


class TestWithoutAService:
    def test_everything_is_logged(self, caplog):
        with caplog.at_level(logging.INFO, logger=LOGGER):
            local = callbacks()
            local.report_status(running(phase=JobPhase.LOADING_DATA))
            local.report_status(running(phase=JobPhase.LOADING_DATA))
            local.report_results(results(accuracy=0.5))
        assert local.delivery is None
        assert caplog.messages == [
            "running loading_data",
            "running loading_data",
            "results of job job-1: accuracy=0.5",
        ]

    @pytest.mark.parametrize(
        ("update", "line"),
        [
            (running(), "running"),
            (running(progress=0.255, message="half way"), "running 26%: half way"),
            (running(progress=0.0), "running 0%"),
            (
                running(phase=JobPhase.POST_PROCESSING, message="m", warning_message="slow disk"),
                "running post_processing: slow disk",
            ),
            (
                JobStatusUpdate(
                    status=JobStatus.FAILED,
                    message="m",
                    error=ErrorInfo(message="no model", message_code="c"),
                ),
                "failed: no model",
            ),
            (JobStatusUpdate(status=JobStatus.FAILED, error_message="gone"), "failed: gone"),
            (
                running(message=MessageInfo(message="careful", message_code="disk")),
                "running: careful",
            ),
        ],
    )
    def test_a_status_is_one_line(self, update, line, caplog):
        with caplog.at_level(logging.INFO, logger=LOGGER):
            callbacks().report_status(update)
        assert caplog.messages == [line]

    def test_the_job_file_is_not_asked(self):
        Path("meta").mkdir()
        Path("meta/job.json").write_text("not a job")
        assert callbacks().provider_id is None


class TestWithAService:
    def test_progress_and_results_arrive(self, hub):
        reporting = callbacks(hub)
        reporting.report_status(running(phase=JobPhase.LOADING_DATA))
        reporting.report_results(results(accuracy=0.5))
        first, last = hub.events("job-1")
        assert (first["status"], first["phase"]) == ("running", "loading_data")
        assert (last["status"], last["metrics"]) == ("completed", {"accuracy": 0.5})
        assert last["started_at"] == first["started_at"]

    def test_a_stage_is_logged_once_and_so_is_each_twentieth_of_its_progress(self, hub, caplog):
        reporting = callbacks(hub)
        with caplog.at_level(logging.INFO, logger=LOGGER):
            for progress in (0.1, 0.11, 0.12, 0.2):
                reporting.report_status(
                    running(phase=JobPhase.RUNNING_EVALUATION, progress=progress)
                )
            reporting.report_status(running(phase=JobPhase.POST_PROCESSING))
        reporting.report_results(results())
        assert caplog.messages == [
            "running running_evaluation 10%",
            "running running_evaluation 20%",
            "running post_processing",
        ]

    def test_a_failure_is_delivered_before_it_returns(self, hub):
        failed = JobStatusUpdate(status=JobStatus.FAILED, error_message="no model")
        callbacks(hub).report_status(failed)
        assert hub.job("job-1")["status"]["state"] == "failed"

    def test_two_metrics_of_one_name_are_both_sent(self, hub):
        twice = results(accuracy=0.5)
        twice.results.append(EvaluationResult(metric_name="accuracy", metric_value=1))
        callbacks(hub).report_results(twice)
        (benchmark,) = hub.job("job-1")["results"]["benchmarks"]
        assert benchmark["metrics"] == {"accuracy": 0.5, "accuracy (2)": 1}
        (status,) = hub.job("job-1")["status"]["benchmarks"]
        assert status["warning_message"]["message"] == (
            "not sent as measured: accuracy (2): another metric is named 'accuracy', too"
        )

    def test_results_that_cannot_be_delivered_in_time_are_kept_in_the_job_s_folder(self, tmp_path):
        folder = tmp_path / "job"
        folder.mkdir()
        settings = AdapterSettings(
            job_spec_path=job_file(folder, job_id="job-1"), report_timeout=0.0
        )
        reporting = DefaultCallbacks(
            "job-1", "arith", "demo", sidecar_url="http://127.0.0.1:9", settings=settings
        )
        with pytest.raises(ReportError, match="cannot connect") as caught:
            reporting.report_results(results(accuracy=0.5))
        assert caught.value.kept == folder / "undelivered/job-1-0.json"
        assert (folder / "undelivered/job-1-0.json").is_file()

    def test_a_url_that_is_none_is_refused(self):
        with pytest.raises(ConfigurationError, match="base URL 'hub:8080' needs a scheme"):
            DefaultCallbacks("job-1", "arith", "demo", sidecar_url="hub:8080")

    def test_a_token_and_a_path_can_be_given(self, recorder):
        DefaultCallbacks(
            "a/b",
            "arith",
            "demo",
            3,
            recorder.url,
            auth_token="t0ken",
            events_path_template="/api/v1/evaluations/jobs/{job_id}/events",
        ).report_results(results())
        (request,) = recorder.requests
        assert request.path == "/api/v1/evaluations/jobs/a%2Fb/events"
        assert request.headers["Authorization"] == "Bearer t0ken"
        assert recorder.last["benchmark_index"] == 3

    def test_a_token_may_lie_in_a_file(self, recorder, tmp_path):
        (tmp_path / "token").write_text("t0ken\n")
        DefaultCallbacks(
            "job-1",
            "arith",
            "demo",
            sidecar_url=recorder.url,
            auth_token_path=str(tmp_path / "token"),
        ).report_results(results())
        assert recorder.requests[0].headers["Authorization"] == "Bearer t0ken"

    @pytest.mark.parametrize(
        ("given", "insecure"),
        [
            ({}, False),
            ({"insecure": True}, True),
            ({"insecure": True, "registry_url": "localhost:5000"}, False),
            ({"oci_insecure": True}, False),
            ({"settings": AdapterSettings(evalhub_insecure=True)}, True),
        ],
    )
    def test_insecure_is_about_the_registry_where_one_is_given(self, given, insecure):
        reporting = DefaultCallbacks("job-1", "arith", "demo", sidecar_url="https://hub", **given)
        assert reporting.delivery is not None
        assert reporting.delivery._connection.identity.insecure is insecure

    def test_a_bundle_there_is_not_is_refused(self):
        with pytest.raises(ConfigurationError, match=r"the CA bundle none\.crt does not exist"):
            DefaultCallbacks(
                "job-1", "arith", "demo", sidecar_url="https://hub", ca_bundle_path="none.crt"
            )


class TestProviderNotGiven:
    """The documented arguments leave it out; the service insists on it."""

    def test_it_is_the_job_file_s(self, hub, tmp_path):
        spec = job_spec(job_id="job-1", provider_id="mine", benchmark_id="arith", benchmark_index=1)
        job_file(tmp_path, **spec.model_dump(exclude_none=True))
        reporting = DefaultCallbacks("job-1", "arith", sidecar_url=hub.url)
        assert (reporting.provider_id, reporting.benchmark_index) == ("mine", 1)

    @pytest.mark.parametrize(
        "other", [{"job_id": "job-2"}, {"benchmark_id": "algebra"}], ids=["job", "benchmark"]
    )
    def test_another_job_s_file_says_nothing(self, other, hub, tmp_path):
        named = {"job_id": "job-1", "benchmark_id": "arith", "benchmark_index": 1, **other}
        job_file(tmp_path, **named)
        reporting = DefaultCallbacks("job-1", "arith", sidecar_url=hub.url)
        assert (reporting.provider_id, reporting.benchmark_index) == (None, 0)

    def test_no_job_file_says_nothing(self, hub):
        assert DefaultCallbacks("job-1", "arith", sidecar_url=hub.url).provider_id is None


class TestOverallScore:
    def test_it_is_the_metric_the_benchmark_is_judged_by(self, hub):
        reported = results(accuracy=0.5, loss=2.0)
        callbacks(hub, primary_score=PrimaryScore(metric="loss")).report_results(reported)
        assert reported.overall_score == 2.0
        assert hub.events("job-1")[-1]["additional_info"]["overall_score"] == 2.0

    def test_the_adapter_s_own_stays(self):
        reported = results(accuracy=0.5)
        reported.overall_score = 0.9
        callbacks(primary_score=PrimaryScore(metric="accuracy")).report_results(reported)
        assert reported.overall_score == 0.9


class TestAdditionalInfo:
    def test_an_adapter_may_tell_more(self, hub):
        callbacks(
            hub, generate_additional_info_fn=lambda given: {"metrics": len(given.results)}
        ).report_results(results(accuracy=0.5))
        assert hub.events("job-1")[-1]["additional_info"]["metrics"] == 1

    def test_failing_to_tell_more_costs_no_result(self, hub, caplog):
        def fail(_):
            raise RuntimeError("no card")

        reporting = callbacks(hub, generate_additional_info_fn=fail)
        with caplog.at_level(logging.ERROR, logger=LOGGER):
            reporting.report_results(results(accuracy=0.5))
        assert hub.job("job-1")["status"]["state"] == "completed"
        assert caplog.messages == ["generate_additional_info failed; the results go without it"]
        assert "RuntimeError: no card" in caplog.text


class Storage:
    """A persister that stores nothing."""

    def __init__(self) -> None:
        self.specs: list[OCIArtifactSpec] = []

    def persist(self, spec):
        self.specs.append(spec)
        return OCIArtifactResult(digest="sha256:1", reference="h/r:t@sha256:1")


class TestArtifacts:
    def test_they_are_stored_by_whatever_is_assigned(self):
        storing, storage = callbacks(), Storage()
        assert isinstance(storage, Persister)
        storing.persister = storage
        spec = OCIArtifactSpec(files_path=Path("out"))
        assert storing.create_oci_artifact(spec).digest == "sha256:1"
        assert storage.specs == [spec]

    def test_without_a_registry_they_go_to_a_layout_beside_the_job(self, tmp_path):
        job_file(tmp_path)
        (tmp_path / "out.txt").write_text("answers")
        stored = callbacks().create_oci_artifact(OCIArtifactSpec(files=[tmp_path / "out.txt"]))
        assert stored.reference.startswith(f"oci:{tmp_path}/evalhub-artifacts:evalhub-")
        assert (tmp_path / "evalhub-artifacts/index.json").is_file()

    def test_without_a_job_they_go_to_a_layout_here(self, tmp_path):
        (tmp_path / "out.txt").write_text("answers")
        stored = callbacks().create_oci_artifact(OCIArtifactSpec(files=[tmp_path / "out.txt"]))
        assert stored.reference.startswith(f"oci:{tmp_path}/evalhub-artifacts:")

    def test_the_settings_may_name_the_layout(self, tmp_path):
        (tmp_path / "out.txt").write_text("answers")
        settings = AdapterSettings(artifacts_dir=tmp_path / "mine")
        storing = callbacks(settings=settings)
        stored = storing.create_oci_artifact(OCIArtifactSpec(files=[tmp_path / "out.txt"]))
        assert stored.reference.startswith(f"oci:{tmp_path}/mine:")

    def test_a_registry_may_be_given(self, tmp_path):
        (tmp_path / "out.txt").write_text("answers")
        storing = callbacks(registry_url=f"oci:{tmp_path}/given")
        stored = storing.create_oci_artifact(OCIArtifactSpec(files=[tmp_path / "out.txt"]))
        assert stored.reference.startswith(f"oci:{tmp_path}/given:")

    def test_in_a_cluster_they_go_to_the_port_of_the_sidecar(self, tmp_path):
        (tmp_path / "out.txt").write_text("answers")
        with OCIRegistry() as sidecar:
            storing = callbacks(
                provider_id="demo",
                sidecar_url=sidecar.url,
                settings=AdapterSettings(mode=EvalHubMode.K8S),
            )
            stored = storing.create_oci_artifact(
                OCIArtifactSpec(
                    files=[tmp_path / "out.txt"],
                    coordinates=OCICoordinates(oci_host="quay.io", oci_repository="team/results"),
                )
            )
            assert stored.reference.startswith("quay.io/team/results:")
            assert len(sidecar.tags("team/results")) == 1

    @pytest.mark.parametrize("url", [None, "https://evalhub.team.svc:8443", "http://hub:8080"])
    def test_in_a_cluster_without_a_sidecar_s_url_they_go_to_its_usual_port(self, url):
        storing = callbacks(
            provider_id="demo", sidecar_url=url, settings=AdapterSettings(mode=EvalHubMode.K8S)
        )
        assert storing._sidecar_host == DEFAULT_OCI_PROXY_HOST

    def test_what_cannot_be_stored_is_an_error(self, tmp_path):
        with pytest.raises(ArtifactError, match=r"none\.txt"):
            callbacks().create_oci_artifact(OCIArtifactSpec(files=[tmp_path / "none.txt"]))

    def test_the_push_is_reported(self, hub):
        storing = callbacks(hub)
        storing._report_push(3, 10)
        storing.report_results(results())
        assert hub.events("job-1")[0]["phase"] == "persisting_artifacts"


class Mine(FrameworkAdapter):
    def run_benchmark_job(self, config, callbacks):
        raise NotImplementedError

    def generate_additional_info(self, results):
        return {"framework": "mine"}


class TestFromAdapter:
    def test_job_and_settings_are_the_adapter_s(self, hub, tmp_path, clean_environment):
        fields = {
            "job_id": "job-1",
            "provider_id": "demo",
            "benchmark_id": "arith",
            "callback_url": hub.url,
            "primary_score": {"metric": "loss"},
        }
        hub.add_job(job_spec(**fields))
        adapter = Mine(job_spec_path=job_file(tmp_path, **fields))
        reported = results(accuracy=0.5, loss=2.0)
        DefaultCallbacks.from_adapter(adapter).report_results(reported)
        (event,) = hub.events("job-1")
        assert event["additional_info"]["framework"] == "mine"
        assert event["additional_info"]["overall_score"] == 2.0

    def test_token_and_registry_are_the_settings_s(self, recorder, tmp_path):
        (tmp_path / "token").write_text("t0ken")
        (tmp_path / "out.txt").write_text("answers")
        settings = AdapterSettings(
            auth_token_path=tmp_path / "token", registry_url=f"oci:{tmp_path}/named"
        )
        adapter = Mine(settings, job_file(tmp_path, callback_url=recorder.url))
        reporting = DefaultCallbacks.from_adapter(adapter)
        stored = reporting.create_oci_artifact(OCIArtifactSpec(files=[tmp_path / "out.txt"]))
        reporting.report_results(results())
        assert stored.reference.startswith(f"oci:{tmp_path}/named:")
        assert recorder.requests[-1].headers["Authorization"] == "Bearer t0ken"

    def test_artifacts_and_kept_reports_lie_beside_the_adapter_s_job(
        self, clean_environment, tmp_path
    ):
        (tmp_path / "theirs").mkdir()
        (tmp_path / "given").mkdir()
        (tmp_path / "out.txt").write_text("answers")
        settings = AdapterSettings(job_spec_path=job_file(tmp_path / "theirs"), report_timeout=0)
        file = job_file(tmp_path / "given", callback_url="http://127.0.0.1:9")
        reporting = DefaultCallbacks.from_adapter(Mine(settings, file))
        stored = reporting.create_oci_artifact(OCIArtifactSpec(files=[tmp_path / "out.txt"]))
        assert stored.reference.startswith(f"oci:{tmp_path}/given/")
        with pytest.raises(ReportError) as caught:
            reporting.report_results(results())
        assert caught.value.kept is not None
        assert caught.value.kept.parent == tmp_path / "given" / "undelivered"

    def test_trusted_certificates_are_the_settings_s(self, tmp_path):
        settings = AdapterSettings(ca_bundle_path=tmp_path / "none.crt")
        adapter = Mine(settings, job_file(tmp_path, callback_url="https://hub"))
        with pytest.raises(ConfigurationError, match=r"none\.crt does not exist"):
            DefaultCallbacks.from_adapter(adapter)

    def test_a_job_that_reports_nowhere_has_no_delivery(self, tmp_path):
        adapter = Mine(job_spec_path=job_file(tmp_path, callback_url=None))
        assert DefaultCallbacks.from_adapter(adapter).delivery is None


def test_mlflow_costs_nothing():
    assert callbacks(mlflow_backend="odh").mlflow.save(results(), job_spec()) is None


def test_stages_are_traced_as_this_benchmarks():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    given = EvalTracer({"mine": 1}, provider=provider)
    assert callbacks(tracer=given).tracer is given

    ours = callbacks()
    assert ours.tracer is ours.tracer
    ours.tracer._provider = provider
    with ours.tracer.scoring():
        pass
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["evalhub.job_id"] == "job-1"
    assert span.attributes["evalhub.benchmark_index"] == 0
