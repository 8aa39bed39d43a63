"""Get enough out of a job file that cannot be used to report that it cannot be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter.callbacks import DefaultCallbacks
from evalhub.adapter.job import get_job_spec_path
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["salvaged_callbacks"]


def salvaged_callbacks(path: Path | None = None) -> DefaultCallbacks | None:
    """Return callbacks for the job in a file, if it says at least whose job it is and where to go.

    Args:
        path: The job file; the one the environment names when not given.
    """
    try:
        content: Any = json.loads((path or get_job_spec_path()).read_bytes())
    except (ConfigurationError, OSError, ValueError):
        return None
    if not isinstance(content, dict):
        return None
    spec = cast("dict[str, Any]", content)
    texts = [
        _text(spec, "id", "job_id"),
        _text(spec, "benchmark_id"),
        _text(spec, "provider_id"),
        _text(spec, "callback_url"),
    ]
    job_id, benchmark_id, provider_id, callback_url = texts
    if job_id is None or benchmark_id is None or provider_id is None or callback_url is None:
        return None
    index = spec.get("benchmark_index", 0)
    try:
        return DefaultCallbacks(
            job_id=job_id,
            benchmark_id=benchmark_id,
            provider_id=provider_id,
            benchmark_index=index if isinstance(index, int) else 0,
            sidecar_url=callback_url,
        )
    except ConfigurationError:
        return None


def _text(spec: dict[str, Any], *names: str) -> str | None:
    found = (spec.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), None)
