"""How the contract reads a provider file; its checks are tested end to end."""

from __future__ import annotations

import sys

import pytest

from evalhub.errors import MissingExtraError
from evalhub.testing._provider_file import primary_metric, read_provider


def test_a_provider_file_is_yaml_or_json(tmp_path):
    path = tmp_path / "provider.yaml"
    path.write_text("id: p\nbenchmarks:\n- id: b\n")
    assert read_provider(path) == {"id": "p", "benchmarks": [{"id": "b"}]}
    path.write_text('{"id": "p"}')
    assert read_provider(str(path)) == {"id": "p"}
    assert read_provider({"id": "p"}) == {"id": "p"}


def test_yaml_needs_an_extra(tmp_path, monkeypatch):
    path = tmp_path / "provider.yaml"
    path.write_text("id: p")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"eval-hub-sdk\[testing\]"):
        read_provider(path)


def test_the_primary_metric_is_the_benchmarks():
    score = {"primary_score": {"metric": "acc"}}
    provider = {"benchmarks": [{"id": "a", **score}, {"id": "b"}]}
    assert primary_metric(provider, "a") == "acc"
    assert primary_metric(provider, "b") is None
    assert primary_metric({}, "a") is None
