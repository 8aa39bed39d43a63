"""Content that comes in pieces, as a file: a request that is sent again starts at its beginning."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

__all__ = ["on_disk"]


@contextmanager
def on_disk(
    content: bytes | Path | Iterable[bytes], *, length: int | None = None
) -> Generator[bytes | Path]:
    """Yield bytes and paths as they are, and an iterable as a temporary file.

    Raises:
        ConfigurationError: The content has another length than the one given.
    """
    if isinstance(content, (bytes, bytearray, memoryview)):
        _check(len(content), length)
        yield bytes(content)
    elif isinstance(content, Path):
        _check(content.stat().st_size, length)
        yield content
    else:
        with tempfile.TemporaryDirectory(prefix="evalhub-mlflow-") as folder:
            path = Path(folder) / "content"
            with path.open("wb") as file:
                file.writelines(content)
            _check(path.stat().st_size, length)
            yield path


def _check(found: int, length: int | None) -> None:
    if length is not None and found != length:
        raise ConfigurationError(f"the content has {found} bytes, not {length} as announced")
