"""One line that identifies a thing, in notebooks and logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalhub.client.benchmarks import OfferedBenchmark
from evalhub.models import (
    Benchmark,
    Collection,
    CollectionList,
    EvaluationJob,
    JobsList,
    Provider,
    ProviderList,
    Score,
)

RECORDED = Path(__file__).parents[2] / "recorded"


def recorded(model, name):
    return model.model_validate_json((RECORDED / f"{name}.json").read_bytes())


def test_a_job():
    job = recorded(EvaluationJob, "job_completed")

    assert repr(job) == (
        f"EvaluationJob(id={job.id!r}, name={job.name!r}, state='completed', passed={job.passed})"
    )


def test_a_job_in_a_state_not_known_here():
    job = recorded(EvaluationJob, "job_pending")
    paused = {**job.to_wire(), "status": {"state": "paused"}}

    assert "state='paused', passed=None" in repr(EvaluationJob.model_validate(paused))


def test_a_provider_a_collection_and_benchmarks():
    provider = recorded(ProviderList, "providers_page").items[0]
    collection = recorded(Collection, "collection_system")
    benchmark = Benchmark(id="b", name="B", category="math", metrics=["acc"])
    offered = OfferedBenchmark(id="b", name="B", category="math", provider_id="p")

    assert repr(provider) == f"Provider(id={provider.id!r}, name={provider.name!r})"
    assert repr(collection) == (
        f"Collection(id={collection.id!r}, name={collection.name!r},"
        f" category={collection.category!r})"
    )
    assert repr(benchmark) == "Benchmark(id='b', name='B', category='math')"
    assert repr(offered) == "OfferedBenchmark(id='b', provider_id='p', name='B', category='math')"


@pytest.mark.parametrize(
    ("model", "name"), [(JobsList, "jobs_page"), (CollectionList, "collections_page")]
)
def test_a_page_shows_its_items_the_short_way(model, name):
    page = recorded(model, name)

    assert all(repr(item) in repr(page) for item in page.items)


def test_a_score():
    score = Score("mmlu", "lm", 2, "accuracy", 0.62, threshold=0.5, passed=True)

    assert repr(score) == "Score('mmlu', index=2, accuracy=0.62, passed=True)"
    assert repr(Score("mmlu", "lm", 0, "n", 3)) == "Score('mmlu', index=0, n=3)"
    assert len(repr(Score("mmlu", "lm", 0, "texts", ["x" * 1000] * 1000))) < 250


def test_a_provider_shows_no_environment_of_its_runtime():
    runtime = {"local": {"command": "run", "env": [{"name": "KEY", "value": "sk-secret"}]}}
    provider = Provider.model_validate({"resource": {"id": "p"}, "name": "n", "runtime": runtime})

    assert repr(provider) == "Provider(id='p', name='n')"
    assert "secret" not in str(provider)
