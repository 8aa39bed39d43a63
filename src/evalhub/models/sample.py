"""One row of an evaluation: a question, the reply, and what it is worth."""

from __future__ import annotations

from typing import Any

from evalhub.models._base import ServiceModel

__all__ = ["Sample"]


class Sample(ServiceModel):
    """One sample of a benchmark, as the rows of `samples.jsonl` hold it; more keys are kept."""

    sample_id: str
    prediction: float
    """What the sample scored: 0 or 1 where it is right or wrong."""

    metric: str | None = None
    """The metric whose mean the predictions have; `None` means the primary one."""

    benchmark_id: str | None = None
    provider_id: str | None = None
    group: str | None = None
    """Category of the sample, or the passage that several questions are about."""

    repeat: int = 0
    input: Any = None
    expected: Any = None
    output: Any = None
    latency_seconds: float | None = None
