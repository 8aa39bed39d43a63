"""Every endpoint, by both clients, on the real service."""

from __future__ import annotations

import threading
import time

import pytest

from evalhub.errors import (
    BadRequestError,
    JobCanNotBeCancelledError,
    JobNotFoundError,
    NotFoundError,
    WaitTimeoutError,
)
from evalhub.models import EvaluationJob, EvaluationRequest, ProviderCreateRequest

pytestmark = pytest.mark.e2e

MODEL = {"name": "m", "url": "http://127.0.0.1:1/v1"}
SUMS = {"id": "sums", "provider_id": "silent"}


def later(seconds, action):
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def test_health(api):
    assert api(lambda c: c.health()).status == "healthy"


def test_life_of_a_job(api):
    job = api.submit(SUMS, name="life", tags=["a", "b"], pass_criteria={"threshold": 0.5})
    later(0.5, lambda: api.report(job, "running", benchmark=SUMS))
    later(
        3.0,
        lambda: api.report(job, "completed", benchmark=SUMS, metrics={"accuracy": 0.75, "n": [1]}),
    )
    seen: list[EvaluationJob] = []

    done = api(lambda c: c.jobs.wait(job, timeout=30, on_update=seen.append))

    assert [each.state for each in seen] == ["pending", "running", "completed"]
    assert done.passed is True
    assert [(s.metric, s.value, s.threshold, s.passed) for s in done.scores()] == [
        ("accuracy", 0.75, 0.5, True),
        ("n", [1], None, None),
    ]
    assert len(done.to_rows()) == 2
    assert api(lambda c: c.jobs.results(job)).benchmarks[0].metrics["accuracy"] == 0.75
    assert api(lambda c: c.jobs.get(job.id)).tags == ["a", "b"]
    assert job.id in {j.id for j in api(lambda c: c.jobs.list(tags=["a", "b"]))}
    assert job.id in {j.id for j in api(lambda c: c.jobs.iter(status="completed", name="life"))}
    with pytest.raises(JobCanNotBeCancelledError):
        api(lambda c: c.jobs.cancel(job))
    assert api(lambda c: c.jobs.delete(job)) is None
    with pytest.raises(JobNotFoundError):
        api(lambda c: c.jobs.get(job.id))


def test_wait_goes_on_while_a_second_benchmark_runs(api):
    job = api.submit(SUMS, SUMS)
    api.report(job, "completed", index=0, benchmark=SUMS)
    api.report(job, "running", index=1, benchmark=SUMS)

    with pytest.raises(WaitTimeoutError) as caught:
        api(lambda c: c.jobs.wait(job, timeout=1.5))
    assert caught.value.job is not None
    assert caught.value.job.state == "running"

    later(0.5, lambda: api.report(job, "completed", index=1, benchmark=SUMS))
    assert api(lambda c: c.jobs.wait_for_completion(job.id, 30, 0.1)).state == "completed"


def test_wait_for_many_and_watch(api):
    jobs = [api.submit(SUMS) for _ in range(3)]
    for number, job in enumerate(jobs):
        later(0.3 * number, lambda job=job: api.report(job, "failed", benchmark=SUMS))

    states = [job.state for job in api(lambda c: c.jobs.watch(jobs[2], timeout=30, poll=0.1))]
    done = api(lambda c: c.jobs.wait_all(jobs, timeout=30))

    assert states == ["pending", "failed"]
    assert [job.id for job in done] == [job.id for job in jobs]


def test_wait_for_so_many_that_lists_of_unfinished_ones_are_read(api):
    jobs = [api.submit(SUMS, name="crowd") for _ in range(12)]
    for job in jobs[:6]:
        later(0.7, lambda job=job: api.report(job, "running", benchmark=SUMS))
    for job in jobs:
        later(2.0, lambda job=job: api.report(job, "completed", benchmark=SUMS))
    seen: list[tuple[str, str]] = []

    done = api(
        lambda c: c.jobs.wait_all(
            jobs, timeout=30, poll=0.2, on_update=lambda job: seen.append((job.id, job.state))
        )
    )

    assert [job.id for job in done] == [job.id for job in jobs]
    assert (
        sorted(state for _, state in seen)
        == ["completed"] * 12 + ["pending"] * 12 + ["running"] * 6
    )


def test_120_jobs_are_listed(api):
    name = f"many-{api.kind}"
    ids = {api.submit(SUMS, name=name).id for _ in range(120)}

    assert {job.id for job in api(lambda c: c.jobs.list(name=name))} == ids
    assert {job.id for job in api(lambda c: c.jobs.iter(name=name))} == ids
    assert len(api(lambda c: c.jobs.list(name=name, limit=70))) == 70


def test_filters_of_jobs(api):
    name = f"filtered-{api.kind}"
    failed, cancelled, pending = (api.submit(SUMS, name=name) for _ in range(3))
    api.report(failed, "failed", benchmark=SUMS)
    assert api(lambda c: c.jobs.cancel(cancelled)) is True

    def found(status):
        return {job.id for job in api(lambda c: c.jobs.list(status, name=name))}

    assert found("failed") == {failed.id}
    assert found(["failed", "cancelled"]) == {failed.id, cancelled.id}
    assert found("!failed") == {cancelled.id, pending.id}
    assert api(lambda c: c.jobs.list(owner="nobody")) == []
    assert api(lambda c: c.jobs.list(experiment_id="7")) == []


def test_short_request(api):
    request = EvaluationRequest(model=MODEL, benchmarks=["only-silent"], num_examples=5)

    job = api(lambda c: c.jobs.submit(request))

    assert [(b.provider_id, b.parameters) for b in job.benchmarks] == [
        ("silent", {"num_examples": 5})
    ]


def test_life_of_a_provider(api):
    made = api(lambda c: c.providers.create(ProviderCreateRequest(name=f"mine-{api.kind}")))
    made.title = "Mine"
    assert api(lambda c: c.providers.update(made.id, made)).title == "Mine"
    patched = api(lambda c: c.providers.patch(made.id, {"description": "x", "title": None}))
    assert (patched.description, patched.title) == ("x", "")
    assert api(lambda c: c.providers.get(made.id)).description == "x"
    assert api(lambda c: c.providers.get_by_name(made.name)).id == made.id
    assert made.id in {p.id for p in api(lambda c: c.providers.list(scope="tenant"))}
    assert len(api(lambda c: c.providers.iter(scope="system"))) == 3
    assert api(lambda c: c.providers.delete(made.id)) is None
    with pytest.raises(NotFoundError):
        api(lambda c: c.providers.delete(made.id))
    with pytest.raises(BadRequestError, match="read_only_provider"):
        api(lambda c: c.providers.patch("silent", {"title": "x"}))


def test_life_of_a_collection(api):
    clone = api(lambda c: c.collections.clone("set", {"name": f"copy-{api.kind}"}))
    clone.description = "copied"
    updated = api(lambda c: c.collections.update(clone.id, clone))
    patched = api(lambda c: c.collections.patch(clone.id, {"category": "text"}))
    made = api(
        lambda c: c.collections.create(
            {"name": "own", "category": "text", "benchmarks": [SUMS], "domains": ["d"]}
        )
    )

    assert (clone.derived_from, updated.description, patched.category) == ("set", "copied", "text")
    assert api(lambda c: c.collections.get(clone.id)).category == "text"
    found = api(lambda c: c.collections.list(category="text", domains="d", scope="tenant"))
    assert [collection.id for collection in found] == [made.id]
    assert {c.id for c in api(lambda c: c.collections.iter(name="set"))} == {"set"}
    for collection in (clone, made):
        api(lambda c, collection=collection: c.collections.delete(collection.id))
    with pytest.raises(NotFoundError):
        api(lambda c: c.collections.get(made.id))
    with pytest.raises(BadRequestError, match="read_only_collection"):
        api(lambda c: c.collections.delete("set"))


def test_benchmarks(api):
    everything = api(lambda c: c.benchmarks.list())
    assert sorted({b.provider_id for b in everything}) >= ["silent", "ticker", "writer"]
    assert [b.id for b in api(lambda c: c.benchmarks.list("writer", "math"))] == ["sums"]
    assert api(lambda c: c.benchmarks.get("only-ticker")).provider_id == "ticker"


def test_logs(api):
    job = api.submit({"id": "sums", "provider_id": "writer"}, SUMS)
    whole = "".join(f"{number}\n" for number in range(1, 2501)) + "no newline"
    deadline = time.monotonic() + 10
    while api(lambda c: c.jobs.logs(job, benchmark=0, tail=-1)) != whole:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert api(lambda c: c.jobs.logs(job, benchmark=0, tail=2)) == "2500\nno newline"
    assert api(lambda c: c.jobs.get_logs(job.id, benchmark_index=1)) == ""
    assert api(lambda c: c.jobs.logs(job, tail=1)).count("=== pod=") == 2

    api.report(job, "completed", index=0, benchmark={"id": "sums", "provider_id": "writer"})
    api.report(job, "completed", index=1, benchmark=SUMS)
    updates = api(lambda c: c.jobs.watch_logs(job.id, poll_interval=0.1))

    assert "".join(update.logs for update in updates) == whole + "\n"
    assert {u.benchmark_index for u in updates if u.logs} == {0}


def test_following_a_log_that_grows_by_more_than_a_window(api):
    ticker = {"id": "sums", "provider_id": "ticker"}
    job = api.submit(ticker)
    later(4.5, lambda: api.report(job, "completed", benchmark=ticker))

    updates = api(lambda c: c.jobs.watch_logs(job.id, poll_interval=0.2))

    lines = [line for update in updates for line in update.lines]
    assert lines == [str(number) for number in range(1, 61)] * 40 + ["done"]
    assert len([update for update in updates if update.logs]) > 3
