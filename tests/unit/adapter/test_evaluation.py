from __future__ import annotations

import math
from unittest.mock import MagicMock

import pytest
from pydantic import Field

from evalhub.adapter import EvaluationResult, JobPhase
from evalhub.adapter.evaluation import evaluation
from evalhub.adapter.parameters import JobParameters
from evalhub.client.samples import read_samples
from evalhub.errors import BenchmarkError, ConfigurationError
from evalhub.models.atif import Trajectory, TrajectoryScore
from evalhub.testing import FakeModel, RecordingCallbacks, job_spec


@pytest.fixture
def model():
    with FakeModel("4") as model:
        yield model


@pytest.fixture
def spec(model):
    return job_spec(model={"name": model.name, "url": model.url}, primary_score={"metric": "acc"})


def test_what_a_framework_writes_is_stored_with_the_samples(spec):
    callbacks = RecordingCallbacks(spec)
    times = iter([10.0, 12.5])
    with evaluation(spec, callbacks, framework="pydantic", clock=lambda: next(times)) as job:
        (job.folder / "report.txt").write_text("fine")
        (job.scratch / "cache").write_text("not kept")
        callbacks.samples.extend([{"sample_id": "a", "prediction": 1}])
        results = job.results({"other": 3, "acc": 0.5})

    assert results.oci_artifact is not None
    assert [file.path for file in results.oci_artifact.files] == [
        "manifest.json",
        "report.txt",
        "samples.jsonl",
    ]
    assert [sample.metric for sample in read_samples(results.oci_artifact.reference)] == ["acc"]
    assert (results.overall_score, results.num_examples_evaluated) == (0.5, 1)
    assert results.duration_seconds == 2.5
    assert results.env_card is not None
    assert results.env_card.framework_name == "pydantic"
    assert callbacks.artifacts[0][0].job_id == spec.job_id
    assert callbacks.updates[-1].phase is JobPhase.PERSISTING_ARTIFACTS
    assert not job.folder.exists()


@pytest.mark.parametrize(
    ("metrics", "score"),
    [
        ([EvaluationResult(metric_name="acc", metric_value=1)], 1.0),
        ({"acc": True}, None),
        ({"acc": "good"}, None),
        ({"other": 1.0}, None),
    ],
)
def test_the_score_is_the_metric_the_job_is_judged_by(spec, metrics, score):
    with evaluation(spec, RecordingCallbacks(spec), framework="x") as job:
        assert job.results(metrics, num_examples=1).overall_score == score


def test_a_second_attempt_begins_without_the_samples_of_the_first(spec):
    callbacks = RecordingCallbacks(spec)
    for identity in ("first", "second"):
        with evaluation(spec, callbacks, framework="x"):
            callbacks.samples.add(identity, 1)

    assert [sample.sample_id for sample in read_samples(callbacks.samples.path)] == ["second"]


def test_nothing_to_store_is_no_artifact(spec):
    callbacks = RecordingCallbacks(spec)
    with evaluation(spec, callbacks, framework="x") as job:
        results = job.results({"acc": 1.0}, num_examples=7)

    assert (results.oci_artifact, callbacks.artifacts) == (None, [])
    assert results.num_examples_evaluated == 7


def test_callbacks_of_a_test_may_be_mocks(spec):
    with evaluation(spec, MagicMock(), framework="x") as job:
        (job.folder / "report.txt").write_text("fine")
        assert job.results({"acc": 1.0}).oci_artifact is None


def test_a_model_that_is_away_ends_it_before_it_begins(spec, model):
    with (
        model.faults.down(),
        pytest.raises(BenchmarkError, match="cannot be reached"),
        evaluation(spec, RecordingCallbacks(spec), framework="x"),
    ):
        pytest.fail("it has begun")


def test_the_check_may_be_left_out(spec, model):
    with (
        model.faults.down(),
        evaluation(spec, RecordingCallbacks(spec), framework="x", check=False) as job,
    ):
        assert job.model.url == model.url


def test_the_model_may_be_asked_from_here(spec):
    with evaluation(spec, RecordingCallbacks(spec), framework="x") as job, job.chat() as chat:
        assert chat.ask([{"role": "user", "content": "2 + 2?"}]).text == "4"


class Parameters(JobParameters):
    num_fewshot: int = Field(default=0, ge=0)
    limit: int | None = None
    api: str = "chat"


def test_parameters_are_read():
    parameters = Parameters.of(job_spec(parameters={"num_fewshot": 3}))

    assert parameters.num_fewshot == 3
    assert parameters.given(fewshot="num_fewshot", samples="limit") == {"fewshot": 3}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_few_shot": 3}, "parameter 'num_few_shot' is unknown; did you mean 'num_fewshot'?"),
        ({"x": 3}, "parameter 'x' is unknown; there are api, limit, num_fewshot"),
        (
            {"num_fewshot": -1},
            "parameter 'num_fewshot' cannot be used: Input should be greater than or equal to 0",
        ),
    ],
)
def test_a_wrong_parameter_is_named(given, message):
    with pytest.raises(ConfigurationError) as raised:
        Parameters.of(job_spec(parameters=given))

    assert raised.value.message == message


def test_all_that_are_wrong_are_named():
    with pytest.raises(ConfigurationError) as raised:
        Parameters.of(job_spec(parameters={"num_fewshot": "many", "x": 1}))

    assert "num_fewshot" in raised.value.message
    assert raised.value.details == ("parameter 'x' is unknown; there are api, limit, num_fewshot",)


def test_trajectories_go_into_the_artifact_and_their_scores_into_the_results(spec, caplog):
    callbacks = RecordingCallbacks(spec)
    given = {"agent": {"name": "a", "version": "1"}}
    step = {"step_id": 1, "source": "user", "message": "m"}
    good = Trajectory.model_validate({**given, "session_id": "run", "steps": [step]})
    bad = Trajectory.model_validate({**given, "steps": [{**step, "extra": {"x": math.nan}}]})
    with evaluation(spec, callbacks, framework="pydantic") as job:
        results = job.results(
            {"acc": 0.5},
            trajectory_results=[
                TrajectoryScore(trajectory=good, score=1.0),
                TrajectoryScore(trajectory_id="bad", trajectory=bad, score=0.0),
            ],
        )

    assert results.oci_artifact is not None
    assert [file.path for file in results.oci_artifact.files] == ["trajectories/run.json"]
    assert [score.file for score in results.trajectory_results] == ["trajectories/run.json", None]
    assert [score.score for score in results.trajectory_results] == [1.0, 0.0]
    assert "trajectory bad is not stored: invalid trajectory: steps[0].extra.x" in caplog.text
