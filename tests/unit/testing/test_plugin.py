"""The plugin is active in this run: its fixtures are used as an adapter's tests use them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from evalhub import pytest_plugin
from evalhub.adapter import EvaluationResult, FrameworkAdapter, JobResults
from evalhub.testing import RealEvalHub


class Speaks(FrameworkAdapter):
    def run_benchmark_job(self, config, callbacks):
        return JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            model_name=config.model.name,
            results=[EvaluationResult(metric_name="shots", metric_value=config.parameters["n"])],
            num_examples_evaluated=1,
            duration_seconds=0.1,
        )


@pytest.mark.evalhub(spec={"parameters": {"n": 5}, "model": {"name": "mine"}}, answer="x")
def test_runs_an_adapter(evalhub_adapter, evalhub_job_spec, evalhub_model, evalhub_service):
    outcome = evalhub_adapter(Speaks)
    assert outcome.metrics == {"shots": 5}
    assert evalhub_job_spec.model.url == evalhub_model.url
    assert evalhub_job_spec.model.name == "mine"
    assert evalhub_service.job(evalhub_job_spec.job_id)["status"]["state"] == "completed"


def test_records_callbacks(evalhub_callbacks, evalhub_job_spec):
    assert evalhub_callbacks.spec is evalhub_job_spec


@pytest.mark.evalhub(providers=[{"id": "p", "name": "P"}])
def test_talks_to_the_service(evalhub_client, evalhub_async_client):
    assert [provider.name for provider in evalhub_client.providers.list()] == ["P"]

    async def health():
        async with evalhub_async_client as client:
            return (await client.health()).status

    assert asyncio.run(health()) == "healthy"


def test_has_a_registry(evalhub_registry):
    assert evalhub_registry.repositories() == []


@pytest.mark.e2e
@pytest.mark.evalhub(providers=[{"id": "p"}])
def test_has_the_real_service(evalhub_real_service):
    assert isinstance(evalhub_real_service, RealEvalHub)
    assert evalhub_real_service.log


def test_skips_where_the_real_service_is_not_installed(monkeypatch, request):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(pytest.skip.Exception, match=r"eval-hub-sdk\[server\]"):
        request.getfixturevalue("evalhub_real_service")


@pytest.mark.parametrize("marker", [pytest.mark.evalhub(anwser="x"), pytest.mark.evalhub("x")])
def test_refuses_what_the_marker_does_not_know(marker):
    request: Any = SimpleNamespace(node=SimpleNamespace(get_closest_marker=lambda _: marker.mark))
    with pytest.raises(pytest.UsageError, match="takes answer, collections, providers, spec"):
        pytest_plugin._options(request)


def test_imports_nothing_before_it_is_used():
    code = (
        "import sys, pytest; before = set(sys.modules); import evalhub.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == ["evalhub", "evalhub._lazy", "evalhub.pytest_plugin"]
