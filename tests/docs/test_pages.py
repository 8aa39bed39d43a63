"""Every block of every page runs, or parses, or names commands that exist."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import sys
import tomllib
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import yaml

from docs.blocks import ROOT, Block, blocks, pages
from docs.context import Context

if TYPE_CHECKING:
    from pathlib import Path

NOT_RUN: list[str] = []
"""Pages and reasons of the blocks that cannot run here; the aim is none."""

SHELLS = {"bash", "console", "sh", "shell"}
LANGUAGES = SHELLS | {"dockerfile", "json", "python", "text", "toml", "yaml"}
ELSEWHERE = {"docker", "gh", "git", "kubectl", "oras", "podman", "skopeo"}
"""Programs a reader may have and this machine need not."""

ALL_BLOCKS = [block for page in pages() for block in blocks(page)]


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def of(*languages: str) -> list[Block]:
    return [block for block in ALL_BLOCKS if block.language in languages]


@pytest.mark.e2e
@pytest.mark.parametrize(
    "page",
    [page for page in pages() if any(block.page == page for block in of("python"))],
    ids=page_id,
)
def test_python_blocks_run(page, tmp_path, monkeypatch, request):
    name = page.stem.lower()
    module = ModuleType(f"page_{name}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    ctx = Context(tmp_path, vars(module), monkeypatch, request)
    setup = setup_of(name)
    with ctx.stack:
        if setup is not None:
            setup.setup(ctx)
        for block in blocks(page):
            if block.language == "python" and block.not_run is None:
                ctx.run(block)
        ctx.run_tests()
        if setup is not None and hasattr(setup, "check"):
            setup.check(ctx)


def setup_of(name: str) -> ModuleType | None:
    full = f"docs.setup_{name}"
    return import_module(full) if importlib.util.find_spec(full) else None


def test_blocks_that_do_not_run_are_known():
    assert [f"{block}: {block.not_run}" for block in ALL_BLOCKS if block.not_run] == NOT_RUN


def test_blocks_have_a_known_language():
    assert [str(block) for block in ALL_BLOCKS if block.language not in LANGUAGES] == []


def test_data_blocks_parse():
    for block in of("json"):
        json.loads(block.code)
    for block in of("yaml"):
        list(yaml.safe_load_all(block.code))
    for block in of("toml"):
        tomllib.loads(block.code)


@pytest.mark.parametrize("block", of(*SHELLS), ids=str)
def test_commands_exist(block):
    for line in commands(block):
        words = [
            word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)
        ]
        if words:
            problem = wrong(words)
            assert not problem, f"{block}: {line}: {problem}"


def commands(block: Block) -> list[str]:
    """Return what a reader would type: lines after the prompt, or all where there is none."""
    lines = block.code.replace("\\\n", " ").splitlines()
    if block.language == "console":
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return lines


def wrong(words: list[str]) -> str:
    """Return what is wrong with a command, or nothing."""
    match words:
        case ["cd" | "export", *_]:
            return ""
        case ["make", *targets]:
            known = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            return ", ".join(f"no target {target}" for target in targets if target not in known)
        case ["pip" | "uv", *rest]:
            return unknown_extras(" ".join(rest))
        case ["python" | "python3", "-m", module, *_]:
            root = importlib.util.find_spec(module.partition(".")[0])
            return "" if root and importlib.util.find_spec(module) else f"no module {module}"
        case [program, *_] if program in ELSEWHERE:
            return ""
        case [program, *_]:
            return "" if find(program) else f"no program {program}"
    return ""


def find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path=f"{sys.prefix}/bin")


def unknown_extras(arguments: str) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = re.findall(r"(?:eval-hub-sdk|\.)\[([\w,-]+)\]", arguments)
    names = {name for group in asked for name in group.split(",")}
    return ", ".join(sorted(names - project["optional-dependencies"].keys()))


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=page_id)
def test_links_of_the_repository_s_pages_lead_somewhere(page):
    """Those of `docs/` are checked by `mkdocs build --strict`."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

    assert [target for target in targets if not (ROOT / target).exists()] == []
