"""Samples of two sides, side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from evalhub.analysis.statistics import Difference, PairedShares, paired
from evalhub.errors import ConfigurationError
from evalhub.models.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CLUSTERS",
    "Pairs",
    "Rows",
    "Scored",
    "field_of",
    "is_mean",
    "pairs_of",
    "samples_of",
    "table_of",
]

Rows: TypeAlias = Iterable[Sample | Mapping[str, Any]] | str | PathLike[str]
"""Samples, dictionaries of theirs, or the path of a `.jsonl` file."""

CLUSTERS = 20
"""Fewer groups than this are categories: an error taken from their spread would be a guess."""


@dataclass(slots=True)
class Scored:
    """What one side's samples of one metric scored, by sample id."""

    scores: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    groups: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    unusable: int = 0
    """Rows without a finite number."""

    def averages(self, value: float) -> bool:
        """Say whether a reported score is the mean of these."""
        scores = [score for repeats in self.scores.values() for score in repeats]
        return bool(scores) and is_mean(value, _mean(scores))


@dataclass(frozen=True, slots=True)
class Pairs:
    """The samples that both sides have."""

    difference: Difference | None
    """`None` where fewer than two samples are on both sides."""

    before: float
    after: float
    n: int
    overlap: float
    """Share of the larger side's samples that are on both."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    is_binary: bool
    clusters: int | None
    dropped: int
    unusable: int


def is_mean(reported: float, mean: float) -> bool:
    """Say whether a reported score is this mean, but for its last digits."""
    return abs(reported - mean) <= 1e-6 * max(1.0, abs(mean))


def samples_of(rows: Rows, name: str) -> Iterator[Sample | Mapping[str, Any]]:
    """Yield the samples of a source, those of a file line by line.

    Raises:
        ConfigurationError: A row is not a sample; the error says which.
    """
    if isinstance(rows, str | PathLike):
        yield from _lines(Path(rows))
        return
    for place, row in enumerate(cast("Iterable[object]", rows), start=1):
        if not isinstance(row, Sample | Mapping):
            kind = type(row).__name__
            raise ConfigurationError(f"row {place} of the {name} must be a sample, not {kind}")
        yield cast("Sample | Mapping[str, Any]", row)


def field_of(row: Sample | Mapping[str, Any], name: str) -> Any:
    """Return a field of a sample, `None` where it has no such field."""
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


def table_of(rows: Rows, name: str) -> dict[tuple[str | None, str | None, str | None], Scored]:
    """Return what samples scored, by provider, benchmark and metric; memory holds no texts."""
    tables: dict[tuple[str | None, str | None, str | None], Scored] = {}
    for place, row in enumerate(samples_of(rows, name), start=1):
        sample_id, prediction, group, where = _fields(row, place, name)
        scored = tables.setdefault(where, Scored())
        if prediction is None:
            scored.unusable += 1
            continue
        scored.scores.setdefault(sample_id, []).append(prediction)
        scored.groups.setdefault(sample_id, group)
    return tables


def pairs_of(before: Scored, after: Scored) -> Pairs:
    """Return the samples of both sides, repeats of a sample averaged."""
    ids = [sample_id for sample_id in before.scores if sample_id in after.scores]
    a = [_mean(before.scores[sample_id]) for sample_id in ids]
    b = [_mean(after.scores[sample_id]) for sample_id in ids]
    differences = [y - x for x, y in zip(a, b, strict=True)]
    is_binary = {*a, *b} <= {0.0, 1.0}
    groups = _clusters(ids, before, after)
    gained = tuple(i for i, change in zip(ids, differences, strict=True) if change > 0)
    lost = tuple(i for i, change in zip(ids, differences, strict=True) if change < 0)
    difference: Difference | None = None
    if is_binary and groups is None and ids:
        difference = PairedShares(len(gained), len(lost), len(ids))
    elif len(ids) > 1:
        difference = paired(differences, groups)
    larger = max(len(before.scores), len(after.scores))
    return Pairs(
        difference=difference,
        before=_mean(a),
        after=_mean(b),
        n=len(ids),
        overlap=len(ids) / larger if larger else 0.0,
        gained=gained,
        lost=lost,
        is_binary=is_binary,
        clusters=len({*groups}) if groups else None,
        dropped=len(before.scores) + len(after.scores) - 2 * len(ids),
        unusable=before.unusable + after.unusable,
    )


def _clusters(ids: list[str], before: Scored, after: Scored) -> list[str] | None:
    found = [before.groups[i] or after.groups[i] for i in ids]
    groups = [group if group is not None else f"\0{i}" for group, i in zip(found, ids, strict=True)]
    return groups if CLUSTERS <= len({*groups}) < len(ids) else None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _fields(
    row: Sample | Mapping[str, Any], place: int, name: str
) -> tuple[str, float | None, str | None, tuple[str | None, str | None, str | None]]:
    sample_id, prediction = field_of(row, "sample_id"), field_of(row, "prediction")
    where = field_of(row, "provider_id"), field_of(row, "benchmark_id"), field_of(row, "metric")
    if sample_id is None or isinstance(sample_id, dict | list):
        raise ConfigurationError(
            f"row {place} of the {name} has no sample_id: pairs are found by it"
        )
    if not isinstance(prediction, int | float):
        if prediction is not None:
            raise ConfigurationError(
                f"row {place} of the {name}: prediction is {prediction!r:.40}, not a number"
            )
    elif isfinite(prediction):
        return str(sample_id), float(prediction), _text(field_of(row, "group")), where
    return str(sample_id), None, None, where


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _row(line, path, number)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"samples {path} cannot be read: {error}") from error


def _row(line: str, path: Path, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ConfigurationError(f"{path}, line {number} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise ConfigurationError(f"{path}, line {number} is not a sample: {line[:40]!r}")
    return cast("Mapping[str, Any]", row)
