"""Credentials of the model under evaluation, and of models in other roles.

In a cluster they are mounted at `/var/run/secrets/model`, one file per key. A secret value is a
reference there, such as `api-key:ref`; send it unchanged, and the sidecar replaces it with the
real value (wire contract 4.2 and 5.3). In local mode `model.auth.secret_ref` names a directory
(`file:///path`) with the same files.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from evalhub.errors import ConfigurationError, JobSpecError, JobSpecNotFoundError

if TYPE_CHECKING:
    from evalhub.models.spec import JobSpec

__all__ = ["ModelCredentials", "read_model_auth_key", "resolve_model_credentials"]

logger = logging.getLogger(__name__)

CLUSTER_SECRET = Path("/var/run/secrets/model")

_REFERENCE = ":ref"
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class ModelCredentials:
    """The keys of the model's secret; missing ones are `None`. No repr shows a value."""

    api_key: str | None = field(default=None, repr=False)
    """Send it as `Authorization: Bearer <api_key>`, unchanged."""

    hf_token: str | None = field(default=None, repr=False)
    ca_cert_path: Path | None = None
    """CA certificates to trust for requests to the model."""

    url: str | None = field(default=None, repr=False)
    """Base URL of a model in another role, if the secret has one; the job names that of the model
    under evaluation."""

    @property
    def is_reference(self) -> bool:
        """Whether the key is a reference that only the sidecar can replace."""
        return bool(self.api_key and self.api_key.endswith(_REFERENCE))

    @property
    def auth_headers(self) -> dict[str, str]:
        """The headers that authenticate a request to the model; empty without a key."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}


def resolve_model_credentials(role: str | None = None) -> ModelCredentials:
    """Return the credentials of the current job; without a job file or a secret, empty ones.

    Args:
        role: For a model beside the one under evaluation, such as `judge` or `attacker`: its keys
            are `judge_api-key` (or `judge_sa_token`) and `judge_url`.

    Raises:
        ConfigurationError: `model.auth.secret_ref` of a local job is not a directory's URL, or a
            file cannot be read.
    """
    prefix = f"{role.strip()}_" if role and role.strip() else ""
    folder = _secret_folder()
    if folder is None or (prefix and not _is_key(prefix)):
        return ModelCredentials()
    api_key = _read(folder, f"{prefix}api-key")
    return ModelCredentials(
        api_key=api_key or (_read(folder, f"{prefix}sa_token") if prefix else None),
        hf_token=_read(folder, "hf-token"),
        ca_cert_path=_file(folder, "ca_cert"),
        url=_read(folder, f"{prefix}url") if prefix else None,
    )


def read_model_auth_key(key_name: str) -> str | None:
    """Return one key of the model's secret, or `None` if the secret lacks it.

    Raises:
        ConfigurationError: As `resolve_model_credentials`.
    """
    name = key_name.strip()
    if not _is_key(name):
        logger.warning("%r is not the name of a key in a secret", key_name)
        return None
    folder = _secret_folder()
    value = None if folder is None else _read(folder, name)
    if value is None:
        place = folder or CLUSTER_SECRET
        logger.info("the model's secret has no key %r: looked for %s", name, place / name)
    return value


def _is_key(name: str) -> bool:
    return bool(name) and name not in (".", "..") and not set(name) & {"/", "\\", "\0"}


def _secret_folder() -> Path | None:
    from evalhub.settings import AdapterSettings, EvalHubMode

    settings = AdapterSettings.from_env()
    mounted = CLUSTER_SECRET if CLUSTER_SECRET.is_dir() else None
    if settings.mode is EvalHubMode.K8S:
        return mounted
    try:
        spec = _job(settings.resolved_job_spec_path)
    except JobSpecNotFoundError as error:
        logger.debug("looking for the model's credentials in %s: %s", CLUSTER_SECRET, error)
        return mounted
    except JobSpecError as error:
        logger.warning("looking for the model's credentials in %s: %s", CLUSTER_SECRET, error)
        return mounted
    return _local_folder(spec.model.auth.secret_ref) if spec.model.auth else mounted


def _job(path: Path) -> JobSpec:
    try:
        status = path.stat()
    except OSError:
        return _read_job(path, None)
    return _read_job(path, (status.st_mtime_ns, status.st_ino, status.st_size))


@lru_cache(maxsize=1)
def _read_job(path: Path, state: tuple[int, ...] | None) -> JobSpec:
    """Read a job file once, until it changes: an adapter asks for one key after another."""
    from evalhub.models.spec import JobSpec

    del state
    return JobSpec.from_file(path)


def _local_folder(secret_ref: str) -> Path:
    parts = urlsplit(secret_ref)
    folder = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not folder.is_absolute():
        raise ConfigurationError(
            "in local mode model.auth.secret_ref must be file:///absolute/directory"
        )
    # A mounted secret is a directory `..data`, which the kubelet replaces by changing the link.
    if folder.is_symlink() and folder.name != "..data":
        raise ConfigurationError(
            f"the model's secret {folder} is a symbolic link; name the directory it leads to"
        )
    if not folder.is_dir():
        raise ConfigurationError(f"the model's secret {folder} is not a directory")
    return folder


def _file(folder: Path, name: str) -> Path | None:
    """Return a key's file, unless it is none or leads out of the secret."""
    path = folder / name
    try:
        # Kubernetes' own links lead through `..data`, within the directory.
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            logger.warning("%s is a link that leads out of the secret and is ignored", path)
            return None
        kind = path.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name too long
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"cannot read {path}: {reason}") from error
    if not stat.S_ISREG(kind):
        logger.warning("%s is not a file and is ignored", path)
        return None
    return path


def _read(folder: Path, name: str) -> str | None:
    path = _file(folder, name)
    if path is None:
        logger.debug("the model's secret has no %s in %s", name, folder)
        return None
    try:
        # Not through a link that has taken the place of what was just checked.
        descriptor = os.open(path.resolve(), os.O_RDONLY | _NO_LINK)
        with open(descriptor, encoding="utf-8") as stream:  # noqa: PTH123 - of a descriptor
            return stream.read().strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        logger.warning("%s is not UTF-8 text and is ignored", path)
        return None
