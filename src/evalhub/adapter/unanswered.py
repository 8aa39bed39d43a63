"""One question that fails does not fail an evaluation; many do.

```python
unanswered = Unanswered(len(questions), max_error_rate=0.1)
try:
    reply = ask(question)
except BenchmarkError as error:
    unanswered.note(error)  # raises when there are too many
```
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from evalhub.errors import BenchmarkError, ConfigurationError
from evalhub.models.result import EvaluationResult

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Unanswered"]

MAX_ERROR_RATE = 0.1
_NONE_SO_FAR = 5
"""Errors before the first answer from which the endpoint is taken to answer nothing at all."""


class Unanswered:
    """Counts questions that got no answer; safe to use from several threads.

    Args:
        total: How many questions there are.
        max_error_rate: Share of them that may fail, from 0 to 1.

    Raises:
        ConfigurationError: The share is none.
    """

    def __init__(self, total: int, *, max_error_rate: float = MAX_ERROR_RATE) -> None:
        if not 0 <= max_error_rate <= 1:
            raise ConfigurationError(f"max_error_rate must be from 0 to 1, not {max_error_rate}")
        self.total = total
        self._rate = max_error_rate
        self._lock = Lock()
        self._answered = 0
        self._errors: list[BenchmarkError] = []

    @property
    def count(self) -> int:
        """How many questions got no answer."""
        return len(self._errors)

    @property
    def errors(self) -> Sequence[BenchmarkError]:
        """What went wrong, in the order in which it did."""
        return tuple(self._errors)

    def answered(self) -> None:
        """Count a question that was answered."""
        with self._lock:
            self._answered += 1

    def note(self, error: BenchmarkError) -> None:
        """Count a question that was not answered.

        Raises:
            BenchmarkError: Too many were not, or none was: the evaluation has failed.
        """
        with self._lock:
            self._errors.append(error)
            count = self.count
            is_dead = not self._answered and count >= min(_NONE_SO_FAR, self.total)
        if count > self._rate * self.total or is_dead:
            limit = f", more than {self._rate:.0%}" if self.total > 1 and not is_dead else ""
            several = f"; {count} of {self.total} questions were not answered{limit}"
            raise BenchmarkError(
                error.message + (several if self.total > 1 else ""),
                code=error.code,
                retryable=error.retryable,
            ) from error

    def metric(self, name: str = "errors") -> EvaluationResult:
        """Return the number of questions that got no answer, as a metric."""
        return EvaluationResult(
            metric_name=name, metric_value=self.count, metric_type="count", num_samples=self.total
        )

    def warning(self) -> str | None:
        """Return one sentence for people where a question got no answer."""
        if not self._errors:
            return None
        have = "has no answer and counts" if self.count == 1 else "have no answer and count"
        return (
            f"{self.count} of {self.total} questions {have} as wrong, "
            f"the first because {self._errors[0].message}"
        )
