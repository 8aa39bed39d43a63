"""Credentials of the model under evaluation.

In a cluster they are mounted at `/var/run/secrets/model`, one file per key. A secret value is a
reference there, such as `api-key:ref`; send it unchanged, and the sidecar replaces it with the
real value (wire contract 4.2 and 5.3). In local mode `model.auth.secret_ref` names a directory
(`file:///path`) with the same files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from evalhub.models.spec import JobSpec

__all__ = ["ModelCredentials", "read_model_auth_key", "resolve_model_credentials"]

CLUSTER_SECRET = Path("/var/run/secrets/model")


@dataclass(frozen=True, slots=True)
class ModelCredentials:
    """The keys of the model's secret; missing ones are `None`. No repr shows a value."""

    api_key: str | None = field(default=None, repr=False)
    """Send it as `Authorization: Bearer <api_key>`, unchanged."""

    hf_token: str | None = field(default=None, repr=False)
    ca_cert_path: Path | None = None
    """CA certificates to trust for requests to the model."""


def resolve_model_credentials() -> ModelCredentials:
    """Return the model credentials of the current job.

    Raises:
        ConfigurationError: The secret's directory is missing or cannot be read.
    """
    folder = _secret_folder()
    if folder is None:
        return ModelCredentials()
    certificate = folder / "ca_cert"
    return ModelCredentials(
        api_key=_read(folder, "api-key"),
        hf_token=_read(folder, "hf-token"),
        ca_cert_path=certificate if certificate.is_file() else None,
    )


def read_model_auth_key(key_name: str) -> str | None:
    """Return one key of the model's secret, or `None` if the secret lacks it.

    Raises:
        ConfigurationError: The key name is invalid, or the secret cannot be read.
    """
    name = key_name.strip()
    if not name or name in (".", "..") or "/" in name:
        raise ConfigurationError(f"{key_name!r} is not the name of a key in a secret")
    folder = _secret_folder()
    return None if folder is None else _read(folder, name)


def _secret_folder() -> Path | None:
    from evalhub.models.spec import JobSpec
    from evalhub.settings import AdapterSettings, EvalHubMode

    settings = AdapterSettings.from_env()
    if settings.mode is EvalHubMode.K8S:
        return CLUSTER_SECRET if CLUSTER_SECRET.is_dir() else None
    return _local_folder(JobSpec.from_file(settings.resolved_job_spec_path))


def _local_folder(spec: JobSpec) -> Path | None:
    if spec.model.auth is None:
        return None
    parts = urlsplit(spec.model.auth.secret_ref)
    folder = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not folder.is_absolute():
        raise ConfigurationError(
            "in local mode model.auth.secret_ref must be file:///absolute/directory"
        )
    if not folder.is_dir():
        raise ConfigurationError(f"the model's secret {folder} is not a directory")
    return folder


def _read(folder: Path, name: str) -> str | None:
    path = folder / name
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text") from None
