"""The contract of adapters, as a test class: subclass it, set the adapter, run pytest.

    from evalhub.testing import AdapterContract, job_spec

    class TestMyAdapter(AdapterContract):
        adapter = MyAdapter
        spec = job_spec(benchmark_id="arithmetic", num_examples=4)
        provider_file = "provider.yaml"

Each failure says what would happen in a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from evalhub.errors import MissingExtraError
from evalhub.models._samples.files import iter_samples
from evalhub.testing import _findings
from evalhub.testing._provider_file import primary_metric, read_provider
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

_SECRET = "sk-evalhub-contract-7f3a9c51d2"  # noqa: S105 - a canary that must not appear anywhere
_STOP_TIMEOUT = 30.0
_EXIT_AFTER_SIGTERM = 143


@dataclass(frozen=True, slots=True)
class _Run:
    """A run with recorded reports."""

    outcome: Outcome
    callbacks: RecordingCallbacks

    @property
    def recorded(self) -> Outcome:
        """The outcome with all reports; progress sent over HTTP may be coalesced."""
        refused = [one for one in self.callbacks.hub.received if not one.is_accepted]
        return replace(self.outcome, events=self.callbacks.events, refused=refused)

    @property
    def results(self) -> JobResults:
        if self.callbacks.results is None:
            pytest.skip("the adapter returned no results; see test_states")
        return self.callbacks.results


class AdapterContract:
    """Tests that every adapter has to pass, configured by class attributes.

    Attributes:
        adapter: Class of the adapter.
        spec: The job of the tests; its model is replaced by a `FakeModel`.
        answer: Output of the model: a text, texts used in turn, or a function of the request.
        uses_model: Whether the adapter calls the model at `spec.model.url`.
        provider_file: Path of the provider's YAML or JSON file, or its content.
        bad_parameters: Parameters the adapter must refuse; by default an invalid model URL.
        deterministic: Whether two runs report the same metrics.
        samples_give_the_score: Whether the score is the mean of the samples' predictions.
        varying: Shell patterns of metrics that may differ all the same, such as `latency_*`.
        env: Environment variables for the adapter.
        timeout: Time limit of one run, in seconds.
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
        """The model that the adapter calls."""
        with FakeModel(cls.answer, name=cls.spec.model.name) as model:
            yield model

    @pytest.fixture(scope="class")
    @classmethod
    def contract_spec(cls, contract_model: FakeModel) -> JobSpec:
        """The job, with the URL of the model."""
        return cls._with_url(contract_model.url if cls.uses_model else cls.spec.model.url)

    @pytest.fixture(scope="class")
    @classmethod
    def contract_run(cls, contract_spec: JobSpec) -> _Run:
        """A run in this process, with recorded reports."""
        return cls._run(contract_spec)

    @pytest.fixture(scope="class")
    @classmethod
    def contract_process(
        cls, contract_spec: JobSpec, tmp_path_factory: pytest.TempPathFactory
    ) -> Outcome:
        """A run as a process, with a secret and debug logging."""
        secret = tmp_path_factory.mktemp("secret")
        (secret / "api-key").write_text(_SECRET)
        model = contract_spec.model.model_copy(deep=True)
        model = type(model).model_validate(
            {**model.to_wire(), "auth": {"secret_ref": f"file://{secret}"}}
        )
        spec = contract_spec.model_copy(update={"model": model})
        return cls._harness(LOG_LEVEL="DEBUG").run_isolated(spec, timeout=cls.timeout)

    def test_states(self, contract_process: Outcome, contract_run: _Run) -> None:
        """It starts, and completes once."""
        found = [*_findings.states(contract_run.recorded)]
        if (contract_process.exit_code, contract_process.status) != (0, "completed"):
            tail = contract_process.logs[-2000:]
            code, status = contract_process.exit_code, contract_process.status
            ended = f"exited with {code}"
            if contract_process.timed_out:
                ended = f"did not end within {self.timeout:g} s and was killed"
            found.append(f"the process {ended} after {status!r}; the pod fails:\n{tail}")
        _report(found)

    def test_phases(self, contract_run: _Run) -> None:
        """Its phases are in order, and none is reported twice without a change."""
        _report(_findings.phases(self._own_updates(contract_run)))

    def test_progress(self, contract_run: _Run) -> None:
        """Its progress is between 0 and 1, and does not decrease."""
        _report(_findings.progress(self._own_updates(contract_run)))

    def test_metric_values(self, contract_run: _Run) -> None:
        """Its metrics are finite numbers, or have a declared type."""
        _report(_findings.metric_values(contract_run.results))

    def test_declared_metrics(self, contract_run: _Run) -> None:
        """Its metrics are those the provider file declares."""
        if self.provider_file is None:
            pytest.skip("provider_file is not set")
        names = [result.metric_name for result in contract_run.results.results]
        _report(_findings.undeclared(names, read_provider(self.provider_file), self.spec))

    def test_primary_score(self, contract_run: _Run) -> None:
        """It reports the primary score of the benchmark."""
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
        """Its results can be sent, within the service's size limit."""
        _report(_findings.size(contract_run.results, self.spec))

    def test_artifacts(self, contract_run: _Run) -> None:
        """Its artifacts were stored."""
        _report(_findings.artifacts(contract_run.callbacks, contract_run.results))

    def test_bad_configuration(self, contract_spec: JobSpec) -> None:
        """It refuses an invalid configuration with `ConfigurationError` or `BenchmarkError`."""
        if self.bad_parameters is not None:
            parameters = {**contract_spec.parameters, **self.bad_parameters}
            spec = contract_spec.model_copy(update={"benchmark_config": parameters})
        elif self.uses_model:
            spec = self._with_url("not-a-url")
        else:
            pytest.skip("bad_parameters is not set")
        outcome = self._harness().run(spec)
        _report(_findings.clean_failure(outcome, outcome.exception))

    def test_unreachable_model(self, contract_spec: JobSpec) -> None:
        """It reports FAILED if the model cannot be reached."""
        if not self.uses_model:
            pytest.skip("the adapter uses no model")
        del contract_spec
        outcome = self._harness().run(self._with_url("http://127.0.0.1:9/v1"))
        if outcome.status != "failed":
            pytest.fail(
                f"with an unreachable model the last status is {outcome.status!r}, not failed; "
                "the job would look evaluated",
                pytrace=False,
            )

    def test_sigterm(self, contract_model: FakeModel, contract_spec: JobSpec) -> None:
        """It exits on SIGTERM, and reports that it was terminated."""
        contract_model.faults.always(Delay(self.timeout))
        try:
            outcome = self._harness().run_isolated(
                contract_spec, timeout=_STOP_TIMEOUT, terminate_when=_is_running
            )
        finally:
            contract_model.faults.clear()
        if outcome.status == "completed" and not self.uses_model:
            return  # without a model to wait for, it completes before the signal
        if (outcome.exit_code, outcome.status) != (_EXIT_AFTER_SIGTERM, "failed"):
            pytest.fail(
                f"after SIGTERM the process exited with {outcome.exit_code}, and the last status "
                f"is {outcome.status!r}, not {_EXIT_AFTER_SIGTERM} and failed; Kubernetes would "
                f"kill it, and the job would stay running for ever:\n{outcome.logs[-2000:]}",
                pytrace=False,
            )

    def test_no_secrets(self, contract_process: Outcome) -> None:
        """The model's API key is in no log, event or file."""
        _report(_findings.secrets(contract_process, _SECRET))

    def test_no_files_outside(self, contract_process: Outcome) -> None:
        """It writes only to its job's directory and to temporary ones."""
        base = contract_process.folder.parent
        allowed = [contract_process.folder, base / "tmp", Path("/dev")]
        _report(_findings.files_outside(contract_process, allowed))

    def test_deterministic(self, contract_run: _Run, contract_spec: JobSpec) -> None:
        """A second run reports the same metrics."""
        if not self.deterministic:
            pytest.skip("deterministic is not set")
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
            declared = primary_metric(read_provider(cls.provider_file), cls.spec.benchmark_id)
        return declared

    def _own_updates(self, run: _Run) -> list[Any]:
        """Return the adapter's own updates: the first one is the SDK's."""
        return run.callbacks.updates[1:]

    @classmethod
    def _with_url(cls, url: str | None) -> JobSpec:
        model = cls.spec.model.model_copy(update={"url": url})
        return cls.spec.model_copy(deep=True, update={"model": model})


def _is_running(hub: FakeEvalHub) -> bool:
    return any(one.is_accepted and one.event["status"] == "running" for one in hub.received)


def _report(findings: Iterable[str]) -> None:
    found = list(findings)
    if found:
        pytest.fail("\n".join(found), pytrace=False)
