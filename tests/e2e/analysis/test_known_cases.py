"""Models whose difference is known, evaluated by the example adapter on the real service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.quiz import questions, quiz_job, quiz_model, quiz_provider

from evalhub.analysis import compare, gate, load_baseline, save_baseline
from evalhub.client import AsyncEvalHubClient, EvalHubClient
from evalhub.oci import pull
from evalhub.report import report
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.models.job import EvaluationJob

pytestmark = pytest.mark.e2e

ASKED = questions()
SOME = ASKED[::10]
"""What the model gets wrong; made worse, it gets every third question wrong as well."""

MORE = sorted({*SOME, *ASKED[::3]})


class Evaluated:
    """A service with three jobs: a model twice, and the model made worse."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.wrong: dict[str, list[str]] = {}

    def run(self, client: EvalHubClient, wrong, **more) -> EvaluationJob:
        with quiz_model("quizzer", wrong) as model:
            job = client.jobs.submit(**quiz_job(model, **more))
            job = client.jobs.wait(job, timeout=60, poll=0.1)
        assert job.state == "completed"
        return job

    def rows(self, job: EvaluationJob, folder) -> list[dict[str, object]]:
        """Return the samples of a job, read from its artifact."""
        result = job.result()
        assert result is not None
        pull(result.artifacts["oci_reference"], folder)
        (file,) = folder.glob("results.jsonl")
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [
            {
                "sample_id": line["id"],
                "prediction": float(line["outcome"] == "correct"),
                "group": line["category"],
                "input": line["question"],
                "expected": line["expected"],
                "output": line["reply"],
                "latency_seconds": line["latency_seconds"],
            }
            for line in lines
        ]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[dict[str, object]]:
    folder = tmp_path_factory.mktemp("artifacts")
    kept = Evaluated(folder)
    with (
        RealEvalHub(providers=[quiz_provider(folder)]) as service,
        EvalHubClient(service.url) as client,
    ):
        jobs = {
            "first": kept.run(client, SOME, tags=["baseline:release"]),
            "again": kept.run(client, SOME),
            "worse": kept.run(client, MORE, name="quiz-worse"),
        }
        rows = {name: kept.rows(job, tmp_path_factory.mktemp(name)) for name, job in jobs.items()}
        yield {"client": client, "url": service.url, "jobs": jobs, "rows": rows}


def test_the_scores_are_those_of_the_models(world):
    values = {name: job.scores()[0].value for name, job in world["jobs"].items()}

    assert values == {
        "first": pytest.approx(1 - len(SOME) / 84),
        "again": pytest.approx(1 - len(SOME) / 84),
        "worse": pytest.approx(1 - len(MORE) / 84),
    }


def test_the_same_model_twice_is_never_regressed(world):
    jobs, rows = world["jobs"], world["rows"]
    by_scores = compare(jobs["first"], jobs["again"])
    by_pairs = compare(jobs["first"], jobs["again"], rows=(rows["first"], rows["again"]))

    assert by_scores.verdict == "inconclusive"
    assert by_pairs.verdict == "unchanged"
    assert by_pairs.benchmarks[0].sentence.startswith("The same: accuracy is 0.893 on both sides")
    assert gate(by_scores).exit_code == 0


def test_a_model_made_worse_is_regressed(world):
    jobs, rows = world["jobs"], world["rows"]
    by_scores = compare(jobs["first"], jobs["worse"])
    by_pairs = compare(jobs["first"], jobs["worse"], rows=(rows["first"], rows["worse"]))

    for comparison in (by_scores, by_pairs):
        assert comparison.verdict == "regressed"
        assert comparison.benchmarks[0].difference == pytest.approx((len(SOME) - len(MORE)) / 84)
    assert sorted(by_pairs.benchmarks[0].lost) == sorted({*MORE} - {*SOME})
    assert by_pairs.benchmarks[0].gained == []
    # Pairs are worth more than as many samples on their own.
    effects = [one.benchmarks[0].smallest_effect or 0.0 for one in (by_pairs, by_scores)]
    assert effects == sorted(effects)
    assert gate(by_pairs).exit_code == 3


def test_made_better_it_is_improved(world):
    jobs = world["jobs"]

    assert compare(jobs["worse"], jobs["first"]).verdict == "improved"


def test_the_client_finds_jobs_by_id_name_and_tag(world):
    client, jobs = world["client"], world["jobs"]

    for baseline in (jobs["first"].id, jobs["first"], "quiz", "baseline:release"):
        assert client.jobs.compare(baseline, "quiz-worse").verdict == "regressed"
    found = client.jobs.history(name="quiz", benchmark="quiz")
    assert [point.value for point in found.points] == [pytest.approx(0.8929, abs=1e-4)] * 2


def test_the_asynchronous_client_compares_as_well(world):
    import asyncio

    async def compared():
        async with AsyncEvalHubClient(world["url"]) as client:
            return await client.jobs.compare("baseline:release", "quiz-worse")

    assert asyncio.run(compared()).verdict == "regressed"


def test_a_baseline_outlives_the_service(world, tmp_path):
    jobs, rows = world["jobs"], world["rows"]
    save_baseline("release", jobs["first"], rows=rows["first"], folder=tmp_path)
    saved = load_baseline("release", folder=tmp_path)
    answer = gate(jobs["worse"], baseline=saved, rows=(None, rows["worse"]))

    assert answer.exit_code == 3
    assert answer.comparison is not None
    assert answer.comparison.benchmarks[0].paired


def test_a_report_has_it_all(world, tmp_path):
    jobs, rows = world["jobs"], world["rows"]
    comparison = compare(jobs["first"], jobs["worse"], rows=(rows["first"], rows["worse"]))
    made = report(jobs["worse"], rows=rows["worse"], baseline=comparison)
    html = made.save(tmp_path / "report.html").read_text()

    for heading in ("Scores", "Categories", "Latency", "Comparison", "Samples", "What ran"):
        assert f"<h2>{heading}</h2>" in html
    assert html.count("▼ worse than before") == len({*MORE} - {*SOME})
    assert "dataset sha256" in html
