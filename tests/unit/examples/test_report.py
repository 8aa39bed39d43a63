from __future__ import annotations

import csv
import json

import pytest

from evalhub.adapter.examples.chat import ChatReply
from evalhub.adapter.examples.grading import Grade, Outcome
from evalhub.adapter.examples.questions import Kind, Question
from evalhub.adapter.examples.report import Answer, metrics, write_files


def answered(category: str, outcome: Outcome, seconds: float) -> Answer:
    question = Question(
        id=f"{category}-{seconds}",
        category=category,
        kind=Kind.SHORT_ANSWER,
        question="Wo liegt Köln?",
        answer="Rhein",
    )
    return Answer(question, ChatReply("am Rhein", seconds, 3), Grade(outcome, "am Rhein"))


ANSWERS = [
    answered("places", Outcome.CORRECT, 1.0),
    answered("places", Outcome.WRONG, 2.0),
    answered("places", Outcome.REFUSED, 3.0),
    answered("arts", Outcome.CORRECT, 4.0),
    answered("arts", Outcome.UNPARSED, 5.0),
]


def test_metrics() -> None:
    measured = {metric.metric_name: metric for metric in metrics(ANSWERS)}
    assert {name: metric.metric_value for name, metric in measured.items()} == {
        "accuracy": 0.4,
        "accuracy_arts": 0.5,
        "accuracy_places": pytest.approx(1 / 3),
        "latency_p50_seconds": 3.0,
        "latency_p90_seconds": pytest.approx(4.6),
        "latency_p99_seconds": pytest.approx(4.96),
        "refusals": 1,
        "parse_failures": 1,
        "errors": 0,
    }
    assert measured["accuracy"].confidence_interval == pytest.approx((0.1176, 0.7693), abs=1e-4)
    assert [measured[name].num_samples for name in ("accuracy", "accuracy_arts")] == [5, 2]


def test_one_category_is_not_said_twice() -> None:
    names = [metric.metric_name for metric in metrics(ANSWERS[:3])]
    assert [name for name in names if name.startswith("accuracy")] == ["accuracy"]


def test_files(tmp_path) -> None:
    measured = metrics(ANSWERS)
    files = write_files(tmp_path / "new" / "folder", ANSWERS, measured, {"model": "tiny"})
    lines, table, summary = files
    assert [path.name for path in files] == ["results.jsonl", "metrics.csv", "summary.json"]

    records = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert [record["outcome"] for record in records] == [
        "correct",
        "wrong",
        "refused",
        "correct",
        "unparsed",
    ]
    assert records[0] == {
        "id": "places-1.0",
        "category": "places",
        "question": "Wo liegt Köln?",
        "expected": "Rhein",
        "reply": "am Rhein",
        "answer": "am Rhein",
        "outcome": "correct",
        "latency_seconds": 1.0,
        "completion_tokens": 3,
        "error": None,
    }

    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert rows[0]["metric"] == "accuracy"
    assert float(rows[0]["value"]) == 0.4
    assert float(rows[0]["interval_low"]) == pytest.approx(0.1176, abs=1e-4)
    assert rows[-1] == {
        "metric": "errors",
        "value": "0",
        "interval_low": "",
        "interval_high": "",
        "samples": "5",
    }

    content = json.loads(summary.read_text())
    assert content["model"] == "tiny"
    assert content["metrics"]["accuracy"] == 0.4
