"""May the pipeline go on? A comparison, or the service's own verdict, as a yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from evalhub.analysis._comparing import Pairing, compare
from evalhub.analysis._sources import runs_of
from evalhub.analysis.comparison import Comparison, Verdict
from evalhub.analysis.policy import Policy, PolicySource
from evalhub.models._base import Model
from evalhub.models.state import JobStatus

if TYPE_CHECKING:
    from evalhub.analysis._pairing import Rows
    from evalhub.analysis._sources import RunSource
    from evalhub.analysis.baseline import Baseline
    from evalhub.analysis.comparison import BenchmarkComparison
    from evalhub.models.job import EvaluationJob

__all__ = ["Gate", "gate"]

_FAILED = 1
_REGRESSED = 3
_NO_VERDICT = 5


class Gate(Model):
    """The answer of a gate."""

    passed: bool | None
    """`None` where there is no verdict."""

    exit_code: int
    """0 go on, 1 the job did not complete, 3 worse or below its mark, 5 no verdict where one is
    demanded."""

    reasons: list[str]
    """Why it does not pass, or what kept it from telling; one sentence each."""

    warnings: list[str] = Field(default_factory=list)
    comparison: Comparison | None = None
    """What it was judged by; absent where the service's verdict was asked for."""

    @property
    def sentence(self) -> str:
        """The answer in a sentence."""
        if self.passed:
            return "The gate is passed."
        if self.passed is None:
            return "The gate has no verdict" + (
                " and is closed for that." if self.exit_code else " and is left open."
            )
        return "The gate is not passed."

    def __str__(self) -> str:
        return "\n".join(
            [
                self.sentence,
                *(f"- {reason}" for reason in self.reasons),
                *(f"! {warning}" for warning in self.warnings),
            ]
        )


def gate(
    candidate: Comparison | RunSource,
    *,
    baseline: Baseline | RunSource | None = None,
    policy: PolicySource = None,
    rows: tuple[Rows | None, Rows | None] | None = None,
    paired: Pairing = "auto",
    strict: bool = False,
) -> Gate:
    """Say whether a pipeline may go on.

    Against a baseline the comparison decides; without one, the service's verdict on the job.

    Args:
        candidate: A job, or a comparison that was made already.
        baseline: What it must not be worse than.
        policy: What is required and allowed; see `Policy`.
        rows: The samples of the baseline and of the candidate.
        paired: Whether to compare samples in pairs; see `compare`.
        strict: Close the gate where there is no verdict, as `inconclusive: fail` does.

    Raises:
        ConfigurationError: A side, the policy or a row cannot be used.
    """
    rules = Policy.read(policy)
    is_strict = strict or rules.defaults.inconclusive == "fail"
    if isinstance(candidate, Comparison):
        return _by_comparison(candidate, is_strict)
    jobs = [run.job for run in runs_of(candidate, "candidate") if run.job is not None]
    ended_badly = [
        f"{job.name} ({job.id}) is {job.state}"
        for job in jobs
        if job.is_terminal and job.state != JobStatus.COMPLETED
    ]
    if baseline is None:
        result = _by_service(jobs, is_strict)
    else:
        found = compare(baseline, candidate, policy=rules, rows=rows, paired=paired)
        result = _by_comparison(found, is_strict)
    if ended_badly and result.passed is not False:
        reasons = [*ended_badly, *result.reasons]
        return result.model_copy(update={"passed": False, "exit_code": _FAILED, "reasons": reasons})
    return result


def _by_comparison(comparison: Comparison, is_strict: bool) -> Gate:
    passed = comparison.passed
    reasons = [
        f"{one.name}: {one.sentence}" for one in comparison.required if _explains(one, passed)
    ]
    if passed is None and not comparison.required:
        reasons = ["nothing is required, so there is nothing to judge"]
    watched = [
        f"{one.name} {one.metric} is watched: {one.sentence}"
        for one in comparison.benchmarks
        if not one.required and one.verdict is Verdict.REGRESSED
    ]
    return Gate(
        passed=passed,
        exit_code=_code(passed, is_strict),
        reasons=reasons,
        warnings=[*comparison.warnings, *watched],
        comparison=comparison,
    )


def _explains(one: BenchmarkComparison, passed: bool | None) -> bool:
    """Whether a benchmark is a reason for the answer."""
    match passed:
        case True:
            return False
        case False:
            return one.missing or one.verdict is Verdict.REGRESSED
        case None:
            return one.verdict in (None, Verdict.INCONCLUSIVE)


def _by_service(jobs: list[EvaluationJob], is_strict: bool) -> Gate:
    verdicts = [job.passed for job in jobs]
    passed: bool | None = None
    if False in verdicts:
        passed = False
    elif verdicts and None not in verdicts:
        passed = True
    reasons = [_service_reason(job) for job in jobs if job.passed is not True]
    return Gate(
        passed=passed,
        # Without a baseline the service's verdict is all there is: none is not a pass.
        exit_code=_code(passed, is_strict=True) if passed is None else _code(passed, is_strict),
        reasons=reasons or ([] if jobs else ["there is no job, so the service has no verdict"]),
    )


def _service_reason(job: EvaluationJob) -> str:
    name = f"{job.name} ({job.id})"
    if not job.is_terminal:
        return f"{name} is {job.state}: wait for it"
    if job.passed is None:
        return f"{name} has no verdict: give its benchmarks a primary_score and pass_criteria"
    failed = [
        f"{score.benchmark_id} {score.metric} is {score.value}, its mark {score.threshold:g}"
        for score in job.scores()
        if score.passed is False and score.threshold is not None
    ]
    test = job.results.test
    if not failed and test is not None and test.score is not None and test.threshold is not None:
        failed = [f"its score is {test.score:g}, its mark {test.threshold:g}"]
    return f"{name}: {'; '.join(failed) or 'not passed'}"


def _code(passed: bool | None, is_strict: bool) -> int:
    match passed:
        case True:
            return 0
        case False:
            return _REGRESSED
        case None:
            return _NO_VERDICT if is_strict else 0
