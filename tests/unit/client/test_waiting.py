from __future__ import annotations

import asyncio
import heapq
import logging
import random
import ssl
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from evalhub.client.jobs import Jobs
from evalhub.errors import (
    AuthenticationError,
    JobNotFoundError,
    PermissionDeniedError,
    TransportError,
    WaitTimeoutError,
)
from evalhub.wire.drive import AsyncDriver, Driver
from evalhub.wire.identity import Identity
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from evalhub.models import EvaluationJob

SUMS = {"id": "sums", "provider_id": "alpha"}
SHARED = {"id": "shared", "provider_id": "beta"}


def test_wait_returns_the_job_when_it_has_ended(world):
    job_id = world.submit()
    world.at(10, lambda: world.report(job_id, "completed", metrics={"accuracy": 1}))

    job = world.run(lambda c: c.jobs.wait(job_id))

    assert (job.state, job.passed) == ("completed", True)
    assert world.now < 12


def test_wait_goes_on_while_a_second_benchmark_runs(world):
    job_id = world.submit(SUMS, SHARED)
    world.report(job_id, "completed")
    world.at(100, lambda: world.report(job_id, "running", index=1, benchmark=SHARED))
    world.at(200, lambda: world.report(job_id, "failed", index=1, benchmark=SHARED))
    seen: list[EvaluationJob] = []

    job = world.run(lambda c: c.jobs.wait(job_id, on_update=seen.append))

    assert job.state == "partially_failed"
    assert [each.state for each in seen] == ["running", "running", "partially_failed"]
    assert world.now >= 200


def test_wait_takes_a_job_and_its_long_name_too(world):
    job_id = world.submit()
    job = world.run(lambda c: c.jobs.get(job_id))
    world.at(6, lambda: world.report(job.id, "completed"))

    assert world.run(lambda c: c.jobs.wait_for_completion(job, 60, 5)).is_terminal
    assert world.pauses == [5, 5]


def test_polling_is_fast_at_first_and_slow_later(world):
    job_id = world.submit()
    world.at(1000, lambda: world.report(job_id, "completed"))

    world.run(lambda c: c.jobs.wait(job_id))

    assert world.pauses[:3] == [0.5, 0.5, 0.5]
    assert max(world.pauses) == 15
    assert world.pauses == sorted(world.pauses)
    assert len(world.pauses) < 130


def test_wait_ends_in_time_with_the_job_as_last_seen(world):
    job_id = world.submit()
    world.report(job_id, "running")

    with pytest.raises(WaitTimeoutError) as caught:
        world.run(lambda c: c.jobs.wait(job_id, timeout=7, poll=2))

    assert world.now == 7
    assert caught.value.job is not None
    assert caught.value.job.state == "running"
    assert str(caught.value) == (
        f"job {job_id} is still running after 7 s. The service cannot tell whether its"
        " adapter died: check the logs, cancel, or wait again"
    )


def test_job_that_ends_with_the_time_is_seen(world):
    job_id = world.submit()
    world.at(7, lambda: world.report(job_id, "completed"))

    assert world.run(lambda c: c.jobs.wait(job_id, timeout=7, poll=2)).is_terminal


DAY = 86_400


def test_wait_ends_after_a_day_by_default(world):
    job_id = world.submit()

    with pytest.raises(WaitTimeoutError):
        world.run(lambda c: c.jobs.wait(job_id, poll=3600))

    assert world.now == DAY


def test_wait_without_timeout_has_no_limit(world):
    job_id = world.submit()
    world.at(3 * DAY, lambda: world.report(job_id, "completed"))

    job = world.run(lambda c: c.jobs.wait(job_id, timeout=None, poll=3600))

    assert (job.state, world.now) == ("completed", 3 * DAY)


@pytest.mark.parametrize("timeout", [0, -1])
def test_wait_of_no_time_looks_once(world, timeout):
    job_id = world.submit()

    with pytest.raises(WaitTimeoutError):
        world.run(lambda c: c.jobs.wait(job_id, timeout=timeout))

    assert world.pauses == []


def test_wait_survives_an_outage_and_says_so_once(world, caplog):
    job_id = world.submit()
    world.report(job_id, "completed")
    world.faults = [httpx.ConnectError, httpx.ReadTimeout, {"status_code": 502, "content": b"x"}]

    with caplog.at_level(logging.WARNING):
        job = world.run(lambda c: c.jobs.wait(job_id))

    assert job.is_terminal
    down, up = [record.message for record in caplog.records]
    assert down.startswith("the service does not respond; still waiting: GET http://hub/")
    assert down.endswith(f"{job_id}: cannot connect (broken)")
    assert up == "the service responds again"


def test_wait_leaves_a_service_alone_that_asks_for_it(world):
    job_id = world.submit()
    world.report(job_id, "completed")
    world.faults = [{"status_code": 429, "headers": {"Retry-After": "40"}, "content": b"x"}]

    world.run(lambda c: c.jobs.wait(job_id))

    assert 40 <= world.pauses[0] < 41


def test_wait_for_a_service_that_never_answers(world):
    world.faults = [httpx.ConnectError] * 50

    with pytest.raises(
        WaitTimeoutError, match="no response about job x within 10 s; check the service"
    ) as caught:
        world.run(lambda c: c.jobs.wait("x", timeout=10))

    assert caught.value.job is None


def test_wait_does_not_hope_for_another_certificate(world):
    def untrusted(message, request):
        error = httpx.ConnectError(message, request=request)
        error.__cause__ = ssl.SSLCertVerificationError("self-signed")
        return error

    Untrusted = type("Untrusted", (), {"__new__": lambda _, *a, **k: untrusted(*a, **k)})  # noqa: N806
    world.faults = [Untrusted]

    with pytest.raises(TransportError, match="cannot connect"):
        world.run(lambda c: c.jobs.wait("x"))


def test_wait_for_a_job_that_is_gone(world):
    job_id = world.submit()
    path = f"http://hub/api/v1/evaluations/jobs/{job_id}?hard_delete=true"
    deletion = httpx.Request("DELETE", path)
    world.at(3, lambda: world.hub.transport.handle_request(deletion))

    with pytest.raises(JobNotFoundError):
        world.run(lambda c: c.jobs.wait(job_id))


def test_wait_for_many_returns_them_in_the_order_given(world):
    ids = [world.submit() for _ in range(3)]
    for seconds, job_id in zip((30, 10, 20), ids, strict=True):
        world.at(seconds, lambda job_id=job_id: world.report(job_id, "completed"))

    jobs = world.run(lambda c: c.jobs.wait_all([*ids, ids[0]], poll=5))

    assert [job.id for job in jobs] == [*ids, ids[0]]
    assert world.now == 30


def test_wait_for_many_that_do_not_all_end(world):
    ids = [world.submit() for _ in range(3)]
    world.report(ids[0], "completed")

    with pytest.raises(
        WaitTimeoutError, match=f"job {ids[1]} is still pending after 1 s .1 more unfinished.\\."
    ):
        world.run(lambda c: c.jobs.wait_all(ids, timeout=1))


def requested(world):
    """Return how many jobs and how many lists were requested."""
    paths = [request.url.path for request in world.requests if request.method == "GET"]
    lists = sum(path.endswith("/jobs") for path in paths)
    return len(paths) - lists, lists


def test_wait_for_many_reads_lists_of_unfinished_jobs(world):
    ids = [world.submit() for _ in range(30)]
    for job_id in ids[:15]:
        world.at(10, lambda job_id=job_id: world.report(job_id, "completed"))
    for job_id in ids[15:]:
        world.at(60, lambda job_id=job_id: world.report(job_id, "running"))
        world.at(100, lambda job_id=job_id: world.report(job_id, "failed"))
    seen: list[tuple[str, str]] = []
    world.requests.clear()

    jobs = world.run(
        lambda c: c.jobs.wait_all(
            ids, poll=5, on_update=lambda job: seen.append((job.id, job.state))
        )
    )

    assert [job.id for job in jobs] == ids
    assert {job.state for job in jobs} == {"completed", "failed"}
    assert len(seen) == len(set(seen)) == 30 + 15 + 30
    assert requested(world) == (30, 21)


def test_list_is_not_read_where_others_have_far_more_jobs(world):
    mine = [world.submit() for _ in range(10)]
    for job_id in mine:
        world.at(12, lambda job_id=job_id: world.report(job_id, "completed"))
    for _ in range(201):
        world.submit(name="other")
    world.requests.clear()

    world.run(lambda c: c.jobs.wait_all(mine, poll=5))

    assert requested(world) == (30, 1)


def test_outage_costs_a_round_of_many_one_request(world):
    ids = [world.submit() for _ in range(10)]
    for job_id in ids:
        world.report(job_id, "completed")
    world.requests.clear()
    world.faults = [httpx.ConnectError] * 3

    assert all(job.is_terminal for job in world.run(lambda c: c.jobs.wait_all(ids, poll=5)))
    assert requested(world) == (10, 4)


def test_deleted_job_among_many_is_an_error(world):
    ids = [world.submit() for _ in range(10)]
    deletion = httpx.Request(
        "DELETE", f"http://hub/api/v1/evaluations/jobs/{ids[4]}?hard_delete=true"
    )
    world.at(3, lambda: world.hub.transport.handle_request(deletion))

    with pytest.raises(JobNotFoundError, match=ids[4]):
        world.run(lambda c: c.jobs.wait_all(ids, poll=5))


class Crowd:
    """Many waits of one client, in a time that moves to the next request."""

    def __init__(self) -> None:
        self.now = 0.0
        self.requests: list[float] = []
        self.faults: dict[int, httpx.Response] = {}
        self.sleepers: list[Any] = []

    def answer(self, request):
        self.requests.append(self.now)
        state = "running" if self.now < 300 else "completed"
        job = {
            "resource": {
                "id": request.url.path.rpartition("/")[2],
                "created_at": "2026-01-01T00:00:00Z",
            },
            "status": {"state": state},
            "name": "n",
            "model": {"name": "m"},
        }
        return self.faults.pop(len(self.requests), None) or httpx.Response(200, json=job)

    async def pause(self, seconds):
        awake = asyncio.Event()
        heapq.heappush(self.sleepers, (self.now + seconds, len(self.requests), id(awake), awake))
        await awake.wait()

    async def wait(self, count):
        driver = AsyncDriver(
            Identity("http://hub"), transport=httpx.MockTransport(self.answer), pause=self.pause
        )
        draw = random.Random(1).random
        jobs = Jobs(driver, Policy(clock=lambda: self.now, draw=draw))
        waits = [asyncio.ensure_future(jobs.wait(f"job-{number}")) for number in range(count)]
        while not all(wait.done() for wait in waits):
            pending = sum(not wait.done() for wait in waits)
            while len(self.sleepers) < pending:
                await asyncio.sleep(0)
                pending = sum(not wait.done() for wait in waits)
            if self.sleepers:
                self.now, *_, awake = heapq.heappop(self.sleepers)
                awake.set()
        return [wait.result() for wait in waits]


def test_many_waits_of_one_client_share_the_requests_a_second():
    crowd = Crowd()

    jobs = asyncio.run(crowd.wait(200))

    assert all(job.is_terminal for job in jobs)
    busiest = max(Counter(int(at) for at in crowd.requests if at >= 15).values())
    in_the_mean = sum(at >= 15 for at in crowd.requests) / (crowd.now - 15)
    assert 10 <= in_the_mean <= 100
    assert busiest <= 150


def test_service_that_asks_one_wait_to_pause_is_left_alone_by_all():
    crowd = Crowd()
    crowd.faults[400] = httpx.Response(429, headers={"Retry-After": "45"})

    asyncio.run(crowd.wait(100))

    asked = crowd.requests[399]
    assert [at for at in crowd.requests if asked < at < asked + 45] == []
    after = [at - asked - 45 for at in crowd.requests if at >= asked + 45][:100]
    assert after[-1] - after[0] > 0.8


def test_wait_for_none(world):
    assert world.run(lambda c: c.jobs.wait_all([])) == []


def test_watch_yields_changes_only(world):
    job_id = world.submit()
    world.at(5, lambda: world.report(job_id, "running"))
    world.at(9, lambda: world.report(job_id, "running", phase="post_processing"))
    world.at(50, lambda: world.report(job_id, "completed"))

    jobs = world.run(lambda c: c.jobs.watch(job_id, poll=1))

    assert [job.state for job in jobs] == ["pending", "running", "running", "completed"]


def test_interruption_leaves_the_job_running_and_says_so():
    def interrupt(_):
        raise KeyboardInterrupt

    pending = {
        "resource": {"id": "x", "created_at": "2026-01-01T00:00:00Z"},
        "status": {"state": "pending"},
        "name": "n",
        "model": {"name": "m"},
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=pending))
    jobs = Jobs(Driver(Identity("http://hub"), transport=transport, pause=interrupt), Policy())

    for wait in (lambda: jobs.wait("x"), lambda: list(jobs.watch("x"))):
        with pytest.raises(KeyboardInterrupt) as caught:
            wait()
        assert caught.value.__notes__ == ["job x is still running; client.jobs.cancel() stops it"]


def test_cancelled_wait_leaves_the_job_running_and_says_so(world):
    job_id = world.submit()
    driver = AsyncDriver(Identity("http://hub"), transport=world.transport)

    async def main():
        task = asyncio.create_task(Jobs(driver, Policy()).wait(job_id))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError) as caught:
        asyncio.run(main())
    assert caught.value.__notes__ == [
        f"job {job_id} is still running; client.jobs.cancel() stops it"
    ]


def test_error_of_on_update_is_the_callers(world):
    job_id = world.submit()

    def fail(_):
        raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        world.run(lambda c: c.jobs.wait(job_id, on_update=fail))
    assert caught.value.__notes__ == [
        f"job {job_id} is still running; client.jobs.cancel() stops it"
    ]


def test_service_error_that_is_none_of_an_outage(world):
    world.faults = [{"status_code": 403, "content": b"no"}]

    with pytest.raises(PermissionDeniedError, match="403: no"):
        world.run(lambda c: c.jobs.wait("x"))


def test_a_token_that_worked_may_be_refused_for_a_while(world):
    job_id = world.submit()
    world.at(1, lambda: world.faults.extend([{"status_code": 401}] * 5))
    world.at(30, lambda: world.report(job_id, "completed"))
    assert world.run(lambda c: c.jobs.wait(job_id, poll=5)).is_terminal


def test_a_token_that_is_refused_for_good_is_an_error_after_a_minute(world):
    job_id = world.submit()
    world.at(1, lambda: world.faults.extend([{"status_code": 401}] * 100))
    with pytest.raises(AuthenticationError):
        world.run(lambda c: c.jobs.wait(job_id, poll=5))
    assert 60 <= world.now <= 70


def test_a_token_that_never_worked_is_an_error_at_once(world):
    job_id = world.submit()
    world.faults = [{"status_code": 401}]
    with pytest.raises(AuthenticationError):
        world.run(lambda c: c.jobs.wait(job_id))
    assert world.now == 0
