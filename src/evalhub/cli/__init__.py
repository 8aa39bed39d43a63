"""The command `evalhub`: submit evaluations, wait for them, read, compare and gate their results.

    pip install "eval-hub-sdk[cli]"
    evalhub --help

Modules of commands are imported when a command is called, so that `evalhub --help` loads click and
nothing else.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    try:
        from evalhub.cli._errors import run
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write("error: this command needs an extra: pip install 'eval-hub-sdk[cli]'\n")
        sys.exit(2)
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))
