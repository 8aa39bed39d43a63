"""The data an evaluation is about: where the platform puts it, and that nothing is fetched."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from evalhub.models.spec import JobSpec

__all__ = ["data_digest", "go_offline", "offline_env", "test_data"]

TEST_DATA = Path("/test_data")
"""Where the platform puts a job's `test_data_ref` (wire contract 4.2)."""

_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_EVALUATE_OFFLINE", "TRANSFORMERS_OFFLINE")
_DIRECTORIES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")


def test_data(
    spec: JobSpec,
    *,
    parameter: str = "dataset_path",  # noqa: PT028 - it is no test
    default: Path | None = None,  # noqa: PT028 - it is no test
    mounted: Path = TEST_DATA,  # noqa: PT028 - it is no test
) -> Path | None:
    """Return the job's data: what a parameter names, else what the platform mounted.

    Args:
        spec: The job.
        parameter: The parameter that names a file or a directory.
        default: What to return where there is neither.
        mounted: Where the platform mounts data.

    Raises:
        ConfigurationError: The parameter names what does not exist.
    """
    given = spec.parameters.get(parameter)
    if given:
        path = Path(str(given))
        if not path.exists():
            raise ConfigurationError(f"{parameter} {str(path)!r} does not exist")
        return path
    try:
        has_data = any(mounted.iterdir())
    except OSError:
        has_data = False
    return mounted if has_data else default


test_data.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def offline_env(cache: Path | str | None = None) -> dict[str, str]:
    """Return the variables that keep the Hugging Face libraries from the network.

    A cluster without a way out otherwise costs minutes of retries for each file.

    Args:
        cache: Where data sets and models lie, and where frameworks may write what they otherwise
            put below a home that a container's user does not have.
    """
    variables: dict[str, str] = dict.fromkeys(_OFFLINE, "1")
    if cache is not None:
        variables["HF_HOME"] = str(cache)
        variables |= dict.fromkeys(_DIRECTORIES, str(cache))
    return variables


def go_offline(cache: Path | str) -> None:
    """Keep the Hugging Face libraries in this process from the network; call it before importing.

    Args:
        cache: Where frameworks may write, unless the environment names other places.
    """
    for name, value in offline_env(cache).items():
        os.environ.setdefault(name, value)


def data_digest(path: Path | str) -> str:
    """Return the digest of a file, or of the names and contents of the files below a directory.

    Raises:
        ConfigurationError: It cannot be read.
    """
    path = Path(path)
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    sha256 = hashlib.sha256()
    try:
        for file in files:
            if file != path:
                sha256.update(f"{file.relative_to(path).as_posix()}\0".encode())
            with file.open("rb") as stream:
                sha256.update(hashlib.file_digest(stream, "sha256").digest())
    except OSError as error:
        raise ConfigurationError(f"cannot read {error.filename}: {error.strerror}") from None
    if not files:
        raise ConfigurationError(f"{path} holds no files")
    return f"sha256:{sha256.hexdigest()}"
