"""A project to begin an adapter with: `write_template(directory)` puts it on disk."""

from __future__ import annotations

import re
from pathlib import Path

from evalhub.errors import ConfigurationError

__all__ = ["write_template"]

_FILES = Path(__file__).with_name("files")
_SUFFIX = ".txt"
"""The files are text here: no tool takes them for modules of this package."""


def write_template(directory: Path | str) -> list[Path]:
    """Write a project whose tests pass, and return its files.

    The adapter is called after the directory.

    Args:
        directory: Where to; made if it is not there.

    Raises:
        ConfigurationError: A file of the project is there already, the directory cannot be
            written, or its name has no letter in it.
    """
    directory = Path(directory)
    words = re.findall(r"[a-z0-9]+", directory.absolute().name.lower())
    if not words or not words[0][0].isalpha():
        raise ConfigurationError(
            f"an adapter is called after its directory; {directory.name!r} begins with no letter"
        )
    names = {"NAME": "-".join(words), "CLASS": "".join(word.title() for word in words)}
    targets = {
        directory / source.relative_to(_FILES).with_name(source.name.removesuffix(_SUFFIX)): source
        for source in sorted(_FILES.rglob(f"*{_SUFFIX}"))
    }
    there = [str(target) for target in targets if target.exists()]
    if there:
        raise ConfigurationError(f"{there[0]} is there already; name another directory")
    try:
        for target, source in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(source.read_text(encoding="utf-8"), names), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {error.filename}: {error.strerror}") from None
    return list(targets)


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"@{name}@", value)
    return text
