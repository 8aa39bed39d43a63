"""The configuration file: profiles with the address and credentials of a service.

The form is that of eval-hub-sdk 1.0: `active_profile`, and `profiles` with a mapping each.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from evalhub.cli._yaml import dump, parse
from evalhub.errors import ConfigurationError
from evalhub.settings import CliSettings

__all__ = ["KEYS", "ConfigFile", "masked"]

KEYS = {
    "base_url": "address of the service",
    "token": "token; better from token_path or token_command",
    "token_path": "file that holds the token, read again when it changes",
    "token_command": "command that prints the token, such as `oc whoami -t`",
    "tenant": "tenant",
    "insecure": "whether to skip the verification of certificates",
    "ca_file": "certificates to trust",
    "timeout": "seconds to wait for the service, by default 30",
}
"""The keys of a profile and what they are."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_OWNER_ONLY = 0o600
_SHORT = 8


@dataclass
class ConfigFile:
    """The profiles of the configuration file, and the one in use."""

    path: Path
    active: str = "default"
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict[str, "dict[str, Any]"])
    others: dict[str, Any] = field(default_factory=dict[str, Any])
    """Keys of the file that are not ours, kept as they are."""

    @classmethod
    def read(cls) -> Self:
        """Read the file; without one there are no profiles.

        Raises:
            ConfigurationError: The file cannot be read, or is not a configuration.
        """
        path = CliSettings.from_env().config_path
        if not path.exists():
            return cls(path)
        try:
            content: Any = parse(path.read_text(encoding="utf-8"), str(path)) or {}
        except OSError as error:
            raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path} is not UTF-8 text") from None
        if not isinstance(content, dict):
            raise ConfigurationError(f"{path} must be a mapping with `profiles`")
        others = dict(cast("dict[str, Any]", content))
        active = str(others.pop("active_profile", None) or "default")
        profiles: dict[str, dict[str, Any]] = {}
        named: Any = others.pop("profiles", None) or {}
        if not isinstance(named, dict):
            raise ConfigurationError(f"`profiles` in {path} must map names to profiles")
        for name, values in cast("dict[str, Any]", named).items():
            if not isinstance(values, dict | None):
                raise ConfigurationError(f"profile {name!r} in {path} must be a mapping")
            profiles[str(name)] = dict(cast("dict[str, Any]", values or {}))
        return cls(path, active, profiles, others)

    def write(self) -> None:
        """Write the file, all of it or nothing; only its owner may read it."""
        content = {**self.others, "active_profile": self.active, "profiles": self.profiles}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=self.path.parent, prefix=".config-")
        try:
            os.fchmod(descriptor, _OWNER_ONLY)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(dump(content))
                stream.flush()
                os.fsync(descriptor)
            Path(draft).replace(self.path)
        except OSError:
            with suppress(OSError):
                Path(draft).unlink()
            raise

    def profile(self, name: str | None) -> tuple[str, dict[str, Any]]:
        """Return the profile of this name, by default the one in use.

        Raises:
            ConfigurationError: A profile was named that does not exist.
        """
        named = name or CliSettings.from_env().profile
        wanted = named or self.active
        if wanted not in self.profiles:
            if named is None and wanted == "default":
                return wanted, {}
            names = ", ".join(self.profiles) or "none"
            raise ConfigurationError(f"there is no profile {wanted!r} (there are: {names})")
        return wanted, self.profiles[wanted]

    def is_readable_by_others(self) -> bool:
        """Whether other users may read the file."""
        return self.path.exists() and bool(stat.S_IMODE(self.path.stat().st_mode) & 0o077)


def check_name(name: str) -> str:
    """Return a name of a profile.

    Raises:
        ConfigurationError: It cannot be one.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a profile: use letters and digits"
        )
    return name


def masked(value: str) -> str:
    """Return enough of a secret to recognise it."""
    return "***" if len(value) < _SHORT else f"{value[:3]}***{value[-2:]}"
