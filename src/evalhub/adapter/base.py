"""The base class of adapters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from evalhub.models.spec import JobSpec

if TYPE_CHECKING:
    from evalhub.adapter.callbacks import JobCallbacks
    from evalhub.adapter.mlflow import MlflowClient
    from evalhub.models.result import JobResults
    from evalhub.settings import AdapterSettings

__all__ = ["FrameworkAdapter"]


class FrameworkAdapter(ABC):
    """Connects an evaluation framework to EvalHub: subclass it and write one method.

    Neither settings nor a job file are needed to make one; each is loaded on first use.

    Args:
        settings: The settings of this run; read from the environment on first use if not given.
        job_spec_path: The job file, in place of the one the settings name.
    """

    # On the class, because subclasses and their tests make instances without our `__init__`.
    _settings: AdapterSettings | None = None
    _job_spec: JobSpec | None = None
    _mlflow: MlflowClient | None = None
    _job_spec_path: Path | None = None

    def __init__(
        self,
        settings: AdapterSettings | None = None,
        job_spec_path: Path | str | None = None,
    ) -> None:
        self._job_spec_path = Path(job_spec_path) if job_spec_path is not None else None
        if settings is not None:
            self.settings = settings

    @abstractmethod
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        """Evaluate the model on the benchmark the job names, and return what was measured.

        Args:
            config: The job.
            callbacks: Where to report progress and store artifacts.

        Raises:
            ConfigurationError: The job asks for something this adapter cannot do.
            BenchmarkError: The evaluation failed; `retryable` says whether to try again.
        """
        raise NotImplementedError

    def generate_additional_info(self, results: JobResults) -> dict[str, Any] | None:
        """Return more `additional_info` for these results; override to use it."""
        del results  # for overrides
        return None

    @property
    def settings(self) -> AdapterSettings:
        """The settings of this run.

        Raises:
            ConfigurationError: An environment variable has an invalid value.
        """
        if self._settings is None:
            from evalhub.settings import AdapterSettings

            self.settings = AdapterSettings.from_env()
        return cast("AdapterSettings", self._settings)

    @settings.setter
    def settings(self, settings: AdapterSettings) -> None:
        if self._job_spec_path is not None:
            # The job's folder follows the job file that this adapter was given.
            settings = settings.model_copy(update={"job_spec_path": self._job_spec_path})
        self._settings = settings

    @property
    def job_spec(self) -> JobSpec:
        """The job this process was started for.

        Raises:
            JobSpecError: The job file is missing, unreadable or invalid.
        """
        if self._job_spec is None:
            self._job_spec = self._load_job_spec()
        return self._job_spec

    @job_spec.setter
    def job_spec(self, job_spec: JobSpec) -> None:
        self._job_spec = job_spec

    @property
    def local_jobs_base_path(self) -> Path | None:
        """The local job's own directory, which holds `meta/job.json`; `None` in a cluster."""
        return self.settings.job_folder

    @property
    def mlflow(self) -> MlflowClient | None:
        """The MLflow client; `None` without `MLFLOW_TRACKING_URI`."""
        if self._mlflow is None and self.settings.mlflow_tracking_uri:
            from evalhub.adapter.mlflow import MlflowClient

            self._mlflow = MlflowClient(self.settings.mlflow_tracking_uri)
        return self._mlflow

    @classmethod
    def main(cls) -> NoReturn:
        """Run this adapter as the main program; see `evalhub.adapter.run`."""
        from evalhub.adapter import run

        run(cls)

    def _load_job_spec(self) -> JobSpec:
        """Load the job; override to load it from another place."""
        return JobSpec.from_file(self._job_spec_path or self.settings.resolved_job_spec_path)


def own_settings(adapter: FrameworkAdapter) -> AdapterSettings | None:
    """Return the settings an adapter was given or has read; `None` before that."""
    # Reading the property would read the environment.
    return adapter._settings  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
