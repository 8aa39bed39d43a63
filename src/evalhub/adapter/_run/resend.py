"""Send reports that were saved because the service could not be reached."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evalhub.adapter._report.connection import Connection
from evalhub.adapter._report.delivery import ADAPTER_DIED
from evalhub.adapter._report.event import Report
from evalhub.adapter._report.final import record
from evalhub.adapter._report.spool import Undelivered, keep, spool_folders
from evalhub.adapter._report.summary import write_termination_message
from evalhub.adapter._run.failure import ExitCode
from evalhub.adapter._run.logs import configure_logging
from evalhub.errors import ConfigurationError, EvalHubError
from evalhub.settings import AdapterSettings
from evalhub.wire.identity import Identity, Token, namespace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from evalhub.adapter._run.supervisor import Ended

__all__ = ["deliver", "report_death", "resend"]

logger = logging.getLogger(__name__)


def resend(files: Iterable[Path], settings: AdapterSettings, *, url: str | None = None) -> ExitCode:
    """Deliver saved reports, remove their files, and return the exit code.

    Args:
        files: The files of the reports.
        settings: Token, certificates and how long to try.
        url: Base URL of the service, in place of the one in each file.
    """
    worst = ExitCode.DELIVERED
    for file in files:
        try:
            report = Undelivered.load(file)
            deliver(
                replace(report, base_url=url or report.base_url),
                settings,
                timeout=settings.report_timeout,
            )
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


def deliver(undelivered: Undelivered, settings: AdapterSettings, *, timeout: float) -> None:
    """Send a report until the service has recorded it.

    Args:
        undelivered: The report and its destination.
        settings: Token and certificates.
        timeout: Longest time to try, in seconds.

    Raises:
        EvalHubError: The service refused it for good, or the time is over.
    """
    identity = Identity(
        undelivered.base_url,
        token=Token(path=settings.resolved_auth_token_path),
        tenant=namespace(),
        ca_bundle=settings.ca_bundle_path,
        insecure=settings.evalhub_insecure,
        system_cas=settings.ssl_cert_file,
    )
    until = time.monotonic() + timeout
    connection = Connection(identity)
    try:
        connection.run(
            record(undelivered.report, undelivered.path, remaining=lambda: until - time.monotonic())
        )
    finally:
        connection.close()


def report_death(content: bytes, ended: Ended) -> None:
    """Send the will of an adapter that died, in its supervisor; save it if that fails.

    Args:
        content: The will: a failure to complete with how the adapter ended, or the terminal
            event that was on its way.
        ended: How the adapter ended.
    """
    settings = AdapterSettings.usable()
    configure_logging(settings.log_level)
    undelivered = _completed(Undelivered.parse(content), ended)
    timeout = settings.termination_grace if ended.terminated else settings.report_timeout
    try:
        deliver(undelivered, settings, timeout=timeout)
    except EvalHubError as error:
        try:
            file = keep(undelivered, spool_folders(settings.spool_dir, settings.job_folder))
        except OSError:
            logger.error("the end was not delivered: %s; it was: %s", error, undelivered.dump())  # noqa: TRY400
        else:
            logger.error("the end was not delivered: %s; it is kept in %s", error, file)  # noqa: TRY400
    write_termination_message(f"failed: {ended}")


def _completed(undelivered: Undelivered, ended: Ended) -> Undelivered:
    event = undelivered.report.event
    if event.error_message is None or event.error_message.message_code != ADAPTER_DIED:
        return undelivered
    message = event.error_message.model_copy(update={"message": str(ended)})
    update = {"error_message": message, "completed_at": datetime.now(UTC)}
    return replace(undelivered, report=Report(event.model_copy(update=update)))
