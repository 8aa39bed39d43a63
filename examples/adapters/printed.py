"""What a framework says by itself, to hold a job's scores and samples against.

lm-eval and Inspect are run once more by their own commands, as anybody would who has no adapter:
same model, same task. GuideLLM measures time, which no second run repeats, and garak sends hundreds
of prompts: for these two it is what their command printed and wrote in the job.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalhub.adapter.data import offline_env
from evalhub.client.samples import read_samples
from evalhub.oci import pull
from examples.adapters.environments import HERE

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.models import Sample
    from evalhub.testing import FakeModel

_LM_EVAL = re.compile(r"\|(exact_match)\s*\|[^|]*\|\s*([\d.]+)\|")
_INSPECT = re.compile(r"\b(accuracy)\s+([\d.]+)")
_GARAK = re.compile(r"(\S+)\s+(\S+): (?:PASS|FAIL)\s+ok on\s+(\d+)/\s*(\d+)")


@dataclass(frozen=True)
class Printed:
    """The scores that a framework printed, and the samples in the file that it wrote."""

    scores: dict[str, float]
    samples: list[Sample]


def printed(
    name: str, python: Path, model: FakeModel, folder: Path, *, log: str, reference: str
) -> Printed:
    """Return what a framework says by itself.

    Args:
        name: The framework.
        python: The interpreter of its environment.
        model: What to evaluate.
        folder: For its files.
        log: The log of the job that is compared.
        reference: The job's artifact.

    Raises:
        ArtifactError: It wrote no samples.
        RuntimeError: Its command failed.
    """
    match name:
        case "lm_eval":
            return _lm_eval(python, model, folder)
        case "inspect_ai":
            return _inspect(python, model, folder)
        case "guidellm":
            pull(reference, folder)
            return _guidellm(folder / "guidellm.json")
        case _:
            pull(reference, folder)
            return Printed(_garak(log), read_samples(folder / "garak.report.jsonl"))


def _lm_eval(python: Path, model: FakeModel, folder: Path) -> Printed:
    told = f"model={model.name},base_url={model.url}/chat/completions,num_concurrent=4"
    text = _run(
        [python.with_name("lm_eval"), "run", "--apply_chat_template", "--log_samples"],
        folder,
        model="local-chat-completions",
        model_args=f"{told},tokenizer_backend=None,tokenized_requests=False",
        tasks="sums",
        include_path=HERE / "lm_eval" / "tasks",
        limit=20,
        output_path=folder,
    )
    return Printed(_scores(_LM_EVAL, text), read_samples(folder))


def _inspect(python: Path, model: FakeModel, folder: Path) -> Printed:
    shutil.copy(HERE / "inspect_ai" / "tasks" / "sums.py", folder)  # it takes no absolute path
    options: dict[str, object] = {"model-base-url": model.url, "log-dir": folder}
    text = _run(
        [python.with_name("inspect"), "eval", "sums.py"],
        folder,
        model=f"openai-api/evalhub/{model.name}",
        limit=20,
        display="plain",
        **{**options, "log-format": "json"},
    )
    return Printed(_scores(_INSPECT, text), read_samples(folder))


def _guidellm(report: Path) -> Printed:
    [benchmark] = json.loads(report.read_text(encoding="utf-8"))["benchmarks"]
    measured = benchmark["metrics"]
    scores = {
        "requests_failed": measured["request_totals"]["errored"],
        "request_latency/mean": measured["request_latency"]["successful"]["mean"],
        "request_latency/p99": measured["request_latency"]["successful"]["percentiles"]["p99"],
        "requests_per_second/mean": measured["requests_per_second"]["successful"]["mean"],
    }
    return Printed(scores, read_samples(report))


def _garak(log: str) -> dict[str, float]:
    found = [(probe, detector, int(ok), int(of)) for probe, detector, ok, of in _GARAK.findall(log)]
    scores = {
        f"attack_success_rate/{probe}/{detector}": 1 - ok / of for probe, detector, ok, of in found
    }
    total = sum(of for *_, of in found)
    return {**scores, "resisted": sum(ok for _, _, ok, _ in found) / total} if total else {}


def _scores(pattern: re.Pattern[str], text: str) -> dict[str, float]:
    return {name: float(value) for name, value in pattern.findall(text)}


def _run(command: list[str | Path], folder: Path, **options: object) -> str:
    environment = {**os.environ, **offline_env(folder / "cache"), "COLUMNS": "200"}
    keys = dict.fromkeys(("OPENAI_API_KEY", "EVALHUB_API_KEY"), "none")
    done = subprocess.run(
        [*command, *(f"--{name}={value}" for name, value in options.items())],
        env={**environment, **keys},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{output[-2000:]}")
    return output
