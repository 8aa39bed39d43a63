"""How a registry is reached, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from evalhub.oci._reference import Reference

__all__ = ["Access"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a registry is reached, and as whom; secrets do not show.

    Args:
        username: User name.
        password: Password of the user.
        token: Bearer token, instead of a user.
        insecure: Allow plain HTTP and certificates that cannot be verified.
        ca_bundle_path: Certificates to trust besides the usual ones.
        auth_config_path: A docker `config.json` to ask before the user's own.
        proxy_host: A sidecar to send everything to, without credentials.
    """

    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    insecure: bool = False
    ca_bundle_path: Path | None = None
    auth_config_path: Path | None = None
    proxy_host: str | None = None
    homes: dict[tuple[str, str], str] = field(
        default_factory=dict[tuple[str, str], str], repr=False
    )
    """Repository by host and digest of the blobs stored before."""

    @classmethod
    def of(
        cls,
        *,
        username: str | None = None,
        password: str | SecretStr | None = None,
        token: str | SecretStr | None = None,
        insecure: bool = False,
        ca_bundle_path: Path | str | None = None,
        auth_config_path: Path | str | None = None,
        proxy_host: str | None = None,
    ) -> Access:
        """Take what users write.

        Raises:
            ConfigurationError: The credentials are half there, or there are two kinds of them.
        """
        if bool(username) != bool(password):
            raise ConfigurationError("a registry needs both username and password, or neither")
        if username and token:
            raise ConfigurationError("give a registry either username and password, or a token")
        return cls(
            username=username or None,
            password=_secret(password),
            token=_secret(token),
            insecure=insecure,
            ca_bundle_path=_path(ca_bundle_path),
            auth_config_path=_path(auth_config_path),
            proxy_host=proxy_host,
        )

    def remember(self, where: Reference, digest: str) -> None:
        """Note that a repository holds a blob."""
        self.homes.setdefault((where.host, digest), where.repository)

    def stored_in(self, where: Reference, digest: str) -> str | None:
        """Return another repository of the registry that holds a blob, if one is known.

        The sidecar may only touch the repository of its job.
        """
        home = self.homes.get((where.host, digest))
        return None if self.proxy_host or home == where.repository else home


def _secret(value: str | SecretStr | None) -> SecretStr | None:
    if not value:
        return None
    return value if isinstance(value, SecretStr) else SecretStr(value)


def _path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)
