"""Find the credentials for a registry: those given, or those of the docker configuration."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, SecretStr, ValidationError

from evalhub.errors import ArtifactError
from evalhub.oci._reference import split_scheme
from evalhub.oci._registry.access import as_secret
from evalhub.settings import AdapterSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evalhub.oci._reference import Reference
    from evalhub.oci._registry.access import Access

__all__ = ["Credentials", "find_credentials"]

logger = logging.getLogger(__name__)

DOCKER_HUB = "docker.io"
_HUB_KEY = "https://index.docker.io/v1/"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HELPER_TIMEOUT = 30.0
_TOKEN_USER = "<token>"  # noqa: S105 - stands for a user name in a helper's answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Credentials for a registry; false if there are none.

    Args:
        source: Where they were found or looked for, for messages.
        username: User name.
        password: Password of the user.
        identity_token: Refresh token, exchanged for access tokens.
        bearer: Access token.
    """

    source: str
    username: str | None = None
    password: SecretStr | None = None
    identity_token: SecretStr | None = None
    bearer: SecretStr | None = None

    def __bool__(self) -> bool:
        return bool(self.username or self.identity_token or self.bearer)

    @property
    def name(self) -> str:
        """The user or the token, for messages."""
        return f"user {self.username!r}" if self.username else "the token"

    def refused_by(self, host: str) -> str:
        """Return the message for a host that refused the credentials or their absence."""
        if not self:
            return f"{host} requires credentials, and there are none in {self.source}"
        return f"{host} refused the credentials of {self.name} from {self.source}"

    @property
    def basic(self) -> str | None:
        """The value of a basic `Authorization` header, if there is a user."""
        if not self.username or self.password is None:
            return None
        pair = f"{self.username}:{self.password.get_secret_value()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


def find_credentials(access: Access, reference: Reference) -> Credentials:
    """Return the credentials given, or the first that a docker configuration has.

    Raises:
        ArtifactError: A configuration is not valid, or the one given cannot be read.
    """
    if access.proxy_host:
        return Credentials(source="the sidecar")
    if access.username:
        return Credentials(
            source="username and password", username=access.username, password=access.password
        )
    if access.token:
        return Credentials(source="the arguments", bearer=access.token)
    files = _files(access)
    for path in files:
        if found := _in_file(path, reference, named=path == access.auth_config_path):
            return found
    searched = " or ".join(map(str, files))
    return Credentials(
        source=searched or "the arguments; no docker config: there is no home directory"
    )


def _files(access: Access) -> list[Path]:
    usual = AdapterSettings.usable().docker_config_path
    return [path for path in (access.auth_config_path, usual) if path is not None]


def _in_file(path: Path, reference: Reference, *, named: bool) -> Credentials | None:
    if not named and not _is_there(path):
        return None
    config = _Config.read(path)
    source = str(path)
    names = list(_names(reference))
    helpers = {_normal(key): helper for key, helper in config.helpers.items()}
    helper = next((helpers[name] for name in names if name in helpers), config.store)
    if helper and (found := _ask_helper(helper, reference.host, source)):
        return found
    entries = {_normal(key): entry for key, entry in config.auths.items()}
    for name in names:
        entry = entries.get(name)
        if entry and (found := _read(entry, f"{source} ({name})")):
            return found
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # containers may run with the home of another user
        return False


class _Entry(BaseModel):
    username: str | None = None
    password: str | None = None
    auth: str | None = None
    identitytoken: SecretStr | None = None
    registrytoken: SecretStr | None = None


class _Config(BaseModel):
    auths: dict[str, _Entry] = {}
    helpers: dict[str, str] = Field(default={}, alias="credHelpers")
    store: str | None = Field(default=None, alias="credsStore")

    @classmethod
    def read(cls, path: Path) -> _Config:
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ArtifactError(f"cannot read credentials in {path}: {error.strerror}") from None
        except ValidationError:
            # The error may quote a secret.
            raise ArtifactError(f"{path} is not a valid docker configuration") from None


def _read(entry: _Entry, source: str) -> Credentials | None:
    username, password = entry.username, entry.password
    if entry.auth:
        try:
            username, colon, password = (
                base64.b64decode(entry.auth, validate=True).decode().partition(":")
            )
        except ValueError:
            colon = ""
        if not colon:
            raise ArtifactError(f"auth in {source} is not the base64 of user:password")
    found = Credentials(
        source=source,
        username=username or None,
        password=as_secret(password.rstrip("\0\r\n") if password else None),
        identity_token=as_secret(entry.identitytoken),
        bearer=as_secret(entry.registrytoken),
    )
    return found or None


def _ask_helper(name: str, host: str, source: str) -> Credentials | None:
    program = f"docker-credential-{name}"
    server = _HUB_KEY if host in _HUB_NAMES else host
    try:
        done = subprocess.run(  # noqa: S603 - the program is the user's choice
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            check=True,
            timeout=_HELPER_TIMEOUT,
        )
        answer = json.loads(done.stdout)
        username, secret = str(answer["Username"]), as_secret(str(answer["Secret"]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        # The output may contain a secret. A helper without credentials for the host fails, too.
        logger.warning("%s (%s) has no credentials: %s", program, source, type(error).__name__)
        return None
    if username == _TOKEN_USER:
        return Credentials(source=program, identity_token=secret)
    return Credentials(source=program, username=username, password=secret)


def _names(reference: Reference) -> Iterator[str]:
    """Yield the keys a configuration may have for a repository, the most specific first."""
    name = _normal(f"{reference.host}/{reference.repository}")
    while name:
        yield name
        name = name.rpartition("/")[0]


def _normal(key: str) -> str:
    host, _, path = split_scheme(key)[1].partition("/")
    host = DOCKER_HUB if host.lower() in _HUB_NAMES else host.lower()
    path = path.strip("/")
    return host if path in {"", "v1", "v2"} else f"{host}/{path}"
