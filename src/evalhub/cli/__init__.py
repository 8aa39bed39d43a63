"""The command line `evalhub`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    try:
        from evalhub.cli.root import run
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write("error: the command line needs an extra\n")
        sys.stderr.write("hint: pip install 'eval-hub-sdk[cli]'\n")
        sys.exit(2)
    sys.exit(run(arguments))
