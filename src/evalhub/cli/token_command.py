"""Tokens that a command prints, such as `oc whoami -t`; kept until they expire or are refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import shlex
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evalhub.cli.profile import write_private
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cache_folder", "expiry", "forget", "token_from"]

_LIFETIME = 300.0
"""Seconds to keep a token that does not say when it expires."""

_MARGIN = 30.0
_LIMIT = 60.0

_used: list[Path] = []


def cache_folder() -> Path:
    """Return the folder of what may be lost."""
    from evalhub.settings import CliSettings

    return (CliSettings.from_env().cache_dir or Path.home() / ".cache") / "evalhub"


def token_from(command: str | Sequence[object]) -> str:
    """Return the token a command prints, or printed a while ago.

    Raises:
        ConfigurationError: The command cannot be run, fails, or prints nothing.
    """
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    if not words:
        raise ConfigurationError("token_command is empty")
    file = _file(words)
    _used.append(file)
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept: Any = json.loads(file.read_text())
        if float(kept["until"]) > time.time() + _MARGIN:
            return str(kept["token"])
    token = _run(words)
    until = expiry(token) or time.time() + _LIFETIME
    with suppress(OSError):
        write_private(file, json.dumps({"token": token, "until": until}))
    return token


def forget() -> None:
    """Forget the tokens of this process that a command printed: one was refused."""
    for file in _used:
        file.unlink(missing_ok=True)


def expiry(token: str) -> float | None:
    """Return when a JSON web token expires, in seconds since 1970; `None` of any other."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    when = cast("dict[str, Any]", claims).get("exp") if isinstance(claims, dict) else None
    return float(when) if isinstance(when, int | float) else None


def _file(words: Sequence[str]) -> Path:
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    return cache_folder() / f"token-{digest}.json"


def _run(words: Sequence[str]) -> str:
    shown = shlex.join(words)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, without a shell
            words, capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"token_command {shown!r} cannot be run: {error}") from error
    token = done.stdout.strip()
    if done.returncode or not token or "\n" in token:
        reason = done.stderr.strip() or "it must print one line, the token"
        raise ConfigurationError(f"token_command {shown!r} gave no token: {reason}")
    return token
