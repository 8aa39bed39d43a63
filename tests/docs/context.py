"""What a page's blocks run in; `setup_<page>.py` fills it where a page needs more.

A setup module has `def setup(ctx: Context) -> None`, and may have `def check(ctx)` for what must be
true when the last block has run:

    def setup(ctx):
        service = ctx.enter(RealEvalHub(providers=[...]))
        ctx.replace["http://localhost:8080"] = service.url   # host names only
        ctx.namespace["questions"] = [...]                   # what the page takes for granted
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest

    from docs.blocks import Block

T = TypeVar("T")


@dataclass(slots=True)
class Context:
    """One page's namespace, directory and running programs."""

    directory: Path
    """Current directory of the blocks, empty at first; modules in it can be imported."""

    namespace: dict[str, Any]
    monkeypatch: pytest.MonkeyPatch
    request: pytest.FixtureRequest
    replace: dict[str, str] = field(default_factory=dict[str, str])
    """Text that is replaced in every block before it runs."""

    stack: ExitStack = field(default_factory=ExitStack)
    tests: list[str] = field(default_factory=list[str])

    def fixture(self, name: str) -> Any:
        """Return a fixture of the test suite, such as `service` or `registry`."""
        return self.request.getfixturevalue(name)

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """Enter a context manager until the page is done."""
        return self.stack.enter_context(manager)

    def run(self, block: Block) -> None:
        """Run a block in the page's namespace; one with a title is also a file."""
        code = block.code
        for old, new in self.replace.items():
            code = code.replace(old, new)
        if block.title is not None:
            path = self.directory / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)
            if path.name.startswith("test_"):
                self.tests.append(block.title)
                return
        # Line numbers in a traceback are the page's.
        padded = "\n" * (block.line - 1) + code
        exec(compile(padded, str(block.page), "exec", dont_inherit=True), self.namespace)

    def run_tests(self) -> None:
        """Run the page's test files as a reader would."""
        if not self.tests:
            return
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *self.tests]
        done = subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
