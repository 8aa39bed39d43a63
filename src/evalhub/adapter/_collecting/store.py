"""The files of a collection: whole after every answer, in the order of the questions at the end."""

from __future__ import annotations

import json
import os
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._collecting.asking import without
from evalhub.adapter._report.jsonable import to_json
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evalhub.adapter._collecting.config import (
        CollectedRecord,
        CollectionManifest,
        CollectorConfig,
    )
    from evalhub.adapter._collecting.questions import LiveQuestion

__all__ = ["Store"]

_OURS = ("response", "raw_response", "error", "latency_ms")


class Store:
    """Keeps answers as they come; safe to use from several threads.

    Each answer is appended to `responses.partial.jsonl` at once. At the end all of them are
    written to `responses.jsonl`, and the partial file is removed. After a crash both are read.

    Raises:
        ConfigurationError: The directory cannot be made.
    """

    def __init__(
        self, config: CollectorConfig, questions: Sequence[LiveQuestion], secrets: Sequence[str]
    ) -> None:
        self.path = config.output_dir / "responses.jsonl"
        self.manifest_path = config.output_dir / "manifest.json"
        self.partial_path = config.output_dir / "responses.partial.jsonl"
        self._fingerprint = config.fingerprint
        self._heads = [_head(question, config) for question in questions]
        self._id_column = config.id_column
        self._secrets = [_escaped(one) for one in secrets]
        self._lines: dict[int, bytes] = {}
        self._lock = Lock()
        self._file: int | None = None
        try:
            config.output_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(config.output_dir, error) from error

    def reuse(self) -> list[int]:
        """Take over the answers of an earlier run, and return which questions have one."""
        places = {str(head[self._id_column]): n for n, head in enumerate(self._heads)}
        for row in self._earlier():
            place = places.get(str(row.get(self._id_column)))
            if place is None or row.get("error") is not None:
                continue
            head = self._heads[place]
            if all(row.get(name, _OURS) == value for name, value in head.items()):
                self._lines[place] = self._line(row)
        return sorted(self._lines)

    def open(self) -> None:
        """Begin the partial file with the answers taken over.

        Raises:
            ConfigurationError: It cannot be written.
        """
        first = json.dumps({"fingerprint": self._fingerprint}).encode() + b"\n"
        content = first + b"".join(self._lines[place] for place in sorted(self._lines))
        _replace(self.partial_path, content)
        try:
            self._file = os.open(self.partial_path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise _unwritable(self.partial_path, error) from error

    def add(self, place: int, record: CollectedRecord) -> None:
        """Keep the answer to a question.

        Raises:
            ConfigurationError: The disk is full, or the file cannot be written.
        """
        answer = {name: getattr(record, name) for name in _OURS}
        row = {**self._heads[place], **record.extra_fields, **answer}
        line = self._line(row)
        with self._lock:
            if self._file is None:
                return  # the collection has ended: nobody waits for this answer any more
            self._lines[place] = line
            try:
                written = os.write(self._file, line)
            except OSError as error:
                raise _unwritable(self.partial_path, error) from error
            if written < len(line):
                raise ConfigurationError(f"cannot write {self.partial_path}: the disk is full")

    def finish(self, manifest: CollectionManifest) -> None:
        """Write the answers in the order of the questions, and the manifest.

        Raises:
            ConfigurationError: A file cannot be written; the partial file is still there.
        """
        with self._lock:
            _replace(self.path, b"".join(self._lines[place] for place in sorted(self._lines)))
            text = json.dumps(manifest.model_dump(mode="json"), indent=2) + "\n"
            _replace(self.manifest_path, text.encode())
            self._close()
            self.partial_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the partial file; what is in it remains."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _earlier(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of earlier runs that asked in the same way, the oldest first."""
        manifest = next(_rows(self.manifest_path, whole=True), None)
        if manifest and manifest.get("fingerprint") == self._fingerprint:
            yield from _rows(self.path)
        partial = _rows(self.partial_path)
        first = next(partial, None)
        if first and first.get("fingerprint") == self._fingerprint:
            yield from partial

    def _line(self, row: dict[str, Any]) -> bytes:
        # As JSON first: models answer NaN and lone surrogates, which are no JSON.
        text = json.dumps(to_json(row), ensure_ascii=False)
        return without(text, self._secrets).encode() + b"\n"


def _head(question: LiveQuestion, config: CollectorConfig) -> dict[str, Any]:
    """Return what a row has of its question; a column named like one of ours gets another name."""
    taken = {*_OURS, *(config.extra_response_paths or {})}
    head = {
        f"source_{name}" if name in taken else name: value
        for name, value in question.source_row.items()
    }
    if config.id_column not in head or head[config.id_column] in (None, ""):
        head[config.id_column] = question.question_id
    return cast("dict[str, Any]", to_json(head))


def _escaped(secret: str) -> str:
    return json.dumps(secret, ensure_ascii=False)[1:-1]


def _rows(path: Path, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file; a line that a crash cut off is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in [text] if whole else text.split("\n"):
        try:
            row: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield cast("dict[str, Any]", row)


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot write {path}: {error.strerror}")
