"""The configuration file, as earlier releases wrote it: addresses, tokens and tenants."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = [
    "KEYS",
    "ConfigFile",
    "checked_name",
    "config_path",
    "flag",
    "folder",
    "masked",
    "positive",
]

KEYS = {
    "base_url": "Address of the service",
    "token": "Bearer token",
    "token_path": "File that holds the token",
    "token_command": "Command that prints the token, such as `oc whoami -t`",
    "tenant": "Tenant of every call",
    "insecure": "Whether to skip the verification of certificates",
    "ca_file": "Certificates to trust",
    "timeout": "Seconds to wait for each part of an exchange",
    "provider": "Provider of benchmarks that name none",
    "mcp_config_file": "Configuration of `evalhub mcp`",
    "server_config_file": "Configuration of `evalhub server`",
}
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_SHORTEST_SHOWN = 8


def folder() -> Path:
    """Return the folder of the command line's files."""
    return Path.home() / ".config" / "evalhub"


def config_path() -> Path:
    """Return where the configuration file is."""
    from evalhub.settings import CliSettings

    return CliSettings.from_env().config or folder() / "config.yaml"


def flag(key: str, value: object) -> bool:
    """Return what a word says of a setting that is on or off.

    Raises:
        ConfigurationError: It says neither.
    """
    word = str(value).strip().lower()
    if word in {"true", "1", "yes", "on"}:
        return True
    if word in {"false", "0", "no", "off", ""}:
        return False
    raise ConfigurationError(f"{key} is true or false, not {str(value)!r}")


def positive(key: str, value: object) -> float:
    """Return a setting that is a number of seconds.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise ConfigurationError(
            f"{key} {value!r} must be a number of seconds over 0: evalhub config set {key} 30"
        )
    return number


def checked_name(name: str) -> str:
    """Return the name of a profile.

    Raises:
        ConfigurationError: It is not usable: it becomes the name of a folder.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise ConfigurationError(
            f"{name!r} cannot name a profile: use letters, digits, '.', '_' and '-'"
        )
    return name


def masked(value: object) -> str:
    """Return a secret as it may be shown."""
    text = str(value)
    return "***" if len(text) < _SHORTEST_SHOWN else f"{text[:3]}***{text[-2:]}"


class ConfigFile:
    """The file, read when it is made and written as a whole."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_path()
        self.content = _read(self.path)

    @property
    def active(self) -> str:
        """The profile that is used where none is named."""
        return str(self.content.get("active_profile") or "default")

    @property
    def profiles(self) -> dict[str, dict[str, Any]]:
        """All profiles by name."""
        return cast("dict[str, dict[str, Any]]", self.content["profiles"])

    def profile(self, name: str | None = None) -> dict[str, Any]:
        """Return a profile; the active one may be missing.

        Raises:
            ConfigurationError: There is no profile of this name.
        """
        if name is None:
            return self.profiles.get(self.active, {})
        if name not in self.profiles:
            near = get_close_matches(name, self.profiles, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"evalhub config create {name}"
            raise ConfigurationError(f"there is no profile {name!r} in {self.path}: {hint}")
        return self.profiles[name]

    def readable_by_others(self) -> bool:
        """Return whether other users of this machine can read the file."""
        with suppress(OSError):
            return bool(self.path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
        return False

    @classmethod
    @contextmanager
    def changing(cls) -> Generator[ConfigFile]:
        """Read the file, let the block change it, and write it: one process at a time."""
        path = config_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f".{path.name}.lock")):
            file = cls(path)
            yield file
            file.write()

    def write(self) -> None:
        """Put the whole file in place at once, readable by its owner alone."""
        from evalhub.cli.documents import to_yaml

        write_private(self.path, to_yaml(self.content))


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read; readers see the old or the new, never a part."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {"active_profile": "default", "profiles": {}}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"cannot read the configuration {path}: {reason}") from error
    import yaml

    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not YAML: {_place(error)}") from error
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must be a mapping with `profiles`, not {content!r:.40}")
    found = cast("dict[str, Any]", content)
    found.setdefault("active_profile", "default")
    found["profiles"] = _profiles(path, found.get("profiles"))
    return found


def _profiles(path: Path, given: Any) -> dict[str, dict[str, Any]]:
    profiles: dict[str, dict[str, Any]] = {}
    if not isinstance(given, dict | None):
        raise ConfigurationError(f"{path}: `profiles` must be a mapping of names to settings")
    for name, values in cast("Mapping[Any, Any]", given or {}).items():
        if not isinstance(values, dict | None):
            raise ConfigurationError(f"{path}: profile {name!r} must be a mapping of settings")
        profiles[str(name)] = cast("dict[str, Any]", values or {})
    return profiles


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "broken"
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    import fcntl

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
