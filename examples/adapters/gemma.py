"""Serve Gemma 3 270M for as long as a block runs, in an environment of its own."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

SCRIPT = Path(__file__).parents[1] / "demo" / "small_model.py"
URL = "http://127.0.0.1:8311"
START_SECONDS = 120.0


class Gemma:
    def __init__(self, python: Path) -> None:
        self._python = python

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            [self._python, SCRIPT], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError(f"the model was not served within {START_SECONDS:.0f} s")
            time.sleep(0.5)
        return f"{URL}/v1"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with urlopen(f"{URL}/health", timeout=2):
                return True
        except (URLError, OSError):
            return False
