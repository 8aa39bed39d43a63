"""A job as a file that one can commit, to compare later jobs with."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from evalhub.analysis._pairing import field_of, samples_of
from evalhub.analysis._sources import content_of
from evalhub.errors import ConfigurationError
from evalhub.models.job import EvaluationJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from evalhub.analysis._pairing import Rows
    from evalhub.models.sample import Sample

__all__ = [
    "BASELINES",
    "Baseline",
    "list_baselines",
    "load_baseline",
    "save_baseline",
    "saved_baseline",
]

BASELINES = Path(".evalhub/baselines")
"""Where baselines are kept unless one says otherwise, below the current directory."""

_FORMAT = "evalhub-baseline/1"
_SUFFIX = ".json.gz"
_KEPT = ("sample_id", "prediction", "metric", "benchmark_id", "provider_id", "group", "repeat")
"""What a comparison needs of a sample; the texts would make a repository large."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A job that later ones are compared with, and its samples."""

    name: str
    job: EvaluationJob
    rows: list[dict[str, Any]] | None
    """Samples without their texts; `None` where there were none."""

    saved_at: datetime
    digest: str
    """`sha256:` and the digest of job and rows: the file holds what was saved."""

    path: Path


def save_baseline(
    name: str,
    job: EvaluationJob,
    *,
    rows: Rows | None = None,
    folder: str | PathLike[str] = BASELINES,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Baseline:
    """Save a job as a baseline; one of the same name is replaced.

    Args:
        name: Name of the baseline and its file: letters, digits, `.`, `_` and `-`.
        job: A job that has ended.
        rows: Its samples, so that later jobs can be compared in pairs.
        folder: Where to; made if it is not there.
        clock: The present, in UTC.

    Raises:
        ConfigurationError: The name cannot be one, the job has not ended, or the file cannot be
            written.
    """
    path = Path(folder) / f"{_checked(name)}{_SUFFIX}"
    if not job.is_terminal:
        raise ConfigurationError(f"job {job.id} is {job.state}: wait for it, then save it")
    kept = None if rows is None else [_row(row) for row in samples_of(rows, "baseline's samples")]
    content = {"job": job.to_wire(), "rows": kept}
    digest = _digest(content)
    saved_at = clock()
    whole = {
        "format": _FORMAT,
        "name": name,
        "saved_at": saved_at.isoformat(timespec="seconds"),
        "digest": digest,
        **content,
    }
    _write(path, json.dumps(whole, ensure_ascii=False, indent=1).encode())
    return Baseline(name, job, kept, saved_at, digest, path)


def load_baseline(
    name: str | PathLike[str], *, folder: str | PathLike[str] = BASELINES
) -> Baseline:
    """Read a baseline by its name or the path of its file.

    Raises:
        ConfigurationError: There is none, or the file is not what was saved.
    """
    path = Path(name)
    if not path.name.endswith((".json", _SUFFIX)):
        path = Path(folder) / f"{_checked(str(name))}{_SUFFIX}"
    if not path.exists():
        there = ", ".join(one.name for one in list_baselines(folder=path.parent)) or "none"
        raise ConfigurationError(f"there is no baseline {path} (there are: {there})")
    content = _mapping(path)
    if content.get("format") != _FORMAT:
        raise ConfigurationError(f"{path} is not a baseline: save one with save_baseline")
    return _baseline(content, path)


def list_baselines(*, folder: str | PathLike[str] = BASELINES) -> list[Baseline]:
    """Return the baselines of a folder, by name.

    Raises:
        ConfigurationError: A file is not what was saved.
    """
    return [load_baseline(path) for path in sorted(Path(folder).glob(f"*{_SUFFIX}"))]


def saved_baseline(source: Any) -> Baseline | None:
    """Return the baseline that a source is or is the file of; `None` where it is neither.

    Raises:
        ConfigurationError: The file is not what was saved.
    """
    if isinstance(source, Baseline):
        return source
    if not isinstance(source, str | Path) or not str(source).endswith(_SUFFIX):
        return None
    path = Path(source)
    content = _mapping(path)
    return _baseline(content, path) if "digest" in content else None


def _mapping(path: Path) -> dict[str, Any]:
    content = content_of(path)
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _baseline(content: Mapping[str, Any], path: Path) -> Baseline:
    digest = _digest({"job": content.get("job"), "rows": content.get("rows")})
    if digest != content.get("digest"):
        raise ConfigurationError(
            f"baseline {path} was changed since it was saved: take the file back from the "
            "repository, or save it again"
        )
    try:
        job = EvaluationJob.model_validate(content["job"])
        saved_at = datetime.fromisoformat(content["saved_at"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ConfigurationError(f"baseline {path} cannot be used: {error}") from error
    return Baseline(content["name"], job, content.get("rows"), saved_at, digest, path)


def _checked(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ConfigurationError(
            f"{name!r} is not a name for a baseline: use letters, digits, '.', '_' and '-'"
        )
    return name


def _row(row: Sample | Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key in _KEPT if (value := field_of(row, key)) is not None}


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        # Without a time inside, the same baseline is the same file.
        partial.write_bytes(gzip.compress(content, mtime=0))
        partial.replace(path)
    except OSError as error:
        raise ConfigurationError(f"baseline {path} cannot be written: {error}") from error
