"""Get enough out of a job file that cannot be used to report that it cannot be used."""

from __future__ import annotations

import json
from typing import Any, cast

from evalhub.adapter.callbacks import DefaultCallbacks
from evalhub.errors import ConfigurationError
from evalhub.settings import AdapterSettings

__all__ = ["salvaged_callbacks"]


def salvaged_callbacks() -> DefaultCallbacks | None:
    """Return callbacks for the job in the file the environment names.

    `None` if the file does not say at least whose job it is and where to report.
    """
    settings = AdapterSettings.usable()
    try:
        content: Any = json.loads(settings.resolved_job_spec_path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    spec = cast("dict[str, Any]", content)
    job_id = _text(spec, "job_id", "id")
    benchmark_id = _text(spec, "benchmark_id")
    provider_id = _text(spec, "provider_id")
    callback_url = _text(spec, "callback_url")
    index = spec.get("benchmark_index", 0)
    if job_id is None or benchmark_id is None or provider_id is None or callback_url is None:
        return None
    if type(index) is not int:
        return None  # a guess could end another benchmark of the job
    try:
        return DefaultCallbacks(
            job_id=job_id,
            benchmark_id=benchmark_id,
            provider_id=provider_id,
            benchmark_index=index,
            sidecar_url=callback_url,
            auth_token_path=settings.resolved_auth_token_path,
            ca_bundle_path=settings.ca_bundle_path,
            settings=settings,
        )
    except ConfigurationError:
        return None


def _text(spec: dict[str, Any], *names: str) -> str | None:
    found = (spec.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), None)
