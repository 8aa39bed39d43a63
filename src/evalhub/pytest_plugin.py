"""Fixtures for tests of adapters and clients; pytest discovers them automatically.

    def test_my_adapter(evalhub_adapter, evalhub_model):
        outcome = evalhub_adapter(MyAdapter)
        assert outcome.exit_code == 0

`@pytest.mark.evalhub(...)` configures them: `spec`, `answer`, `providers`, `collections`.
Nothing is imported before a fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from evalhub import AsyncEvalHubClient, EvalHubClient
    from evalhub.adapter import FrameworkAdapter, JobSpec
    from evalhub.testing import FakeEvalHub, FakeModel, OCIRegistry, RealEvalHub, RecordingCallbacks
    from evalhub.testing.harness import Outcome

_OPTIONS = frozenset({"answer", "collections", "providers", "spec"})


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "evalhub(spec={}, answer=..., providers=[...], collections=[...]): "
        "configure the evalhub fixtures of this test",
    )


@pytest.fixture
def evalhub_model(request: pytest.FixtureRequest) -> Generator[FakeModel]:
    """An OpenAI-compatible model on loopback that answers with the marker's `answer`."""
    from evalhub.testing import FakeModel

    options = _options(request)
    with FakeModel(*([options["answer"]] if "answer" in options else [])) as model:
        yield model


@pytest.fixture
def evalhub_job_spec(request: pytest.FixtureRequest, evalhub_model: FakeModel) -> JobSpec:
    """A job with the marker's `spec`; its model is `evalhub_model`."""
    from evalhub.testing import job_spec

    fields: dict[str, Any] = _options(request).get("spec", {})
    model = {"name": evalhub_model.name, "url": evalhub_model.url, **fields.get("model", {})}
    return job_spec(**{**fields, "model": model})


@pytest.fixture
def evalhub_callbacks(evalhub_job_spec: JobSpec) -> RecordingCallbacks:
    """Callbacks for `evalhub_job_spec` that record reports, and refuse what the service refuses."""
    from evalhub.testing import RecordingCallbacks

    return RecordingCallbacks(evalhub_job_spec)


@pytest.fixture
def evalhub_service(request: pytest.FixtureRequest) -> Generator[FakeEvalHub]:
    """An in-memory service on loopback, with the marker's `providers` and `collections`."""
    from evalhub.testing import FakeEvalHub

    with FakeEvalHub(**_resources(request)) as service:
        yield service


@pytest.fixture
def evalhub_real_service(request: pytest.FixtureRequest) -> Generator[RealEvalHub]:
    """The real service on loopback; the test is skipped if it is not installed."""
    from evalhub.errors import MissingExtraError
    from evalhub.testing import RealEvalHub

    service = RealEvalHub(**_resources(request))
    try:
        service.start()
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture
def evalhub_client(evalhub_service: FakeEvalHub) -> Generator[EvalHubClient]:
    """A client of `evalhub_service` that needs no network."""
    from evalhub import EvalHubClient

    with EvalHubClient(transport=evalhub_service.transport) as client:
        yield client


@pytest.fixture
def evalhub_async_client(evalhub_service: FakeEvalHub) -> AsyncEvalHubClient:
    """An asynchronous client of `evalhub_service` that needs no network."""
    from evalhub import AsyncEvalHubClient

    return AsyncEvalHubClient(transport=evalhub_service.transport)


@pytest.fixture
def evalhub_registry() -> Generator[OCIRegistry]:
    """An empty OCI registry on loopback."""
    from evalhub.testing import OCIRegistry

    with OCIRegistry() as registry:
        yield registry


@pytest.fixture
def evalhub_adapter(
    evalhub_job_spec: JobSpec, evalhub_service: FakeEvalHub
) -> Callable[[type[FrameworkAdapter]], Outcome]:
    """Run an adapter class on `evalhub_job_spec`, and return the outcome."""
    from evalhub.testing import AdapterHarness

    def run(adapter: type[FrameworkAdapter], **env: str) -> Outcome:
        return AdapterHarness(adapter, hub=evalhub_service, env=env).run(evalhub_job_spec)

    return run


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    marker = request.node.get_closest_marker("evalhub")
    if marker is None:
        return {}
    unknown = sorted({*marker.kwargs} - _OPTIONS)
    if unknown or marker.args:
        known = ", ".join(sorted(_OPTIONS))
        raise pytest.UsageError(f"@pytest.mark.evalhub takes {known}; not {unknown or marker.args}")
    return dict(marker.kwargs)


def _resources(request: pytest.FixtureRequest) -> dict[str, Any]:
    options = _options(request)
    return {name: options[name] for name in ("providers", "collections") if name in options}
