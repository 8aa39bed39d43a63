"""Run an adapter by its name, or send what could not be delivered.

python -m evalhub.adapter MODULE:CLASS [--job-spec PATH]
python -m evalhub.adapter resend FILE... [--url URL]
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from evalhub.adapter._run.failure import ExitCode
from evalhub.adapter.base import FrameworkAdapter
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["resend"]:
            _resend(given[1:])
        _run(given)
    except ConfigurationError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(ExitCode.CONFIGURATION)


def _run(given: Sequence[str]) -> NoReturn:
    parser = argparse.ArgumentParser(
        prog="python -m evalhub.adapter", description="Run an adapter on the job it is given."
    )
    parser.add_argument("adapter", metavar="MODULE:CLASS", help="or: resend FILE...")
    parser.add_argument("--job-spec", type=Path, metavar="PATH", help="job file to use")
    options = parser.parse_args(given)

    from evalhub.adapter._run.runner import run

    # Imported under the eyes of `run`: a module that cannot be imported is a failure to report.
    run(partial(_adapter, options.adapter), job_spec_path=options.job_spec)


def _resend(given: Sequence[str]) -> NoReturn:
    parser = argparse.ArgumentParser(
        prog="python -m evalhub.adapter resend",
        description="Send reports that were kept because the service could not be reached.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--url", help="base URL of the service, in place of the file's")
    options = parser.parse_args(given)

    from evalhub.adapter._run.resend import resend
    from evalhub.adapter._run.runner import configure_logging
    from evalhub.settings import AdapterSettings

    settings = AdapterSettings.from_env()
    configure_logging(settings.log_level)
    sys.exit(resend(options.files, settings, url=options.url))


def _adapter(name: str) -> FrameworkAdapter:
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise ConfigurationError(f"{name!r} does not name an adapter: give MODULE:CLASS")
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
    return adapter()


if __name__ == "__main__":
    main()
