"""What the real service says, read and written back: nothing is lost."""

from __future__ import annotations

import gc
import json
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError, field_validator

from evalhub.models import (
    Collection,
    CollectionList,
    ErrorResponse,
    EvaluationJob,
    HealthResponse,
    JobsList,
    JobSubmissionRequest,
    Provider,
    ProviderCreateRequest,
    ProviderList,
)
from evalhub.models._base import Model, ServiceModel

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = Path(__file__).parents[2] / "recorded"
MODELS: dict[str, type[ServiceModel]] = {
    "job": EvaluationJob,
    "jobs": JobsList,
    "provider": Provider,
    "providers": ProviderList,
    "collection": Collection,
    "collections": CollectionList,
    "error": ErrorResponse,
    "health": HealthResponse,
}
NAMES = sorted(path.stem for path in RECORDED.glob("*.json"))
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.json").read_bytes()


def model_of(name: str) -> type[ServiceModel]:
    return MODELS[name.split("_", maxsplit=1)[0]]


def as_read(value: Any, key: str = "") -> Any:
    """Say a document as Python holds it: microseconds, and no list that is null."""
    match value:
        case dict():
            return {key: as_read(inner, key) for key, inner in value.items()}
        case list():
            return [as_read(inner) for inner in value]
        case str() if TIME.fullmatch(value) and key != "collection_updated_at":
            return datetime.fromisoformat(value)
        case None if key in {"benchmarks", "Entrypoint", "Env"}:
            return []
        case _:
            return value


def test_there_is_something_recorded():
    assert {name.split("_", maxsplit=1)[0] for name in NAMES} == set(MODELS)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost(name):
    document = recorded(name)

    model = model_of(name).model_validate_json(document)

    written = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert as_read(written) == as_read(json.loads(document))


@pytest.mark.parametrize("name", NAMES)
def test_json_and_python_objects_read_the_same(name):
    model = model_of(name)

    assert model.model_validate_json(recorded(name)) == model.model_validate(
        json.loads(recorded(name))
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_key_the_service_sends_is_a_field(name):
    model = model_of(name).model_validate_json(recorded(name))

    assert extras(model) == []


def extras(value: Any, path: str = "") -> list[str]:
    match value:
        case Model():
            found = [f"{path}.{key}" for key in value.model_extra or {}]
            for key in type(value).model_fields:
                found += extras(getattr(value, key), f"{path}.{key}")
            return found
        case list():
            return [found for inner in value for found in extras(inner, f"{path}[]")]
        case _:
            return []


@pytest.mark.parametrize("name", NAMES)
def test_a_key_the_service_adds_is_kept_wherever_it_is(name):
    document = with_news(json.loads(recorded(name)))

    model = model_of(name).model_validate_json(json.dumps(document))

    written = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert as_read(written) == as_read(document)


def with_news(value: Any) -> Any:
    """Put a new key into every object."""
    match value:
        case dict():
            return {key: with_news(inner) for key, inner in value.items()} | {"new": "s"}
        case list():
            return [with_news(inner) for inner in value]
        case _:
            return value


def test_a_list_that_is_null_is_empty():
    document = json.loads(recorded("job_completed"))
    document |= {"tags": None, "benchmarks": None}
    document["status"]["benchmarks"] = None
    document["results"]["benchmarks"] = None

    job = EvaluationJob.model_validate_json(json.dumps(document))

    assert (job.tags, job.benchmarks) == ([], [])
    assert (job.status.benchmarks, job.results.benchmarks) == ([], [])
    assert job.to_rows() == []


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every container and key of a document."""
    keys: Any = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@pytest.mark.parametrize("name", ["job_everything", "job_completed", "provider_system"])
@pytest.mark.parametrize("junk", [None, 0, -1.5, "", "x", True, [], [1], {}, {"id": 1}], ids=repr)
@pytest.mark.parametrize("read", [True, False], ids=["read", "built"])
def test_junk_anywhere_is_taken_or_refused_and_no_more(name, junk, read):
    document = json.loads(recorded(name))
    model: type[Model] = model_of(name)
    if not read:
        model = JobSubmissionRequest if model is EvaluationJob else ProviderCreateRequest
        for key in ("resource", "status", "results"):
            document.pop(key, None)
    for container, key in places(document):
        kept, container[key] = container[key], junk
        with suppress(ValidationError):  # anything else fails the test
            model.model_validate(document)
        container[key] = kept


def test_the_collector_rests_while_a_page_is_read():
    seen: list[bool] = []

    class Watched(JobsList):
        @field_validator("limit")
        @classmethod
        def _watch(cls, value: int) -> int:
            seen.append(gc.isenabled())
            return value

    Watched.model_validate_json(recorded("jobs_page"))

    assert seen == [False]
    assert gc.isenabled()


def test_the_collector_stays_off_where_it_was_off():
    gc.disable()
    try:
        JobsList.model_validate_json(recorded("jobs_page"))

        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_goes_on_after_a_page_that_is_not_one():
    with pytest.raises(ValidationError):
        JobsList.model_validate_json("[]")

    assert gc.isenabled()


def test_what_a_page_holds_is_old_at_once():
    page = JobsList.model_validate_json(recorded("jobs_page"))

    old = {id(item) for item in gc.get_objects(generation=2)}
    assert all(id(job) in old for job in page.items)


def test_objects_that_a_program_froze_stay_frozen():
    kept: list[list[int]] = [[] for _ in range(1_000)]
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        JobsList.model_validate_json(recorded("jobs_page"))

        assert len(kept) <= before - 10 <= gc.get_freeze_count()
    finally:
        gc.unfreeze()
