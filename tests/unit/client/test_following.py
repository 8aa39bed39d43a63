from __future__ import annotations

import random

import httpx
import pytest

from evalhub.client import _following as following
from evalhub.client._following import SeenLines
from evalhub.client._pace import Pace
from evalhub.client._waiting import Waiting
from evalhub.client.logs import JobLogOptions, JobLogUpdate
from evalhub.errors import ServerError, TransportError, WaitTimeoutError
from evalhub.wire.send import Policy

SUMS = {"id": "sums", "provider_id": "alpha"}


def follow(world, job_id, **options):
    return world.run(lambda c: c.jobs.watch_logs(job_id, **options))


def text_of(updates, index=0):
    return "".join(update.logs for update in updates if update.benchmark_index == index)


def log_calls(world):
    return [r.url for r in world.requests if r.url.path.endswith("/logs")]


def write(world, job_id, text, index=0):
    return lambda: world.hub.write_log(job_id, text, index=index)


def end(world, job_id):
    return lambda: world.report(job_id, "completed")


def test_each_line_is_yielded_once(world):
    job_id = world.submit()
    expected = ""
    for second in range(60):
        text = "".join(f"line {second}.{number}\n" for number in range(second % 7))
        world.at(second + 0.5, write(world, job_id, text))
        expected += text
    world.at(60, end(world, job_id))

    updates = follow(world, job_id)

    assert text_of(updates) == expected
    assert [line for update in updates for line in update.lines] == expected.splitlines()


def test_a_short_window_is_asked_for_once_the_log_is_known(world):
    job_id = world.submit()
    world.hub.write_log(job_id, "".join(f"old {number}\n" for number in range(5000)))
    world.at(20, end(world, job_id))

    follow(world, job_id)

    assert [int(url.params["tail_lines"]) for url in log_calls(world)] == [-1] + [500] * 11


def test_no_line_is_lost_when_the_log_grows_by_more_than_a_window(world):
    job_id = world.submit()
    bursts = [10, 3000, 2, 12_000, 0, 150, 1]
    expected = ""
    for number, count in enumerate(bursts):
        text = "".join(f"burst {number}: {line}\n" for line in range(count))
        world.at(2 * number + 1, write(world, job_id, text))
        expected += text
    world.at(20, end(world, job_id))

    assert text_of(follow(world, job_id)) == expected


def test_a_log_that_repeats_itself_is_passed_on_in_full(world):
    job_id = world.submit()
    for second in range(30):
        world.at(second, write(world, job_id, "tick\n" * (40 + second)))
    world.at(31, end(world, job_id))

    assert text_of(follow(world, job_id)) == "tick\n" * sum(range(40, 70))


@pytest.mark.parametrize("period", [1, 7, 60, 110, 440])
def test_passages_that_repeat_between_two_looks_are_passed_on(world, period):
    job_id = world.submit()
    passage = "".join(f"{number}\n" for number in range(period))
    for second in range(1, 40, 3):
        world.at(second, write(world, job_id, passage * (1 + second % 4)))
    world.at(41, end(world, job_id))

    repeats = sum(1 + second % 4 for second in range(1, 40, 3))
    assert text_of(follow(world, job_id)) == passage * repeats


def test_random_logs_are_passed_on_in_full(world):
    draw = random.Random(7)
    job_id = world.submit()
    expected = ""
    for second in range(80):
        count = draw.choice((0, 0, 1, 3, 90, 130, 400))
        text = "".join(f"{draw.choice('ab')}\n" for _ in range(count))
        world.at(second, write(world, job_id, text))
        expected += text
    world.at(81, end(world, job_id))

    assert text_of(follow(world, job_id)) == expected


def test_line_that_is_still_growing_is_held_back(world):
    job_id = world.submit()
    world.hub.write_log(job_id, "done\nhalf")
    world.at(1, write(world, job_id, " and half\n"))
    world.at(10, end(world, job_id))

    assert text_of(follow(world, job_id)) == "done\nhalf and half\n"


def test_line_that_rests_is_passed_on_and_what_it_gains_later_too(world):
    job_id = world.submit()
    world.hub.write_log(job_id, "done\n0%")
    world.at(9, write(world, job_id, "|50%"))
    world.at(19, write(world, job_id, "|100%\nnext\n"))
    world.at(30, end(world, job_id))

    updates = follow(world, job_id)

    assert text_of(updates) == "done\n0%\n|50%\n|100%\nnext\n"


def test_what_is_written_after_the_last_report_is_passed_on(world):
    job_id = world.submit()
    world.at(2, end(world, job_id))
    world.at(2.5, write(world, job_id, "bye"))

    assert text_of(follow(world, job_id)) == "bye\n"


def test_all_benchmarks_are_followed_or_one(world):
    job_id = world.submit(SUMS, SUMS)
    for index in (0, 1):
        world.hub.write_log(job_id, f"of {index}\n", index=index)
        world.report(job_id, "completed", index=index)

    updates = follow(world, job_id)
    one = follow(world, job_id, benchmark_index=1)

    assert (text_of(updates, 0), text_of(updates, 1)) == ("of 0\n", "of 1\n")
    assert (text_of(one, 0), text_of(one, 1)) == ("", "of 1\n")


def test_job_of_a_collection_is_followed(world):
    made = world.run(
        lambda c: c.collections.create({"name": "s", "category": "m", "benchmarks": [SUMS, SUMS]})
    )
    job = world.run(
        lambda c: c.jobs.submit(
            name="x", model={"name": "m", "url": "http://m"}, collection=made.id
        )
    )
    world.hub.write_log(job.id, "of 1\n", index=1)
    world.report(job.id, "completed", index=0)
    world.report(job.id, "completed", index=1)

    assert text_of(follow(world, job.id), 1) == "of 1\n"


def test_following_may_begin_near_the_end(world):
    job_id = world.submit()
    world.hub.write_log(job_id, "".join(f"old {number}\n" for number in range(300)))
    world.at(3, write(world, job_id, "new\n"))
    world.at(10, end(world, job_id))

    updates = follow(world, job_id, options=JobLogOptions(tail_lines=2))

    assert text_of(updates) == "old 298\nold 299\nnew\n"


def test_empty_log_gives_changes_of_the_job_alone(world):
    job_id = world.submit()
    world.at(3, end(world, job_id))

    updates = follow(world, job_id, options=JobLogOptions())

    assert [(update.logs, update.job.state) for update in updates] == [
        ("", "pending"),
        ("", "completed"),
    ]


@pytest.mark.parametrize("fault", [httpx.ConnectError, {"status_code": 500, "content": b"x"}])
@pytest.mark.parametrize("options", [None, JobLogOptions(5)])
def test_outage_loses_nothing(world, fault, options):
    job_id = world.submit()
    world.hub.write_log(job_id, "one\n")
    world.at(3, write(world, job_id, "two\n"))
    world.at(20, end(world, job_id))

    class Once:
        """Fails the first attempts at a log."""

        left = 9

        def __call__(self, request):
            if request.url.path.endswith("/logs") and self.left:
                self.left -= 1
                world.faults.append(fault)
            return answer(request)

    answer, world.answer = world.answer, Once()

    assert text_of(follow(world, job_id, options=options)) == "one\ntwo\n"


@pytest.mark.parametrize(
    ("fault", "error"),
    [(httpx.ReadError, TransportError), ({"status_code": 500, "content": b"x"}, ServerError)],
)
def test_log_that_cannot_be_read_in_the_end_is_an_error(world, fault, error):
    job_id = world.submit()
    world.report(job_id, "completed")
    answer = world.answer

    def fail(request):
        if request.url.path.endswith("/logs"):
            world.faults.append(fault)
        return answer(request)

    world.answer = fail

    with pytest.raises(error):
        follow(world, job_id)


def test_following_ends_in_time(world):
    job_id = world.submit()

    with pytest.raises(WaitTimeoutError):
        follow(world, job_id, timeout=5)


def test_log_that_the_service_truncates_is_followed_by_its_tail_and_marked(world):
    limit = 150_000
    early, late = ([f"{name} {n:05}\n" for n in range(20_000)] for name in ("early", "late"))
    job_id = world.submit()
    world.hub.write_log(job_id, "".join(early))
    world.at(5, write(world, job_id, "".join(late)))
    world.at(9, write(world, job_id, "last\n"))
    world.at(20, end(world, job_id))
    answer = world.answer

    def cut(request):
        response = answer(request)
        if request.url.path.endswith("/logs"):
            return httpx.Response(200, content=response.read()[:limit])
        return response

    world.answer = cut

    policy = Policy(clock=lambda: world.now)
    waiting = Waiting([job_id], policy, timeout=60, poll=2, tenant=None, pace=Pace())
    stream = following.follow(
        waiting,
        policy,
        benchmark_index=None,
        options=JobLogOptions(-1),
        tenant=None,
        size_limit=limit,
    )
    updates = world.run(lambda c: c.jobs._driver.stream(stream))

    assert text_of(updates) == "".join((*early, *late[10_000:], "last\n"))
    assert [update.lines[0] for update in updates if update.truncated] == ["late 10000"]


def test_update_is_built_as_before(world):
    job_id = world.submit()
    job = world.run(lambda c: c.jobs.get(job_id))

    update = JobLogUpdate("a\n\nb\n", job)

    assert (update.lines, update.benchmark_index, update.truncated) == (["a", "", "b"], None, False)


class TestSeenLines:
    def test_place_of_a_tail(self):
        known = SeenLines()
        known.take(0, ["a", "b", "c"], closed=True)

        assert known.place(["a", "b", "c", "d"]) == 0
        assert known.place(["x", "a", "b", "c"]) == -1
        assert known.place(["c", "d"]) is None
        assert known.place([]) is None

    def test_nothing_known_has_no_place(self):
        assert SeenLines().place(["a"]) is None

    def test_vanished_log_gives_nothing(self):
        known = SeenLines()
        known.take(0, ["a", "b"], closed=True)

        assert known.take(0, ["a"], closed=True) == []
        assert known.take(0, [], closed=False) == []
