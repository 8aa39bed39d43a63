from __future__ import annotations

import csv
import io
import json

import pytest

from evalhub.adapter.examples import ExampleAdapter
from evalhub.testing import AdapterHarness, FakeModel, job_spec

JOB = job_spec().job_id


def test_the_history_has_the_metric_as_its_column(evalhub, submit, report):
    scores = {submit("nightly"): 0.7, submit("nightly"): 0.8, submit("other"): 0.9}
    for job, score in scores.items():
        report(job, score)

    ran = evalhub("jobs", "history", "sums", "--name", "nightly", "-o", "csv")

    # Jobs of one second are in no order: the service tells whole seconds.
    rows = {row["job"]: row for row in csv.DictReader(io.StringIO(ran.out))}
    assert [*rows] in ([*scores][:2], [*scores][1::-1])
    first, second = (rows[job] for job in [*scores][:2])
    assert (first["accuracy"], first["interval"], first["n"]) == ("0.7", "0.6..0.8", "100")
    assert (second["accuracy"], second["interval"], second["n"]) == ("0.8", "0.7..0.9", "100")


def test_the_history_for_people_ends_with_its_sentence(evalhub, submit, report):
    report(submit(), 0.7)

    ran = evalhub("jobs", "history", "sums", "--last", "1")
    found = evalhub("jobs", "history", "sums", "--last", "1", "-o", "json").json

    assert found["benchmark_id"] == "sums"
    assert ran.err == found["sentence"] + "\n"


def test_a_benchmark_nobody_has_run_has_no_history(evalhub, submit, report):
    report(submit(), 0.7)

    ran = evalhub("jobs", "history", "summs")

    assert ran.code == 2
    assert "no job has results of benchmark 'summs' (there are: sums)" in ran.err


@pytest.fixture
def answered(hub):
    """Store a job whose every answer is 4, in red."""
    with FakeModel("\x1b[31m4\x1b[0m") as model:
        spec = job_spec(
            model={"name": "m", "url": model.url}, benchmark_id="arithmetic", num_examples=3
        )
        AdapterHarness(ExampleAdapter, hub=hub).run(spec)


def test_samples_are_the_rows_of_the_artifact(evalhub, answered):
    ran = evalhub("jobs", "samples", JOB, "-o", "ndjson")

    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert len(rows) == 3
    assert {row["benchmark_id"] for row in rows} == {"arithmetic"}
    assert all(row["output"] == "\x1b[31m4\x1b[0m" for row in rows)


def test_what_a_model_said_does_not_colour_the_terminal(evalhub, answered):
    ran = evalhub("jobs", "samples", JOB, "--benchmark", "arithmetic", "-L", "2")

    head, *rows = ran.out.splitlines()
    assert head.split("\t")[:4] == ["id", "prediction", "expected", "output"]
    assert len(rows) == 2
    assert "\x1b" not in ran.out


def test_a_job_without_an_artifact_has_no_samples(evalhub, submit, report):
    job = submit()
    report(job, 0.7)

    ran = evalhub("jobs", "samples", job)

    assert ran.code == 1
    assert f"of job {job} has stored no artifact, and so no samples" in ran.err
