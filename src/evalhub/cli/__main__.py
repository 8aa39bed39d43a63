"""`python -m evalhub.cli`."""

from evalhub.cli import main

if __name__ == "__main__":
    main()
