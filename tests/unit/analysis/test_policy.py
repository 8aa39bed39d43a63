from __future__ import annotations

import json
import sys

import pytest

from evalhub.analysis import BenchmarkRule, Policy
from evalhub.errors import ConfigurationError, MissingExtraError

GATE = """
require: {mmlu: {max_drop: 0.01}, gsm8k: {max_drop: 0.015}, owasp_llm_top10: {max_rise: 0.02}}
watch: [ifeval, "latency_*"]
defaults: {confidence: 0.95, inconclusive: warn, correction: holm, min_samples: 30}
"""


def test_a_file_is_read(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text(GATE)
    policy = Policy.read(path)

    assert policy.require["mmlu"].margin == 0.01
    rule = policy.rule("harness", "owasp_llm_top10")
    assert rule == BenchmarkRule(max_rise=0.02)
    assert rule.direction is True
    assert policy.rule("harness", "ifeval") is None
    assert policy.watches("latency_p50")
    assert not policy.watches("accuracy")
    assert Policy.read(str(path)) == policy


def test_json_is_read_as_well(tmp_path):
    path = tmp_path / "gate.json"
    path.write_text(json.dumps({"require": ["mmlu"]}))

    assert Policy.read(path).require == {"mmlu": BenchmarkRule()}


def test_a_rule_may_be_empty(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("require:\n  mmlu:\n  gsm8k: {min_samples: 100}\n")

    assert Policy.read(path).require["mmlu"] == BenchmarkRule()


@pytest.mark.parametrize(
    ("pattern", "is_required"),
    [("mmlu", True), ("harness/mmlu", True), ("mm*", True), ("other/mmlu", False)],
)
def test_names_of_benchmarks(pattern, is_required):
    rule = Policy.read({"require": [pattern]}).rule("harness", "mmlu")

    assert (rule is not None) is is_required


def test_without_a_list_everything_but_the_watched_is_required():
    policy = Policy.read({"watch": ["ifeval"]})

    assert policy.rule("harness", "mmlu") == BenchmarkRule()
    assert policy.rule("harness", "ifeval") is None
    assert Policy.read(None) == Policy()
    assert Policy.read(policy) is policy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("require: {mmlu: {max_dorp: 0.1}}", "Policy|BenchmarkRule has no field 'max_dorp'; did "),
        ("require: {mmlu: {max_drop: -1}}", "require.mmlu.max_drop: Input should be greater"),
        ("require: {mmlu: {max_drop: .nan}}", "require.mmlu.max_drop: Input should be a finite"),
        ("require: {mmlu: {max_drop: 0.1, max_rise: 0.1}}", "give either max_drop or max_rise"),
        ("require: {mmlu: {max_rise: 0.1, lower_is_better: false}}", "max_rise is for metrics"),
        ("defaults: {confidence: 95}", "defaults.confidence: Input should be less than 1"),
        ("defaults: {inconclusive: maybe}", "defaults.inconclusive: Input should be 'warn'"),
        ("require: 3", "require: Input should be a valid dictionary"),
        ("- mmlu", "must be a mapping with require, watch and defaults, not list"),
        ("", "must be a mapping with require, watch and defaults, not NoneType"),
        ("require: {", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, words):
    path = tmp_path / "gate.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=words) as raised:
        Policy.read(path)

    assert str(path) in str(raised.value)


def test_a_file_that_is_not_there_or_no_json(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Policy.read(tmp_path / "none.yaml")
    (tmp_path / "gate.json").write_text("{")
    with pytest.raises(ConfigurationError, match="is not JSON"):
        Policy.read(tmp_path / "gate.json")
    with pytest.raises(ConfigurationError, match="a policy is a mapping or a file, not int"):
        Policy.read(3)  # type: ignore[arg-type]


def test_yaml_needs_its_extra(tmp_path, monkeypatch):
    path = tmp_path / "gate.yaml"
    path.write_text(GATE)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"reading .*gate.yaml needs an extra"):
        Policy.read(path)


def test_a_policy_is_a_mapping_also_within_another_model():
    with pytest.raises(ValueError, match="valid dictionary"):
        Policy.model_validate("gate.yaml")
