"""Keep every answer: one row each, in a form that the service, comparisons and reports read.

    callbacks.samples.add("q17", 1, input=question, expected="4", output=reply)

The rows go to `samples.jsonl` as they come, in constant memory, and with `manifest.json` into
the job's artifact. Converters make samples of what frameworks write by themselves.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

from evalhub.adapter._report.jsonable import to_json
from evalhub.models._samples.every_eval_ever import EveryEvalEver
from evalhub.models._samples.foreign import (
    garak_samples,
    guidellm_samples,
    inspect_samples,
    lm_eval_samples,
)
from evalhub.models.sample import (
    MANIFEST_FILE,
    SAMPLES_FILE,
    Sample,
    SampleManifest,
    score_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "EveryEvalEver",
    "SampleWriter",
    "garak_samples",
    "guidellm_samples",
    "inspect_samples",
    "lm_eval_samples",
]

logger = logging.getLogger(__name__)

_LARGEST_FILE = 256 << 20
_LARGEST_ROW = 1 << 20
_SCORES_ALONE = (
    "sample_id",
    "prediction",
    "metric",
    "benchmark_id",
    "provider_id",
    "group",
    "repeat",
)
"""What is left of a row that is too large, or comes when the file is full: statistics need it."""


class SampleWriter:
    """An append-only file of samples; safe to use from several threads.

    Each row is written whole and at once: after a crash, all rows up to the last one are there.
    A row larger than 1 MiB, and every row once the file has `max_bytes`, keeps its score and ids
    and loses the rest; the manifest counts them. Nothing here raises for what is in a row, or for
    a full disk: an evaluation is worth more than the record of it.

    Args:
        folder: Where `samples.jsonl` and `manifest.json` go; made with the first row.
        benchmark_id: Of rows that do not name another.
        provider_id: Of rows that do not name another.
        metric: What `prediction` measures in rows that do not name another; the primary metric
            of the manifest.
        max_bytes: Size from which rows keep their scores alone.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        benchmark_id: str | None = None,
        provider_id: str | None = None,
        metric: str | None = None,
        max_bytes: int = _LARGEST_FILE,
    ) -> None:
        self.folder = Path(folder)
        self.metric = metric
        self._ours = {"benchmark_id": benchmark_id, "provider_id": provider_id}
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._file: int | None = None
        self._reset()

    def _reset(self) -> None:
        self._sha256 = hashlib.sha256()
        self._count = self._size = self._errors = 0
        self._sums: dict[str | None, tuple[float, int]] = {}
        self._left_out: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._count

    def __bool__(self) -> bool:
        return True  # a writer without rows is one all the same

    @property
    def path(self) -> Path:
        """The file of rows; it exists once there is one."""
        return self.folder / SAMPLES_FILE

    def add(self, sample_id: str | int, prediction: float, **fields: Any) -> None:
        """Append one answer.

        Args:
            sample_id: Id of the question, the same in each run.
            prediction: What the answer is worth; true and false are 1 and 0.
            fields: The other fields of `Sample`, and any of your own.
        """
        self._append({"sample_id": str(sample_id), "prediction": prediction, **fields})

    def extend(self, samples: Iterable[Sample | Mapping[str, Any]]) -> None:
        """Append answers that are samples already, such as a converter's."""
        for sample in samples:
            row = sample.model_dump(exclude_defaults=True) if isinstance(sample, Sample) else sample
            self._append(dict(row))

    def finish(self, *, metric: str | None = None) -> SampleManifest:
        """Write `manifest.json` and return what it says; more rows may follow.

        Args:
            metric: The metric by which the benchmark is judged, if it is not the writer's.
        """
        with self._lock:
            manifest = self._manifest(metric or self.metric)
            if self._count:
                text = json.dumps(manifest.to_wire(), indent=2) + "\n"
                try:
                    self.path.with_name(MANIFEST_FILE).write_text(text, encoding="utf-8")
                except OSError as error:
                    logger.warning("cannot write %s: %s", MANIFEST_FILE, error.strerror)
        for reason, times in manifest.left_out.items():
            logger.warning("samples: %s (%d rows)", reason, times)
        return manifest

    def clear(self) -> None:
        """Remove all rows, as before a second attempt at the evaluation."""
        with self._lock:
            self._close()
            self._reset()
            for name in (SAMPLES_FILE, MANIFEST_FILE):
                (self.folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; a row added later opens it again."""
        with self._lock:
            self._close()

    def _append(self, row: dict[str, Any]) -> None:
        try:
            row["prediction"] = score_of(row["prediction"])
        except ValueError as error:
            with self._lock:
                self._left_out[f"left out, for {error}"] += 1
            return
        row.setdefault("metric", self.metric)
        for name, value in self._ours.items():
            row.setdefault(name, value)
        line = _line(row)
        with self._lock:
            if len(line) > _LARGEST_ROW:
                line = self._scores_alone(row, "texts left out, the row was above 1 MiB")
            elif self._size + len(line) > self._max_bytes:
                reason = f"texts left out, the file had reached {self._max_bytes} bytes"
                line = self._scores_alone(row, reason)
            if self._write(line):
                self._note(row, line)

    def _scores_alone(self, row: dict[str, Any], reason: str) -> bytes:
        self._left_out[reason] += 1
        return _line({name: row[name] for name in _SCORES_ALONE if name in row})

    def _note(self, row: dict[str, Any], line: bytes) -> None:
        self._sha256.update(line)
        self._count += 1
        self._size += len(line)
        self._errors += bool(row.get("error"))
        total, number = self._sums.get(row["metric"], (0.0, 0))
        self._sums[row["metric"]] = total + row["prediction"], number + 1

    def _write(self, line: bytes) -> bool:
        """Append a line, or nothing of it: the next one must not end up behind half of it."""
        try:
            if self._file is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                fresh = os.O_TRUNC if self._count == 0 else 0
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | fresh)
                self._closing = finalize(self, os.close, self._file)
            if os.write(self._file, line) == len(line):
                return True
            os.ftruncate(self._file, self._size)
            reason = "the disk is full"
        except OSError as error:
            reason = error.strerror or type(error).__name__
        self._left_out[f"left out, for {self.path} cannot be written: {reason}"] += 1
        return False

    def _close(self) -> None:
        if self._file is not None:
            self._closing()
            self._file = None

    def _manifest(self, metric: str | None) -> SampleManifest:
        if metric not in self._sums and len(self._sums) == 1:
            metric = next(iter(self._sums)) or metric
        total, number = self._sums.get(metric) or self._sums.get(None) or (0.0, 0)
        return SampleManifest.model_validate(
            {
                **self._ours,
                "primary_score": {"metric": metric},
                "count": self._count,
                "mean": total / number if number else None,
                "errors": self._errors,
                "digest": f"sha256:{self._sha256.hexdigest()}",
                "size_bytes": self._size,
                "left_out": dict(self._left_out),
            }
        )


def _line(row: Mapping[str, Any]) -> bytes:
    given = {name: value for name, value in row.items() if value is not None}
    try:
        text = json.dumps(given, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode() + b"\n"
    except (TypeError, ValueError, UnicodeEncodeError):
        # Frameworks hand over paths, dates, numpy scalars and lone surrogates.
        text = json.dumps(to_json(given), ensure_ascii=False, separators=(",", ":"))
        return text.encode() + b"\n"
