"""Job specifications for tests: every field has a value, a test names those it is about."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from evalhub.errors import ConfigurationError
from evalhub.models.spec import JobSpec

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["job_file", "job_spec"]

_OTHER_NAMES = {"job_id": "id", "benchmark_config": "parameters"}


def job_spec(**overrides: Any) -> JobSpec:
    """Return a job specification as the service would write it.

    Args:
        overrides: Fields of `JobSpec`, in either vocabulary. A dict for `model` changes what it
            names and leaves the rest of the default model.

    Raises:
        ConfigurationError: `JobSpec` has no such field.
    """
    return JobSpec.model_validate(_content(overrides))


def job_file(folder: Path, /, **overrides: Any) -> Path:
    """Write a job specification to `folder/meta/job.json`, as the service does, and return it.

    Args:
        folder: An existing directory, such as pytest's `tmp_path`.
        overrides: As for `job_spec`.
    """
    path = folder / "meta" / "job.json"
    path.parent.mkdir(exist_ok=True)
    # The service writes a callback it does not have as null, and leaves out other absent fields.
    content = {"callback_url": None, **job_spec(**overrides).to_wire()}
    path.write_text(json.dumps(content, indent=2))
    return path


def _content(overrides: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "id": "00000000-0000-4000-8000-000000000001",
        "provider_id": "test-provider",
        "benchmark_id": "test-benchmark",
        "benchmark_index": 0,
        "model": {"name": "fake-model", "url": "http://127.0.0.1:9/v1"},
        "num_examples": 3,
        "parameters": {},
        "callback_url": None,
    }
    for name, value in overrides.items():
        field = _OTHER_NAMES.get(name, name)
        if field not in content and field not in JobSpec.model_fields:
            near = get_close_matches(name, [*JobSpec.model_fields, *content], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"a job specification has no field {name!r}{hint}")
        if isinstance(value, BaseModel):
            value = value.model_dump(by_alias=True, exclude_none=True)  # noqa: PLW2901 - its JSON form
        if field == "model":
            value = {**content["model"], **value}  # noqa: PLW2901
        content[field] = value
    return content
