"""Log records on their way to a collector; needs the `telemetry` extra."""

from __future__ import annotations

import logging
import time
from traceback import format_exception
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current

from evalhub.adapter._job_context import job_attributes

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider

__all__ = ["JobHandler", "send_records"]

_OF_SENDING = ("opentelemetry", "grpc", "urllib3", "requests")
"""Loggers whose records are not sent: sending one would make the next."""

_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL),
    (logging.ERROR, SeverityNumber.ERROR),
    (logging.WARNING, SeverityNumber.WARN),
    (logging.INFO, SeverityNumber.INFO),
    (logging.DEBUG, SeverityNumber.DEBUG),
)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JobHandler(logging.Handler):
    """Sends log records with severity, code location, exception, span, and the job they are of.

    OpenTelemetry's own handler is deprecated, and its successor is a package more.

    Args:
        provider: Makes the loggers that send.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record, unless it is about sending."""
        if record.name.partition(".")[0] in _OF_SENDING:
            return
        try:
            self._provider.get_logger(record.name).emit(_translated(record))
        except Exception:  # noqa: BLE001 - as every handler of logging does
            self.handleError(record)


def send_records(provider: LoggerProvider) -> None:
    """Send the records that pass the root logger's level."""
    root = logging.getLogger()
    if not root.handlers:
        # Nobody has configured logging. What it shows stays as it is, and more is sent.
        if root.level == logging.WARNING:
            root.setLevel(logging.INFO)
        if logging.lastResort is not None:
            root.addHandler(logging.lastResort)
    root.addHandler(JobHandler(provider))


def _translated(record: logging.LogRecord) -> LogRecord:
    text = "WARN" if record.levelno == logging.WARNING else record.levelname
    levels = (number for level, number in _SEVERITIES if record.levelno >= level)
    return LogRecord(
        timestamp=int(record.created * 1e9),
        observed_timestamp=time.time_ns(),
        context=get_current(),
        severity_text=text,
        severity_number=next(levels, SeverityNumber.TRACE),
        body=record.getMessage(),
        attributes=_attributes(record),
    )


def _attributes(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value
        for name, value in record.__dict__.items()
        if name not in _STANDARD and isinstance(value, str | bool | int | float)
    }
    found["code.file.path"] = record.pathname
    found["code.function.name"] = record.funcName
    found["code.line.number"] = record.lineno
    if record.exc_info and record.exc_info[0] is not None:
        kind, error, traceback = record.exc_info
        found["exception.type"] = kind.__name__
        found["exception.message"] = str(error)
        found["exception.stacktrace"] = "".join(format_exception(kind, error, traceback))
    return {**found, **job_attributes()}
