"""What a job may say in `benchmark_config` (on the wire: `parameters`)."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Options"]


class Options(BaseModel):
    """How the questions are asked."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    num_few_shot: int = Field(default=0, ge=0)
    """Worked examples shown before each question."""

    dataset_path: Path | None = None
    """A `.jsonl` file or a directory of them, in place of the bundled questions."""

    concurrency: int = Field(default=4, ge=1, le=256)
    """Questions on their way to the model at a time."""

    timeout_seconds: float = Field(default=60.0, gt=0)
    """How long the model may stay silent."""

    max_retries: int = Field(default=3, ge=0)
    """Attempts after the first when the model is unreachable or overloaded."""

    max_error_rate: float = Field(default=0.1, ge=0, le=1)
    """Share of the questions that may get no answer; they count as wrong."""

    output_dir: Path | None = None
    """Where the result files stay after they are persisted; absent, they are removed."""

    @classmethod
    def of(cls, benchmark_config: Mapping[str, Any]) -> Self:
        """Read the options of a job.

        Raises:
            ConfigurationError: A value cannot be used; all are named at once.
        """
        try:
            return cls.model_validate(dict(benchmark_config))
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            ]
            raise ConfigurationError(
                f"benchmark_config cannot be used: {problems[0]}", details=problems[1:]
            ) from None

    @classmethod
    def unknown(cls, benchmark_config: Mapping[str, Any]) -> list[str]:
        """Return a remark on each option that has no effect.

        They are not errors: a collection hands every benchmark of a provider the same parameters.
        """
        return [
            f"benchmark_config has no option {name!r}{_hint(name, list(cls.model_fields))}"
            for name in benchmark_config
            if name not in cls.model_fields
        ]


def _hint(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
