"""Find and read files of samples, whichever framework wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from evalhub.errors import ArtifactError
from evalhub.models._samples import foreign
from evalhub.models.sample import MANIFEST_FILE, SAMPLES_FILE, Sample, SampleManifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["iter_samples", "read_manifest", "sample_files"]

_FOREIGN = ("samples_*.jsonl", "*.report.jsonl", "*.eval", "*.json")


def iter_samples(source: Path | str) -> Iterator[Sample]:
    """Yield the samples of a file, or of the files below a folder, in constant memory.

    Files of lm-eval, inspect, garak and guidellm are converted. A last line that was not written
    to its end is left out.

    Raises:
        ArtifactError: There are none, or a line of them is not a sample.
    """
    for file in sample_files(source):
        yield from _samples_of(file)


def sample_files(source: Path | str) -> list[Path]:
    """Return the files that hold samples: ours where there are any, else a framework's.

    Raises:
        ArtifactError: There are none.
    """
    source = Path(source)
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise ArtifactError(f"{source} does not exist; give a file of samples or a folder")
    for pattern in (SAMPLES_FILE, *_FOREIGN):
        found = [file for file in sorted(source.rglob(pattern)) if _is_samples(file)]
        if found:
            return found
    held = sorted(file.name for file in source.rglob("*") if file.is_file())
    listed = ", ".join(held[:5]) + (", ..." if len(held) > 5 else "")  # noqa: PLR2004 - enough
    raise ArtifactError(f"{source} holds no samples, but {listed or 'nothing'}")


def read_manifest(source: Path | str) -> SampleManifest | None:
    """Return what the manifest beside a file of samples says; `None` where there is none.

    Raises:
        ArtifactError: It is not a manifest.
    """
    path = sample_files(source)[0].with_name(MANIFEST_FILE)
    if not path.is_file():
        return None
    try:
        return SampleManifest.model_validate_json(path.read_bytes())
    except ValidationError:
        raise ArtifactError(f"{path} is not the manifest of samples") from None


def _samples_of(file: Path) -> Iterator[Sample]:
    if file.suffix in (".eval", ".json"):
        document = _inspect_log(file) if file.suffix == ".eval" else _document(file)
        yield from _converter(document)(document)
        return
    lines = _lines(file)
    first = next(lines, None)
    if first is None:
        return
    rows = _chained(first, lines)
    if "sample_id" in first:
        yield from (_sample(row, file) for row in rows)
    elif "doc_id" in first:
        yield from foreign.lm_eval_samples(rows, task=_task_of(file))
    elif "entry_type" in first:
        yield from foreign.garak_samples(rows)
    else:
        raise ArtifactError(f"the lines of {file} are no samples: they have no sample_id")


def _sample(row: dict[str, Any], file: Path) -> Sample:
    try:
        return Sample.model_validate(row)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise ArtifactError(
            f"{file} holds a line that is no sample: {where}: {problem['msg']}"
        ) from None


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; its last line may be cut short."""
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    row: Any = json.loads(line)
                except ValueError:
                    if not line.endswith(b"\n"):
                        return
                    raise ArtifactError(f"line {number} of {file} is not JSON") from None
                if not isinstance(row, dict):
                    raise ArtifactError(f"line {number} of {file} is not a JSON object")
                yield cast("dict[str, Any]", row)
    except OSError as error:
        raise ArtifactError(f"cannot read {file}: {error.strerror}") from None


def _chained(first: dict[str, Any], rest: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from rest


def _document(file: Path) -> dict[str, Any]:
    try:
        document: Any = json.loads(file.read_bytes())
    except OSError as error:
        raise ArtifactError(f"cannot read {file}: {error.strerror}") from None
    except ValueError:
        raise ArtifactError(f"{file} is not JSON") from None
    if not isinstance(document, dict):
        raise ArtifactError(f"{file} is not a JSON object")
    return cast("dict[str, Any]", document)


def _inspect_log(file: Path) -> dict[str, Any]:
    """Read inspect's compressed log, which only inspect itself can read for sure."""
    try:
        from inspect_ai.log import read_eval_log  # type: ignore[import-not-found]
    except ImportError:
        raise ArtifactError(
            f"{file} is a log of inspect: install inspect-ai, or write it with log_format='json'"
        ) from None
    log: Any = cast("Callable[[str], Any]", read_eval_log)(str(file))
    return cast("dict[str, Any]", log.model_dump(mode="json"))


def _converter(document: dict[str, Any]) -> Callable[[dict[str, Any]], Iterator[Sample]]:
    return foreign.guidellm_samples if "benchmarks" in document else foreign.inspect_samples


def _is_samples(file: Path) -> bool:
    if file.suffix != ".json" or file.name == MANIFEST_FILE:
        return file.name != MANIFEST_FILE
    document = _document(file)
    return "benchmarks" in document or {"samples", "eval"} <= document.keys()


def _task_of(file: Path) -> str | None:
    """Return the task in lm-eval's `samples_TASK_2026-01-31T12-00-00.jsonl`."""
    if not file.stem.startswith("samples_"):
        return None
    name, _, moment = file.stem.removeprefix("samples_").rpartition("_")
    return name if name and moment[:1].isdigit() else file.stem.removeprefix("samples_")
