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
    from evalhub.analysis.baseline import (
        BASELINES,
        Baseline,
        list_baselines,
        load_baseline,
        save_baseline,
    )
    from evalhub.analysis.comparison import BenchmarkComparison, Comparison, Verdict
    from evalhub.analysis.gating import Gate, gate
    from evalhub.analysis.policy import BenchmarkRule, Policy
    from evalhub.analysis.trend import History, HistoryPoint, history

__all__ = [
    "BASELINES",
    "Baseline",
    "BenchmarkComparison",
    "BenchmarkRule",
    "Comparison",
    "Gate",
    "History",
    "HistoryPoint",
    "Policy",
    "Verdict",
    "compare",
    "gate",
    "history",
    "list_baselines",
    "load_baseline",
    "save_baseline",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub.analysis._comparing": ("compare",),
        "evalhub.analysis.baseline": (
            "BASELINES",
            "Baseline",
            "list_baselines",
            "load_baseline",
            "save_baseline",
        ),
        "evalhub.analysis.comparison": ("BenchmarkComparison", "Comparison", "Verdict"),
        "evalhub.analysis.gating": ("Gate", "gate"),
        "evalhub.analysis.policy": ("BenchmarkRule", "Policy"),
        "evalhub.analysis.trend": ("History", "HistoryPoint", "history"),
    },
)
