"""The traps of the service that concern a client, one test for each, by their number."""

from __future__ import annotations

import json
import time
from threading import Timer

import pytest

from evalhub.errors import (
    BadRequestError,
    JobCanNotBeCancelledError,
    JobNotFoundError,
    NotFoundError,
    RequestTooLargeError,
    ServerError,
    WaitTimeoutError,
)
from evalhub.models import Provider
from evalhub.testing.service import RealEvalHub

pytestmark = pytest.mark.e2e

MODEL = {"name": "m", "url": "http://127.0.0.1:1/v1"}
SUMS = {"id": "sums", "provider_id": "silent"}
WRITER = {"id": "sums", "provider_id": "writer"}


def test_trap_1_a_deletion_has_no_body_and_a_submission_is_accepted(api):
    job = api.submit(SUMS)

    assert job.state == "pending"
    assert api(lambda c: c.jobs.cancel(job)) is True
    assert api(lambda c: c.jobs.delete(job)) is None


def test_trap_2_lists_that_are_null_or_absent_are_empty(api):
    stored = json.loads(api.raw("POST", "/evaluations/providers", {"runtime": {"k8s": {}}})[1])
    assert stored["benchmarks"] is stored["runtime"]["k8s"]["Env"] is None

    made = api(lambda c: c.providers.get(stored["resource"]["id"]))

    assert (made.benchmarks, made.runtime.k8s.env or []) == ([], [])
    assert api.submit(SUMS).status.benchmarks == []
    assert all(b.provider_id != made.id for b in api(lambda c: c.benchmarks.list()))
    api(lambda c: c.providers.delete(made.id))


def test_trap_3_results_are_matched_by_provider_id_and_index(api):
    job = api.submit(SUMS, WRITER, SUMS)
    for index, benchmark, score in ((2, SUMS, 0.2), (1, WRITER, 0.1), (0, SUMS, 0.0)):
        api.report(job, "completed", index=index, benchmark=benchmark, metrics={"accuracy": score})

    done = api(lambda c: c.jobs.get(job.id))

    assert [result.benchmark_index for result in done.results.benchmarks] == [2, 1, 0]
    assert [(s.benchmark_index, s.value) for s in done.scores()] == [(0, 0.0), (1, 0.1), (2, 0.2)]
    assert done.result("sums", provider_id="silent", index=2).metrics == {"accuracy": 0.2}


def test_trap_4_limit_0_and_first_and_next_of_a_list(api):
    name = f"trap-4-{api.kind}"
    for _ in range(3):
        api.submit(SUMS, name=name)
    endless = json.loads(api.raw("GET", f"/evaluations/jobs?limit=0&name={name}")[1])
    assert "offset=0" in endless["next"]["href"]

    jobs = api(lambda c: c.jobs.list(name=name))

    assert api(lambda c: c.jobs.list(name=name, limit=0)) == []
    made = [job.resource.created_at for job in jobs]
    assert (len(made), made) == (3, sorted(made, reverse=True))


def test_trap_5_a_wait_for_a_dead_adapter_ends(api):
    job = api.submit(SUMS)  # its adapter ends without a word

    start = time.monotonic()
    with pytest.raises(WaitTimeoutError, match="cannot tell whether its adapter died") as caught:
        api(lambda c: c.jobs.wait(job, timeout=1))

    assert time.monotonic() - start < 3
    assert caught.value.job is not None
    assert caught.value.job.state == "pending"


def test_trap_11_a_verdict_that_is_absent_is_no_pass(api):
    job = api.submit(SUMS)
    api.report(job, "completed", benchmark=SUMS, metrics={"accuracy": "0.9"})

    done = api(lambda c: c.jobs.wait(job, timeout=10))

    assert done.state == "completed"
    assert done.passed is None
    assert [score.passed for score in done.scores()] == [None]


def test_trap_12_a_primary_score_needs_its_own_threshold(api):
    job = api.submit({**SUMS, "primary_score": {"metric": "accuracy"}})
    api.report(job, "completed", benchmark=SUMS, metrics={"accuracy": 0.9})

    assert api(lambda c: c.jobs.wait(job, timeout=10)).passed is None


def test_trap_15_a_cancellation_that_is_refused_has_removed_the_logs(api):
    job = api.submit(WRITER)
    deadline = time.monotonic() + 10
    while "2500" not in api(lambda c: c.jobs.logs(job)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    api.report(job, "completed", benchmark=WRITER)

    with pytest.raises(JobCanNotBeCancelledError):
        api(lambda c: c.jobs.cancel(job))

    assert api(lambda c: c.jobs.logs(job, benchmark=0)) == ""


def test_trap_16_a_log_that_does_not_exist_is_empty(api):
    job = api.submit(SUMS)

    assert api(lambda c: c.jobs.logs(job, benchmark=99)) == ""


def test_trap_17_runtime_names_of_rest_are_sent_and_read(api):
    runtime = {"k8s": {"image": "i", "cpu_request": "100m", "env": [{"name": "A", "value": "b"}]}}

    made = api(lambda c: c.providers.create({"name": "k8s", "runtime": runtime}))

    stored = json.loads(api.raw("GET", f"/evaluations/providers/{made.id}")[1])["runtime"]["k8s"]
    assert (stored["CPURequest"], stored["Env"]) == ("100m", [{"Name": "A", "Value": "b"}])
    assert made.runtime.k8s.cpu_request == "100m"
    api(lambda c: c.providers.delete(made.id))


def test_trap_18_a_patch_of_a_collection_that_is_wrong_is_a_server_error(api):
    made = api(lambda c: c.collections.clone("set"))

    with pytest.raises(ServerError, match="500 unknown_error"):
        api(lambda c: c.collections.patch(made.id, {"benchmarks": 3}))

    api(lambda c: c.collections.delete(made.id))


def test_trap_19_unknown_provider_and_unknown_benchmark(api):
    with pytest.raises(NotFoundError, match="resource_not_found"):
        api.submit({"id": "sums", "provider_id": "nobody"})
    with pytest.raises(BadRequestError, match="resource_does_not_exist"):
        api.submit({"id": "nothing", "provider_id": "silent"})


def test_trap_20_a_refused_submission_may_leave_a_failed_job(api):
    config = {"sidecar": {"local_mode": True, "base_url": "http://127.0.0.1:1"}}
    offered = {"id": "p", "name": "p", "benchmarks": [{"id": "b"}]}
    model = {**MODEL, "auth": {"secret_ref": "no-uri"}}
    with RealEvalHub(providers=[offered], config=config) as hub:
        with pytest.raises(BadRequestError, match="invalid_secret_ref_uri"):
            api(lambda c: c.jobs.submit(name="x", model=model, benchmarks=["b"]), url=hub.url)

        assert [job.state for job in api(lambda c: c.jobs.list(name="x"), url=hub.url)] == [
            "failed"
        ]


def test_trap_21_errors_of_the_router_are_plain_text(api):
    with pytest.raises(NotFoundError, match="404 page not found") as caught:
        api(lambda c: c.jobs.get("x"), url=f"{api.url}/elsewhere")
    assert type(caught.value) is NotFoundError


def test_trap_25_a_body_over_the_limit(api):
    with pytest.raises(RequestTooLargeError, match="request_body_too_large"):
        api.submit(SUMS, custom={"big": "x" * 10_485_760})


def test_trap_26_tenants_do_not_see_each_other(api):
    ours = api(
        lambda c: c.jobs.submit(name="ours", model=MODEL, benchmarks=[SUMS]), tenant="team-a"
    )

    assert ours.resource.tenant == "team-a"
    with pytest.raises(JobNotFoundError):
        api(lambda c: c.jobs.get(ours.id), tenant="team-b")
    with pytest.raises(JobNotFoundError):
        api(lambda c: c.jobs.get(ours.id, tenant="team-b"), tenant="team-a")
    assert api(lambda c: c.jobs.get(ours.id)).id == ours.id


def test_trap_27_a_job_that_a_restart_has_lost_ends_the_wait(api):
    job = api.submit(SUMS)
    Timer(0.3, lambda: api.raw("DELETE", f"/evaluations/jobs/{job.id}?hard_delete=true")).start()

    with pytest.raises(JobNotFoundError):
        api(lambda c: c.jobs.wait(job, timeout=30, poll=0.1))


def test_a_provider_that_was_read_can_be_written_back(api):
    system = api(lambda c: c.providers.get("silent"))

    made = api(lambda c: c.providers.create(system))

    assert isinstance(made, Provider)
    assert made.benchmarks == system.benchmarks
    api(lambda c: c.providers.delete(made.id))
