from __future__ import annotations

from pathlib import Path

import pytest

from evalhub.adapter.base import FrameworkAdapter
from evalhub.errors import ConfigurationError, JobSpecError
from evalhub.models.result import JobResults
from evalhub.settings import AdapterSettings, EvalHubMode
from evalhub.testing import FakeEvalHub, job_file, job_spec


class Mine(FrameworkAdapter):
    def run_benchmark_job(self, config, callbacks):
        return JobResults.for_job(
            config, {"accuracy": 0.5}, num_examples_evaluated=1, duration_seconds=1.0
        )


def test_an_adapter_has_one_method_to_write():
    assert FrameworkAdapter.__abstractmethods__ == {"run_benchmark_job"}
    with pytest.raises(TypeError, match="run_benchmark_job"):
        FrameworkAdapter()  # type: ignore[abstract]


def test_an_adapter_is_made_without_settings_and_job(clean_environment, tmp_path):
    clean_environment(EVALHUB_MODE="moon", EVALHUB_JOB_SPEC_PATH=str(tmp_path / "none.json"))
    adapter = Mine()
    with pytest.raises(ConfigurationError, match="EVALHUB_MODE"):
        _ = adapter.settings
    clean_environment(EVALHUB_MODE="local")
    with pytest.raises(JobSpecError, match=r"none\.json does not exist"):
        _ = adapter.job_spec


def test_settings_and_job_are_loaded_once(clean_environment, tmp_path):
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(job_file(tmp_path, job_id="one")))
    adapter = Mine()
    assert adapter.job_spec.job_id == "one"
    assert adapter.job_spec is adapter.job_spec
    assert adapter.settings is adapter.settings


@pytest.mark.parametrize("kind", [Path, str])
def test_a_job_file_can_be_given(kind, clean_environment, tmp_path):
    path = job_file(tmp_path, job_id="given")
    adapter = Mine(job_spec_path=kind(path))
    assert adapter.job_spec.job_id == "given"
    assert adapter.local_jobs_base_path == tmp_path


def test_the_file_given_wins_over_the_settings_s(clean_environment, tmp_path):
    for name in ("theirs", "given"):
        (tmp_path / name).mkdir()
    settings = AdapterSettings(job_spec_path=job_file(tmp_path / "theirs"))
    adapter = Mine(settings, job_file(tmp_path / "given", job_id="given"))
    assert adapter.job_spec.job_id == "given"
    assert adapter.local_jobs_base_path == tmp_path / "given"


def test_settings_can_be_given(clean_environment):
    settings = AdapterSettings(log_level="DEBUG")
    assert Mine(settings).settings is settings


def test_settings_and_job_can_be_assigned(clean_environment):
    adapter = Mine()
    adapter.settings = settings = AdapterSettings(mode=EvalHubMode.K8S)
    adapter.job_spec = spec = job_spec()
    assert (adapter.settings, adapter.job_spec) == (settings, spec)
    assert adapter.local_jobs_base_path is None


def test_an_adapter_made_without_init_works(clean_environment, tmp_path):
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(job_file(tmp_path, job_id="bare")))
    adapter = Mine.__new__(Mine)
    assert adapter.job_spec.job_id == "bare"


def test_an_adapter_may_take_its_job_from_elsewhere(clean_environment):
    class Elsewhere(Mine):
        def _load_job_spec(self):
            return job_spec(job_id="elsewhere")

    assert Elsewhere().job_spec.job_id == "elsewhere"


def test_there_is_no_more_to_tell_and_no_mlflow_unless_an_adapter_says_so(clean_environment):
    adapter = Mine()
    results = adapter.run_benchmark_job(job_spec(), None)
    assert adapter.generate_additional_info(results) is None
    assert adapter.mlflow is None


def test_main_runs_the_adapter_and_exits(clean_environment, logging_as_before, tmp_path, capsys):
    with FakeEvalHub() as hub:
        hub.add_job(job_spec(callback_url=hub.url))
        path = job_file(tmp_path, callback_url=hub.url)
        clean_environment(EVALHUB_JOB_SPEC_PATH=str(path))
        with pytest.raises(SystemExit) as ended:
            Mine.main()
        states = [event["status"] for event in hub.events(job_spec().job_id)]
    assert ended.value.code == 0
    assert states == ["running", "completed"]
    assert "accuracy  0.5" in capsys.readouterr().out
