"""How the contract reads a provider file; what it finds is tested end to end."""

from __future__ import annotations

import sys

import pytest

from evalhub.errors import MissingExtraError
from evalhub.testing import contract, job_spec


def test_a_provider_file_is_yaml_or_json(tmp_path):
    path = tmp_path / "provider.yaml"
    path.write_text("id: p\nbenchmarks:\n- id: b\n")
    assert contract._provider(path) == {"id": "p", "benchmarks": [{"id": "b"}]}
    path.write_text('{"id": "p"}')
    assert contract._provider(str(path)) == {"id": "p"}
    assert contract._provider({"id": "p"}) == {"id": "p"}


def test_yaml_needs_an_extra(tmp_path, monkeypatch):
    path = tmp_path / "provider.yaml"
    path.write_text("id: p")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"eval-hub-sdk\[cli\]"):
        contract._provider(path)


def test_the_primary_metric_is_the_benchmarks():
    score = {"primary_score": {"metric": "acc"}}
    provider = {"benchmarks": [{"id": "a", **score}, {"id": "b"}]}
    assert contract._primary_metric(provider, job_spec(benchmark_id="a")) == "acc"
    assert contract._primary_metric(provider, job_spec(benchmark_id="b")) is None
    assert contract._primary_metric({}, job_spec()) is None
