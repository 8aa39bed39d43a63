"""Where to connect and as whom: options, then the environment, the profile, the pod."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evalhub.cli.errors import say
from evalhub.cli.profile import ConfigFile, flag, positive
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from evalhub.cli.options import Options
    from evalhub.client import EvalHubClient

__all__ = ["Connection", "connect", "connection_of"]

DEFAULT_URL = "http://localhost:8080"


@dataclass
class Connection:
    """The arguments of the client, and where each of them is from."""

    profile: str
    base_url: str = DEFAULT_URL
    token: str | None = field(default=None, repr=False)
    token_path: str | None = None
    tenant: str | None = None
    insecure: bool = False
    ca_file: str | None = None
    timeout: float = 30.0
    sources: dict[str, str] = field(default_factory=dict[str, str])
    token_command: Any = None

    def client(self, **arguments: Any) -> EvalHubClient:
        """Return a client of this connection."""
        from evalhub.client import EvalHubClient

        _import_httpx()
        return EvalHubClient(self.base_url, **{**self.arguments(), **arguments})

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of a client besides the address."""
        return {
            "auth_token": self.token,
            "auth_token_path": self.token_path,
            "ca_bundle_path": self.ca_file,
            "insecure": self.insecure,
            "tenant": self.tenant,
            "timeout": self.timeout,
        }


def _import_httpx() -> None:
    """Import httpx without its own command line, which draws in click, rich and pygments.

    That is a tenth of the time of `evalhub jobs list` in a pipe; docs/design.md.
    """
    if "httpx" in sys.modules:
        return
    # httpx expects this module to be missing: its dependencies are an extra.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import evalhub.wire.drive  # noqa: F401  # pyright: ignore[reportUnusedImport]
    finally:
        del sys.modules["httpx._main"]


def connect(options: Options) -> EvalHubClient:
    """Return a client of what the options, the environment and the profile say."""
    return connection_of(options).client()


def connection_of(options: Options) -> Connection:
    """Return the connection that a command line asks for.

    Raises:
        ConfigurationError: A setting is not usable, or there is no such profile.
    """
    from evalhub.settings import ClientSettings, CliSettings

    file = ConfigFile()
    name = options.profile or CliSettings.from_env().profile
    profile = dict(file.profile(name))
    connection = Connection(profile=name or file.active)
    settings = ClientSettings.from_env()
    secret = settings.auth_token.get_secret_value() if settings.auth_token else None
    environment = {
        "base_url": settings.base_url,
        "token": secret,
        "token_path": settings.auth_token_path,
        "tenant": settings.tenant,
        "insecure": settings.insecure,
        "ca_file": settings.ca_bundle_path,
    }
    renamed = {"auth_token": "token", "auth_token_path": "token_path", "ca_bundle_path": "ca_file"}
    known = {renamed.get(field, field) for field in settings.model_fields_set}
    _take(connection, {key: environment[key] for key in known if key in environment}, "environment")
    given = {key: getattr(options, key) for key in environment if hasattr(options, key)}
    _take(connection, given, "option")
    _from_profile(connection, profile, file)
    _from_pod(connection)
    if connection.token == "-":  # noqa: S105 - what the option takes for stdin
        connection.token = sys.stdin.readline().strip()
    return _checked(connection)


def _take(connection: Connection, values: dict[str, Any], source: str) -> None:
    for key, value in values.items():
        if value is not None and value != "":
            text = value if isinstance(value, bool | float) else str(value)
            setattr(connection, key, text)
            connection.sources[key] = source
            if key in {"token", "token_path"}:
                other = "token_path" if key == "token" else "token"
                if connection.sources.get(other) not in (None, source):
                    setattr(connection, other, None)


def _from_profile(connection: Connection, profile: dict[str, Any], file: ConfigFile) -> None:
    home = profile.get("base_url")
    source = f"profile {connection.profile}"
    for key in ("base_url", "tenant", "ca_file"):
        if key not in connection.sources and profile.get(key):
            _take(connection, {key: profile[key]}, source)
    if "insecure" not in connection.sources and "insecure" in profile:
        _take(connection, {"insecure": flag("insecure", profile["insecure"])}, source)
    if profile.get("timeout") not in (None, ""):
        connection.timeout = positive("timeout", profile["timeout"])
        connection.sources["timeout"] = source
    if {"token", "token_path"} & connection.sources.keys():
        return
    secrets = [key for key in ("token", "token_path", "token_command") if profile.get(key)]
    if not secrets:
        return
    if home and not _same_place(str(home), connection.base_url):
        say(f"warning: the token of {source} is for {home} and is not sent elsewhere")
        return
    if secrets[0] == "token_command":
        from evalhub.cli.token_command import token_from

        connection.token_command = profile["token_command"]
        _take(connection, {"token": token_from(profile["token_command"])}, source)
        return
    if "token" in secrets and file.readable_by_others():
        say(f"warning: others can read the token in {file.path}: chmod 600 {file.path}")
    _take(connection, {secrets[0]: profile[secrets[0]]}, source)


def _from_pod(connection: Connection) -> None:
    """Use the token of the pod, as 1.0 does, but never send it across a network in the clear."""
    from evalhub.wire.identity import TOKEN_FILE

    parts = urlsplit(connection.base_url)
    inside = (parts.hostname or "").endswith((".svc", ".svc.cluster.local"))
    asked = {"token", "token_path"} & connection.sources.keys()
    if not asked and TOKEN_FILE.is_file() and (parts.scheme == "https" or inside):
        _take(connection, {"token_path": TOKEN_FILE}, "pod")


def _same_place(one: str, other: str) -> bool:
    try:
        return _origin(one) == _origin(other)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default


def _checked(connection: Connection) -> Connection:
    token = connection.token
    if token is not None and (token != token.strip() or not token.isprintable() or " " in token):
        raise ConfigurationError(
            f"the token ({connection.sources.get('token')}) holds spaces or line breaks"
        )
    return connection
