"""A job made of the options of `run` and `eval run`, or of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from evalhub.cli.documents import read_document, read_mapping
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["benchmarks_of", "job_of", "parameter", "parameters"]

Given = dict[str, Any]

_DATA: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # source: what it needs, what it may have
    "s3": (("bucket", "key", "secret"), ()),
    "pvc": (("claim_name",), ("sub_path",)),
    "git": (("url", "ref"), ("sub_path", "secret")),
    "hf": (("repo_id",), ("revision", "sub_path", "secret")),
}


_NESTED = {
    # option: field of the job, and the field below it
    "experiment": ("experiment", "name"),
    "queue": ("queue", "name"),
    "threshold": ("pass_criteria", "threshold"),
    "hardware_profile": ("hardware_config", "hardware_profile_name"),
}


def parameters(given: Sequence[str]) -> Given:
    """Return parameters given as `key=value`."""
    return dict(parameter(text) for text in given)


def parameter(text: str) -> tuple[str, Any]:
    """Return one parameter: JSON where the value is JSON, a file where it begins with `@`.

    Text that must stay text is quoted: `code="007"`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"parameter {text!r} must be key=value")
    return key.strip(), _value(value)


def _value(text: str) -> Any:
    if text.startswith("@"):
        name = text[1:]
        if Path(name).suffix in {".json", ".yaml", ".yml"}:
            return read_document(name).value
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read {name}: {error}") from error
    if text.lower() in {"null", "none"}:
        return None
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        if isinstance(error, ConfigurationError):
            raise
    return _number(text)


def _number(text: str) -> Any:
    # `1.` and `.5` are numbers of earlier releases, and `007` is a code.
    if text.lstrip("+-")[:1] == "0" and text.lstrip("+-").isdigit():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return number if abs(number) < float("inf") else text


def _refuse(constant: str) -> Any:
    raise ConfigurationError(f"{constant} is not a value the service can take")


def job_of(given: Mapping[str, Any]) -> Given:
    """Return the job that the options and the file ask for; options win over the file.

    Raises:
        ConfigurationError: Something is missing or contradicts something else.
    """
    job: Given = _from_file(given["file"]) if given.get("file") else {}
    if given.get("file") and given.get("file_alone"):
        return job
    _put(job, given)
    benchmarks = _benchmarks(given)
    if benchmarks:
        job["benchmarks"] = benchmarks
    if given.get("collection"):
        job["collection"] = {"id": given["collection"]}
        if not benchmarks:
            job.pop("benchmarks", None)
    _check_shape(job, "--set")  # the file has been checked
    _require(job)
    if not job.get("name"):
        parts = [str(entry.get("id")) for entry in benchmarks_of(job)]
        what = ", ".join(parts) or given.get("collection") or "job"
        job["name"] = f"{job['model'].get('name', 'model')}: {what}"[:250]
    return job


def _from_file(name: str) -> Given:
    """Return the job in a file; a benchmark may be ID or ID@PROVIDER, as for `-b`."""
    from evalhub.models import JobSubmissionRequest
    from evalhub.models._problems import did_you_mean

    job = dict(read_mapping(name))
    known = JobSubmissionRequest.model_fields
    if unknown := [key for key in job if key not in known]:
        raise ConfigurationError(
            f"{name} is wrong",
            details=[f"a job has no field {key!r}{did_you_mean(key, known)}" for key in unknown],
        )
    _check_shape(job, name)
    if isinstance(job.get("benchmarks"), list):
        entries: list[Any] = job["benchmarks"]
        job["benchmarks"] = [
            _benchmark(entry) if isinstance(entry, str) else entry for entry in entries
        ]
    return job


def _check_shape(job: Given, where: str) -> None:
    for key in ("model", "collection", "exports"):
        if not isinstance(job.get(key), dict | None):
            raise ConfigurationError(f"{where}: {key} must be a mapping, not {job[key]!r:.40}")


def _benchmark(text: str, provider: str | None = None) -> Given:
    name, _, after = text.partition("@")
    if not name.strip():
        raise ConfigurationError(f"benchmark {text!r} has no id: give ID or ID@PROVIDER")
    return {"id": name, "provider_id": after or provider}


def benchmarks_of(job: Mapping[str, Any]) -> list[Given]:
    """Return the benchmarks of a job that have the form of one, as they stand in it."""
    found: Any = job.get("benchmarks")
    entries: list[Any] = cast("Any", found) if isinstance(found, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def _put(job: Given, given: Mapping[str, Any]) -> None:
    model = {"url": given.get("model_url"), "name": given.get("model_name")}
    if given.get("model_auth_secret"):
        model["auth"] = {"secret_ref": given["model_auth_secret"]}
    model = {key: value for key, value in model.items() if value}
    if model:
        job["model"] = {**(job.get("model") or {}), **model}
    for key in ("name", "description"):
        if given.get(key):
            job[key] = given[key]
    for option, (field, below) in _NESTED.items():
        if given.get(option) is not None:
            job[field] = {below: given[option]}
    if given.get("tags"):
        job["tags"] = list(given["tags"])
    if oci := _oci(given):
        job["exports"] = {"oci": oci}
    for text in given.get("set", ()):
        key, value = parameter(text)
        _set(job, key.split("."), value)


def _set(job: Given, path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        below: Any = job.setdefault(name, {})
        if not isinstance(below, dict):
            raise ConfigurationError(f"--set {'.'.join(path)}: {name} is not a mapping")
        job = cast("Given", below)
    job[path[-1]] = value


def _oci(given: Mapping[str, Any]) -> Given:
    host, repository = given.get("oci_host"), given.get("oci_repository")
    if not (host or repository or given.get("oci_connection")):
        return {}
    if not (host and repository):
        raise click.UsageError("--oci-host and --oci-repository go together")
    oci: Given = {"coordinates": {"oci_host": host, "oci_repository": repository}}
    if given.get("oci_connection"):
        oci["k8s"] = {"connection": given["oci_connection"]}
    return oci


def _benchmarks(given: Mapping[str, Any]) -> list[Any]:
    common = parameters(given.get("params", ()))
    if given.get("metrics"):
        common["metrics"] = list(given["metrics"])
    if given.get("dataset"):
        common["dataset"] = given["dataset"]
    if given.get("limit") is not None:
        common["num_examples"] = given["limit"]
    data = _test_data(given)
    found: list[Any] = []
    for text in given.get("benchmarks", ()):
        entry = _benchmark(text, given.get("provider"))
        if common:
            entry["parameters"] = dict(common)
        if data:
            entry["test_data_ref"] = data
        found.append(entry)
    if not found and (common or data):
        raise click.UsageError("parameters and test data need a benchmark: give -b")
    return found


def _test_data(given: Mapping[str, Any]) -> Given:
    found: Given = {}
    for source, (needed, optional) in _DATA.items():
        values = {
            name: given[f"test_data_{source}_{name}"]
            for name in (*needed, *optional)
            if given.get(f"test_data_{source}_{name}")
        }
        if not values:
            continue
        missing = [name for name in needed if name not in values]
        if missing:
            flags = ", ".join(f"--test-data-{source}-{name.replace('_', '-')}" for name in missing)
            raise click.UsageError(f"test data from {source} need {flags}")
        if "secret" in values:
            values["secret_ref"] = values.pop("secret")
        found[source] = values
    if len(found) > 1:
        raise click.UsageError(f"test data come from one source, not {' and '.join(found)}")
    return found


def _require(job: Given) -> None:
    missing: list[str] = []
    model: Any = job.get("model") or {}
    if not model.get("name"):
        missing.append("--model-name")
    if not model.get("url") and not job.get("benchmarks"):
        missing.append("--model-url")
    if not job.get("benchmarks") and not job.get("collection"):
        missing.append("--benchmark or --collection")
    if missing:
        raise click.UsageError(f"a job needs {', '.join(missing)}, or a file that says it")
