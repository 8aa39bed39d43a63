"""A comparison: what changed in each benchmark, how surely, and in words."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from evalhub.models._base import Model
from evalhub.models._notebook import columns_of

__all__ = ["BenchmarkComparison", "Comparison", "Verdict"]


class Verdict(StrEnum):
    """What one can say about a candidate."""

    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    """Not worse by more than the policy allows."""

    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    """One cannot tell from so few samples."""


SIGNS = {
    Verdict.IMPROVED: "▲",
    Verdict.UNCHANGED: "=",
    Verdict.REGRESSED: "▼",
    Verdict.INCONCLUSIVE: "?",
    None: "·",
}


class BenchmarkComparison(Model):
    """One metric of one benchmark on both sides."""

    provider_id: str
    benchmark_id: str
    benchmark_index: int = 0
    """Which of the benchmarks that are called so."""

    metric: str | None = None
    verdict: Verdict | None = None
    """`None` where it is shown and not judged."""

    sentence: str
    """The verdict and its reason, for people who know no statistics."""

    baseline: float | None = None
    candidate: float | None = None
    difference: float | None = None
    """Candidate less baseline, in the metric's unit."""

    interval: tuple[float, float] | None = None
    """Where the true difference lies, with the policy's confidence."""

    p_value: float | None = None
    """Chance of a difference this large if there were none: exact McNemar for pairs of right and
    wrong, else of the method. The interval decides, not this."""

    p_value_worse: float | None = None
    """Chance of a result this bad if it were no worse than allowed; two-sided, adjusted for the
    number of benchmarks."""

    lower_is_better: bool | None = None
    max_drop: float = 0.0
    confidence: float = 0.95
    method: str | None = None
    paired: bool = False
    samples: tuple[int | None, int | None] = (None, None)
    gained: list[str] = Field(default_factory=list)
    """Ids of the samples that score higher than before."""

    lost: list[str] = Field(default_factory=list)
    smallest_effect: float | None = None
    """The true difference that so many samples show with a chance of 80 %."""

    needed_samples: int | None = None
    """Samples that it takes to tell; where one cannot tell now."""

    required: bool = False
    missing: bool = False
    """Whether the candidate lacks it although it has ended."""

    threshold: float | None = None
    """The service's pass mark of the candidate."""

    notes: list[str] = Field(default_factory=list)

    @property
    def name(self) -> str:
        """Provider, benchmark and, where there are several, which."""
        name = f"{self.provider_id}/{self.benchmark_id}" if self.provider_id else self.benchmark_id
        return f"{name}#{self.benchmark_index}" if self.benchmark_index else name

    @property
    def word(self) -> str:
        """The verdict, or that there is none."""
        return self.verdict.value if self.verdict else "not judged"

    @property
    def sign(self) -> str:
        """The verdict as one character."""
        return SIGNS[self.verdict]

    def to_row(self) -> dict[str, Any]:
        """Return one row of a table: plain values."""
        low, high = self.interval or (None, None)
        return {
            "provider_id": self.provider_id,
            "benchmark_id": self.benchmark_id,
            "benchmark_index": self.benchmark_index,
            "metric": self.metric,
            "verdict": self.word,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "difference": self.difference,
            "interval_low": low,
            "interval_high": high,
            "p_value": self.p_value,
            "samples_baseline": self.samples[0],
            "samples_candidate": self.samples[1],
            "paired": self.paired,
            "gained": len(self.gained),
            "lost": len(self.lost),
            "required": self.required,
            "sentence": self.sentence,
        }


class Comparison(Model):
    """A candidate beside a baseline."""

    baseline: str
    candidate: str
    benchmarks: list[BenchmarkComparison]
    warnings: list[str] = Field(default_factory=list)

    @property
    def required(self) -> list[BenchmarkComparison]:
        """The benchmarks that the verdict is about."""
        return [benchmark for benchmark in self.benchmarks if benchmark.required]

    @property
    def verdict(self) -> Verdict:
        """The verdict on the whole: the worst of the required benchmarks."""
        verdicts = {benchmark.verdict for benchmark in self.required}
        if Verdict.REGRESSED in verdicts:
            return Verdict.REGRESSED
        if not verdicts or verdicts & {None, Verdict.INCONCLUSIVE}:
            return Verdict.INCONCLUSIVE
        return Verdict.IMPROVED if Verdict.IMPROVED in verdicts else Verdict.UNCHANGED

    @property
    def passed(self) -> bool | None:
        """Whether nothing required got worse; `None` where one cannot tell."""
        if any(benchmark.missing for benchmark in self.required):
            return False
        match self.verdict:
            case Verdict.REGRESSED:
                return False
            case Verdict.INCONCLUSIVE:
                return None
            case _:
                return True

    @property
    def sentence(self) -> str:
        """The verdict on the whole, in a sentence."""
        of = dict.fromkeys((*Verdict, None), 0)
        for benchmark in self.required:
            of[benchmark.verdict] += 1
        missing = sum(benchmark.missing for benchmark in self.required)
        counts = ", ".join(
            f"{count} {verdict.value if verdict else 'not judged'}"
            for verdict, count in of.items()
            if count
        )
        opening = {
            Verdict.IMPROVED: "The candidate is better",
            Verdict.UNCHANGED: "The candidate is as good as the baseline",
            Verdict.REGRESSED: "The candidate is worse",
            Verdict.INCONCLUSIVE: "One cannot tell whether the candidate is better or worse",
        }[self.verdict]
        gone = f" {missing} required benchmark(s) are missing." if missing else ""
        return f"{opening}: {counts or 'nothing to judge'}.{gone}"

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one row for each benchmark, for a table or a data frame."""
        return [benchmark.to_row() for benchmark in self.benchmarks]

    def to_columns(self) -> dict[str, list[Any]]:
        """Return the rows as columns, for a data frame."""
        return columns_of(self.to_rows())

    def to_markdown(self) -> str:
        """Return the comparison as GitHub's Markdown."""
        from evalhub.analysis._tables import comparison_markdown

        return comparison_markdown(self)

    def to_html(self) -> str:
        """Return the comparison as a small table in HTML."""
        from evalhub.analysis._tables import comparison_html

        return comparison_html(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        lines = [f"{one.sign} {one.name}: {one.sentence}" for one in self.benchmarks]
        return "\n".join([self.sentence, *lines, *(f"! {note}" for note in self.warnings)])
