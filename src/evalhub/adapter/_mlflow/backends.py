"""Which client saves a run, and what of the callbacks goes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.adapter._kit import sample_files
from evalhub.adapter._mlflow.records import MlflowFileArtifact
from evalhub.adapter._mlflow.save import LONGEST, MlflowSaver
from evalhub.errors import ConfigurationError
from evalhub.settings import MlflowBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.adapter._kit import Kit
    from evalhub.adapter._mlflow.save import RunStore

__all__ = ["saver"]

_CALL_TIMEOUT = 10.0
"""Seconds for one request of a save, so that one that hangs can be sent again."""


def saver(
    backend: MlflowBackend | str,
    kit: Kit,
    *,
    warn: Callable[[str], None],
    seconds: float = LONGEST,
) -> MlflowSaver:
    """Return what saves the runs of callbacks, their samples included.

    Args:
        backend: Whose client writes the runs.
        kit: The callbacks.
        warn: Takes one line that says what was not saved.
        seconds: Longest time for a save.

    Raises:
        ConfigurationError: There is no such backend.
    """
    try:
        chosen = MlflowBackend(str(backend).strip().lower())
    except ValueError:
        known = ", ".join(MlflowBackend)
        raise ConfigurationError(
            f"unknown MLflow backend {backend!r}; expected one of {known}"
        ) from None
    connect = _upstream if chosen is MlflowBackend.UPSTREAM else _odh

    def samples() -> list[MlflowFileArtifact]:
        return [MlflowFileArtifact(path.name, path) for path in sample_files(kit)]

    return MlflowSaver(connect, warn=warn, own_files=samples, seconds=seconds)


def _odh(until: float) -> RunStore:
    from evalhub.adapter._mlflow.client import MlflowClient

    return MlflowClient(timeout=_CALL_TIMEOUT, until=until)


def _upstream(until: float) -> RunStore:
    from evalhub.adapter._mlflow.upstream import UpstreamStore

    del until  # MLflow's client has no such limit; the save ends without it
    return UpstreamStore()
