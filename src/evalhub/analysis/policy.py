"""What a comparison is judged by: `gate.yaml`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, ValidationError, model_validator

from evalhub.errors import ConfigurationError, MissingExtraError
from evalhub.models._base import Model

__all__ = ["BenchmarkRule", "Defaults", "Policy", "PolicySource", "is_about"]

Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_NOTHING: dict[str, Any] = {}


class BenchmarkRule(Model):
    """What one benchmark must hold to."""

    max_drop: Share | None = None
    """How much worse it may get, in the metric's unit, where higher is better."""

    max_rise: Share | None = None
    """How much worse it may get, where lower is better; says that lower is better."""

    metric: str | None = None
    """Metric to judge by, in place of the primary one."""

    lower_is_better: bool | None = None
    min_samples: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if self.max_drop is not None and self.max_rise is not None:
            raise ValueError("give either max_drop or max_rise")
        if self.max_rise is not None and self.lower_is_better is False:
            raise ValueError("max_rise is for metrics of which lower is better")
        return self

    @property
    def margin(self) -> float | None:
        """How much worse it may get; `None` where the rule does not say."""
        return self.max_drop if self.max_rise is None else self.max_rise

    @property
    def direction(self) -> bool | None:
        """Whether lower is better; `None` where the rule does not say."""
        return True if self.max_rise is not None else self.lower_is_better


class Defaults(Model):
    """What holds where a rule says nothing."""

    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    max_drop: Share = 0.0
    """How much worse any benchmark may get, in its metric's unit."""

    inconclusive: Literal["warn", "fail"] = "warn"
    """What a gate does when one cannot tell."""

    correction: Literal["holm", "none"] = "holm"
    """How the judgement allows for several benchmarks, one of which chance may fool."""

    min_samples: Annotated[int, Field(ge=1)] = 30
    """Fewer samples than this are never judged."""

    min_overlap: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of samples that both sides must have for a judgement by pairs."""


class Policy(Model):
    """How to judge a candidate against a baseline.

    Names of benchmarks are `benchmark` or `provider/benchmark`, and may hold `*`.
    """

    require: dict[str, BenchmarkRule] = Field(default_factory=dict[str, BenchmarkRule])
    """Benchmarks that must be there and must not get worse. Empty: every benchmark of the
    baseline, but for those under `watch`."""

    watch: list[str] = Field(default_factory=list[str])
    """Benchmarks and metrics to show that never fail a gate."""

    lower_is_better: list[str] = Field(default_factory=list[str])
    """Metrics of which lower is better, where neither job nor rule says so."""

    higher_is_better: list[str] = Field(default_factory=list[str])
    ignore_parameters: list[str] = Field(default_factory=list[str])
    """Parameters that may differ, since they do not change what is measured."""

    allow_different: bool = False
    """Judge even what was not measured alike."""

    defaults: Defaults = Field(default_factory=Defaults)

    @model_validator(mode="before")
    @classmethod
    def _require_names(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        content = cast("dict[str, Any]", value)
        rules: dict[Any, Any]
        match content.get("require"):
            case [*names]:
                rules = dict.fromkeys(names, _NOTHING)
            case {**named}:
                rules = {name: rule or _NOTHING for name, rule in named.items()}
            case _:
                return content
        return {**content, "require": rules}

    @classmethod
    def read(cls, source: PolicySource) -> Policy:
        """Return a policy given as itself, as a mapping, or as a YAML or JSON file.

        Raises:
            ConfigurationError: It cannot be read, or something in it is wrong; all is named.
        """
        match source:
            case None:
                return cls()
            case Policy():
                return source
            case Mapping():
                return cls._checked(source, "the policy")
            case str() | PathLike():
                path = Path(source)
                return cls._checked(_content(path), f"policy {path}")
            case _:
                kind = type(source).__name__
                raise ConfigurationError(f"a policy is a mapping or a file, not {kind}")

    @classmethod
    def _checked(cls, content: Any, name: str) -> Policy:
        if not isinstance(content, Mapping):
            raise ConfigurationError(
                f"{name} must be a mapping with require, watch and defaults, "
                f"not {type(content).__name__}"
            )
        try:
            return cls.model_validate(dict(cast("Mapping[str, Any]", content)))
        except ValidationError as error:
            details = [
                f"{'.'.join(map(str, problem['loc'])) or 'policy'}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            ]
            raise ConfigurationError(f"{name} cannot be used", details=details) from error

    def rule(self, provider_id: str, benchmark_id: str) -> BenchmarkRule | None:
        """Return the rule of a benchmark; `None` where the policy does not require it."""
        for pattern, rule in self.require.items():
            if is_about(pattern, provider_id, benchmark_id):
                return rule
        if self.require or any(
            is_about(pattern, provider_id, benchmark_id) for pattern in self.watch
        ):
            return None
        return BenchmarkRule()

    def direction(self, metric: str) -> bool | None:
        """Return whether lower is better; `None` where the policy does not say."""
        if any(fnmatchcase(metric, pattern) for pattern in self.lower_is_better):
            return True
        return False if any(fnmatchcase(metric, p) for p in self.higher_is_better) else None

    def watches(self, metric: str) -> bool:
        """Whether a metric is to be shown beside the primary one."""
        return any(fnmatchcase(metric, pattern) for pattern in self.watch)


PolicySource = Policy | Mapping[str, Any] | str | PathLike[str] | None
"""A policy, its content, or its file; `None` is the default policy."""


def is_about(pattern: str, provider_id: str, benchmark_id: str) -> bool:
    """Whether an entry of the policy is about a benchmark."""
    return fnmatchcase(benchmark_id, pattern) or fnmatchcase(
        f"{provider_id}/{benchmark_id}", pattern
    )


def _content(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"policy {path} cannot be read: {error}") from error
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise ConfigurationError(f"policy {path} is not JSON: {error}") from error
    try:
        import yaml
    except ImportError:
        raise MissingExtraError(f"reading {path}", "cli") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"policy {path} is not YAML: {error}") from error
