"""Cards that describe an evaluation and its environment."""

from __future__ import annotations

from datetime import date
from os import PathLike, fspath
from typing import Annotated, Any, Self, cast

from pydantic import BeforeValidator, Field, ValidationError, computed_field, model_validator

from evalhub.models._base import Model, reading

__all__ = ["CapabilityEvalEntry", "EnvironmentCard", "EvalCardMetadata", "SafetyEvalEntry"]

EVAL_CARD = "evalhub.eval_card"
ENV_CARD = "evalhub.env_card"
"""Names of the cards among the artifacts of a benchmark."""


def _as_text(value: Any) -> Any:
    """A card is filled in at the end of an evaluation: a date or a path must not cost it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return fspath(cast("PathLike[str]", value)) if isinstance(value, PathLike) else str(value)


def _as_texts(value: Any) -> Any:
    """A card that has no labels may say so by `None`."""
    return {} if value is None else value


_Text = Annotated[str | None, BeforeValidator(_as_text)]
_Texts = Annotated[dict[str, Annotated[str, BeforeValidator(_as_text)]], BeforeValidator(_as_texts)]
_Anything = Annotated[dict[str, Any], BeforeValidator(_as_texts)]


class _Card(Model):
    """What an adapter fills in at the end of its work: an unknown field is a warning."""

    _tolerant = True

    @classmethod
    def read(cls, data: Any) -> Self | None:
        """Return the card that a service stores, which checks none; `None` if it is not one."""
        try:
            with reading():
                return cls.model_validate(data) if isinstance(data, dict) else None
        except ValidationError:
            return None


class CapabilityEvalEntry(_Card):
    """One capability and its score."""

    ability: str
    benchmark: str
    metric: str
    zero_shot: float | str | None = None
    alt_prompting: float | str | None = None
    alt_prompting_description: str | None = None


class SafetyEvalEntry(_Card):
    """One safety feature and its score."""

    feature: str
    benchmark: str
    metric: str
    zero_shot: float | str | None = None
    alt_prompting: float | str | None = None
    alt_prompting_description: str | None = None


class EvalCardMetadata(_Card):
    """Description of an evaluation, after arXiv 2511.21695."""

    modalities_input: list[str] = Field(default_factory=list)
    modalities_output: list[str] = Field(default_factory=list)
    languages_count: int | None = None
    languages: list[str] = Field(default_factory=list)
    capability_evaluations: list[CapabilityEvalEntry] = Field(
        default_factory=list[CapabilityEvalEntry]
    )
    safety_evaluations: list[SafetyEvalEntry] = Field(default_factory=list[SafetyEvalEntry])
    developer_footnotes: str | None = None


class EnvironmentCard(_Card):
    """Hardware, software and inputs of an evaluation."""

    gpu_model: _Text = None
    gpu_count: int | None = None
    gpu_driver_version: _Text = None
    cpu_model: _Text = None
    total_memory_gb: float | None = None
    nvlink_topology: _Text = None
    os_info: _Text = None
    python_version: _Text = None
    cuda_version: _Text = None
    framework_name: _Text = None
    framework_version: _Text = None
    container_image: _Text = None
    key_packages: _Texts = Field(default_factory=dict)
    k8s_pod_labels: _Texts = Field(default_factory=dict)
    k8s_resource_limits: _Texts = Field(default_factory=dict)
    """Limits of the container by resource, as Kubernetes quantities."""

    model_id: _Text = None
    model_version: _Text = None
    model_provider: _Text = None
    collection_id: _Text = None
    collection_version: _Text = None
    scorer_ids: list[str] = Field(default_factory=list)
    dataset_hash: _Text = None
    started_at: _Text = None
    completed_at: _Text = None
    aggregate_results: _Anything = Field(default_factory=dict)
    per_task_results: _Anything = Field(default_factory=dict)
    confidence_intervals: _Anything = Field(default_factory=dict)
    autograder_bias: _Anything = Field(default_factory=dict)
    oci_artifact_ref: _Text = None
    signature: _Text = None
    generated_by: _Text = None
    custom: _Anything = Field(default_factory=dict)

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def capture_completeness(self) -> float:
        """Fraction of the fields that describe a run that are filled now, 0 to 1.

        Only counted: what is assigned to it has no effect.
        """
        filled = [getattr(self, name) not in (None, "", {}, []) for name in _COUNTED]
        return round(sum(filled) / len(filled), 2)

    @capture_completeness.setter
    def capture_completeness(self, value: float | None) -> None:
        del self, value

    @model_validator(mode="before")
    @classmethod
    def _count_anew(cls, data: Any) -> Any:
        """Accept a card that was dumped: it has the fraction in it."""
        if not isinstance(data, dict):
            return data
        given = cast("dict[str, Any]", data)
        return {name: value for name, value in given.items() if name != "capture_completeness"}


_UNCOUNTED = {
    "scorer_ids",
    "per_task_results",
    "autograder_bias",
    "signature",
    "generated_by",
    "custom",
}
_COUNTED = tuple(name for name in EnvironmentCard.model_fields if name not in _UNCOUNTED)
