"""The files an evaluation leaves behind, and the metrics the service gets."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.adapter import EvaluationResult
from evalhub.adapter.examples.grading import Grade, Outcome
from evalhub.adapter.examples.measures import percentile, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from evalhub.adapter.chat import ChatReply
    from evalhub.adapter.examples.questions import Question

__all__ = ["Answer", "metrics", "write_files"]

_PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Answer:
    """One question, what the model replied, and what that is worth."""

    question: Question
    reply: ChatReply
    grade: Grade
    error: str | None = None
    """Why there is no reply; it then counts as wrong."""

    @property
    def is_correct(self) -> bool:
        """Whether the reply is right."""
        return self.grade.outcome is Outcome.CORRECT


def metrics(answers: Sequence[Answer]) -> list[EvaluationResult]:
    """Return what was measured: accuracy overall and per category, latency, unusable replies."""
    by_category: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_category[answer.question.category].append(answer)
    outcomes = Counter(answer.grade.outcome for answer in answers)
    answered = [answer for answer in answers if answer.error is None]
    seconds = [answer.reply.latency_seconds for answer in answered]
    measured = [_accuracy("accuracy", answers)]
    if len(by_category) > 1:
        measured += [_accuracy(f"accuracy_{name}", of) for name, of in sorted(by_category.items())]
    measured += [
        _plain(f"latency_p{rank}_seconds", percentile(seconds, rank / 100), "latency", len(seconds))
        for rank in _PERCENTILES
    ]
    measured += [
        _plain("refusals", outcomes[Outcome.REFUSED], "count", len(answers)),
        _plain("parse_failures", outcomes[Outcome.UNPARSED], "count", len(answers)),
        _plain("errors", len(answers) - len(answered), "count", len(answers)),
    ]
    return measured


def write_files(
    folder: Path,
    answers: Sequence[Answer],
    measured: Sequence[EvaluationResult],
    about: Mapping[str, Any],
) -> list[Path]:
    """Write `results.jsonl`, `metrics.csv` and `summary.json`, and return their paths.

    Args:
        folder: Where to; made if it is not there.
        answers: One line each in `results.jsonl`.
        measured: One line each in `metrics.csv`.
        about: What was evaluated and how, for `summary.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines, table, summary = (
        folder / name for name in ("results.jsonl", "metrics.csv", "summary.json")
    )
    with lines.open("w", encoding="utf-8") as file:
        for answer in answers:
            file.write(json.dumps(_line(answer), ensure_ascii=False) + "\n")
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["metric", "value", "interval_low", "interval_high", "samples"])
        for metric in measured:
            bounds = metric.confidence_interval or ("", "")
            writer.writerow([metric.metric_name, metric.metric_value, *bounds, metric.num_samples])
    values = {metric.metric_name: metric.metric_value for metric in measured}
    text = json.dumps({**about, "metrics": values}, indent=2, ensure_ascii=False)
    summary.write_text(text + "\n", encoding="utf-8")
    return [lines, table, summary]


def _line(answer: Answer) -> dict[str, Any]:
    question, reply = answer.question, answer.reply
    return {
        "id": question.id,
        "category": question.category,
        "question": question.question,
        "expected": question.answer,
        "reply": reply.text,
        "answer": answer.grade.answer,
        "outcome": answer.grade.outcome,
        "latency_seconds": round(reply.latency_seconds, 6),
        "completion_tokens": reply.completion_tokens,
        "error": answer.error,
    }


def _accuracy(name: str, answers: Sequence[Answer]) -> EvaluationResult:
    correct = sum(answer.is_correct for answer in answers)
    return EvaluationResult(
        metric_name=name,
        metric_value=correct / len(answers),
        metric_type="accuracy",
        confidence_interval=wilson_interval(correct, len(answers)),
        num_samples=len(answers),
    )


def _plain(name: str, value: float, kind: str, samples: int) -> EvaluationResult:
    return EvaluationResult(
        metric_name=name, metric_value=value, metric_type=kind, num_samples=samples
    )
