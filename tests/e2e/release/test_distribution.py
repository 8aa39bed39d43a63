"""What is published: the same bytes from the same commit, and nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from evalhub import __version__

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements-dev.lock").read_text()

ELSEWHERE = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1"}


def built(folder: Path, *, umask: int, **environment: str) -> dict[str, Path]:
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return built(tmp_path_factory.mktemp("dist"), umask=0o022)


def digests(files: dict[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}


def test_a_second_build_elsewhere_gives_the_same_bytes(distributions, tmp_path):
    again = built(tmp_path, umask=0o077, **ELSEWHERE)

    assert len(again) == 2
    assert digests(again) == digests(distributions)


def test_the_wheel_holds_the_package_alone(distributions):
    [wheel] = [path for name, path in distributions.items() if name.endswith(".whl")]
    names = zipfile.ZipFile(wheel).namelist()
    info = f"eval_hub_sdk-{__version__}.dist-info"

    assert {name.split("/")[0] for name in names} == {"evalhub", info}
    assert {"evalhub/py.typed", f"{info}/licenses/LICENSE"} <= {*names}
    assert not [name for name in names if "__pycache__" in name]


def test_the_source_distribution_holds_what_a_checkout_has(distributions):
    [archive] = [path for name, path in distributions.items() if name.endswith(".tar.gz")]
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}

    assert {"LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements-dev.lock"} <= names
    assert "src/evalhub/__init__.py" in names
    assert not [name for name in names if name.startswith(("build/", ".venv/", "dist/"))]


def test_the_lock_file_has_names_versions_and_hashes_alone():
    unexpected = [
        line
        for line in LOCK.splitlines()
        if not re.fullmatch(
            r"[a-z0-9-]+==[\w.!]+( ; [^:]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line
        )
    ]

    assert unexpected == []


def test_the_lock_file_has_everything_that_pyproject_names():
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))
    extras = PROJECT["optional-dependencies"]
    named = [*PROJECT["dependencies"], *extras["dev"], *extras["docs"], *extras["unit-tests"]]
    names = {re.split(r"[^\w.-]", one)[0].lower().replace("_", "-") for one in named}

    assert names - {"eval-hub-sdk"} <= locked
