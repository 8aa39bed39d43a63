"""What the demo sets up: a provider, a job, and what is expected of it."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = "example"

BENCHMARKS = {
    "arithmetic": "24 questions: 20 written sums, and 4 in words",
    "quiz": "84 questions from six categories, those among them",
}

FEW_SHOT = 4
"""Worked examples before each question; they show a small model what an answer looks like."""

PASS_MARKS = {"arithmetic": 0.75, "quiz": 0.5}


def provider(artifacts: Path) -> dict[str, Any]:
    """Return the provider as its YAML file would say it.

    The service runs the command once for each benchmark of a job; all the rest of the glue is in
    the package.

    Args:
        artifacts: Directory of the image layout the adapters store their answers in.
    """
    command = [sys.executable, "-m", "evalhub.adapter", "evalhub.adapter.examples:ExampleAdapter"]
    return {
        "id": PROVIDER,
        "name": PROVIDER,
        "title": "Example adapter",
        "description": "Questions with known answers, asked through a chat endpoint",
        "benchmarks": [
            {
                "id": name,
                "name": name,
                "description": description,
                "category": "knowledge",
                "metrics": ["accuracy"],
            }
            for name, description in BENCHMARKS.items()
        ],
        "runtime": {
            "local": {
                "command": shlex.join(command),
                "env": [{"name": "REGISTRY_URL", "value": f"oci:{artifacts.absolute()}"}],
            }
        },
    }


def job(model_name: str, model_url: str) -> dict[str, Any]:
    """Return the job to submit: one model, two benchmarks, and what each must reach to pass."""
    return {
        "name": "demo",
        "model": {"name": model_name, "url": model_url},
        "benchmarks": [
            {
                "id": name,
                "provider_id": PROVIDER,
                "parameters": {"num_few_shot": FEW_SHOT},
                "primary_score": {"metric": "accuracy"},
                "pass_criteria": {"threshold": mark},
            }
            for name, mark in PASS_MARKS.items()
        ],
        "pass_criteria": {"threshold": 0.5},
    }
