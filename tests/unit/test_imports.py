"""What importing the package costs, and what it exports."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import evalhub

HEAVY = {
    "altair",
    "asyncio",
    "click",
    "httpx",
    "jinja2",
    "jsonschema",
    "mcp",
    "mlflow",
    "numpy",
    "opentelemetry",
    "oras",
    "pydantic_settings",
    "pytest",
    "requests",
    "rich",
    "scipy",
    "starlette",
    "uvicorn",
    "yaml",
}
"""Nobody pays for these who does not use them."""

EXPORTS = Path(__file__).with_name("exports.json")

ADAPTER_NAMES = (
    "FrameworkAdapter, JobSpec, JobCallbacks, JobResults, EvaluationResult, JobStatusUpdate"
)

PUBLIC = (
    "evalhub",
    "evalhub.adapter",
    "evalhub.adapter.examples",
    "evalhub.analysis",
    "evalhub.oci",
    "evalhub.client",
    "evalhub.errors",
    "evalhub.mcp",
    "evalhub.models",
    "evalhub.models.api",
    "evalhub.report",
    "evalhub.settings",
    "evalhub.testing",
)


def loaded_after(statement: str) -> set[str]:
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_heavy_modules_are_seen():
    # Otherwise the test below could not fail.
    assert loaded_after("import httpx, numpy") & HEAVY >= {"httpx", "numpy"}


@pytest.mark.parametrize(
    "statement",
    [
        "import evalhub",
        "import evalhub.adapter",
        "import evalhub.analysis",
        "import evalhub.report",
        "import evalhub.client",
        "import evalhub.mcp",
        "import evalhub.models",
        "import evalhub.testing",
        f"from evalhub.adapter import {ADAPTER_NAMES}",
        "from evalhub.analysis import compare, gate, history, load_baseline",
        "from evalhub.models import JobSubmissionRequest, EvaluationJob",
        "from evalhub.report import report",
        "from evalhub.errors import APIError, JobSpecError",
    ],
)
def test_import_loads_nothing_heavy(statement):
    assert loaded_after(statement) & HEAVY == set()


@pytest.mark.parametrize("package", ["evalhub.adapter", "evalhub.client", "evalhub.models"])
def test_package_alone_does_not_build_models(package):
    assert "pydantic" not in loaded_after(f"import {package}")


@pytest.mark.parametrize("package", PUBLIC)
def test_every_exported_name_resolves(package):
    module = import_module(package)

    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize(
    "package",
    ["evalhub", "evalhub.adapter", "evalhub.client", "evalhub.models", "evalhub.testing"],
)
def test_completion_knows_the_exported_names_the_modules_and_nothing_else(package):
    module = import_module(package)
    modules = {found.name for found in iter_modules(module.__path__) if found.name[0] != "_"}

    assert dir(module) == sorted({*module.__all__, *modules})


def test_submodules_need_no_import_statement():
    code = (
        "import evalhub; evalhub.errors.APIError; evalhub.adapter.run; evalhub.models.api.JobSpec;"
        "evalhub.client.jobs.Jobs; evalhub.models.spec.JobSpec; evalhub.testing.job_spec"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_module_whose_extra_is_missing_is_an_attribute_error_that_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    monkeypatch.delitem(sys.modules, "evalhub.pytest_plugin", raising=False)
    monkeypatch.delattr("evalhub.pytest_plugin", raising=False)

    assert not hasattr(evalhub, "pytest_plugin")
    with pytest.raises(AttributeError, match=r"no attribute 'pytest_plugin': .*pytest"):
        _ = import_module("evalhub").pytest_plugin


def test_private_modules_are_not_attributes():
    with pytest.raises(AttributeError, match="_endpoint"):
        _ = import_module("evalhub.client")._no_endpoint


def test_exports_change_on_purpose_only():
    # Adding a name is a promise and removing one breaks someone: both are written down in
    # exports.json, which `python tests/unit/test_imports.py` writes.
    assert exports() == json.loads(EXPORTS.read_text())


def exports() -> dict[str, list[str]]:
    return {package: sorted(import_module(package).__all__) for package in PUBLIC}


@pytest.mark.parametrize("package", PUBLIC)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no_such_name"):
        import_module(package).no_such_name  # noqa: B018 - the access is the test


if __name__ == "__main__":
    EXPORTS.write_text(json.dumps(exports(), indent=1) + "\n")
