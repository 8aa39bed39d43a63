"""A model that knows the bundled questions, and gets as many of them wrong as one wants."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

from evalhub.adapter.examples.prompts import messages
from evalhub.adapter.examples.questions import BUNDLED, Dataset
from evalhub.testing.model import FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from evalhub.testing.model import ModelRequest


def questions() -> list[str]:
    """Return the ids of the questions that are scored, in the order in which they are asked."""
    lines = [json.loads(line) for line in BUNDLED.read_text(encoding="utf-8").splitlines()]
    return [line["id"] for line in lines if not line.get("few_shot")]


def quiz_model(name: str, wrong: Iterable[str] = ()) -> FakeModel:
    """Return a model that answers every question right but for those."""
    missed = {*wrong}
    answers: dict[str, str] = {}
    for question in Dataset.load(BUNDLED).select("quiz", None):
        right = question.letter if question.choices else question.answer
        prompt = messages(question)[-1]["content"]
        answers[prompt] = "no idea at all" if question.id in missed else right
    say: Callable[[ModelRequest], str] = lambda asked: answers[asked.prompt]  # noqa: E731
    return FakeModel(say, name=name)


def quiz_provider(folder: Path) -> dict[str, Any]:
    """Return a provider that asks the bundled questions and stores the answers in a folder."""
    command = [sys.executable, "-m", "evalhub.adapter", "evalhub.adapter.examples:ExampleAdapter"]
    return {
        "id": "example",
        "name": "example",
        "benchmarks": [{"id": "quiz", "name": "quiz", "category": "knowledge"}],
        "runtime": {
            "local": {
                "command": shlex.join(command),
                "env": [{"name": "REGISTRY_URL", "value": f"oci:{folder.absolute()}"}],
            }
        },
    }


def quiz_job(model: FakeModel, **more: Any) -> dict[str, Any]:
    """Return a job that asks a model the bundled questions."""
    return {
        "name": "quiz",
        "model": {"name": model.name, "url": model.url},
        "benchmarks": [
            {
                "id": "quiz",
                "provider_id": "example",
                "primary_score": {"metric": "accuracy"},
                "pass_criteria": {"threshold": 0.5},
            }
        ],
        **more,
    }
