"""Run an adapter by its name, start a new one, or send what could not be delivered.

python -m evalhub.adapter MODULE:CLASS [--job-spec PATH]
python -m evalhub.adapter resend FILE... [--url URL]
python -m evalhub.adapter new DIRECTORY

The first form is supervised (`evalhub.adapter._run.supervisor`), unless `EVALHUB_SUPERVISE` is 0,
as a debugger needs it. This module imports little: all of it stays in the supervisor's memory.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.adapter._run.supervisor import Ended
    from evalhub.adapter.base import FrameworkAdapter

__all__ = ["adapter_class", "main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["resend"]:
        _resend(given[1:])
    if given[:1] == ["new"]:
        _new(given[1:])
    # Read here, not in the settings: importing those would come before the fork.
    if arguments is None and os.environ.get("EVALHUB_SUPERVISE", "1") != "0":
        from evalhub.adapter._run.supervisor import supervise

        supervise(_report_death)
    _run(given)


def _run(given: Sequence[str]) -> NoReturn:
    import argparse
    from functools import partial
    from pathlib import Path

    parser = argparse.ArgumentParser(
        prog="python -m evalhub.adapter", description="Run an adapter on the job of this process."
    )
    parser.add_argument("adapter", metavar="MODULE:CLASS", help="or: resend FILE..., new DIRECTORY")
    parser.add_argument("--job-spec", type=Path, metavar="PATH", help="job file to use")
    options = parser.parse_args(given)

    from evalhub.adapter._run.runner import run

    # Import inside `run`, so that an import error is reported.
    run(partial(_adapter, options.adapter), job_spec_path=options.job_spec)


def _resend(given: Sequence[str]) -> NoReturn:
    import argparse
    from pathlib import Path

    parser = argparse.ArgumentParser(
        prog="python -m evalhub.adapter resend",
        description="Send reports that were saved because the service could not be reached.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--url", help="base URL of the service, in place of the file's")
    options = parser.parse_args(given)

    from evalhub.adapter._run.failure import ExitCode
    from evalhub.adapter._run.logs import configure_logging
    from evalhub.adapter._run.resend import resend
    from evalhub.errors import ConfigurationError
    from evalhub.settings import AdapterSettings

    try:
        settings = AdapterSettings.from_env()
    except ConfigurationError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(ExitCode.CONFIGURATION)
    configure_logging(settings.log_level)
    sys.exit(resend(options.files, settings, url=options.url))


def _new(given: Sequence[str]) -> NoReturn:
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m evalhub.adapter new",
        description="Write a project with an adapter, its tests and its image.",
    )
    parser.add_argument("directory", metavar="DIRECTORY")
    options = parser.parse_args(given)

    from evalhub.adapter._run.failure import ExitCode
    from evalhub.adapter._template import write_template
    from evalhub.errors import ConfigurationError

    try:
        files = write_template(options.directory)
    except ConfigurationError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(ExitCode.CONFIGURATION)
    sys.stdout.write("".join(f"{file}\n" for file in files))
    sys.exit(ExitCode.DELIVERED)


def _report_death(will: bytes, ended: Ended) -> None:
    from evalhub.adapter._run.resend import report_death

    report_death(will, ended)


def _adapter(name: str) -> FrameworkAdapter:
    return adapter_class(name)()


def adapter_class(name: str) -> type[FrameworkAdapter]:
    """Import an adapter's class.

    Args:
        name: `MODULE:CLASS`.

    Raises:
        ConfigurationError: There is no such module, or the class is no adapter's.
    """
    from importlib import import_module

    from evalhub.adapter.base import FrameworkAdapter
    from evalhub.errors import ConfigurationError

    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise ConfigurationError(f"{name!r} does not name an adapter; use MODULE:CLASS")
    sys.path.insert(0, "")  # as `python -m` of the adapter's own module would
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(f"there is no module {module_name!r}") from None
    adapter = getattr(module, class_name, None)
    if not isinstance(adapter, type) or not issubclass(adapter, FrameworkAdapter):
        raise ConfigurationError(f"{name} is not a subclass of FrameworkAdapter")
    return adapter


if __name__ == "__main__":
    main()
