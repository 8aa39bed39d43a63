"""What is around a framework's own call: a place for its files, the model, and the results.

```python
with evaluation(config, callbacks, framework="lm_eval") as job:
    ...  # the framework's own call, with job.model and job.folder
    return job.results(metrics_from(...))
```
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._kit import samples_of
from evalhub.adapter._report.cards import captured_card
from evalhub.adapter.samples import SampleWriter
from evalhub.errors import ConfigurationError
from evalhub.models.oci import OCIArtifactResult, OCIArtifactSpec
from evalhub.models.result import EvaluationResult, JobResults
from evalhub.models.state import JobPhase

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from evalhub.adapter.callbacks import JobCallbacks
    from evalhub.adapter.chat import ChatModel
    from evalhub.adapter.endpoint import Endpoint
    from evalhub.models.spec import JobSpec
    from evalhub.models.trajectory import TrajectoryScore

__all__ = ["Evaluation", "evaluation"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation under way."""

    config: JobSpec
    callbacks: JobCallbacks
    framework: str
    """The framework, as its distribution is called."""

    model: Endpoint
    """The model under evaluation."""

    folder: Path
    """For the framework's result files: all that is in it goes into the artifact."""

    scratch: Path
    """For what nobody keeps, such as caches; removed at the end."""

    started: float = field(repr=False)
    clock: Callable[[], float] = field(repr=False)

    def chat(self, **options: Any) -> ChatModel:
        """Return the model to be asked from here: retries, and answers read in every form.

        Args:
            options: The other arguments of `evalhub.adapter.chat.ChatModel`.
        """
        from evalhub.adapter.chat import ChatModel
        from evalhub.adapter.credentials import resolve_model_credentials

        credentials = resolve_model_credentials() if self.config.model.auth else None
        return ChatModel(self.config.model, credentials=credentials, **options)

    def results(
        self,
        metrics: Mapping[str, Any] | Sequence[EvaluationResult],
        *,
        num_examples: int | None = None,
        **more: Any,
    ) -> JobResults:
        """Store the files and the samples, and return the results.

        Args:
            metrics: What was measured. The score is the metric the job is judged by, else the
                first one.
            num_examples: How many examples were evaluated; by default as many as there are
                samples.
            more: Any other field of `JobResults`. The trajectories of `trajectory_results` are
                stored with the files.
        """
        self._keep_trajectories(more.get("trajectory_results") or ())
        artifact = self._store()
        found = num_examples or len(samples_of(self.callbacks))
        results = JobResults.for_job(
            self.config,
            metrics,
            num_examples_evaluated=found,
            duration_seconds=self.clock() - self.started,
            oci_artifact=artifact,
            env_card=captured_card(self.framework),
            **more,
        )
        if results.overall_score is None:
            results.overall_score = self._score(results.results)
        return results

    def _keep_trajectories(self, scores: Sequence[TrajectoryScore]) -> None:
        for score in scores:
            try:
                score.to_folder(self.folder)
            except ConfigurationError as error:
                # The score is worth more than the record of how it came about.
                logger.warning("trajectory %s is not stored: %s", score.trajectory_id, error)

    def _store(self) -> OCIArtifactResult | None:
        with self.callbacks.phase(JobPhase.PERSISTING_ARTIFACTS):
            if not any(self.folder.iterdir()) and not len(samples_of(self.callbacks)):
                return None
            spec = OCIArtifactSpec.for_job(self.config, files_path=self.folder)
            stored = cast("Any", self.callbacks.create_oci_artifact(spec))
            # The callbacks of a test may return a mock, which results would refuse.
            return stored if isinstance(stored, OCIArtifactResult) else None

    def _score(self, metrics: Sequence[EvaluationResult]) -> float | None:
        judged = self.config.primary_score.metric if self.config.primary_score else None
        values = [one.metric_value for one in metrics if judged in (None, one.metric_name)]
        match next(iter(values), None):
            case bool():
                return None
            case int() | float() as number:
                return float(number)
            case _:
                return None


@contextmanager
def evaluation(
    config: JobSpec,
    callbacks: JobCallbacks,
    *,
    framework: str,
    check: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Evaluation]:
    """Give a framework the model and a place for its files, for as long as a block runs.

    Args:
        config: The job.
        callbacks: What to report with.
        framework: The framework, as its distribution is called.
        check: Whether to ask the endpoint for the model first.
        clock: Seconds that only grow.

    Raises:
        ConfigurationError: The job's model has no URL, or one that is none.
        BenchmarkError: The model cannot be reached, refuses the key, or is not served.
    """
    started = clock()
    model = config.endpoint()
    if check:
        model.check()
    begun = vars(callbacks).get("samples")
    if isinstance(begun, SampleWriter):
        begun.clear()  # of an attempt before this one
    with TemporaryDirectory(prefix="evalhub-evaluation-", ignore_cleanup_errors=True) as base:
        folder, scratch = Path(base, "results"), Path(base, "scratch")
        folder.mkdir()
        scratch.mkdir()
        yield Evaluation(
            config, callbacks, framework, model, folder, scratch, started=started, clock=clock
        )
