from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import MagicMock, create_autospec

import pytest

from evalhub.adapter import JobCallbacks
from evalhub.adapter.examples import ExampleAdapter
from evalhub.adapter.examples.chat import ChatReply
from evalhub.adapter.examples.questions import Dataset
from evalhub.client.samples import iter_samples
from evalhub.errors import BenchmarkError, ConfigurationError
from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec
from evalhub.models.state import JobPhase, JobStatus
from evalhub.testing.build import job_file, job_spec
from evalhub.testing.faults import Answer
from evalhub.testing.model import FakeModel, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.adapter.examples.options import Options
    from evalhub.models.event import JobStatusUpdate
    from evalhub.models.spec import JobSpec

RIGHT = {
    question.question: question.letter if question.choices else question.answer
    for question in (*Dataset.load().questions, *Dataset.load().examples)
}


class Recorder(JobCallbacks):
    """Keeps what is reported, and what the files held while they were there."""

    def __init__(self) -> None:
        self.updates: list[JobStatusUpdate] = []
        self.artifacts: list[OCIArtifactSpec] = []
        self.contents: dict[str, str] = {}

    def report_status(self, update: JobStatusUpdate) -> None:
        self.updates.append(update)

    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        self.artifacts.append(spec)
        self.contents = {path.name: path.read_text() for path in spec.files}
        return OCIArtifactResult(digest="sha256:1", reference="oci:here:tag@sha256:1")


class OnlyBundled(ExampleAdapter):
    """Whatever lies in this machine's /test_data is not this test's."""

    test_data = Path("/nonexistent")


def knowing(request: ModelRequest) -> str:
    return RIGHT[request.prompt.partition("\n")[0]]


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel(knowing) as fake:
        yield fake


def spec(model: FakeModel, **more: Any) -> JobSpec:
    return job_spec(**{"model": {"name": "tiny", "url": model.url}, "num_examples": None, **more})


def test_a_model_that_knows_everything(model) -> None:
    callbacks = Recorder()
    results = OnlyBundled().run_benchmark_job(
        spec(model, benchmark_id="mmlu", benchmark_index=3), callbacks
    )
    assert results.num_examples_evaluated == len(model.requests) == 84
    assert results.overall_score == 1.0
    assert results.benchmark_index == 3
    assert results.duration_seconds > 0
    accuracy = results.results[0]
    assert (accuracy.metric_name, accuracy.metric_value, accuracy.num_samples) == (
        "accuracy",
        1.0,
        84,
    )
    assert accuracy.confidence_interval == pytest.approx((0.9563, 1.0), abs=1e-4)
    assert results.evaluation_metadata["dataset"] == "bundled"
    assert results.oci_artifact is not None
    assert results.oci_artifact.digest == "sha256:1"


def test_progress_goes_through_the_phases_and_only_forward(model) -> None:
    callbacks = Recorder()
    OnlyBundled().run_benchmark_job(spec(model), callbacks)
    phases = [update.phase for update in callbacks.updates]
    assert list(dict.fromkeys(phases)) == list(JobPhase)[:-1]
    assert {update.status for update in callbacks.updates} == {JobStatus.RUNNING}
    shares = [update.progress or 0.0 for update in callbacks.updates]
    assert shares == sorted(shares)
    evaluating = [u for u in callbacks.updates if u.phase is JobPhase.RUNNING_EVALUATION]
    assert 10 <= len(evaluating) <= 22
    assert (evaluating[-1].completed_steps, evaluating[-1].total_steps) == (84, 84)
    assert str(evaluating[-1].message) == "84 of 84 questions answered"


def test_the_artifact_holds_the_answers_in_the_order_of_the_questions(model) -> None:
    callbacks = Recorder()
    OnlyBundled().run_benchmark_job(
        spec(model, benchmark_id="logic", benchmark_config={"concurrency": 8}), callbacks
    )
    (artifact,) = callbacks.artifacts
    assert artifact.annotations == {"accuracy": "1.0000"}
    assert (artifact.benchmark_id, artifact.model_name) == ("logic", "tiny")
    records = [json.loads(line) for line in callbacks.contents["results.jsonl"].splitlines()]
    assert [record["id"] for record in records] == [f"logic-{n:02}" for n in range(1, 13)]
    assert json.loads(callbacks.contents["summary.json"])["metrics"]["accuracy"] == 1.0
    assert not artifact.files[0].exists()


def test_files_stay_where_the_job_wants_them(model, tmp_path) -> None:
    folder = tmp_path / "kept"
    config = spec(model, num_examples=1, benchmark_config={"output_dir": str(folder)})
    OnlyBundled().run_benchmark_job(config, Recorder())
    assert {path.name for path in folder.iterdir()} == {
        "results.jsonl",
        "metrics.csv",
        "summary.json",
    }


def test_the_place_the_job_names_for_artifacts_is_passed_on(model) -> None:
    callbacks = Recorder()
    place = {"oci_host": "registry.example", "oci_repository": "team/results"}
    exports = {"oci": {"coordinates": place}}
    OnlyBundled().run_benchmark_job(spec(model, num_examples=1, exports=exports), callbacks)
    coordinates = callbacks.artifacts[0].coordinates
    assert coordinates is not None
    assert coordinates.oci_repository == "team/results"


def test_worked_examples_are_earlier_turns_of_the_conversation(model) -> None:
    config = spec(
        model, benchmark_id="science", num_examples=1, benchmark_config={"num_few_shot": 2}
    )
    OnlyBundled().run_benchmark_job(config, Recorder())
    (request,) = model.requests
    assert [message["role"] for message in request.body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert [message["content"] for message in request.body["messages"][2::2]] == ["O", "C"]
    assert request.prompt == "What is the chemical symbol of gold?"


class Crowd:
    """A model that answers when three questions wait for it, and counts how many do."""

    def __init__(self) -> None:
        self._three = threading.Barrier(3)
        self._lock = threading.Lock()
        self._waiting = 0
        self.most = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ask(self, messages: object) -> ChatReply:
        self._count(1)
        self._three.wait(timeout=10)
        self._count(-1)
        return ChatReply("no idea", 0.1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._waiting += change
            self.most = max(self.most, self._waiting)


def test_as_many_questions_are_on_their_way_as_allowed(model) -> None:
    crowd = Crowd()

    class Crowded(OnlyBundled):
        def connect(self, config: JobSpec, options: Options) -> Any:
            return crowd

    config = spec(model, num_examples=12, benchmark_config={"concurrency": 3})
    Crowded().run_benchmark_job(config, Recorder())
    assert crowd.most == 3


def test_test_data_takes_the_place_of_the_bundled_questions(model, tmp_path) -> None:
    question = {"id": "own", "kind": "short_answer", "question": "17?", "answer": "17"}
    (tmp_path / "own.jsonl").write_text(json.dumps(question))
    adapter = ExampleAdapter()
    adapter.test_data = tmp_path
    with FakeModel("17") as own:
        results = adapter.run_benchmark_job(spec(own), Recorder())
    assert (results.num_examples_evaluated, results.overall_score) == (1, 1.0)
    assert results.evaluation_metadata["dataset"] == str(tmp_path)


def test_dataset_path_wins_over_test_data(model, tmp_path) -> None:
    question = {"id": "own", "kind": "short_answer", "question": "1?", "answer": "1"}
    (tmp_path / "own.jsonl").write_text("not read")
    chosen = tmp_path / "chosen"
    chosen.write_text(json.dumps(question))
    adapter = ExampleAdapter()
    adapter.test_data = tmp_path
    with FakeModel("1") as own:
        config = spec(own, benchmark_config={"dataset_path": str(chosen)})
        assert adapter.run_benchmark_job(config, Recorder()).num_examples_evaluated == 1


def test_a_mistyped_option_is_warned_of(model) -> None:
    callbacks = Recorder()
    OnlyBundled().run_benchmark_job(
        spec(model, num_examples=1, benchmark_config={"num_fewshot": 2}), callbacks
    )
    (warning,) = [u.warning_message for u in callbacks.updates if u.warning_message]
    assert str(warning) == (
        "benchmark_config has no option 'num_fewshot'; did you mean 'num_few_shot'?"
    )


def test_too_many_worked_examples_are_refused_before_anything_is_asked(model) -> None:
    config = spec(model, benchmark_config={"num_few_shot": 99})
    with pytest.raises(ConfigurationError, match="has 12 worked examples"):
        OnlyBundled().run_benchmark_job(config, Recorder())
    assert model.requests == []


def test_a_failure_ends_the_evaluation_at_once(model) -> None:
    model.faults.always(Answer(400, b"no such model"))
    config = spec(model, benchmark_config={"concurrency": 2})
    with pytest.raises(BenchmarkError, match="answered 400: no such model"):
        OnlyBundled().run_benchmark_job(config, Recorder())
    assert len(model.faults.seen) < 40


def test_an_unreachable_model_fails_with_its_url(model) -> None:
    config = spec(model, benchmark_config={"max_retries": 0})
    with (
        model.faults.down(),
        pytest.raises(BenchmarkError, match="cannot be reached") as raised,
    ):
        OnlyBundled().run_benchmark_job(config, Recorder())
    assert model.url in raised.value.message


def test_a_model_without_url_is_refused_before_anything_is_loaded() -> None:
    callbacks = Recorder()
    config = job_spec(model={"name": "tiny", "url": None})
    with pytest.raises(ConfigurationError, match="model 'tiny' has no url"):
        OnlyBundled().run_benchmark_job(config, callbacks)
    assert [update.phase for update in callbacks.updates] == [JobPhase.INITIALIZING]


def test_the_key_of_the_models_secret_is_used(
    model, tmp_path, clean_environment, monkeypatch
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "api-key").write_text("k3y\n")
    auth = {"name": "tiny", "url": model.url, "auth": {"secret_ref": f"file://{secret}"}}
    path = job_file(tmp_path, model=auth, num_examples=1)
    clean_environment(EVALHUB_MODE="local", EVALHUB_JOB_SPEC_PATH=str(path))
    adapter = OnlyBundled()
    adapter.run_benchmark_job(adapter.job_spec, Recorder())
    assert model.requests[0].headers["authorization"] == "Bearer k3y"


@pytest.mark.parametrize("callbacks", [MagicMock(), create_autospec(JobCallbacks)])
def test_callbacks_of_a_test_may_be_mocks(model, callbacks) -> None:
    results = OnlyBundled().run_benchmark_job(spec(model, num_examples=2), callbacks)
    assert results.oci_artifact is None
    assert callbacks.create_oci_artifact.call_count == 1


def test_one_question_that_fails_counts_as_wrong_and_is_told(model) -> None:
    model.faults.script(Answer(400, b"context too long"))
    callbacks = Recorder()
    config = spec(model, benchmark_config={"concurrency": 1}, num_examples=10)
    results = OnlyBundled().run_benchmark_job(config, callbacks)
    errors = {one.metric_name: one.metric_value for one in results.results}["errors"]
    assert errors == 1
    warnings = [str(one.warning_message) for one in callbacks.updates if one.warning_message]
    assert "1 of 10 questions has no answer and counts as wrong, " in warnings[0]
    failed, *answered = iter_samples(callbacks.samples.path)
    assert (failed.prediction, failed.output) == (0.0, None)
    assert failed.error is not None
    assert "context too long" in failed.error
    assert len(answered) == 9
    assert all(sample.error is None for sample in answered)


def test_a_server_error_that_passes_is_tried_again(model) -> None:
    model.faults.script(Answer(500, b"out of memory"))
    config = spec(model, benchmark_config={"concurrency": 1}, num_examples=4)
    results = OnlyBundled().run_benchmark_job(config, Recorder())
    assert {one.metric_name: one.metric_value for one in results.results}["errors"] == 0


def test_the_share_of_errors_may_be_set(model) -> None:
    model.faults.script(Answer(400, b"too long"), Answer(400, b"too long"))
    parameters = {"concurrency": 1, "max_error_rate": 0.5}
    results = OnlyBundled().run_benchmark_job(
        spec(model, benchmark_config=parameters, num_examples=4), Recorder()
    )
    assert {one.metric_name: one.metric_value for one in results.results}["errors"] == 2


def test_every_answer_is_a_sample_and_their_mean_is_the_accuracy(model) -> None:
    callbacks = Recorder()
    results = OnlyBundled().run_benchmark_job(spec(model), callbacks)
    samples = list(iter_samples(callbacks.samples.path))
    assert len(samples) == len({sample.sample_id for sample in samples}) == 84
    assert sum(sample.prediction for sample in samples) / 84 == results.overall_score
    assert samples[0].metadata.keys() == {"outcome", "answer"}
