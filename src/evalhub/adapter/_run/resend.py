"""Send reports that were kept when the service could not be reached."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from evalhub.adapter._report.connection import Channel
from evalhub.adapter._report.final import record
from evalhub.adapter._report.spool import Undelivered
from evalhub.adapter._run.failure import ExitCode
from evalhub.errors import ConfigurationError, EvalHubError
from evalhub.wire.identity import Identity, Token, namespace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from evalhub.settings import AdapterSettings

__all__ = ["resend"]

logger = logging.getLogger(__name__)


def resend(files: Iterable[Path], settings: AdapterSettings, *, url: str | None = None) -> ExitCode:
    """Deliver kept reports and remove their files; say how that went.

    Args:
        files: What `run` kept.
        settings: Token, certificates and how long to try.
        url: Base URL of the service, in place of the one each file names.
    """
    worst = ExitCode.DELIVERED
    for file in files:
        try:
            report = Undelivered.load(file)
            _deliver(replace(report, base_url=url or report.base_url), settings)
        except ConfigurationError as error:
            logger.error("%s", error)  # noqa: TRY400 - the message says it all
            worst = max(worst, ExitCode.CONFIGURATION)
        except EvalHubError as error:
            logger.error("%s is still not delivered: %s", file, error)  # noqa: TRY400
            worst = max(worst, ExitCode.NOT_DELIVERED)
        else:
            _remove(file)
    return worst


def _remove(file: Path) -> None:
    try:
        file.unlink()
    except OSError as error:
        logger.warning("%s is delivered, but not removed: %s", file, error.strerror)
    else:
        logger.info("%s is delivered and removed", file)


def _deliver(report: Undelivered, settings: AdapterSettings) -> None:
    identity = Identity(
        report.base_url,
        token=Token(path=settings.resolved_auth_token_path),
        tenant=namespace(),
        ca_bundle=settings.ca_bundle_path,
        insecure=settings.evalhub_insecure,
    )
    until = time.monotonic() + settings.report_timeout
    channel = Channel(identity)
    try:
        channel.run(record(report.event, report.path, remaining=lambda: until - time.monotonic()))
    finally:
        channel.close()
