"""Declare the parameters of an adapter's benchmarks; a wrong one is refused by its name.

```python
class Parameters(JobParameters):
    num_fewshot: int = Field(default=0, ge=0)


parameters = Parameters.of(config)
```
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from evalhub.models.spec import JobSpec

__all__ = ["JobParameters"]


class JobParameters(BaseModel):
    """What a job may say in `parameters`: subclass it, and write one field for each."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def of(cls, spec: JobSpec) -> Self:
        """Read the parameters of a job.

        Raises:
            ConfigurationError: One is unknown or has a value it cannot have; all are named.
        """
        try:
            return cls.model_validate(spec.parameters)
        except ValidationError as error:
            problems = [
                cls._said(problem)
                for problem in error.errors(include_url=False, include_input=False)
            ]
            raise ConfigurationError(problems[0], details=problems[1:]) from None

    @classmethod
    def _said(cls, problem: ErrorDetails) -> str:
        name = ".".join(map(str, problem["loc"]))
        if problem["type"] != "extra_forbidden":
            return f"parameter {name!r} cannot be used: {problem['msg']}"
        near = get_close_matches(name, cls.model_fields, n=1)
        known = ", ".join(sorted(cls.model_fields))
        hint = f"did you mean {near[0]!r}?" if near else f"there are {known}"
        return f"parameter {name!r} is unknown; {hint}"

    def given(self, **names: str) -> dict[str, Any]:
        """Return fields that are set, by the names a framework has for them.

        Args:
            names: The framework's name to the field's.
        """
        found = {theirs: getattr(self, ours) for theirs, ours in names.items()}
        return {name: value for name, value in found.items() if value is not None}
