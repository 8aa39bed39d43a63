"""`python -m evalhub.cli`, where the command is not on the path."""

from __future__ import annotations

from evalhub.cli import main

if __name__ == "__main__":
    main()
