"""Names and values as MLflow takes them. Pure."""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["artifact_root", "artifact_segments", "metric_names", "metric_value", "sanitize"]

_ILLEGAL = re.compile(r"[^A-Za-z0-9_\-.:/ ]+")
_LONGEST = 250
_REST = "/api/2.0/mlflow-artifacts/artifacts/"


def sanitize(name: str) -> str:
    """Return a metric's name without what MLflow refuses: `acc,none` is `acc_none`."""
    return _ILLEGAL.sub("_", name).strip("_ \t\r\n") or "metric"


def metric_names(names: Iterable[str]) -> dict[str, str]:
    """Return a legal name for each name: different ones stay different."""
    legal: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        key = sanitize(name).replace("..", "._")
        if len(key) > _LONGEST or key in taken:
            digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
            key = f"{key[: _LONGEST - 9]}_{digest}"
        taken.add(key)
        legal[name] = key
    return legal


def metric_value(value: Any) -> float | str | None:
    """Return a metric's value as MLflow takes it in JSON; `None` if it is not a number."""
    try:
        number = float(value) if not isinstance(value, (str, bytes)) else None
    except (TypeError, ValueError, OverflowError):
        return None
    if number is None or math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def artifact_segments(path: str) -> str:
    """Return an artifact's path, quoted, without the two characters that MLflow refuses.

    Raises:
        ConfigurationError: The path is empty, absolute, or leads out of the run.
    """
    parts = path.replace("\\", "/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ConfigurationError(
            f"{path!r} is not a path below a run's artifacts; use a relative one without '..'"
        )
    # MLflow refuses `#`, and decodes what is encoded twice.
    return "/".join(quote(re.sub("[#%]", "_", part), safe="") for part in parts)


def artifact_root(artifact_uri: str) -> str:
    """Return the path of a run's artifacts on the server.

    Raises:
        ConfigurationError: The run keeps its artifacts in a store of its own.
    """
    parts = urlsplit(artifact_uri)
    if parts.scheme == "mlflow-artifacts":
        return _REST + parts.path.strip("/")
    if parts.scheme in ("http", "https") and _REST in parts.path:
        return _REST + parts.path.partition(_REST)[2].strip("/")
    raise ConfigurationError(
        f"the run's artifacts are in a store of scheme {parts.scheme or 'file'!r}, which the "
        "server does not pass on; start it with --serve-artifacts"
    )
