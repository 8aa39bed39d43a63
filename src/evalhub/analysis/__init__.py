"""Scores side by side: better, worse, the same, or no way to tell.

compare           two jobs, or two sides of several, benchmark by benchmark
gate              the same as a yes or no for a pipeline
history           one benchmark over many jobs
save_baseline     a job as a file to commit, to compare later ones with
statistics        the intervals and tests themselves

Comparing needs the extra `analysis`; importing this does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub.analysis._comparing import compare
    from evalhub.analysis.comparison import BenchmarkComparison, Comparison, Verdict
    from evalhub.analysis.policy import BenchmarkRule, Policy

__all__ = ["BenchmarkComparison", "BenchmarkRule", "Comparison", "Policy", "Verdict", "compare"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub.analysis._comparing": ("compare",),
        "evalhub.analysis.comparison": ("BenchmarkComparison", "Comparison", "Verdict"),
        "evalhub.analysis.policy": ("BenchmarkRule", "Policy"),
    },
)
