"""Names and values in the form that MLflow accepts. Pure."""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "LONGEST_NAME",
    "artifact_root",
    "artifact_segments",
    "legal_names",
    "metric_value",
    "sanitize",
]

LONGEST_NAME = 250
_NOT_ASCII = re.compile(r"[^A-Za-z0-9_\-.:/\s]+")
_ILLEGAL = re.compile(r"[^\w\-.:/ ]+")
_ODD_SEGMENTS = re.compile(r"^(?:\.*/+)+|(?:/+\.*)+$|\.{2,}|/(?:\.?/)+")
"""What a file system would read as another path; MLflow refuses a name with it."""

_REST = "/api/2.0/mlflow-artifacts/artifacts/"


def sanitize(name: str) -> str:
    """Return a metric's name as 1.0 wrote it: `acc,none` is `acc_none`."""
    return _NOT_ASCII.sub("_", name).strip("_ \t\r\n") or "metric"


def legal_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name that MLflow accepts for each name; different ones stay different.

    Letters of any script, digits and `_ - . : /` and blanks are kept. A name that becomes too
    long, or equal to another one, ends in a digest of the original.
    """
    wanted = {name: _legal(name) for name in names}
    # Names that need no change have the first claim on themselves.
    taken = {name for name, key in wanted.items() if name == key}
    legal: dict[str, str] = {}
    for name, key in wanted.items():
        is_free = name == key or key not in taken
        legal[name] = key if is_free and len(key) <= LONGEST_NAME else _with_digest(key, name)
        taken.add(legal[name])
    return legal


def _with_digest(key: str, name: str) -> str:
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
    return f"{key[: LONGEST_NAME - 9]}_{digest}"


def _legal(name: str) -> str:
    key = _ODD_SEGMENTS.sub("_", _ILLEGAL.sub("_", name))
    return key if key.strip(" .") else "unnamed"


def metric_value(value: Any) -> float | str | None:
    """Return a metric's value in MLflow's JSON form; `None` if it is not a number."""
    try:
        number = float(value) if not isinstance(value, (str, bytes)) else None
    except (TypeError, ValueError, OverflowError):
        return None
    if number is None or math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def artifact_segments(path: str) -> str:
    """Return an artifact's path, quoted, with `_` for the characters that MLflow refuses.

    Raises:
        ConfigurationError: The path is empty, absolute, or leads out of the run.
    """
    parts = str(path).replace("\\", "/").split("/")
    if any(part.strip() in ("", ".", "..") for part in parts):
        raise ConfigurationError(
            f"{path!r} is not a path below a run's artifacts; use a relative one without '..'"
        )
    # MLflow refuses `#`, decodes what is encoded twice, and does not find a line break.
    quoted = [
        quote(re.sub(r"[#%\x00-\x1f\x7f]", "_", part), safe="", errors="replace") for part in parts
    ]
    return "/".join(quoted)


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
