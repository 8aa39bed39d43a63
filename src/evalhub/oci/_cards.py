"""The files of an artifact's cards."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pydantic_core import PydanticSerializationError

from evalhub.oci._files import File

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from evalhub.models.oci import OCIArtifactSpec

__all__ = ["with_cards"]

logger = logging.getLogger(__name__)


@contextmanager
def with_cards(spec: OCIArtifactSpec, files: Sequence[File]) -> Generator[Sequence[File]]:
    """Yield the files and those of the spec's cards, unless the artifact has files of their names.

    The artifact is worth more than its cards: one that cannot be written is left out.

    Args:
        spec: Holds the cards.
        files: The files of the artifact.
    """
    taken = {file.name for file in files}
    cards = {"eval_card.json": spec.eval_card, "env_card.json": spec.env_card}
    missing = {name: card for name, card in cards.items() if card and name not in taken}
    if not missing:
        yield files
        return
    with TemporaryDirectory(prefix="evalhub-cards-", ignore_cleanup_errors=True) as folder:
        found: list[File] = []
        for name, card in missing.items():
            try:
                text = card.model_dump_json(
                    indent=2, exclude_none=True, warnings=False, fallback=str
                )
                found.append(_written(Path(folder, name), f"{text}\n".encode()))
            except (OSError, PydanticSerializationError) as error:
                logger.warning("the artifact goes without %s: %s", name, error)
        yield sorted([*files, *found], key=lambda file: file.name)


def _written(path: Path, content: bytes) -> File:
    path.write_bytes(content)
    # Older than any other file: the artifact's time, and so its digest, is that of its own files.
    os.utime(path, (0, 0))
    return File(name=path.name, path=path.resolve(), size=len(content))
