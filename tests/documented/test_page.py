"""Every code block of the documented page runs as it stands; only hosts are replaced.

The page is the public API's contract. `page/` holds its blocks; nothing in there is ours to change.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import typing
from abc import ABC, abstractmethod
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel
from support.registry import Registry, docker_registry
from support.sidecar import runtime_sidecar

from documented.blocks import PAGE, PRELUDE, block, run
from evalhub import adapter as sdk
from evalhub.adapter import JobSpec, OCIArtifactSpec, Persister
from evalhub.testing.model import FakeModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.recorder import EventRecorder
    from support.sidecar import Sidecar

DOCUMENTED = {
    "job_id": "job-123",
    "benchmark_id": "mmlu",
    "benchmark_config": {"num_few_shot": 2},
    "num_examples": 5,
    "tags": {"team": "safety"},
}
WIRE = {
    "id": "job-123",
    "benchmark_id": "mmlu",
    "parameters": {"num_few_shot": 2},
    "num_examples": 5,
    "tags": [{"key": "team", "value": "safety"}],
}


@pytest.fixture
def sidecar(tmp_path: Path, recorder: EventRecorder) -> Iterator[Sidecar]:
    """The real sidecar in front of a recorder."""
    with runtime_sidecar(tmp_path / "sidecar", eval_hub=recorder.url) as running:
        yield running


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    path = tmp_path / "workdir"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture(params=[DOCUMENTED, WIRE], ids=["documented names", "wire names"])
def environment(
    request: pytest.FixtureRequest, workdir: Path, sidecar: Sidecar, registry: Registry
) -> dict[str, str]:
    """What the platform sets for an adapter, with a job file in either vocabulary."""
    spec = {
        **request.param,
        "provider_id": "my-framework",
        "benchmark_index": 0,
        "model": {"url": "http://127.0.0.1:1/v1", "name": "llama-2-7b"},
        "callback_url": sidecar.url,
    }
    path = workdir / "job.json"
    path.write_text(json.dumps(spec))
    return {
        "EVALHUB_MODE": "local",
        "EVALHUB_JOB_SPEC_PATH": str(path),
        "REGISTRY_URL": registry.host,
        "REGISTRY_USERNAME": "user",
        "REGISTRY_PASSWORD": "token",
        "REGISTRY_INSECURE": "true",
    }


def stored(registry: Registry, reference: str) -> bool:
    match = re.fullmatch(rf"{re.escape(registry.host)}/([^:@]+):([^@]+)@sha256:(\w+)", reference)
    assert match, reference
    manifests = registry.storage / "docker/registry/v2/repositories" / match[1] / "_manifests"
    return (manifests / "revisions/sha256" / match[3]).exists() and (
        manifests / "tags" / match[2]
    ).exists()


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("entrypoint", "module", "says"),
    [
        ("run_adapter.py", "my_framework_adapter.py", "Job completed: job-123"),
        ("entrypoint.py", "my_adapter.py", "Job job-123 completed with score: 0.8"),
    ],
)
def test_entrypoint_runs_the_adapter(
    workdir, environment, recorder, registry, entrypoint, module, says
):
    (workdir / module).write_text(PRELUDE + block("adapter.py"))
    (workdir / entrypoint).write_text(block(entrypoint))

    done = subprocess.run(
        [sys.executable, entrypoint],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == says
    assert [event["status"] for event in recorder.events] == ["running", "running", "completed"]
    last = recorder.last
    assert (last["provider_id"], last["id"]) == ("my-framework", "mmlu")
    assert last["metrics"] == {"accuracy": 0.8}
    assert stored(registry, last["artifacts"]["oci_reference"])


@pytest.mark.e2e
def test_default_callbacks(environment, recorder, registry, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    namespace: dict[str, Any] = {"__name__": "page"}
    exec(PRELUDE, namespace)
    run("adapter.py", namespace)

    run("default_callbacks.py", namespace)

    results = namespace["results"]
    assert results.job_id == "job-123"
    assert stored(registry, results.oci_artifact.reference)
    namespace["callbacks"].report_results(results)
    assert recorder.last["status"] == "completed"


@pytest.mark.e2e
def test_persister_pushes_to_a_registry(workdir, tmp_path, capsys):
    (workdir / "results.json").write_text("{}")
    (workdir / "metrics.csv").write_text("a,b\n")
    with docker_registry(tmp_path / "registry", auth="basic") as registry:
        namespace = run("persister.py", {}, **{"ghcr.io": registry.url})

        result = namespace["result"]
        assert stored(registry, result.reference)
        assert f"Pushed to: {result.reference}" in capsys.readouterr().out


def test_persister_writes_a_layout(workdir, capsys):
    (workdir / "results.json").write_text("{}")
    (workdir / "metrics.csv").write_text("a,b\n")

    namespace = run("persister.py", {}, **{"ghcr.io": "oci:layout"})

    digest = namespace["result"].digest
    assert f"Digest: {digest}" in capsys.readouterr().out
    assert (workdir / "layout/blobs" / digest.replace(":", "/")).exists()


def test_custom_persister():
    namespace = run(
        "custom_persister.py",
        {"compute_digest": lambda _: "sha256:0", "compute_size": len},
    )
    persister = namespace["S3Persister"]()
    persister.upload_to_s3 = lambda files: f"s3://bucket/{files[0]}"

    result = persister.persist(OCIArtifactSpec(files=[Path("a.json")]))

    assert isinstance(persister, Persister)
    assert (result.reference, result.size_bytes) == ("s3://bucket/a.json", 1)


@pytest.mark.parametrize("name", ["import_adapter.py", "import_client.py"])
def test_import_patterns(name):
    run(name, {})


@pytest.mark.e2e
def test_example(workdir, sidecar, recorder, monkeypatch):
    monkeypatch.setenv("EVALHUB_MODE", "local")
    with FakeModel(name="llama-2-7b") as model:
        hosts = {"http://vllm-service:8000": model.url, "http://localhost:8080": sidecar.url}
        callbacks = sdk.DefaultCallbacks(
            job_id="eval-123", benchmark_id="mmlu", provider_id="p", sidecar_url=sidecar.url
        )

        namespace = run(
            "example.py", {"ModelConfig": sdk.ModelConfig, "callbacks": callbacks}, **hosts
        )

    results = namespace["results"]
    assert results.id == "eval-123"
    assert results.num_examples_evaluated > 50
    callbacks.report_results(results)
    assert recorder.last["metrics"]["accuracy"] == results.overall_score


def test_interface():
    adapter = run("interface.py", {})["MyFrameworkAdapter"]()

    assert adapter.run_benchmark_job(None, None) is None


def test_from_file(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(
        json.dumps({**DOCUMENTED, "model": {"url": "http://m", "name": "m"}, "callback_url": None})
    )

    class settings:  # noqa: N801 - the page's name
        resolved_job_spec_path = path

    namespace = run("from_file.py", {"settings": settings}, **{"/meta/job.json": str(path)})

    assert namespace["spec"].job_id == "job-123"


def sketch_names() -> dict[str, Any]:
    """Return what the page's class sketches refer to."""
    return {
        **{name: getattr(sdk, name) for name in sdk.__all__},
        **{name: getattr(typing, name) for name in ("Any", "Dict", "List", "Optional", "Self")},
        **{thing.__name__: thing for thing in (ABC, BaseModel, Path, abstractmethod)},
    }


@pytest.mark.parametrize(("sketch", "name"), [("job_spec", "JobSpec"), ("results", "JobResults")])
def test_model_has_the_documented_fields(sketch, name):
    documented = run(f"{sketch}.py", sketch_names())[name].model_fields
    fields = getattr(sdk, name).model_fields

    assert list(documented) == [field for field in fields if field in documented]
    for field, said in documented.items():
        assert kinds(said.annotation) <= kinds(fields[field].annotation), field


def kinds(annotation: Any) -> set[Any]:
    """Return the members of a union, or the one type there is."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return set().union(*(kinds(argument) for argument in arguments))
    return {(origin or annotation, arguments)}


def test_job_spec_needs_what_the_page_calls_mandatory():
    sketch = block("job_spec.py")
    mandatory, optional = (
        set(re.findall(r"^    (\w+):", part, re.MULTILINE))
        for part in sketch.split("# Optional fields")
    )
    required = {name for name, field in JobSpec.model_fields.items() if field.is_required()}

    assert required == mandatory
    assert optional <= JobSpec.model_fields.keys()
    spec = JobSpec.model_validate(
        {name: DOCUMENTED.get(name) for name in mandatory} | {"model": {"name": "m"}}
    )
    assert (spec.timeout_seconds, spec.tags) == (3600, {})


def test_callbacks_have_the_documented_abstract_methods():
    documented = run("callbacks.py", sketch_names())["JobCallbacks"]

    assert sdk.JobCallbacks.__abstractmethods__ == documented.__abstractmethods__


def test_settings_test(workdir):
    (workdir / "test_settings.py").write_text(block("settings_test.py"))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_settings.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def installed_by(extra):
    """Return the requirements of an extra, and of the project's extras that it names."""
    text = Path(__file__).parents[2].joinpath("pyproject.toml").read_text()
    for requirement in tomllib.loads(text)["project"]["optional-dependencies"][extra]:
        named = re.fullmatch(r"eval-hub-sdk\[(.+)\]", requirement)
        if named:
            for other in named[1].split(","):
                yield from installed_by(other)
        else:
            yield requirement


@pytest.mark.parametrize("name", ["install.sh", "development.sh", "quality.sh"])
def test_commands_are_installed_by_the_documented_extra(name):
    dev = " ".join(installed_by("dev"))
    for line in block(name).splitlines():
        program = line.partition(" ")[0]
        if program not in {"", "#", "cd", "git", "pip"}:
            assert program in dev, line
        if "--cov" in line:
            assert "pytest-cov" in dev


def test_every_block_is_used():
    text = Path(__file__).read_text()
    blocks = {path.name.removesuffix(".txt") for path in PAGE.iterdir()}

    assert {name for name in blocks if name.removesuffix(".py") not in text} == set()


@pytest.mark.parametrize("name", ["deployment.yaml", "deployment_again.yaml"])
def test_deployment_mounts_the_job_where_the_package_looks(name):
    pod = yaml.safe_load(block(name))["spec"]["template"]["spec"]
    adapter = next(part for part in pod["containers"] if part["name"] == "adapter")

    assert adapter["volumeMounts"][0]["mountPath"] == "/meta"
