"""One answer of a model and what it is worth: the row that everything downstream reads.

The service's post-processing reads `sample_id` and `prediction`, a number (booleans are refused,
so they are written as 0 and 1); comparisons pair rows by `sample_id`, `repeat` and `metric`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from evalhub.models._base import ListOf, ServiceModel

__all__ = ["Sample", "SampleManifest", "SampleTokens"]

SAMPLES_FILE = "samples.jsonl"
MANIFEST_FILE = "manifest.json"
SCHEMA = "evalhub.samples/1"


def score_of(value: Any) -> float:
    """Return a score as a finite number: true is 1, false is 0.

    Raises:
        ValueError: It is not a number, or not a finite one.
    """
    if isinstance(value, str | bytes):
        raise ValueError(f"a prediction is a number, not {value!r}")  # noqa: TRY004 - pydantic's
    try:
        number = float(value)
    except (TypeError, OverflowError):
        raise ValueError(f"a prediction is a number, not {type(value).__name__}") from None
    if not math.isfinite(number):
        raise ValueError(f"a prediction is a finite number, not {number}")
    return number


class SampleTokens(ServiceModel):
    """How many tokens an answer took."""

    input: int | None = None
    output: int | None = None


class Sample(ServiceModel):
    """One answer; keys beyond these are kept."""

    sample_id: Annotated[str, BeforeValidator(str)] = Field(min_length=1)
    """Id of the question, the same in each run: answers are compared by it."""

    prediction: Annotated[float, BeforeValidator(score_of)]
    """What the answer is worth, in the metric's unit; 1 and 0 for right and wrong."""

    metric: str | None = None
    benchmark_id: str | None = None
    provider_id: str | None = None
    group: str | None = None
    """What the question has in common with others: a category, a task, a text they are about."""

    repeat: int = 0
    """Which of several answers to the question, counted from 0."""

    input: Any = None
    """What the model was asked: text, or a conversation."""

    expected: Any = None
    output: Any = None
    """What the model said."""

    tokens: SampleTokens | None = None
    latency_seconds: float | None = None
    error: str | None = None
    """Why there is no answer; the sample then counts as `prediction` says."""

    messages: ListOf[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    """The conversation of an agent, tool calls included."""

    scores: dict[str, Any] = Field(default_factory=dict)
    """What other metrics say about the same answer."""

    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int, str | None]:
        """What makes a sample one of its kind in a file: id, repeat and metric."""
        return self.sample_id, self.repeat, self.metric


class _PrimaryMetric(ServiceModel):
    metric: str | None = None


class SampleManifest(ServiceModel):
    """What a file of samples holds, in `manifest.json` beside it."""

    schema_version: str = SCHEMA
    file: str = SAMPLES_FILE
    benchmark_id: str | None = None
    provider_id: str | None = None
    primary_score: _PrimaryMetric = Field(default_factory=_PrimaryMetric)
    estimand: str = "mean"
    """How the metric follows from the predictions."""

    count: int
    """Rows."""

    mean: float | None = None
    """Mean of the predictions of the primary metric; `None` where there are none."""

    errors: int = 0
    """Rows that hold an error in place of an answer."""

    digest: str
    """Of the file, `sha256:...`."""

    size_bytes: int
    left_out: dict[str, int] = Field(default_factory=dict)
    """What the file lacks and how often, by reason; empty where it is complete."""
