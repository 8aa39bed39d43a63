from __future__ import annotations

import errno
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from evalhub.adapter import JobCallbacks, OCIArtifactSpec
from evalhub.adapter._kit import Kit, samples_of
from evalhub.adapter.samples import SampleWriter
from evalhub.client.samples import iter_samples, read_manifest, read_samples
from evalhub.errors import ArtifactError
from evalhub.models import Sample
from evalhub.testing import RecordingCallbacks, job_spec


@pytest.fixture
def writer(tmp_path):
    writer = SampleWriter(
        tmp_path / "samples", benchmark_id="sums", provider_id="alpha", metric="accuracy"
    )
    yield writer
    writer.close()


def rows(writer):
    return [json.loads(line) for line in writer.path.read_text().splitlines()]


def test_a_row_has_what_the_service_reads_and_what_the_job_is(writer):
    writer.add("q1", True, group="plus", output="4")

    assert rows(writer) == [
        {
            "sample_id": "q1",
            "prediction": 1.0,
            "group": "plus",
            "output": "4",
            "metric": "accuracy",
            "benchmark_id": "sums",
            "provider_id": "alpha",
        }
    ]


def test_what_is_read_is_what_was_written(writer):
    writer.add(1, 0.25, repeat=2, tokens={"input": 3, "output": 4}, own="kept")
    writer.extend([Sample(sample_id="2", prediction=False, expected="4")])

    first, second = read_samples(writer.folder)

    assert (first.sample_id, first.prediction, first.repeat) == ("1", 0.25, 2)
    assert first.tokens is not None
    assert first.tokens.output == 4
    assert first.to_wire()["own"] == "kept"
    assert (second.prediction, second.expected, second.metric) == (0.0, "4", "accuracy")


def test_the_manifest_says_what_the_file_holds(writer):
    writer.add("a", 1)
    writer.add("b", 0, error="no answer")
    writer.finish()

    manifest = read_manifest(writer.folder)

    assert manifest is not None
    assert (manifest.count, manifest.mean, manifest.errors) == (2, 0.5, 1)
    assert manifest.primary_score.metric == "accuracy"
    assert manifest.estimand == "mean"
    assert manifest.digest == f"sha256:{hashlib.sha256(writer.path.read_bytes()).hexdigest()}"
    assert manifest.size_bytes == writer.path.stat().st_size
    assert manifest.left_out == {}


def test_rows_of_several_threads_stay_whole(writer):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: writer.add(index, index % 2, output="x" * 999), range(400)))

    assert sorted(int(row["sample_id"]) for row in rows(writer)) == list(range(400))
    assert len(writer) == 400


def test_every_row_is_on_disk_when_add_returns(writer):
    writer.add("a", 1)

    assert len(rows(writer)) == 1


def test_a_last_line_cut_short_by_a_crash_is_left_out(writer):
    writer.add("a", 1)
    with writer.path.open("ab") as file:
        file.write(b'{"sample_id": "b", "predic')

    assert [sample.sample_id for sample in iter_samples(writer.path)] == ["a"]


def test_a_broken_line_in_the_middle_is_an_error(tmp_path):
    file = tmp_path / "samples.jsonl"
    file.write_text('{"sample_id": "a", "prediction": 1}\nnonsense\n')

    with pytest.raises(ArtifactError, match=r"line 2 of .* is not JSON"):
        read_samples(file)


def test_a_row_without_a_number_is_an_error_that_names_the_field(tmp_path):
    file = tmp_path / "samples.jsonl"
    file.write_text('{"sample_id": "a", "prediction": "good"}\n')

    with pytest.raises(ArtifactError, match=r"prediction: .*a prediction is a number, not 'good'"):
        read_samples(file)


def test_above_its_size_rows_keep_their_scores_alone(tmp_path, caplog):
    writer = SampleWriter(tmp_path, metric="accuracy", max_bytes=2000)
    for index in range(10):
        writer.add(index, 1, output="x" * 500)
    manifest = writer.finish()
    writer.close()

    assert [row.get("output") is None for row in rows(writer)] == [False] * 3 + [True] * 7
    assert manifest.count == 10
    assert manifest.mean == 1.0
    assert manifest.left_out == {"texts left out, the file had reached 2000 bytes": 7}
    assert "texts left out, the file had reached 2000 bytes (7 rows)" in caplog.text


def test_a_row_above_its_size_keeps_its_score_alone(writer):
    writer.add("a", 1, output="x" * (2 << 20))
    writer.add("b", 0, output="short")

    assert ["output" in row for row in rows(writer)] == [False, True]
    assert writer.finish().left_out == {"texts left out, the row was above 1 MiB": 1}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "good", None, [1]])
def test_a_prediction_that_is_no_number_is_left_out_and_counted(writer, value):
    writer.add("a", value)
    writer.add("b", 1)
    manifest = writer.finish()

    assert manifest.count == 1
    [(reason, times)] = manifest.left_out.items()
    assert reason.startswith("left out, for a prediction is a")
    assert times == 1


def test_a_value_json_has_no_form_for_becomes_the_nearest(writer, tmp_path):
    writer.add("a", 1, metadata={"path": tmp_path, "ratio": float("nan"), "text": "\ud800"})

    assert rows(writer)[0]["metadata"] == {"path": str(tmp_path), "ratio": None, "text": "?"}


def test_a_full_disk_costs_the_row_and_leaves_no_half_of_it(writer, monkeypatch):
    writer.add("a", 1)
    write = os.write
    monkeypatch.setattr("os.write", lambda file, line: write(file, line[:5]))
    writer.add("b", 1)
    monkeypatch.setattr("os.write", write)
    writer.add("c", 1)
    manifest = writer.finish()

    assert [row["sample_id"] for row in rows(writer)] == ["a", "c"]
    assert manifest.count == 2
    assert list(manifest.left_out.values()) == [1]


def test_a_folder_that_cannot_be_written_costs_no_result(tmp_path):
    (tmp_path / "file").write_text("")
    writer = SampleWriter(tmp_path / "file" / "samples")
    writer.add("a", 1)

    [reason] = writer.finish().left_out
    assert os.strerror(errno.ENOTDIR) in reason


def test_a_second_attempt_begins_anew(writer):
    writer.add("a", 1)
    writer.finish()
    writer.clear()
    assert list(writer.folder.iterdir()) == []
    writer.add("b", 0)

    assert [row["sample_id"] for row in rows(writer)] == ["b"]
    assert writer.finish().mean == 0.0


class Plain(JobCallbacks):
    """Callbacks as adapters' tests write them: no `super().__init__`, three methods."""

    def __init__(self):
        self.updates = []

    def report_status(self, update):
        self.updates.append(update)

    def create_oci_artifact(self, spec):
        raise NotImplementedError


def test_any_callbacks_keep_samples():
    callbacks = Plain()
    callbacks.samples.add("a", 1)

    assert len(callbacks.samples) == 1
    assert samples_of(callbacks) is callbacks.samples


def test_a_double_has_a_writer_all_the_same():
    from unittest.mock import MagicMock, create_autospec

    for double in (MagicMock(), create_autospec(JobCallbacks), object()):
        writer = samples_of(double)
        writer.add("a", 1)
        assert len(writer) == 1
        writer.close()


def stored(callbacks, spec):
    return [file.path for file in callbacks.create_oci_artifact(spec).files]


@pytest.fixture
def callbacks():
    callbacks = RecordingCallbacks(job_spec(benchmark_id="sums"))
    callbacks.samples.add("a", 1)
    yield callbacks
    callbacks.samples.close()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "report.txt").write_text("fine")
    return folder


def test_samples_go_into_the_artifact_of_a_folder(callbacks, folder):
    names = stored(callbacks, OCIArtifactSpec(files_path=folder))

    assert names == ["manifest.json", "report.txt", "samples.jsonl"]
    assert [path.name for path in folder.iterdir()] == ["report.txt"]


def test_samples_go_into_the_artifact_of_a_file(callbacks, folder):
    names = stored(callbacks, OCIArtifactSpec(files_path=folder / "report.txt"))

    assert names == ["manifest.json", "report.txt", "samples.jsonl"]


def test_samples_go_into_the_artifact_of_files_below_a_base(callbacks, folder):
    spec = OCIArtifactSpec(files=[folder / "report.txt"], base_path=folder.parent)

    assert stored(callbacks, spec) == ["manifest.json", "results/report.txt", "samples.jsonl"]


def test_samples_make_way_for_files_of_their_names(callbacks, folder):
    (folder / "manifest.json").write_text("{}")

    assert stored(callbacks, OCIArtifactSpec(files_path=folder)) == [
        "evalhub/manifest.json",
        "evalhub/samples.jsonl",
        "manifest.json",
        "report.txt",
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "report.txt"]


def test_an_artifact_without_samples_is_as_it_was(folder):
    callbacks = RecordingCallbacks(job_spec())

    assert stored(callbacks, OCIArtifactSpec(files_path=folder)) == ["report.txt"]
    assert not isinstance(vars(callbacks).get("samples"), SampleWriter)


def test_what_was_stored_is_read_back_by_its_reference(callbacks, folder):
    artifact = callbacks.create_oci_artifact(OCIArtifactSpec(files_path=folder))

    [sample] = read_samples(artifact.reference)
    assert (sample.sample_id, sample.benchmark_id) == ("a", "sums")


def test_a_folder_of_its_own_goes_with_the_writer():
    writer = Kit().samples
    writer.add("a", 1)
    folder = writer.folder
    assert writer.path.is_file()

    del writer

    assert not folder.exists()


def test_an_artifact_of_files_called_like_the_samples_keeps_its_own(callbacks, folder, caplog):
    (folder / "manifest.json").write_text("{}")
    spec = OCIArtifactSpec(files=[folder / "manifest.json", folder / "report.txt"])

    assert stored(callbacks, spec) == ["manifest.json", "report.txt"]
    assert "it keeps its own" in caplog.text


@pytest.mark.parametrize("as_files", [True, False])
def test_samples_below_the_artifacts_own_folder_stay_where_they_are(callbacks, as_files):
    callbacks.samples.finish()
    folder = callbacks.samples.folder
    (folder / "report.txt").write_text("fine")
    spec = (
        OCIArtifactSpec(files=[folder / "report.txt"], base_path=folder)
        if as_files
        else OCIArtifactSpec(files_path=folder)
    )

    assert stored(callbacks, spec) == ["manifest.json", "report.txt", "samples.jsonl"]


def test_samples_are_copied_where_they_cannot_be_linked(callbacks, folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)

    assert "samples.jsonl" in stored(callbacks, OCIArtifactSpec(files_path=folder))
    assert [path.name for path in folder.iterdir()] == ["report.txt"]


def test_a_folder_that_takes_no_samples_is_stored_without(callbacks, folder, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("shutil.copyfile", refuse)

    assert stored(callbacks, OCIArtifactSpec(files_path=folder)) == ["report.txt"]
    assert "the artifact goes without samples" in caplog.text


def test_a_manifest_that_cannot_be_written_costs_no_result(writer, caplog):
    writer.add("a", 1)
    writer.path.with_name("manifest.json").mkdir()

    assert writer.finish().count == 1
    assert "cannot write manifest.json" in caplog.text
