"""Findings no adapter of the end-to-end tests brings about."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalhub.adapter import (
    EvaluationResult,
    JobPhase,
    JobResults,
    JobStatus,
    JobStatusUpdate,
    MetricSchema,
    OCIArtifactResult,
    OCIArtifactSpec,
    ResultType,
)
from evalhub.models import Sample
from evalhub.testing import Outcome, RecordingCallbacks, _findings, job_spec
from evalhub.testing._hub import EventRequest


def outcome(*statuses, **more):
    events = [{"status": status} for status in statuses]
    filled = {"exit_code": 0, "refused": [], "logs": "", "folder": Path("/nowhere"), **more}
    return Outcome(events=events, **filled)


def results(*metrics, **more):
    return JobResults(
        job_id="j",
        benchmark_id="b",
        model_name="m",
        results=[EvaluationResult(metric_name=name, metric_value=value) for name, value in metrics],
        num_examples_evaluated=1,
        duration_seconds=0.1,
        **more,
    )


def update(phase=None, progress=None, **more):
    return JobStatusUpdate(status=JobStatus.RUNNING, phase=phase, progress=progress, **more)


def only(findings):
    (found,) = findings
    return found


def test_sound_states():
    assert list(_findings.states(outcome("running", "completed"))) == []


def test_a_run_that_says_nothing():
    first, second = _findings.states(outcome())
    assert "the first event is [], not running" in first
    assert "not one completed at the end" in second


def test_an_event_that_was_refused():
    refused = [EventRequest("j", b"", {}, 409, "too late")]
    found = only(_findings.states(outcome("running", "completed", refused=refused)))
    assert found == "the service would refuse an event with 409: too late"


def test_an_event_that_was_too_large_is_a_finding_of_its_size():
    refused = [EventRequest("j", b"", {}, 413, "too large")]
    assert list(_findings.states(outcome("running", refused=refused))) == []


def test_phases_that_say_something_new():
    said = [
        update(JobPhase.LOADING_DATA),
        update(JobPhase.RUNNING_EVALUATION, 0.1),
        update(JobPhase.RUNNING_EVALUATION, 0.2),
        update(JobPhase.RUNNING_EVALUATION, 0.2, message="half"),
        update(None),
        update(None),
    ]
    assert list(_findings.phases(said)) == []


def test_progress_that_falls():
    found = only(_findings.progress([update(progress=0.5), update(), update(progress=0.4)]))
    assert "decreases from 0.5 to 0.4" in found


def test_no_metrics():
    assert "there are no metrics" in only(_findings.metric_values(results()))


def test_metrics_that_are_texts():
    assert "'good', not a number" in only(_findings.metric_values(results(("grade", "good"))))
    declared = [MetricSchema(name="grade", type=ResultType.CATEGORICAL)]
    labelled = results(("grade", "good"), ("list", [1]), metrics_schema=declared)
    assert list(_findings.metric_values(labelled)) == []


def test_a_benchmark_the_provider_file_does_not_know():
    found = only(_findings.undeclared(["a"], {"benchmarks": []}, job_spec(benchmark_id="b")))
    assert "has no benchmark 'b'" in found


def test_declared_metrics_are_patterns():
    provider = {"benchmarks": [{"id": "b", "metrics": ["acc", "latency_*"]}, {"id": "free"}]}
    spec = job_spec(benchmark_id="b")
    assert list(_findings.undeclared(["acc", "latency_p50"], provider, spec)) == []
    assert list(_findings.undeclared(["x"], provider, job_spec(benchmark_id="free"))) == []


@pytest.mark.parametrize("value", ["0.9", True, None])
def test_a_primary_metric_that_is_no_number(value):
    found = only(_findings.primary_score(results(("acc", value)), "acc"))
    assert f"'acc' is {value!r}, not a number" in found


def test_a_primary_metric_that_is_one():
    assert list(_findings.primary_score(results(("acc", 1)), "acc")) == []
    assert list(_findings.primary_score(results(("a", 1), ("b", 2), overall_score=1.0), None)) == []


def test_metrics_of_one_name():
    found = only(_findings.metric_values(results(("a", 1), ("a", 2))))
    assert found.startswith("metric a is reported 2 times; the service keeps one value a name")


def test_an_artifact_without_files():
    callbacks = RecordingCallbacks()
    stored = OCIArtifactResult(digest="sha256:1", reference="r")
    callbacks.artifacts.append((OCIArtifactSpec(title="answers"), stored))
    found = only(_findings.artifacts(callbacks, results(oci_artifact=stored)))
    assert "artifact answers has no files" in found


def test_bad_configuration_that_works():
    found = only(_findings.clean_failure(outcome("running", "completed"), None))
    assert "was evaluated to the end" in found
    assert list(_findings.clean_failure(outcome("running", "failed"), None)) == []


def test_secrets_in_events_and_files(tmp_path):
    (tmp_path / "answers.json").write_text("sk-1")
    (tmp_path / "folder").mkdir()
    leaky = Outcome(0, [{"status": "failed", "error": "sk-1"}], [], "", tmp_path)
    in_event, in_file = _findings.secrets(leaky, "sk-1")
    assert "is in an event" in in_event
    assert "is in answers.json" in in_file


def test_metrics_that_come_and_go():
    found = only(_findings.differences({"a": 1, "t_1": 1}, {"t_1": 2}, ["t_*"]))
    assert "metric a is 1 and then None" in found


def rows(*values, ids=None, metric="acc"):
    return [
        Sample(sample_id=str(ids[index] if ids else index), prediction=value, metric=metric)
        for index, value in enumerate(values)
    ]


def test_samples_whose_mean_is_the_score():
    assert list(_findings.samples(rows(1, 0), results(("acc", 0.5)), "acc")) == []
    assert list(_findings.samples(rows(1, 0), results(("x", 1), overall_score=0.5), None)) == []


def test_samples_whose_mean_is_another_number():
    found = only(_findings.samples(rows(1, 0), results(("acc", 0.6)), "acc"))
    assert "the mean of the samples is 0.5 and the score 0.6" in found


def test_samples_of_other_metrics_do_not_count():
    kept = [*rows(1, 0), *rows(7, metric="length")]
    assert list(_findings.samples(kept, results(("acc", 0.5)), "acc")) == []


@pytest.mark.parametrize("score", ["good", True, None])
def test_a_score_that_is_no_number_is_not_compared(score):
    assert list(_findings.samples(rows(1), results(("acc", score)), "acc")) == []


def test_samples_that_share_an_id():
    found = only(_findings.samples(rows(1, 0, ids=["a", "a"]), None, "acc"))
    assert "1 samples share their id with others, such as 'a' (repeat 0)" in found
