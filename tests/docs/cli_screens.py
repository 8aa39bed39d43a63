"""Write what the command line shows on a terminal to docs/cli.md.

    python tests/docs/cli_screens.py [--all]

The commands run in tmux, against the real service and a real model. With `--all` the screens are
printed rather than written: 40, 80 and 200 columns, with colour and without.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from evalhub.testing.service import RealEvalHub  # noqa: E402
from examples.demo.calculator import Calculator  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "cli.md"
_BEGIN, _END = "<!-- screens -->", "<!-- end of screens -->"
_PATIENCE = 60.0

PROVIDER = {
    "id": "examples",
    "name": "examples",
    "benchmarks": [
        {
            "id": "arithmetic",
            "category": "math",
            "primary_score": {"metric": "accuracy"},
            "pass_criteria": {"threshold": 0.5},
        },
    ],
    "runtime": {
        "local": {
            "command": f"{sys.executable} -m evalhub.adapter"
            " evalhub.adapter.examples:ExampleAdapter"
        }
    },
}
SLOW = {
    "id": "endless",
    "name": "endless",
    "benchmarks": [{"id": "long-one", "category": "math"}],
    "runtime": {"local": {"command": "sleep 600"}},
}
_RUN = "evalhub run -m http://localhost:8000/v1 -n calc"
SCREENS = (
    # what is typed, and the text at which the picture is taken; without one, at the end
    (f"{_RUN} -b arithmetic --name nightly --gate --poll-interval 0.2", ""),
    (f"{_RUN} -b arithmetic -b long-one@endless --name two --watch", "arithmetic  completed"),
    ("evalhub jobs list", ""),
    ("evalhub jobs get nightli", ""),
    ("evalhub doctor", ""),
)


def screens(*, width: int, colour: bool, folder: Path, url: str, model: str) -> Iterator[str]:
    """Run every command on a terminal of its own and return what it shows."""
    for number, (line, moment) in enumerate(SCREENS):
        script = folder / f"screen-{width}-{number}.sh"
        command = line.replace("http://localhost:8000/v1", model)
        script.write_text(
            f"export EVALHUB_BASE_URL={url} HOME={folder} LC_ALL=C.UTF-8 TERM=xterm-256color\n"
            f"{'' if colour else 'export NO_COLOR=1'}\n"
            f'evalhub() {{ {shlex.quote(sys.executable)} -m evalhub.cli "$@"; }}\n'
            f"{command}\necho ended > {script}.ended\nsleep 600\n"
        )
        shown = _show(script, width, moment, colour=colour)
        text = shown.replace(model, "http://localhost:8000/v1").replace(
            url, "http://localhost:8080"
        )
        yield f"$ {line}\n{text.replace(str(folder), '/home/me').rstrip()}\n"


def _show(script: Path, width: int, moment: str, *, colour: bool) -> str:
    name = script.stem
    tmux = ["tmux", "-L", f"{script.parent.name}-{name}"]  # a server that ends takes no other along
    size = ["-x", str(width), "-y", "40"]
    subprocess.run([*tmux, "new-session", "-d", "-s", name, *size, f"bash {script}"], check=True)
    capture = [*tmux, "capture-pane", "-p", "-t", name, *(["-e"] if colour else [])]
    deadline = time.monotonic() + _PATIENCE
    try:
        while True:
            shown = subprocess.run(capture, capture_output=True, text=True, check=True).stdout
            if moment and moment in re.sub(r"\x1b\[[\d;]*m", "", shown):
                return shown
            if not moment and Path(f"{script}.ended").exists():
                return subprocess.run(capture, capture_output=True, text=True, check=True).stdout
            if time.monotonic() > deadline:
                sys.exit(f"{script.read_text()}\nhas not come to its end:\n{shown}")
            time.sleep(0.1)
    finally:
        subprocess.run([*tmux, "kill-session", "-t", name], check=True)


def main() -> None:
    """Write the screens, or print all of them."""
    with (
        tempfile.TemporaryDirectory() as name,
        RealEvalHub(providers=[PROVIDER, SLOW]) as hub,
        Calculator() as model,
    ):
        take = partial(screens, folder=Path(name), url=hub.url, model=model.url)
        if "--all" in sys.argv:
            for width in (40, 80, 200):
                for colour in (False, True):
                    print(f"=== {width} columns, {'colour' if colour else 'no colour'}")
                    print("\n".join(take(width=width, colour=colour)))
            return
        head, _, rest = PAGE.read_text().partition(_BEGIN)
        tail = rest.partition(_END)[2]
        found = take(width=80, colour=False)
        blocks = "\n".join(f"```text\n{text}```\n" for text in found)
        PAGE.write_text(f"{head}{_BEGIN}\n\n{blocks}\n{_END}{tail}")


if __name__ == "__main__":
    main()
