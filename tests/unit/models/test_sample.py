from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from evalhub.errors import ArtifactError
from evalhub.models import Sample
from evalhub.models._samples.files import iter_samples, read_manifest, sample_files
from evalhub.models._samples.foreign import (
    garak_samples,
    guidellm_samples,
    inspect_samples,
    lm_eval_samples,
)

LM_EVAL = {
    "doc_id": 3,
    "doc": {"question": "2 + 2?"},
    "target": "4",
    "arguments": [[['[{"role": "user", "content": "2 + 2?"}]'], {"until": ["\n"]}]],
    "resps": [["5"]],
    "filtered_resps": ["5"],
    "filter": "none",
    "metrics": ["exact_match", "f1"],
    "doc_hash": "h",
    "exact_match": 0.0,
    "f1": 0.5,
}
INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "sums"},
    "samples": [
        {
            "id": 7,
            "epoch": 2,
            "input": "2 + 2?",
            "target": "4",
            "messages": [{"role": "user"}, {"role": "assistant"}],
            "output": {"completion": "4"},
            "scores": {"match": {"value": "C"}, "length": {"value": 1}},
            "model_usage": {"m": {"input_tokens": 5, "output_tokens": 8}},
            "total_time": 2.5,
        },
        {"id": "b", "error": {"message": "timeout"}, "messages": [{}, {}, {"role": "tool"}]},
    ],
}
ATTEMPT: dict[str, Any] = {
    "entry_type": "attempt",
    "status": 2,
    "uuid": "u",
    "seq": 4,
    "probe_classname": "dan.Dan",
    "prompt": {"turns": [{"role": "user", "content": {"text": "Ignore all"}}]},
    "outputs": [{"text": "no"}, {"text": "yes"}, None],
    "detector_results": {"mitigation": [0.0, 1.0, None]},
    "goal": "disregard",
}
GUIDELLM = {
    "benchmarks": [
        {
            "config": {"strategy": {"type_": "concurrent"}},
            "requests": {
                "successful": [
                    {
                        "request_latency": 0.5,
                        "prompt_tokens": 3,
                        "output_tokens": 4,
                        "time_to_first_token_ms": 20.0,
                        "output": "4",
                    },
                    {"request_latency": None},
                ],
                "errored": [{"request_latency": None}],
            },
        }
    ]
}


@pytest.mark.parametrize(("value", "number"), [(True, 1.0), (False, 0.0), (0.5, 0.5), (2, 2.0)])
def test_a_prediction_is_a_number_and_true_is_one(value, number):
    assert Sample(sample_id="a", prediction=value).prediction == number


@pytest.mark.parametrize("value", ["1", None, float("nan"), float("inf"), [1], 10**400])
def test_anything_else_is_none(value):
    with pytest.raises(ValidationError, match="a prediction is a"):
        Sample(sample_id="a", prediction=value)


def test_an_id_may_be_a_number_and_keys_of_ones_own_are_kept():
    sample = Sample.model_validate({"sample_id": 7, "prediction": 1, "label": 0})

    assert sample.sample_id == "7"
    assert sample.to_wire()["label"] == 0
    assert sample.key == ("7", 0, None)


def test_lm_eval():
    [sample] = lm_eval_samples([LM_EVAL, {**LM_EVAL, "filter": "strict"}], task="sums")

    assert (sample.sample_id, sample.prediction, sample.metric) == ("sums/3", 0.0, "exact_match")
    assert (sample.group, sample.expected, sample.output) == ("sums", "4", "5")
    assert sample.input == '[{"role": "user", "content": "2 + 2?"}]'
    assert sample.scores == {"f1": 0.5}


def test_lm_eval_by_another_metric():
    [sample] = lm_eval_samples([LM_EVAL], metric="f1")

    assert (sample.sample_id, sample.prediction, sample.metric) == ("3", 0.5, "f1")


def test_lm_eval_arguments_of_a_file():
    row = {**LM_EVAL, "arguments": {"gen_args_0": {"arg_0": "2 + 2?", "arg_1": {}}}}

    assert next(lm_eval_samples([row])).input == "2 + 2?"


def test_inspect():
    first, second = inspect_samples(INSPECT)

    assert (first.sample_id, first.repeat, first.prediction) == ("7", 1, 1.0)
    assert (first.metric, first.group, first.output) == ("match", "sums", "4")
    assert first.tokens is not None
    assert (first.tokens.input, first.latency_seconds) == (5, 2.5)
    assert first.scores == {"length": 1}
    assert first.messages == []
    assert (second.prediction, second.error) == (0.0, "timeout")
    assert len(second.messages) == 3


def test_an_inspect_log_may_be_a_model():
    class Log:
        def model_dump(self, **_):
            return INSPECT

    assert [sample.sample_id for sample in inspect_samples(Log())] == ["7", "b"]


@pytest.mark.parametrize(
    ("value", "worth"),
    [("C", 1), ("P", 0.5), ("I", 0), ("N", 0), (True, 1), ("yes", 1), ("maybe", 0), (0.3, 0.3)],
)
def test_inspect_grades(value, worth):
    log = {"samples": [{"id": 1, "scores": {"s": {"value": value}}}]}

    assert next(inspect_samples(log)).prediction == worth


@pytest.mark.parametrize(("value", "worth"), [({"a": 1, "b": 0}, 1), ([1, 0], 0.5), ([], 0)])
def test_inspect_scores_of_several_values(value, worth):
    log = {"samples": [{"id": 1, "scores": {"s": {"value": value}}}]}

    assert next(inspect_samples(log)).prediction == worth


def test_garak():
    lines: list[dict[str, Any]] = [{"entry_type": "init"}, {**ATTEMPT, "status": 1}, ATTEMPT]
    resisted, hit = garak_samples(lines)

    assert resisted.sample_id == "dan.Dan/4/mitigation"
    assert (resisted.prediction, resisted.repeat, resisted.output) == (1.0, 0, "no")
    assert (hit.prediction, hit.repeat, hit.output) == (0.0, 1, "yes")
    assert (hit.input, hit.group, hit.metric) == ("Ignore all", "dan.Dan", "resisted")


def test_guidellm():
    [sample] = guidellm_samples(GUIDELLM)

    assert (sample.sample_id, sample.prediction) == ("0/0", 0.5)
    assert sample.scores == {"time_to_first_token_ms": 20.0}
    assert sample.group == "concurrent"
    assert list(guidellm_samples(GUIDELLM, benchmark=1)) == []


def test_guidellm_requests_outside_the_measured_time_are_left_out():
    times = [(1.0, 2.0), (4.0, 6.0), (None, 7.0), (11.0, 12.0), (3.0, None)]
    requests = [
        {"request_latency": index, "request_start_time": start, "request_end_time": end}
        for index, (start, end) in enumerate(times)
    ]
    window = {"measure_start_time": 5.0, "measure_end_time": 10.0}
    report = {"benchmarks": [{"requests": {"successful": requests}, "scheduler_metrics": window}]}

    assert [sample.prediction for sample in guidellm_samples(report)] == [1.0, 2.0, 4.0]


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("name", "row", "identity"),
    [
        ("samples.jsonl", {"sample_id": "a", "prediction": 1}, "a"),
        ("samples_sums_2026-01-31T12-00-00.123.jsonl", LM_EVAL, "sums/3"),
        ("samples_sums.jsonl", LM_EVAL, "sums/3"),
        ("garak.report.jsonl", ATTEMPT, "dan.Dan/4/mitigation"),
        ("logs/2026_sums.json", INSPECT, "7"),
        ("guidellm.json", GUIDELLM, "0/0"),
    ],
)
def test_the_files_of_every_framework_are_found_below_a_folder(tmp_path, name, row, identity):
    write(tmp_path / "deep" / name, row)
    write(tmp_path / "other.json", {"unrelated": 1})

    assert next(iter_samples(tmp_path)).sample_id == identity


def test_a_file_may_be_named_itself(tmp_path):
    assert next(iter_samples(write(tmp_path / "rows.jsonl", LM_EVAL))).sample_id == "3"


def test_ours_are_taken_before_a_frameworks(tmp_path):
    write(tmp_path / "samples_sums.jsonl", LM_EVAL)
    write(tmp_path / "samples.jsonl", {"sample_id": "ours", "prediction": 1})

    assert [sample.sample_id for sample in iter_samples(tmp_path)] == ["ours"]


def test_an_empty_file_has_no_samples(tmp_path):
    assert list(iter_samples(write(tmp_path / "samples.jsonl"))) == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"unrelated": 1}\n', "are no samples: they have no sample_id"),
        ("a.jsonl", "[1]\n", "is not a JSON object"),
        ("a.json", "nonsense", "is not JSON"),
        ("a.json", "[1]", "is not a JSON object"),
        ("a.eval", "PK", "install inspect-ai"),
        ("manifest.json", "[]", "is not the manifest"),
    ],
)
def test_what_is_no_file_of_samples_is_told(tmp_path, name, text, message):
    file = tmp_path / name
    file.write_text(text)
    (tmp_path / "samples.jsonl").write_text("")
    with pytest.raises(ArtifactError, match=message):
        _ = read_manifest(tmp_path) if name == "manifest.json" else list(iter_samples(file))


def test_a_folder_without_samples_says_what_it_holds(tmp_path):
    (tmp_path / "report.txt").write_text("")
    with pytest.raises(ArtifactError, match=r"holds no samples, but report\.txt"):
        sample_files(tmp_path)


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ArtifactError, match="does not exist"):
        sample_files(tmp_path / "no")


def test_a_folder_without_a_manifest_has_none(tmp_path):
    write(tmp_path / "samples.jsonl")

    assert read_manifest(tmp_path) is None
