from __future__ import annotations

import hashlib
import json

import pytest

from evalhub.adapter.samples import EveryEvalEver
from evalhub.models import EvaluationResult, JobResults, Sample

SAMPLES = [
    Sample.model_validate(
        {
            "sample_id": "a",
            "prediction": 1,
            "metric": "accuracy",
            "input": "2 + 2?",
            "expected": "4",
            "output": "4",
            "latency_seconds": 0.1,
            "tokens": {"input": 1, "output": 2},
            "group": "plus",
        }
    ),
    Sample.model_validate(
        {
            "sample_id": "b",
            "prediction": 0,
            "messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "1", "content": [{"text": "x"}]},
            ],
            "error": "broken",
        }
    ),
    Sample.model_validate(
        {
            "sample_id": "c",
            "prediction": 0,
            "messages": [
                {"role": "user"},
                {"role": "assistant", "tool_calls": [{"function": "f", "arguments": {"n": 1}}]},
            ],
        }
    ),
    Sample.model_validate({"sample_id": "d", "prediction": 0, "messages": [{"content": "hi"}]}),
]


@pytest.fixture
def record():
    results = JobResults(
        job_id="job-1",
        benchmark_id="my sums",
        model_name="calculator",
        results=[
            EvaluationResult(
                metric_name="accuracy",
                metric_value=0.25,
                confidence_interval=(0.1, 0.9),
                num_samples=4,
            ),
            EvaluationResult(metric_name="seconds", metric_value=3),
            EvaluationResult(metric_name="verdict", metric_value="fine"),
        ],
        num_examples_evaluated=4,
        duration_seconds=1.0,
    )
    return EveryEvalEver(
        results,
        framework="pydantic",
        organization="us",
        lower_is_better=frozenset({"seconds"}),
        clock=lambda: 1700000000.0,
    )


def test_the_aggregate_holds_every_number(record):
    aggregate = record.aggregate()

    assert aggregate["schema_version"] == "0.3.0"
    assert aggregate["evaluation_id"] == "my sums/unknown_calculator/job-1"
    assert aggregate["retrieved_timestamp"] == "1700000000.0"
    assert aggregate["eval_library"]["name"] == "pydantic"
    assert aggregate["eval_library"]["version"] != "unknown"
    accuracy, seconds = aggregate["evaluation_results"]
    assert accuracy["score_details"] == {
        "score": 0.25,
        "uncertainty": {
            "confidence_interval": {"lower": 0.1, "upper": 0.9, "confidence_level": 0.95},
            "num_samples": 4,
        },
    }
    assert seconds["score_details"] == {"score": 3.0}
    assert seconds["metric_config"]["lower_is_better"] is True


def test_a_framework_that_is_not_installed_has_no_version(record):
    from dataclasses import replace

    assert replace(record, framework="nothing").aggregate()["eval_library"]["version"] == "unknown"


def test_each_sample_has_a_record(record):
    first, agent, other, dialogue = record.instances(SAMPLES)

    assert first["interaction_type"] == "single_turn"
    assert first["input"] == {"raw": "2 + 2?", "reference": ["4"]}
    assert first["output"] == {"raw": ["4"]}
    assert first["evaluation"] == {"score": 1.0, "is_correct": True}
    assert first["token_usage"] == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert first["performance"] == {"latency_ms": 100.0}
    assert first["evaluation_result_id"] == "my sums/unknown_calculator/job-1#accuracy"
    assert first["sample_hash"] == hashlib.sha256(b"2 + 2?4").hexdigest()
    assert agent["interaction_type"] == "agentic"
    assert agent["output"] is None
    assert agent["messages"][1]["tool_calls"] == [
        {"id": "1", "name": "f", "arguments": {"json": "{}"}}
    ]
    assert agent["messages"][2]["tool_call_id"] == ["1"]
    assert agent["error"] == "broken"
    assert other["messages"][1]["tool_calls"] == [{"id": "", "name": "f", "arguments": {"n": "1"}}]
    assert dialogue["interaction_type"] == "multi_turn"
    assert dialogue["messages"] == [{"turn_idx": 0, "role": "unknown", "content": "hi"}]


def test_files_lie_where_the_format_wants_them(record, tmp_path):
    aggregate, lines = record.write(tmp_path, SAMPLES)

    assert aggregate.parent == tmp_path / "data" / "my_sums" / "unknown" / "calculator"
    detailed = json.loads(aggregate.read_text())["detailed_evaluation_results"]
    assert detailed["total_rows"] == len(lines.read_text().splitlines()) == 4
    assert detailed["checksum"] == hashlib.sha256(lines.read_bytes()).hexdigest()
    assert tmp_path / detailed["file_path"] == lines
    assert record.write(tmp_path, SAMPLES) == [aggregate, lines]


def test_without_samples_there_is_one_file(record, tmp_path):
    [aggregate] = record.write(tmp_path)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [aggregate]
