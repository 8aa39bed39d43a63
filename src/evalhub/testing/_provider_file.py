"""Read a provider file, as the contract uses it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["primary_metric", "read_provider"]


def read_provider(source: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of a provider file.

    Args:
        source: Path of a JSON or YAML file, or the content itself.

    Raises:
        MissingExtraError: The file is YAML and PyYAML is not installed.
    """
    if not isinstance(source, str | Path):
        return source
    text = Path(source).read_text()
    try:
        return dict(json.loads(text))
    except ValueError:
        pass
    try:
        yaml: Any = import_module("yaml")
    except ImportError:
        raise MissingExtraError("reading a provider file in YAML", "testing") from None
    return dict(yaml.safe_load(text))


def primary_metric(provider: Mapping[str, Any], benchmark_id: str) -> str | None:
    """Return the primary metric that a provider declares for a benchmark."""
    benchmarks: list[dict[str, Any]] = provider.get("benchmarks") or []
    for benchmark in benchmarks:
        if benchmark.get("id") == benchmark_id and benchmark.get("primary_score"):
            return str(benchmark["primary_score"]["metric"])
    return None
