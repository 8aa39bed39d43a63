"""What the demo prints when the job has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evalhub.models.job import EvaluationJob

_COLUMNS = "  {:<12}{:>9}{:>16}{:>11}{:>10}{:>11}   {}"


def scores(job: EvaluationJob) -> Iterator[str]:
    """Yield the table of scores and verdicts; nothing if no benchmark has a score."""
    if not job.scores():
        return
    yield _COLUMNS.format(
        "", "accuracy", "95 % interval", "questions", "refusals", "pass mark", "verdict"
    )
    for benchmark in job.benchmarks:
        result = job.result(benchmark.id)
        if result is None or "accuracy" not in result.metrics:
            yield _COLUMNS.format(benchmark.id, *["-"] * 5, "no score")
            continue
        details = (result.additional_info or {})["metric_details"]["accuracy"]
        low, high = details["confidence_interval"]
        yield _COLUMNS.format(
            benchmark.id,
            f"{result.metrics['accuracy']:.3f}",
            f"{low:.2f} to {high:.2f}",
            details["num_samples"],
            result.metrics["refusals"],
            f"{result.test.threshold:.2f}" if result.test else "-",
            _verdict(result.test.passed if result.test else None),
        )
    if test := job.results.test:
        mean, mark = f"{test.score:.3f}", f"{test.threshold:.2f}"
        yield _COLUMNS.format("job (mean)", mean, "", "", "", mark, _verdict(test.passed))


def categories(job: EvaluationJob, benchmark: str) -> Iterator[str]:
    """Yield the accuracy in each category."""
    result = job.result(benchmark)
    prefix = "accuracy_"
    for name, value in sorted((result.metrics if result else {}).items()):
        if name.startswith(prefix):
            yield f"  {name.removeprefix(prefix):<12}{value:>9.3f}"


def failures(job: EvaluationJob) -> Iterator[str]:
    """Yield what the adapters said about the benchmarks that failed."""
    for status in job.status.benchmarks:
        if status.error_message is not None:
            yield f"  {status.id}: {status.error_message}"


def artifacts(job: EvaluationJob) -> Iterator[str]:
    """Yield where the answers are stored."""
    for benchmark in job.benchmarks:
        result = job.result(benchmark.id)
        if result is not None and "oci_reference" in result.artifacts:
            yield f"  {benchmark.id:<12}{result.artifacts['oci_digest']}"


def _verdict(passed: bool | None) -> str:
    return {True: "passed", False: "failed", None: "none"}[passed]


def section(title: str, lines: Iterable[str]) -> str:
    """Return a titled block of lines, or nothing where there is nothing to say."""
    lines = list(lines)
    return "\n".join([title, *lines, ""]) if lines else ""
