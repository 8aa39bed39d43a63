"""One step of a trajectory: a message, and what the agent did and saw with it."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from evalhub.models._base import Model
from evalhub.models.atif.content import ContentPart

__all__ = [
    "Content",
    "Cost",
    "Count",
    "Metrics",
    "Observation",
    "ObservationResult",
    "Step",
    "SubagentTrajectoryRef",
    "ToolCall",
    "session_references",
]

Content: TypeAlias = str | list[ContentPart]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Cost: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""US dollars."""

_Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]

session_references: ContextVar[bool] = ContextVar("evalhub_session_references", default=False)
"""Whether a session id alone refers to a trajectory, as it did before version 1.7."""

_OF_AGENTS = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")
_OF_MODEL_CALLS = ("metrics", "reasoning_content")


class ToolCall(Model):
    """A call of a tool."""

    tool_call_id: str
    function_name: str
    arguments: dict[str, Any]
    extra: dict[str, Any] | None = None


class SubagentTrajectoryRef(Model):
    """Where the trajectory of another agent is, to which this one delegated.

    Either `trajectory_id`, for one that is embedded in the same document, or `trajectory_path`.
    """

    trajectory_id: str | None = None
    session_id: str | None = None
    """For information: several trajectories may share a session."""

    trajectory_path: str | None = None
    extra: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        targets = [self.trajectory_id, self.trajectory_path]
        if session_references.get():
            targets.append(self.session_id)
        if not any(target and target.strip() for target in targets):
            raise ValueError(
                "a reference to a subagent's trajectory needs trajectory_id or trajectory_path"
            )
        return self


class Metrics(Model):
    """What a step cost."""

    prompt_tokens: Count | None = None
    """All of them, those from a cache included."""

    completion_tokens: Count | None = None
    cached_tokens: Count | None = None
    cost_usd: Cost | None = None
    prompt_token_ids: list[Count] | None = None
    completion_token_ids: list[Count] | None = None
    logprobs: list[_Finite] | None = None
    extra: dict[str, Any] | None = None


class ObservationResult(Model):
    """What one tool call, or an action without a tool call, gave."""

    source_call_id: str | None = None
    content: Content | None = None
    subagent_trajectory_ref: list[SubagentTrajectoryRef] | None = None
    extra: dict[str, Any] | None = None


class Observation(Model):
    """What the environment answered."""

    results: list[ObservationResult]


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date and a time in the form of ISO 8601") from None
    if "T" not in text.upper()[8:] and " " not in text:
        raise ValueError("must have a time beside the date, as in 2026-01-31T12:00:00Z")
    return text


class Step(Model):
    """One step of a trajectory."""

    _identified_by = ("step_id", "source")

    step_id: int = Field(ge=1)
    """Counted from 1."""

    timestamp: Annotated[str, AfterValidator(_moment)] | None = None
    """Date and time in the form of ISO 8601, kept as it is written."""

    source: Literal["system", "user", "agent"]
    model_name: str | None = None
    reasoning_effort: str | _Finite | None = None
    message: Content
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    observation: Observation | None = None
    metrics: Metrics | None = None
    is_copied_context: bool | None = None
    """Whether the step is repeated from an earlier trajectory, whose metrics have it already."""

    llm_call_count: Count | None = None
    """Calls of a model in this step; 0 for an action that no model decided."""

    extra: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _keeps_to_its_source(self) -> Self:
        if self.source != "agent":
            self._refuse(_OF_AGENTS, f"a step of the agent, and step {self.step_id} is not")
        elif self.llm_call_count == 0:
            reason = f"a step that called a model; llm_call_count of step {self.step_id} is 0"
            self._refuse(_OF_MODEL_CALLS, reason)
        return self

    @model_validator(mode="after")
    def _links_calls_and_results(self) -> Self:
        calls = Counter(call.tool_call_id for call in self.tool_calls or ())
        if calls and max(calls.values()) > 1:
            raise ValueError(f"two tool calls of step {self.step_id} have the same tool_call_id")
        results = self.observation.results if self.observation else ()
        for number, result in enumerate(results, start=1):
            if result.source_call_id is not None and result.source_call_id not in calls:
                raise ValueError(
                    f"source_call_id of result {number} of step {self.step_id} is not the id of "
                    "a tool call of that step"
                )
        return self

    def _refuse(self, fields: tuple[str, ...], where: str) -> None:
        present = [name for name in fields if getattr(self, name) is not None]
        if present:
            raise ValueError(f"{', '.join(present)} must only be in {where}")

    def parts(self) -> list[ContentPart]:
        """Return the parts of the message and of the results that are not plain text."""
        results = self.observation.results if self.observation else ()
        contents = [self.message, *(result.content for result in results)]
        return [part for content in contents if isinstance(content, list) for part in content]

    def references(self) -> list[SubagentTrajectoryRef]:
        """Return the references to trajectories of other agents."""
        results = self.observation.results if self.observation else ()
        return [one for result in results for one in result.subagent_trajectory_ref or ()]
