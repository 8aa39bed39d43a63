"""Ask an endpoint a file of questions, and write its answers as a data set.

```python
config = CollectorConfig(
    questions_path="questions.csv",
    output_dir="answers",
    endpoint_url="https://host/v1",
    model="m",
)
manifest = collect_responses(config)
```

Answers are kept as they come. A second run, after a crash or after questions that failed, asks
only those that have no answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from evalhub._lazy import forwarded
from evalhub.adapter._collecting.asking import Asker
from evalhub.adapter._collecting.config import (
    PARAMETER,
    CollectedRecord,
    CollectionManifest,
    CollectorConfig,
    CollectorProtocol,
)
from evalhub.adapter._collecting.questions import LiveQuestion, load_questions
from evalhub.adapter._collecting.store import Store
from evalhub.adapter._collecting.templates import extract_by_path, substitute_template
from evalhub.errors import CollectorError, RateLimitError, ServerError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.adapter.credentials import ModelCredentials

__all__ = [
    "CollectedRecord",
    "CollectionManifest",
    "CollectorConfig",
    "CollectorError",
    "CollectorProtocol",
    "LiveQuestion",
    "collect_responses",
    "collect_responses_from_parameters",
    "extract_by_path",
    "is_collection_configured",
    "is_configured",
    "load_questions",
    "substitute_template",
]

logger = logging.getLogger(__name__)

_forwarded = forwarded(
    __name__,
    {
        "evalhub.adapter.credentials": ("ModelCredentials", "resolve_model_credentials"),
        "evalhub.settings": ("AdapterSettings", "EvalHubMode"),
    },
)


def is_configured(parameters: Mapping[str, Any] | None) -> bool:
    """Return whether a benchmark's parameters configure a collection."""
    given = parameters.get(PARAMETER) if parameters else None
    return bool(given) and isinstance(given, Mapping)


is_collection_configured = is_configured


def collect_responses_from_parameters(
    parameters: Mapping[str, Any], **options: Any
) -> CollectionManifest:
    """Collect the answers that a benchmark's parameter `live_collection` asks for.

    Args:
        parameters: The benchmark's parameters.
        options: The other arguments of `collect_responses`.
    """
    return collect_responses(CollectorConfig.from_parameters(parameters), **options)


def collect_responses(
    config: CollectorConfig,
    *,
    client: Any = None,
    credentials: ModelCredentials | None = None,
    progress_callback: Callable[[float], object] | None = None,
) -> CollectionManifest:
    """Ask every question that has no answer yet, and write `responses.jsonl` and `manifest.json`.

    `responses.jsonl` has a line for each question, in order: the columns of its row, those of
    `extra_response_paths`, then `response`, `raw_response`, `error` and `latency_ms`. No key,
    password or header is written.

    Args:
        config: What to ask, and of whom.
        client: An HTTP client with `post`, as httpx's; it is asked one question at a time unless
            `concurrency` is given.
        credentials: The key and the certificates, in place of those of the job's model.
        progress_callback: Called with the share of questions that are done, from 0 to 1.

    Raises:
        ConfigurationError: The questions, a header or a certificate are invalid, or a file cannot
            be written.
        CollectorError: A question has no answer, and `fail_fast` is set.
    """
    questions = load_questions(
        config.questions_path, question_column=config.question_column, id_column=config.id_column
    )
    with (
        closing(Asker(config, client=client, credentials=credentials)) as asker,
        closing(Store(config, questions, asker.secrets)) as store,
    ):
        at_once = config.concurrency
        if client is not None and "concurrency" not in config.model_fields_set:
            at_once = 1  # a client of the caller's may not be safe to share
        return _Collection(config, questions, asker, store).run(at_once, progress_callback)


class _Collection:
    """One run over the questions."""

    def __init__(
        self,
        config: CollectorConfig,
        questions: list[LiveQuestion],
        asker: Asker,
        store: Store,
    ) -> None:
        self._config = config
        self._questions = questions
        self._asker = asker
        self._store = store
        self._errors: list[tuple[LiveQuestion, CollectedRecord]] = []
        self._completed = self._reused = 0

    def run(self, at_once: int, progress: Callable[[float], object] | None) -> CollectionManifest:
        kept = set(self._store.reuse() if self._config.resume else ())
        self._reused = self._completed = len(kept)
        self._store.open()
        total = len(self._questions)
        if kept:
            logger.info("%d of %d questions have been answered before", len(kept), total)
            if progress:
                progress(len(kept) / total)
        pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="evalhub-collector")
        try:
            asked = {
                pool.submit(self._ask, place, question): question
                for place, question in enumerate(self._questions)
                if place not in kept
            }
            for future in as_completed(asked):
                record = future.result()
                self._count(asked.pop(future), record)
                if progress:
                    progress((self._completed + len(self._errors)) / total)
                if record.error is not None and self._config.fail_fast:
                    pool.shutdown(cancel_futures=True)  # what has been asked is awaited
                    for late in [one for one in asked if not one.cancelled()]:
                        self._count(asked[late], late.result())
                    break
        finally:
            # Questions not asked yet are not asked any more, as after Ctrl-C.
            pool.shutdown(wait=False, cancel_futures=True)
        return self._finish()

    def _ask(self, place: int, question: LiveQuestion) -> CollectedRecord:
        record = self._asker.ask(question)
        self._store.add(place, record)
        return record

    def _count(self, question: LiveQuestion, record: CollectedRecord) -> None:
        if record.error is None:
            self._completed += 1
        else:
            self._errors.append((question, record))

    def _finish(self) -> CollectionManifest:
        config = self._config
        manifest = CollectionManifest(
            created_at=datetime.now(UTC),
            protocol=config.protocol,
            endpoint_url=config.public_url,
            model=config.model,
            questions_path=str(config.questions_path),
            output_path=str(self._store.path),
            total=len(self._questions),
            completed=self._completed,
            failed=len(self._errors),
            reused=self._reused,
            fingerprint=config.fingerprint,
        )
        self._store.finish(manifest)
        if self._errors:
            question, record = self._errors[0]
            reason = f"question {question.question_id!r} was not answered: {record.error}"
            if config.fail_fast:
                cause = record.error_cause
                passes = isinstance(cause, TransportError | RateLimitError | ServerError)
                raise CollectorError(reason, question.question_id, cause, retryable=passes)
            logger.warning("%d of %d: %s", len(self._errors), len(self._questions), reason)
        return manifest


def __getattr__(name: str) -> Any:
    return _forwarded(name)
