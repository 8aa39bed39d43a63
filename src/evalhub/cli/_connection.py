"""Where the service is and how to authenticate: options, environment, profile, cluster."""

from __future__ import annotations

import logging
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.cli._profile import ConfigFile
from evalhub.errors import ConfigurationError
from evalhub.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Connection", "connection_of"]

logger = logging.getLogger(__name__)

_COMMAND_TIMEOUT = 30.0
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True)
class Connection:
    """Values, each with the place it comes from."""

    values: dict[str, Any]
    sources: dict[str, str]
    profile: str

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the client.

        Raises:
            ConfigurationError: The command for the token failed.
        """
        found = dict(self.values)
        command = found.pop("token_command", None)
        if command is not None and "auth_token" not in found and "auth_token_path" not in found:
            found["auth_token"] = token_of(command)
        return found


def connection_of(given: Mapping[str, Any]) -> Connection:
    """Return the connection for the options given; a profile's secrets stay with its address.

    Raises:
        ConfigurationError: The profile does not exist, or a value is invalid.
    """
    config = ConfigFile.read()
    name, profile = config.profile(given.get("profile"))
    if "token" in profile and config.is_readable_by_others():
        logger.warning("%s holds a token and can be read by others: chmod 600", config.path)
    layers = (
        ("the profile", _of_profile(profile, name)),
        ("the environment", _of_environment()),
        ("the command line", _of_options(given)),
    )
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, layer in layers:
        moved = "base_url" in layer and layer["base_url"] != values.get("base_url")
        if source != "the profile" and moved and "base_url" in values:
            for secret in ("auth_token", "auth_token_path", "token_command", "tenant"):
                if values.pop(secret, None) is not None:
                    logger.warning("%s of profile %r is not sent to another address", secret, name)
        values.update(layer)
        sources.update(dict.fromkeys(layer, source))
    values.setdefault("base_url", ClientSettings.model_fields["base_url"].default)
    return Connection(values, {name: sources[name] for name in values if name in sources}, name)


def token_of(command: str | list[str]) -> str:
    """Run the command that prints a token, and return it.

    Raises:
        ConfigurationError: It failed; what it wrote to stderr is part of the message.
    """
    arguments = shlex.split(command) if isinstance(command, str) else list(map(str, command))
    shown = shlex.join(arguments)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            arguments, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"token_command `{shown}` failed: {error}") from error
    token = done.stdout.strip()
    if done.returncode or not token:
        problem = done.stderr.strip() or f"it printed nothing and ended with {done.returncode}"
        raise ConfigurationError(f"token_command `{shown}` failed: {problem}")
    return token


def _of_profile(profile: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, argument in (
        ("base_url", "base_url"),
        ("token", "auth_token"),
        ("token_path", "auth_token_path"),
        ("token_command", "token_command"),
        ("tenant", "tenant"),
        ("ca_file", "ca_bundle_path"),
    ):
        if profile.get(key):
            value = profile[key]
            found[argument] = value if key == "token_command" else str(value)
    if "insecure" in profile:
        found["insecure"] = str(profile["insecure"]).strip().lower() in _TRUE
    if profile.get("timeout") not in (None, ""):
        try:
            found["timeout"] = float(profile["timeout"])
        except (TypeError, ValueError):
            raise ConfigurationError(
                f"timeout in profile {name!r} must be a number of seconds"
            ) from None
    return found


def _of_environment() -> dict[str, Any]:
    settings = ClientSettings.from_env()
    names = settings.model_fields_set - {"ssl_cert_file"}
    return {name: getattr(settings, name) for name in names}


def _of_options(given: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "base_url": "base_url",
        "token": "auth_token",
        "tenant": "tenant",
        "insecure": "insecure",
        "ca_file": "ca_bundle_path",
    }
    return {names[key]: value for key, value in given.items() if key in names}
