"""A whole trajectory: reading, checking, summing and writing it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from pydantic import Field, ValidationError, field_validator, model_validator

from evalhub.errors import ConfigurationError
from evalhub.models._base import Model, reading
from evalhub.models._problems import problems, refuse_non_finite
from evalhub.models.atif.step import Cost, Count, Step, session_references

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ModelWrapValidatorHandler

__all__ = ["Agent", "FinalMetrics", "Trajectory"]

N = TypeVar("N", int, float)

_NEWEST = 8
"""Minor version of the newest format known here."""

_IDS_OF_TRAJECTORIES = 7
"""Minor version from which a trajectory has an id beside that of its session."""

_embedded: ContextVar[bool] = ContextVar("evalhub_embedded_trajectory", default=False)


class Agent(Model):
    """The agent whose trajectory it is."""

    name: str
    version: str
    model_name: str | None = None
    """The model of steps that do not name another."""

    tool_definitions: list[dict[str, Any]] | None = None
    extra: dict[str, Any] | None = None


class FinalMetrics(Model):
    """Sums over a trajectory."""

    total_prompt_tokens: Count | None = None
    total_completion_tokens: Count | None = None
    total_cached_tokens: Count | None = None
    total_cost_usd: Cost | None = None
    total_steps: Count | None = None
    extra: dict[str, Any] | None = None


class Trajectory(Model):
    """What an agent was told, thought, did and saw, step by step.

    A model built from data that break a rule of the format raises pydantic's `ValidationError`;
    `from_json` and `from_file` raise `ConfigurationError`. Neither quotes the data.
    """

    _identified_by = ("schema_version", "trajectory_id", "session_id")

    schema_version: str = Field(
        default=f"ATIF-v1.{_NEWEST}", json_schema_extra={"pattern": r"^ATIF-v1\.\d{1,4}$"}
    )
    session_id: str | None = None
    """The run; several trajectories may belong to one."""

    trajectory_id: str | None = None
    """This document; required of one that is embedded in another."""

    agent: Agent
    steps: list[Step] = Field(min_length=1)
    notes: str | None = None
    final_metrics: FinalMetrics | None = None
    continued_trajectory_ref: str | None = None
    """The file in which the trajectory goes on."""

    extra: dict[str, Any] | None = None
    subagent_trajectories: list[Trajectory] | None = None

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read a trajectory from a file.

        Raises:
            ConfigurationError: The file cannot be read or breaks a rule; all steps that do are
                named, and nothing of their content is quoted.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path} is not UTF-8 text") from None
        return cls.from_json(text, source=str(path))

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str = "the trajectory") -> Self:
        """Read a trajectory from JSON.

        Args:
            text: The document.
            source: What to call it in error messages.

        Raises:
            ConfigurationError: It is not JSON or breaks a rule.
        """
        try:
            data: Any = json.loads(text, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno} column {error.colno}"
            raise ConfigurationError(f"{source} is not JSON: {error.msg} ({where})") from None
        except RecursionError:
            raise ConfigurationError(f"{source} is nested too deeply") from None
        except ValueError as error:
            raise ConfigurationError(f"{source} is not JSON: {error}") from None
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise _invalid(source, error) from None

    def to_json_dict(self, exclude_none: bool = True) -> dict[str, Any]:
        """Return the trajectory as a JSON object.

        Args:
            exclude_none: Whether to leave absent fields out.

        Raises:
            ConfigurationError: A value has no JSON form, such as a NaN in `extra`.
        """
        # In Python's form: pydantic's JSON has null for a NaN.
        refuse_non_finite("trajectory", self.model_dump())
        return self._dump(exclude_none=exclude_none)

    def to_file(self, path: Path | str) -> Path:
        """Write the trajectory to a file, whole or not at all, and return its path.

        Raises:
            ConfigurationError: A value has no JSON form, or the file cannot be written.
        """
        path = Path(path)
        text = json.dumps(self.to_json_dict(), indent=2, allow_nan=False) + "\n"
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        return path

    def totals(self, *, subagents: bool = True) -> FinalMetrics:
        """Return the sums of the steps' metrics; a sum is `None` where no step has the number.

        Steps copied from an earlier trajectory are left out: they were counted there.

        Args:
            subagents: Whether to add those of the embedded trajectories. `total_steps` counts the
                steps of this one alone.
        """
        every = list(self._all()) if subagents else [self]
        measured = [
            step.metrics
            for trajectory in every
            for step in trajectory.steps
            if step.metrics is not None and not step.is_copied_context
        ]
        return FinalMetrics(
            total_prompt_tokens=_sum(one.prompt_tokens for one in measured),
            total_completion_tokens=_sum(one.completion_tokens for one in measured),
            total_cached_tokens=_sum(one.cached_tokens for one in measured),
            total_cost_usd=_sum(one.cost_usd for one in measured),
            total_steps=len(self.steps),
        )

    def has_multimodal_content(self) -> bool:
        """Return whether there is an image or a recording, in embedded trajectories included."""
        steps = (step for trajectory in self._all() for step in trajectory.steps)
        return any(part.type != "text" for step in steps for part in step.parts())

    def _all(self) -> Iterator[Trajectory]:
        yield self
        for trajectory in self.subagent_trajectories or ():
            yield from trajectory._all()  # noqa: SLF001

    @field_validator("schema_version")
    @classmethod
    def _is_version_1(cls, version: str) -> str:
        if _minor(version) is None:
            raise ValueError("must be ATIF-v1.0 or a later version 1, as in ATIF-v1.8")
        return version

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Read data by the rules of their version; check references once all is there."""
        version = cast("Any", data).get("schema_version") if isinstance(data, Mapping) else None
        minor = _minor(version)
        is_newer = minor is not None and minor > _NEWEST
        is_whole = not _embedded.get()
        of_sessions = minor is not None and minor < _IDS_OF_TRAJECTORIES
        with (
            reading() if is_newer else nullcontext(),
            _set(_embedded, value=True),
            _set(session_references, value=of_sessions or session_references.get()),
        ):
            trajectory = handler(data)
        if is_whole:
            trajectory._check_references()  # noqa: SLF001
        return trajectory

    @model_validator(mode="after")
    def _counts_its_steps(self) -> Self:
        for number, step in enumerate(self.steps, start=1):
            if step.step_id != number:
                raise ValueError(
                    f"steps must be numbered 1, 2, 3 and so on: step {number} in order has "
                    f"step_id {step.step_id}"
                )
        return self

    @model_validator(mode="after")
    def _tells_its_subagents_apart(self) -> Self:
        ids = [one.trajectory_id for one in self.subagent_trajectories or ()]
        for number, name in enumerate(ids, start=1):
            if not (name and name.strip()):
                raise ValueError(f"subagent trajectory {number} needs a trajectory_id")
        if ids and max(Counter(ids).values()) > 1:
            raise ValueError("two subagent trajectories have the same trajectory_id")
        return self

    def _check_references(self) -> None:
        known = {one.trajectory_id for one in self._all()}
        for trajectory in self._all():
            for step in trajectory.steps:
                for reference in step.references():
                    name = reference.trajectory_id
                    if name and not reference.trajectory_path and name not in known:
                        raise ValueError(
                            f"step {step.step_id} refers to a trajectory that is not embedded in "
                            "this document; add it to subagent_trajectories, or give "
                            "trajectory_path"
                        )


def _minor(version: Any) -> int | None:
    found = re.fullmatch(r"ATIF-v1\.(\d{1,4})", version) if isinstance(version, str) else None
    return int(found[1]) if found else None


@contextmanager
def _set(variable: ContextVar[bool], *, value: bool) -> Generator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def _sum(numbers: Iterable[N | None]) -> N | None:
    known = [number for number in numbers if number is not None]
    return sum(known[1:], start=known[0]) if known else None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _invalid(source: str, error: ValidationError) -> ConfigurationError:
    """Return the exception for pydantic's error; it names steps as people count them."""
    found = [
        re.sub(r"steps\[(\d+)\]", lambda step: f"step {int(step[1]) + 1}", problem)
        for problem in problems(error)
    ]
    if len(found) == 1:
        return ConfigurationError(f"{source} is not a valid trajectory: {found[0]}")
    return ConfigurationError(
        f"{source} is not a valid trajectory: {len(found)} problems", details=found
    )
