"""Job specifications for tests, with defaults for every field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from evalhub.errors import ConfigurationError
from evalhub.models._base import input_names
from evalhub.models._problems import did_you_mean
from evalhub.models.spec import JobSpec

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["job_file", "job_spec"]

_DEFAULTS: dict[str, Any] = {
    "job_id": "00000000-0000-4000-8000-000000000001",
    "provider_id": "test-provider",
    "benchmark_id": "test-benchmark",
    "benchmark_index": 0,
    "model": {"name": "fake-model", "url": "http://127.0.0.1:9/v1"},
    "num_examples": 3,
    "benchmark_config": {},
    "callback_url": None,
}


def job_spec(**overrides: Any) -> JobSpec:
    """Return a job specification as the service would write it.

    Args:
        overrides: Fields of `JobSpec`, in either vocabulary. A dictionary for `model` changes
            only the fields it has.

    Raises:
        ConfigurationError: `JobSpec` has no such field.
    """
    return JobSpec.model_validate(_DEFAULTS | dict(map(_override, overrides.items())))


def job_file(folder: Path, /, **overrides: Any) -> Path:
    """Write a job specification to `folder/meta/job.json`, as the service does, and return it.

    Args:
        folder: An existing directory, such as pytest's `tmp_path`.
        overrides: As for `job_spec`.
    """
    path = folder / "meta" / "job.json"
    path.parent.mkdir(exist_ok=True)
    # The service writes an absent callback as null, and omits other absent fields.
    content = {"callback_url": None, **job_spec(**overrides).to_wire()}
    path.write_text(json.dumps(content, indent=2))
    return path


def _override(item: tuple[str, Any]) -> tuple[str, Any]:
    """Return the field that an argument names, and its value as JSON."""
    name, value = item
    names = input_names(JobSpec)
    if name not in names:
        raise ConfigurationError(f"JobSpec has no field {name!r}{did_you_mean(name, names)}")
    field = names[name]
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_none=True)
    return field, {**_DEFAULTS["model"], **value} if field == "model" else value
