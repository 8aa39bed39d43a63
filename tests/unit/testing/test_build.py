from __future__ import annotations

import json

import pytest

from evalhub.errors import ConfigurationError
from evalhub.models.spec import JobSpec, ModelConfig, PrimaryScore
from evalhub.testing import job_file, job_spec


def test_every_field_has_a_value():
    spec = job_spec()
    assert spec.model.name == "fake-model"
    assert spec.num_examples == 3
    assert spec.callback_url is None


@pytest.mark.parametrize("name", ["job_id", "id"])
def test_fields_go_by_either_name(name):
    assert job_spec(**{name: "j"}).job_id == "j"


@pytest.mark.parametrize("name", ["parameters", "benchmark_config"])
def test_parameters_go_by_either_name(name):
    assert job_spec(**{name: {"shots": 1}}).parameters == {"shots": 1}


def test_a_model_is_changed_in_part():
    assert job_spec(model={"url": "http://m"}).model == ModelConfig(
        name="fake-model", url="http://m"
    )
    assert job_spec(model=ModelConfig(name="m")).model.name == "m"


def test_models_are_taken_as_they_are():
    assert job_spec(primary_score=PrimaryScore(metric="acc")).primary_score == PrimaryScore(
        metric="acc"
    )


def test_a_typo_is_refused():
    with pytest.raises(ConfigurationError, match="no field 'paramters'; did you mean 'parameters'"):
        job_spec(paramters={})
    with pytest.raises(ConfigurationError, match=r"no field 'zzz'$"):
        job_spec(zzz=1)


def test_a_file_is_written_as_the_service_does(tmp_path):
    path = job_file(tmp_path, tags={"k": "v"}, timeout_seconds=5)
    assert path == tmp_path / "meta" / "job.json"
    content = json.loads(path.read_text())
    assert content["tags"] == [{"key": "k", "value": "v"}]
    assert content["callback_url"] is None
    assert JobSpec.from_file(path).deadline_seconds == 5
    assert job_file(tmp_path) == path
