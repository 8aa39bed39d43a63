"""The cards of an evaluation: captured while it runs, completed from its results, as JSON.

One environment card is captured in a process, by a thread that the first report starts: the
evaluation does not wait for it, and its import and start do not pay for it.
"""

from __future__ import annotations

import logging
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._report.jsonable import Changes, to_json
from evalhub.models.card import ENV_CARD, EVAL_CARD
from evalhub.models.event import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from evalhub.adapter._report.jsonable import Json
    from evalhub.models.card import EnvironmentCard, EvalCardMetadata
    from evalhub.models.event import BenchmarkStatusEvent
    from evalhub.models.result import EvaluationResult, JobResults

__all__ = [
    "Capture",
    "captured_card",
    "card_json",
    "cards_of",
    "cards_to_store",
    "complete_card",
    "completed_card",
    "start_capture",
]

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 6.0
"""How long a report waits for the card, in seconds: a GPU's tool may take five."""

_LARGEST_AGGREGATE = 1000


class Capture:
    """A card that is captured in the background, once.

    Args:
        capture: Returns the card.
        timeout: How long `card` waits, in seconds.
    """

    def __init__(
        self, capture: Callable[[], EnvironmentCard], *, timeout: float = _LONGEST_WAIT
    ) -> None:
        self._timeout = timeout
        self._capture = capture
        self._found: EnvironmentCard | None = None
        self._thread = Thread(target=self._run, name="evalhub-card", daemon=True)
        self._thread.start()

    def card(self) -> EnvironmentCard | None:
        """Return a copy of the card, or `None` if the machine does not tell in time."""
        self._thread.join(self._timeout)
        if self._thread.is_alive():
            logger.warning(
                "no environment card: the machine was not described within %g s", self._timeout
            )
        return self._found.model_copy(deep=True) if self._found else None

    def _run(self) -> None:
        try:
            self._found = self._capture()
        except Exception:
            logger.exception("no environment card: the machine could not be described")


@cache
def start_capture() -> Capture:
    """Start to capture the card of this process, once."""

    def capture() -> EnvironmentCard:
        from evalhub.adapter.environment import EnvironmentCardMetadata

        return EnvironmentCardMetadata.capture()

    return Capture(capture)


def captured_card(framework: str | None = None) -> EnvironmentCard | None:
    """Return a copy of the captured card, or `None` if the machine does not tell in time.

    Args:
        framework: Distribution name of the evaluation framework, to be named in the card.
    """
    card = start_capture().card()
    if card is not None and framework:
        from evalhub.adapter._machine.system import package_versions

        card.framework_name = framework
        card.framework_version = package_versions([framework]).get(framework)
    return card


def complete_card(results: JobResults, before: BenchmarkStatusEvent | None) -> None:
    """Give the results a card of this machine if they have none, and fill in what they tell.

    Args:
        results: The results; a failure here does not cost them.
        before: The last event sent.
    """
    started_at = before.started_at if before else None
    results.env_card = _with_card(results, started_at=started_at).env_card


def _with_card(results: JobResults, *, started_at: datetime | None = None) -> JobResults:
    """Return the results with a completed card: their own, or that of this machine.

    Args:
        results: The results; a failure here leaves them as they are.
        started_at: When the evaluation began.
    """
    try:
        card = results.env_card or captured_card()
        if card is not None:
            card = completed_card(card, results, started_at=started_at)
            return results.model_copy(update={"env_card": card})
    except Exception:
        logger.exception("the environment card could not be completed")
    return results


def completed_card(
    card: EnvironmentCard, results: JobResults, *, started_at: datetime | None = None
) -> EnvironmentCard:
    """Return a copy of the card in which what the results tell is filled in, where it was empty.

    Args:
        card: The card.
        results: The results of the evaluation.
        started_at: When it began.
    """
    from evalhub._version import __version__  # reads the metadata of packages

    told: dict[str, Any] = {
        "model_id": results.model_name,
        "framework_name": _told(results, "framework_name", "framework"),
        "framework_version": _told(results, "framework_version"),
        "started_at": timestamp(started_at) if started_at else None,
        "completed_at": timestamp(results.completed_at),
        "oci_artifact_ref": results.oci_artifact.reference if results.oci_artifact else None,
        "aggregate_results": _numbers(results.results),
        "confidence_intervals": {
            result.metric_name: list(result.confidence_interval)
            for result in results.results[:_LARGEST_AGGREGATE]
            if result.confidence_interval is not None
        },
        "generated_by": f"eval-hub-sdk {__version__}",
    }
    missing = {
        name: value
        for name, value in told.items()
        if value and getattr(card, name) in (None, "", {})
    }
    return card.model_copy(update=missing)


def cards_of(results: JobResults, changes: Changes | None = None) -> dict[str, Json]:
    """Return the cards of the results as JSON, by the names under which they are stored.

    Args:
        results: The results.
        changes: Collects what could not be kept as it was.
    """
    cards = {EVAL_CARD: results.eval_card, ENV_CARD: results.env_card}
    return {
        name: card_json(card, at=name, changes=changes)
        for name, card in cards.items()
        if card is not None
    }


def cards_to_store(results: JobResults) -> dict[str, Json]:
    """Return the cards as `cards_of` does, with the captured one where the results have none."""
    return cards_of(_with_card(results))


def card_json(
    card: EnvironmentCard | EvalCardMetadata, *, at: str = "", changes: Changes | None = None
) -> Json:
    """Return a card as JSON, without what is not known.

    What an adapter has assigned to a field may be of any type: it is sent in the nearest form.
    """
    fields = card.model_dump(exclude_none=True, warnings=False)
    return to_json(fields, at=at, changes=changes)


def _told(results: JobResults, *names: str) -> str | None:
    found = (results.evaluation_metadata.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), None)


def _numbers(results: list[EvaluationResult]) -> dict[str, float]:
    """The metrics that are numbers; the others are in the event only, once."""
    values = {
        result.metric_name: to_json(result.metric_value)
        for result in results[:_LARGEST_AGGREGATE]
        if not isinstance(result.metric_value, str | list | tuple | dict)
    }
    numbers = {
        name: value
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return cast("dict[str, float]", numbers)
