"""The job specification of an adapter (`/meta/job.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    StrictInt,
    ValidationError,
    field_serializer,
    field_validator,
)

from evalhub.errors import JobSpecError, JobSpecNotFoundError
from evalhub.models._base import Model, ServiceModel, input_names, reading
from evalhub.models._problems import problem_text
from evalhub.models._tags import Tags
from evalhub.models._two_names import TwoNames
from evalhub.models.oci import OCICoordinates
from evalhub.models.rules import NotBlank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidatorFunctionWrapHandler
    from pydantic_core import ErrorDetails
    from pydantic_core.core_schema import SerializationInfo

    from evalhub.adapter.endpoint import Endpoint

__all__ = [
    "BenchmarkRef",
    "JobSpec",
    "JobSpecExports",
    "JobSpecExportsOCI",
    "ModelAuth",
    "ModelConfig",
    "PrimaryScore",
]

DEFAULT_TIMEOUT = 3600


@dataclass(frozen=True, slots=True)
class BenchmarkRef:
    """One benchmark of one job; a job may hold the same benchmark several times."""

    job_id: str
    benchmark_id: str
    provider_id: str | None = None
    benchmark_index: int = 0
    """Position of the benchmark in its job."""


class ModelAuth(Model):
    """Credentials of the model under evaluation, by reference."""

    secret_ref: str
    """Name of a Kubernetes Secret; in local mode `file:///absolute/directory`."""


class ModelConfig(Model):
    """The model under evaluation.

    `url` is empty only if the model is not called (pre-recorded answers).
    """

    name: NotBlank
    url: Annotated[str, BeforeValidator(lambda url: url or "")] = ""
    auth: ModelAuth | None = None
    parameters: dict[str, Any] | None = None
    card_url: str | None = None


class PrimaryScore(Model):
    """The metric that is compared with the threshold."""

    metric: NotBlank
    lower_is_better: bool = False


class JobSpecExportsOCI(Model):
    """Destination of the adapter's artifact."""

    coordinates: OCICoordinates


class JobSpecExports(Model):
    """Destinations of the adapter's results besides the service."""

    oci: JobSpecExportsOCI | None = None


class JobSpec(TwoNames, ServiceModel):
    """One benchmark of a job, as the service passes it to an adapter.

    Unknown keys are kept: patch releases of the service add fields.
    """

    job_id: str = Field(
        min_length=1, validation_alias=AliasChoices("job_id", "id"), serialization_alias="id"
    )
    benchmark_id: str = Field(min_length=1)
    model: ModelConfig
    benchmark_config: dict[str, Any] = Field(
        validation_alias=AliasChoices("benchmark_config", "parameters"),
        serialization_alias="parameters",
    )
    """Parameters of the benchmark, as submitted."""

    callback_url: str | None
    """Base URL to report status and results to; `None` means no reports."""

    provider_id: str | None = None
    benchmark_index: int = Field(default=0, ge=0)
    """Position of the benchmark in its job."""

    num_examples: int | None = None
    """Number of examples to evaluate; `None` means all."""

    experiment_name: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the experiment; on the wire a list of objects with key and value, as which an
    iteration reads them too: `{tag["key"]: tag["value"] for tag in spec.tags}`."""

    timeout_seconds: int | None = Field(default=DEFAULT_TIMEOUT, gt=0)
    """Time limit in seconds; `run()` enforces it only if the job file sets it."""

    retry_attempts: int | None = Field(default=None, ge=0)
    """Number of further attempts after a failed evaluation."""

    exports: JobSpecExports | None = None
    primary_score: PrimaryScore | None = None

    if not TYPE_CHECKING:  # pragma: no branch - checkers take the arguments from the fields

        def __init__(self, **fields: Any) -> None:
            # Adapters that read the file themselves pass all its keys, unknown ones included.
            with reading():
                super().__init__(**fields)

    @field_validator("callback_url")
    @classmethod
    def _check_callback_url(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http(s) URL with a host")
        return value

    @field_validator("tags", mode="wrap")
    @classmethod
    def _tags_of_either_form(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Tags:
        return Tags(validate(Tags.read(value)))

    if not TYPE_CHECKING:  # pragma: no branch - checkers know the fields

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, Tags.read(value) if name == "tags" else value)

    @field_serializer("tags")
    def _tags_to_pairs(self, tags: dict[str, str], info: SerializationInfo) -> Any:
        if info.by_alias:
            return [{"key": key, "value": value} for key, value in tags.items()]
        return dict(tags)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; `update` accepts the names and the tags of both vocabularies."""
        changes = dict(update or {})
        if "tags" in changes:
            changes["tags"] = Tags.read(changes["tags"])
        return super().model_copy(update=changes, deep=deep)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields as a dictionary, which finds them by the names of both vocabularies."""
        dump = super().model_dump(**options)
        if isinstance(tags := dump.get("tags"), dict):
            dump["tags"] = Tags.read(tags)
        return dump

    @property
    def benchmark_ref(self) -> BenchmarkRef:
        """The benchmark that this process evaluates."""
        return BenchmarkRef(self.job_id, self.benchmark_id, self.provider_id, self.benchmark_index)

    @property
    def id(self) -> str:
        """Same as `job_id`: the service's name for it."""
        return self.job_id

    @id.setter
    def id(self, value: str) -> None:
        self.job_id = value

    @property
    def parameters(self) -> dict[str, Any]:
        """Same as `benchmark_config`: the service's name for it."""
        return self.benchmark_config

    @parameters.setter
    def parameters(self, value: dict[str, Any]) -> None:
        self.benchmark_config = value

    def endpoint(self, role: str = "model") -> Endpoint:
        """Return where the job's model is, or another model that the parameters name.

        Args:
            role: `model`, or what the parameters call the other model: `judge`, `attacker`, ...

        Raises:
            ConfigurationError: There is no URL, it is invalid, or the parameters name no such
                model.
        """
        # Credentials are read from files, which models do not do: the adapter layer does, loaded
        # on the first call. A process without an adapter never gets here.
        found: Endpoint = import_module("evalhub.adapter.endpoint").endpoint(self, role)
        return found

    def to_wire(self) -> dict[str, Any]:
        """Return the content of the job file; it has a time limit only if the job sets one."""
        wire = super().to_wire()
        if self.deadline_seconds is None:
            wire.pop("timeout_seconds", None)
        return wire

    @property
    def deadline_seconds(self) -> float | None:
        """Time limit in seconds if the job sets one, else `None`."""
        if "timeout_seconds" not in self.model_fields_set or self.timeout_seconds is None:
            return None
        return float(self.timeout_seconds)

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Load a job specification from a JSON file.

        Raises:
            JobSpecNotFoundError: There is no such file.
            JobSpecError: The file is unreadable, not JSON, or not a valid job. All invalid
                fields are named at once.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            raise JobSpecNotFoundError.at(path) from None
        except OSError as error:
            raise JobSpecError(
                f"job file {path} cannot be read: {error.strerror}", path=path
            ) from None
        except UnicodeDecodeError:
            raise JobSpecError(f"job file {path} is not UTF-8 text", path=path) from None
        return cls.from_json(text, path=path)

    @classmethod
    def from_json(cls, text: str, *, path: Path | None = None) -> Self:
        """Load a job specification from JSON text.

        Args:
            text: The JSON.
            path: The file, for error messages.

        Raises:
            JobSpecError: The text is not JSON, or not a valid job.
        """
        source = f"job file {path}" if path else "job specification"
        if not text.strip():
            raise JobSpecError(f"{source} is empty", path=path)
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise JobSpecError(f"{source} is not JSON: {error.msg} ({where})", path=path) from None
        except (ValueError, RecursionError):
            raise JobSpecError(
                f"{source} contains a number too large, or nesting too deep, to parse", path=path
            ) from None
        if not isinstance(data, dict):
            kind = _JSON_KINDS[type(data)]
            raise JobSpecError(f"{source} contains a JSON {kind}, not an object", path=path)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            raise _spec_error(source, problems, path) from None


class ReportTarget(ServiceModel):
    """The part of a job file that is needed to report that the rest of it is invalid."""

    job_id: str = Field(min_length=1, validation_alias=AliasChoices("job_id", "id"))
    benchmark_id: str = Field(min_length=1)
    provider_id: str = Field(min_length=1)
    benchmark_index: StrictInt = 0
    """Not converted from text: a guess could end another benchmark of the job."""

    callback_url: str = Field(min_length=1)

    @property
    def benchmark_ref(self) -> BenchmarkRef:
        """The benchmark whose job file is invalid."""
        return BenchmarkRef(self.job_id, self.benchmark_id, self.provider_id, self.benchmark_index)


_JSON_KINDS: dict[type, str] = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _spec_error(source: str, problems: list[ErrorDetails], path: Path | None) -> JobSpecError:
    """Return an error that names all problems, in both vocabularies, without values: secrets."""
    missing: list[str] = []
    wrong: list[str] = []
    for problem in problems:
        name = ".".join(_both_names(str(part)) for part in problem["loc"])
        if problem["type"] == "missing":
            missing.append(name)
        else:
            wrong.append(f"{name}: {problem_text(problem)}")
    details = [f"missing: {name}" for name in missing] + wrong
    summary = "; ".join(
        part
        for part in (
            f"missing {', '.join(missing)}" if missing else "",
            f"{len(wrong)} invalid field{'s' if len(wrong) > 1 else ''}" if wrong else "",
        )
        if part
    )
    return JobSpecError(f"{source} is invalid: {summary}", details=details, path=path)


def _both_names(key: str) -> str:
    name = input_names(JobSpec).get(key, key)
    field = JobSpec.model_fields.get(name)
    wire = field.serialization_alias if field else None
    return f"{name} (on the wire: {wire})" if wire else name
