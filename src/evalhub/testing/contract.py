"""The contract of an adapter, as tests: subclass, name the adapter, run pytest.

    from evalhub.testing import AdapterContract, job_spec

    class TestMyAdapter(AdapterContract):
        adapter = MyAdapter
        spec = job_spec(benchmark_id="arithmetic", num_examples=4)
        provider_file = "provider.yaml"

Each failure says what would happen in the cluster.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from evalhub.errors import MissingExtraError
from evalhub.models._samples.files import iter_samples
from evalhub.testing import _findings
from evalhub.testing.build import job_spec
from evalhub.testing.callbacks import RecordingCallbacks
from evalhub.testing.faults import Delay
from evalhub.testing.harness import AdapterHarness, Outcome
from evalhub.testing.model import FakeModel

try:
    import pytest
except ImportError:
    raise MissingExtraError("AdapterContract", "testing") from None

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from evalhub.adapter import FrameworkAdapter, JobResults, JobSpec
    from evalhub.testing._hub import FakeEvalHub

__all__ = ["AdapterContract"]

_SECRET = "sk-evalhub-contract-7f3a9c51d2"  # noqa: S105 - a canary, which must turn up nowhere
_STOP_SECONDS = 30.0
_EXIT_AFTER_SIGTERM = 143


@dataclass(frozen=True, slots=True)
class _Run:
    """The run most tests look at."""

    outcome: Outcome
    callbacks: RecordingCallbacks

    @property
    def recorded(self) -> Outcome:
        """The run with what was reported; nothing is left out, as it may be on the way."""
        refused = [one for one in self.callbacks.hub.received if not one.is_taken]
        return replace(self.outcome, events=self.callbacks.events, refused=refused)

    @property
    def results(self) -> JobResults:
        if self.callbacks.results is None:
            pytest.skip("the adapter returned no results: see the test of its states")
        return self.callbacks.results


class AdapterContract:
    """Tests every adapter has to pass; what is true of yours is said by class attributes.

    Attributes:
        adapter: The adapter's class.
        spec: The job it is tested with; its model is replaced by a `FakeModel`.
        answer: What the model says: a text, texts in turn, or a function of the request.
        uses_model: Whether it asks the model in `spec.model.url`.
        provider_file: The provider's YAML or JSON file, or what it says, if there is one.
        bad_parameters: Parameters it must refuse; by default its model's URL is not one.
        deterministic: Whether a second run measures the same.
        samples_give_the_score: Whether the score is the mean of the samples' predictions.
        varying: Shell patterns of metrics that differ nevertheless, such as `latency_*`.
        env: Environment variables it needs.
        timeout: Seconds one run may take.
    """

    adapter: ClassVar[type[FrameworkAdapter]]
    spec: ClassVar[JobSpec] = job_spec()
    answer: ClassVar[Any] = "A fake answer."
    uses_model: ClassVar[bool] = True
    provider_file: ClassVar[str | Path | Mapping[str, Any] | None] = None
    bad_parameters: ClassVar[Mapping[str, Any] | None] = None
    deterministic: ClassVar[bool] = True
    samples_give_the_score: ClassVar[bool] = True
    varying: ClassVar[Sequence[str]] = ()
    env: ClassVar[Mapping[str, str]] = {}
    timeout: ClassVar[float] = 60.0

    @pytest.fixture(scope="class")
    @classmethod
    def contract_model(cls) -> Generator[FakeModel]:
        """The model the adapter asks."""
        with FakeModel(cls.answer, name=cls.spec.model.name) as model:
            yield model

    @pytest.fixture(scope="class")
    @classmethod
    def contract_spec(cls, contract_model: FakeModel) -> JobSpec:
        """The job, with a model that answers."""
        return cls._with_url(contract_model.url if cls.uses_model else cls.spec.model.url)

    @pytest.fixture(scope="class")
    @classmethod
    def contract_run(cls, contract_spec: JobSpec) -> _Run:
        """One run in this process, its reports recorded."""
        return cls._run(contract_spec)

    @pytest.fixture(scope="class")
    @classmethod
    def contract_process(
        cls, contract_spec: JobSpec, tmp_path_factory: pytest.TempPathFactory
    ) -> Outcome:
        """One run in a process of its own, with a secret and a talkative log."""
        secret = tmp_path_factory.mktemp("secret")
        (secret / "api-key").write_text(_SECRET)
        model = contract_spec.model.model_copy(deep=True)
        model = type(model).model_validate(
            {**model.to_wire(), "auth": {"secret_ref": f"file://{secret}"}}
        )
        spec = contract_spec.model_copy(update={"model": model})
        return cls._harness(LOG_LEVEL="DEBUG").run_isolated(spec, timeout=cls.timeout)

    def test_states(self, contract_process: Outcome, contract_run: _Run) -> None:
        """It starts running, and ends completed, once."""
        found = [*_findings.states(contract_run.recorded)]
        if (contract_process.exit_code, contract_process.status) != (0, "completed"):
            tail = contract_process.logs[-2000:]
            code, status = contract_process.exit_code, contract_process.status
            found.append(f"the process ended with {code} after {status!r}; the pod fails:\n{tail}")
        _report(found)

    def test_phases(self, contract_run: _Run) -> None:
        """Its phases come in order, and none twice without cause."""
        _report(_findings.phases(self._said(contract_run)))

    def test_progress(self, contract_run: _Run) -> None:
        """Its progress lies within 0 and 1, and never falls."""
        _report(_findings.progress(self._said(contract_run)))

    def test_metric_values(self, contract_run: _Run) -> None:
        """Its metrics are finite numbers, or of a declared type."""
        _report(_findings.metric_values(contract_run.results))

    def test_declared_metrics(self, contract_run: _Run) -> None:
        """Its metrics are those the provider file declares."""
        if self.provider_file is None:
            pytest.skip("no provider_file is named")
        names = [result.metric_name for result in contract_run.results.results]
        _report(_findings.undeclared(names, _provider(self.provider_file), self.spec))

    def test_primary_score(self, contract_run: _Run) -> None:
        """It reports the number the benchmark is judged by."""
        _report(_findings.primary_score(contract_run.results, self._declared_metric()))

    def test_samples(self, contract_run: _Run) -> None:
        """Its samples have ids of their own, and their mean is the score."""
        kept = contract_run.callbacks.samples
        if not len(kept):
            pytest.skip("it keeps no samples")
        rows = list(iter_samples(kept.path))
        results = contract_run.results if self.samples_give_the_score else None
        _report(_findings.samples(rows, results, self._declared_metric()))

    def test_size(self, contract_run: _Run) -> None:
        """Its results can be sent, and are below the service's limit."""
        _report(_findings.size(contract_run.results, self.spec))

    def test_artifacts(self, contract_run: _Run) -> None:
        """Its artifacts were stored."""
        _report(_findings.artifacts(contract_run.callbacks, contract_run.results))

    def test_bad_configuration(self, contract_spec: JobSpec) -> None:
        """It refuses what cannot work with `ConfigurationError` or `BenchmarkError`."""
        if self.bad_parameters is not None:
            parameters = {**contract_spec.parameters, **self.bad_parameters}
            spec = contract_spec.model_copy(update={"benchmark_config": parameters})
        elif self.uses_model:
            spec = self._with_url("not-a-url")
        else:
            pytest.skip("no bad_parameters are named")
        outcome = self._harness().run(spec)
        _report(_findings.clean_failure(outcome, outcome.exception))

    def test_unreachable_model(self, contract_spec: JobSpec) -> None:
        """A model that cannot be reached is reported as FAILED."""
        if not self.uses_model:
            pytest.skip("it uses no model")
        del contract_spec
        outcome = self._harness().run(self._with_url("http://127.0.0.1:9/v1"))
        if outcome.status != "failed":
            pytest.fail(
                f"with a model that cannot be reached the last status is {outcome.status!r}, "
                "not failed; the job would look evaluated",
                pytrace=False,
            )

    def test_sigterm(self, contract_model: FakeModel, contract_spec: JobSpec) -> None:
        """It ends when it is told to, and reports that it was."""
        contract_model.faults.always(Delay(self.timeout))
        try:
            outcome = self._harness().run_isolated(
                contract_spec, timeout=_STOP_SECONDS, terminate_when=_is_running
            )
        finally:
            contract_model.faults.clear()
        if outcome.status == "completed" and not self.uses_model:
            return  # nothing held it up: it was done before it could be told
        if (outcome.exit_code, outcome.status) != (_EXIT_AFTER_SIGTERM, "failed"):
            pytest.fail(
                f"after SIGTERM the process ended with {outcome.exit_code} and the last status is "
                f"{outcome.status!r}, not {_EXIT_AFTER_SIGTERM} and failed; Kubernetes would kill "
                f"it and the job would run for ever:\n{outcome.logs[-2000:]}",
                pytrace=False,
            )

    def test_no_secrets(self, contract_process: Outcome) -> None:
        """The model's key is in no log, event or file."""
        _report(_findings.secrets(contract_process, _SECRET))

    def test_no_files_outside(self, contract_process: Outcome) -> None:
        """It writes to its job's directory and to temporary ones alone."""
        base = contract_process.folder.parent
        allowed = [contract_process.folder, base / "tmp", Path("/dev")]
        _report(_findings.files_outside(contract_process, allowed))

    def test_deterministic(self, contract_run: _Run, contract_spec: JobSpec) -> None:
        """A second run measures the same."""
        if not self.deterministic:
            pytest.skip("it does not claim to be deterministic")
        first, second = contract_run.callbacks.metrics, self._run(contract_spec).callbacks.metrics
        _report(_findings.differences(first, second, self.varying))

    @classmethod
    def _harness(cls, **env: str) -> AdapterHarness:
        return AdapterHarness(cls.adapter, env={**cls.env, **env})

    @classmethod
    def _run(cls, spec: JobSpec) -> _Run:
        callbacks = RecordingCallbacks(spec)
        return _Run(cls._harness().run(spec, callbacks=callbacks), callbacks)

    @classmethod
    def _declared_metric(cls) -> str | None:
        declared = cls.spec.primary_score.metric if cls.spec.primary_score else None
        if declared is None and cls.provider_file is not None:
            declared = _primary_metric(_provider(cls.provider_file), cls.spec)
        return declared

    def _said(self, run: _Run) -> list[Any]:
        """Return what the adapter itself reported: the first report is the SDK's."""
        return run.callbacks.updates[1:]

    @classmethod
    def _with_url(cls, url: str | None) -> JobSpec:
        model = cls.spec.model.model_copy(update={"url": url})
        return cls.spec.model_copy(deep=True, update={"model": model})


def _is_running(hub: FakeEvalHub) -> bool:
    return any(one.is_taken and one.event["status"] == "running" for one in hub.received)


def _report(findings: Iterable[str]) -> None:
    found = list(findings)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def _provider(source: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(source, str | Path):
        return source
    text = Path(source).read_text()
    try:
        return dict(json.loads(text))
    except ValueError:
        pass
    try:
        yaml: Any = import_module("yaml")
    except ImportError:
        raise MissingExtraError("Reading a provider file in YAML", "cli") from None
    return dict(yaml.safe_load(text))


def _primary_metric(provider: Mapping[str, Any], spec: JobSpec) -> str | None:
    benchmarks: list[dict[str, Any]] = provider.get("benchmarks") or []
    for benchmark in benchmarks:
        if benchmark.get("id") == spec.benchmark_id and benchmark.get("primary_score"):
            return str(benchmark["primary_score"]["metric"])
    return None
