"""Evaluate a model on the real EvalHub service, on this machine and with nothing else installed.

    make demo
    make demo MODEL_URL=http://127.0.0.1:8000/v1 MODEL_NAME=my-model

Everything it starts listens on loopback and is stopped at the end, after Ctrl-C as well.
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.client import EvalHubClient
from evalhub.errors import EvalHubError
from evalhub.report import report as page_of
from evalhub.testing.service import RealEvalHub
from examples.demo import calculator, report, story
from examples.demo.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.models.job import EvaluationJob

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "evalhub-artifacts"
REPORT = ROOT / "evalhub-report.html"
LOG_LINES = 11
POLL_SECONDS = 0.1
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code."""
    asked = _parser().parse_args(arguments)
    if bool(asked.model_url) != bool(asked.model_name):
        _parser().error("give --model-url and --model-name together")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as started:
            job = _run(asked, started)
    except KeyboardInterrupt:
        print("\n\nInterrupted. Nothing is left running.")
        return INTERRUPTED
    except EvalHubError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    print("Nothing is left running. docs/demo.md says more, and how to evaluate another model.")
    return 0 if job.state == "completed" else 1


def _run(asked: argparse.Namespace, started: ExitStack) -> EvaluationJob:
    name, url = asked.model_name, asked.model_url
    if url is None:
        name, url = calculator.NAME, started.enter_context(calculator.Calculator()).url
    service = started.enter_context(RealEvalHub(providers=[story.provider(asked.artifacts)]))
    client = started.enter_context(EvalHubClient(service.url))
    job = client.jobs.submit(**story.job(name, url))
    print(f"The service, at {service.url}, has taken job {job.id}:")
    print(f"evaluate {name}, at {url}.")
    if asked.model_url is None:
        print("(It is not a language model: it answers written sums and refuses everything else.)")
    print()
    for benchmark, description in story.BENCHMARKS.items():
        print(f"  {benchmark:<12}{description}")
    print(flush=True)
    progress = Progress(list(story.BENCHMARKS))
    job = client.jobs.wait(job, timeout=asked.timeout, poll=POLL_SECONDS, on_update=progress.show)
    print()
    _print_report(job, client.jobs.logs(job, benchmark=0, tail=LOG_LINES), asked.artifacts)
    page = page_of(job).save(asked.report)
    print(f"All of it as one page, to open in a browser: {page}\n")
    return job


def _print_report(job: EvaluationJob, log: str, artifacts: Path) -> None:
    first, *_, last = story.BENCHMARKS
    parts = {
        f"The job has ended as {job.state.value}": report.failures(job),
        "Scores, and verdicts by the job's pass marks": report.scores(job),
        f"Accuracy of {last} by category": report.categories(job, last),
        f"The end of the log of {first}": (f"  {line}" for line in log.splitlines() if line),
        f"Artifacts: every answer, in the OCI image layout {artifacts}": report.artifacts(job),
    }
    for title, lines in parts.items():
        if told := report.section(title, lines):
            print(told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model-url", help="an OpenAI-compatible endpoint to evaluate")
    parser.add_argument("--model-name", help="the model's name at that endpoint")
    parser.add_argument(
        "--artifacts", type=Path, default=ARTIFACTS, help="where to store the answers"
    )
    parser.add_argument("--report", type=Path, default=REPORT, help="where to write the page")
    parser.add_argument(
        "--timeout", type=float, default=3600.0, help="longest wait for the job, in seconds"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
