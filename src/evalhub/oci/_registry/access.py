"""How a registry is reached, and with which credentials."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypedDict

from pydantic import SecretStr

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Unpack

__all__ = ["Access", "RegistryOptions", "as_secret"]


class RegistryOptions(TypedDict, total=False):
    """How a registry is reached, and with which credentials; every option may be left out."""

    username: str | None
    """User name; without one the docker configuration is searched."""

    password: str | SecretStr | None
    token: str | SecretStr | None
    """Bearer token, instead of a user name and password."""

    insecure: bool
    """Allow plain HTTP and certificates that cannot be verified."""

    ca_bundle_path: Path | str | None
    """Certificates to trust in addition to the system's."""

    auth_config_path: Path | str | None
    """A docker `config.json` to search before the user's own."""

    proxy_host: str | None
    """A sidecar that forwards requests to the registry and adds the credentials."""


class Access:
    """Validated `RegistryOptions`; secrets appear in no repr.

    Raises:
        ConfigurationError: A user name without a password or the reverse, or a token besides them.
    """

    def __init__(self, **options: Unpack[RegistryOptions]) -> None:
        self.username = options.get("username") or None
        self.password = as_secret(options.get("password"))
        self.token = as_secret(options.get("token"))
        self.insecure = options.get("insecure", False)
        self.ca_bundle_path = _path(options.get("ca_bundle_path"))
        self.auth_config_path = _path(options.get("auth_config_path"))
        self.proxy_host = options.get("proxy_host")
        if bool(self.username) != bool(self.password):
            raise ConfigurationError("a registry needs both username and password, or neither")
        if self.username and self.token:
            raise ConfigurationError("give a registry either username and password, or a token")

    def without_proxy(self) -> Self:
        """Return the access that connects to the registry itself."""
        direct = copy(self)
        direct.proxy_host = None
        return direct

    def without_credentials(self) -> Self:
        """Return the access that searches the docker configuration for credentials."""
        other = copy(self)
        other.username = other.password = other.token = None
        return other


def as_secret(value: str | SecretStr | None) -> SecretStr | None:
    """Return a secret without the line break that reading it from a file leaves at its end."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value or ""
    text = text.rstrip("\r\n")
    return SecretStr(text) if text else None


def _path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)
