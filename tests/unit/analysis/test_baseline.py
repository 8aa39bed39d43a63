from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from support.jobs import benchmark, job, rows

from evalhub.analysis import compare, list_baselines, load_baseline, save_baseline
from evalhub.errors import ConfigurationError
from evalhub.models.sample import Sample


def clock():
    return datetime(2026, 9, 18, tzinfo=UTC)


def save(folder, value=0.75, name="release", **options):
    return save_baseline(name, job(benchmark(value)), folder=folder, clock=clock, **options)


def test_what_is_saved_is_read_again(tmp_path):
    saved = save(tmp_path, rows=rows([1.0, 0.0], input="long text"))
    loaded = load_baseline("release", folder=tmp_path)

    assert loaded == saved
    assert saved.path == tmp_path / "release.json.gz"
    assert loaded.rows == [
        {"sample_id": "q0", "prediction": 1.0},
        {"sample_id": "q1", "prediction": 0.0},
    ]
    assert loaded.saved_at == clock()
    assert loaded.digest.startswith("sha256:")


def test_the_same_baseline_is_the_same_file(tmp_path):
    first = save(tmp_path / "a").path.read_bytes()

    assert save(tmp_path / "b").path.read_bytes() == first


def test_samples_are_saved_as_rows(tmp_path):
    sample = Sample(sample_id="a", prediction=1, output="text")

    assert save(tmp_path, rows=[sample]).rows == [
        {"sample_id": "a", "prediction": 1.0, "repeat": 0}
    ]


def test_a_baseline_is_compared_in_pairs(tmp_path):
    before = rows([1.0] * 90 + [0.0] * 10)
    saved = save(tmp_path, 0.9, rows=before)
    after = job(benchmark(0.7))
    candidate_rows = rows([1.0] * 70 + [0.0] * 30)

    for source in (saved, saved.path, str(saved.path)):
        one = compare(source, after, rows=(None, candidate_rows)).benchmarks[0]
        assert one.paired
        assert one.verdict == "regressed"
    assert compare(saved, after).benchmarks[0].paired is False


def test_all_are_listed(tmp_path):
    save(tmp_path, name="b")
    save(tmp_path, name="a")

    assert [one.name for one in list_baselines(folder=tmp_path)] == ["a", "b"]
    assert list_baselines(folder=tmp_path / "none") == []


def test_a_changed_file_is_refused(tmp_path):
    path = save(tmp_path).path
    content = json.loads(gzip.decompress(path.read_bytes()))
    content["job"]["name"] = "another"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))

    with pytest.raises(ConfigurationError, match="was changed since it was saved"):
        load_baseline("release", folder=tmp_path)
    with pytest.raises(ConfigurationError, match="was changed since it was saved"):
        compare(path, job(benchmark()))


def test_what_is_no_baseline_is_refused(tmp_path):
    save(tmp_path, name="other")
    with pytest.raises(ConfigurationError, match=r"there is no baseline .*there are: other\)"):
        load_baseline("release", folder=tmp_path)
    (tmp_path / "job.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="is not a baseline"):
        load_baseline(tmp_path / "job.json")
    (tmp_path / "x.json.gz").write_bytes(b"no gzip")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_baseline("x", folder=tmp_path)


def test_a_digest_without_a_job_is_refused(tmp_path):
    from evalhub.analysis.baseline import _digest

    content: dict[str, object] = {"job": {"name": "x"}, "rows": None}
    whole: dict[str, object] = {
        "format": "evalhub-baseline/1",
        "name": "x",
        "saved_at": "2026-09-18T00:00:00+00:00",
    }
    whole |= {"digest": _digest(content), **content}
    path = tmp_path / "x.json.gz"
    path.write_bytes(gzip.compress(json.dumps(whole).encode()))
    with pytest.raises(ConfigurationError, match="cannot be used"):
        load_baseline(path)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b"])
def test_names_that_are_no_file_names(tmp_path, name):
    with pytest.raises(ConfigurationError, match="is not a name for a baseline"):
        save(tmp_path, name=name)


def test_a_running_job_is_no_baseline(tmp_path):
    running = job(benchmark(status="running"), state="running")
    with pytest.raises(ConfigurationError, match="job job-1 is running: wait for it"):
        save_baseline("release", running, folder=tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        save(tmp_path / "file")
