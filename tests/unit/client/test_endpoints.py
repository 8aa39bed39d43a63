"""Every method of both clients, over one service in memory."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from evalhub.client import AsyncEvalHubClient, EvalHubClient, SyncEvalHubClient
from evalhub.client.benchmarks import OfferedBenchmark
from evalhub.client.logs import JobLogOptions
from evalhub.errors import (
    BadRequestError,
    ConfigurationError,
    JobCanNotBeCancelledError,
    JobNotFoundError,
    NotFoundError,
    ResponseError,
    ServerError,
    TransportError,
)
from evalhub.models import (
    BenchmarkConfig,
    CollectionCreateRequest,
    EvaluationRequest,
    JobSubmissionRequest,
    ModelConfig,
    PatchOperation,
    ProviderCreateRequest,
)

MODEL = {"name": "m", "url": "http://model/v1"}
SUMS = {"id": "sums", "provider_id": "alpha"}
COLLECTION = {"name": "set", "category": "math", "benchmarks": [SUMS]}


def test_health(world):
    assert world.run(lambda c: c.health(), world.client).status == "healthy"


class TestSubmit:
    def test_keywords(self, world):
        job = world.run(
            lambda c: c.jobs.submit(
                name="nightly",
                model=ModelConfig(**MODEL),
                benchmarks=[BenchmarkConfig(**SUMS)],
                tags=["a"],
                pass_criteria={"threshold": 0.9},
            )
        )

        assert (job.name, job.state, job.tags) == ("nightly", "pending", ["a"])
        assert job.pass_criteria.threshold == 0.9

    def test_request(self, world):
        request = JobSubmissionRequest(name="x", model=MODEL, benchmarks=[SUMS])

        assert world.run(lambda c: c.jobs.submit(request)).name == "x"

    def test_dictionary(self, world):
        request = {"name": "x", "model": MODEL, "benchmarks": [SUMS]}

        assert world.run(lambda c: c.jobs.submit(request)).name == "x"
        assert request["benchmarks"] == [SUMS]

    def test_short_request_is_completed_with_the_provider(self, world):
        request = EvaluationRequest(model=MODEL, benchmarks=["sums"], num_examples=5)

        job = world.run(lambda c: c.jobs.submit(request))

        assert job.benchmarks[0].provider_id == "alpha"
        assert job.benchmarks[0].parameters == {"num_examples": 5}

    def test_short_request_that_names_the_provider_looks_nothing_up(self, world):
        request = EvaluationRequest(model=MODEL, benchmarks=["shared"], provider_id="beta")

        world.run(lambda c: c.jobs.submit(request))

        assert [r.method for r in world.requests] == ["POST"]

    def test_benchmark_by_its_id_alone(self, world):
        job = world.run(
            lambda c: c.jobs.submit(name="x", model=MODEL, benchmarks=("sums", dict(SUMS)))
        )

        assert [(b.provider_id, b.id) for b in job.benchmarks] == [("alpha", "sums")] * 2

    def test_collection_by_its_id(self, world):
        made = world.run(lambda c: c.collections.create(COLLECTION))

        job = world.run(lambda c: c.jobs.submit(name="x", model=MODEL, collection=made.id))

        assert job.collection.id == made.id

    @pytest.mark.parametrize(
        ("benchmark", "problem"),
        [
            ("shared", "'shared' is offered by alpha, beta; set provider_id"),
            ("summs", "no provider offers benchmark 'summs'; did you mean 'sums'?"),
            (
                "zzzzzz",
                "no provider offers benchmark 'zzzzzz'; list them with client.benchmarks.list()",
            ),
        ],
    )
    def test_benchmark_that_cannot_be_placed(self, world, benchmark, problem):
        with pytest.raises(ConfigurationError) as caught:
            world.run(lambda c: c.jobs.submit(name="x", model=MODEL, benchmarks=[benchmark]))

        assert problem in str(caught.value)

    @pytest.mark.parametrize(
        ("request_", "fields"),
        [
            (None, {}),
            (JobSubmissionRequest(name="x", model=MODEL, benchmarks=[SUMS]), {"name": "y"}),
        ],
    )
    def test_nothing_or_two_things(self, world, request_, fields):
        with pytest.raises(ConfigurationError, match="either a request or the job's fields"):
            world.run(lambda c: c.jobs.submit(request_, **fields))

    def test_something_else(self, world):
        with pytest.raises(
            ConfigurationError, match="an EvaluationRequest or a dictionary, not int"
        ):
            world.run(lambda c: c.jobs.submit(3))

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"benchmark": ["x"]}, "benchmark: unknown field; did you mean 'benchmarks'?"),
            ({"name": 3}, "name: must be a valid string"),
            ({"benchmarks": "sums"}, "benchmarks: must be a valid list"),
            ({"benchmarks": [{"id": "a"}]}, "benchmarks[0].provider_id is missing"),
            ({"benchmarks": None}, "set either benchmarks or collection"),
            (
                {"model": {"nmae": "m"}},
                (
                    "2 problems\n  - model.name is missing\n"
                    "  - model.nmae: unknown field; did you mean 'name'?"
                ),
            ),
            ({"model": 3}, "model: must be a dictionary or ModelConfig"),
            (
                {"tags": ["a,b"]},
                "tags: a tag must not contain ',' or '|', which join tags in a filter: 'a,b'",
            ),
        ],
    )
    def test_field_that_is_invalid_is_named(self, world, fields, named):
        fields = {"name": "x", "model": MODEL, "benchmarks": [SUMS], **fields}
        with pytest.raises(ConfigurationError) as caught:
            world.run(lambda c: c.jobs.submit(**fields))
        assert str(caught.value) == f"invalid job: {named}"
        assert isinstance(caught.value.__cause__, ValidationError)
        assert world.requests == []

    def test_short_request_that_makes_an_invalid_job(self, world):
        request = EvaluationRequest(model={"name": "m"}, benchmarks=["sums"])

        with pytest.raises(
            ConfigurationError, match=r"^invalid job: model.url is required"
        ) as caught:
            world.run(lambda c: c.jobs.submit(request))
        assert isinstance(caught.value.__cause__, ValidationError)

    def test_unknown_provider(self, world):
        with pytest.raises(NotFoundError) as caught:
            world.run(
                lambda c: c.jobs.submit(
                    name="x", model=MODEL, benchmarks=[{"id": "sums", "provider_id": "gamma"}]
                )
            )
        assert not isinstance(caught.value, JobNotFoundError)

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (httpx.ReadError, TransportError),
            ({"status_code": 504}, ServerError),
            ({"status_code": 200, "html": "<p>Sign in"}, ResponseError),
        ],
    )
    def test_is_sent_once_and_says_so_when_its_fate_is_unknown(self, world, fault, error):
        world.faults = [fault]

        with pytest.raises(error) as caught:
            world.run(
                lambda c: c.jobs.submit(name="x", model=MODEL, benchmarks=[SUMS], repeat=False)
            )

        assert caught.value.__notes__ == ["the job may exist; look for it with jobs.list(name='x')"]
        assert len(world.requests) == 1
        assert "custom" not in json.loads(world.requests[0].content)

    def test_is_sent_again_where_no_connection_was_made(self, world):
        world.faults = [httpx.ConnectError, httpx.ConnectTimeout]

        world.submit()

        assert len(world.requests) == 3

    def test_without_any_connection(self, world):
        world.faults = [httpx.ConnectError] * 4

        with pytest.raises(TransportError) as caught:
            world.submit()

        assert caught.value.__notes__ == ["no job was created"]


class TestSubmitOnce:
    def submit(self, world, *faults, **fields):
        world.faults = list(faults)
        request = {"name": "x", "model": MODEL, "benchmarks": [SUMS], **fields}
        return world.run(lambda c: c.jobs.submit(request))

    def posts(self, world):
        return [request for request in world.requests if request.method == "POST"]

    def stored(self, world):
        return world.run(lambda c: c.jobs.list())

    def test_a_job_is_marked_beside_what_the_user_put_there(self, world):
        job = self.submit(world, custom={"team": "a"})
        assert job.custom is not None
        assert job.custom["team"] == "a"
        assert len(job.custom["evalhub_submission_id"]) == 32
        assert len(world.requests) == 1

    @pytest.mark.parametrize("name", ["x", "x,y", "a|b", "!x"])
    def test_a_response_that_was_lost_is_looked_up(self, world, name):
        job = self.submit(world, "lost", name=name)
        assert [stored.id for stored in self.stored(world)] == [job.id]
        assert len(self.posts(world)) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            {"status_code": 429},
            {"status_code": 502},
            {"status_code": 503},
            {"status_code": 504},
            {"status_code": 200, "html": "<p>Sign in"},
            httpx.ReadTimeout,
            httpx.ReadError,
        ],
        ids=str,
    )
    def test_a_request_that_did_not_arrive_is_sent_again(self, world, fault):
        job = self.submit(world, fault)
        assert [stored.id for stored in self.stored(world)] == [job.id]
        first, second = self.posts(world)
        assert first.content == second.content

    def test_a_request_that_arrives_late_makes_no_second_job(self, world):
        job = self.submit(world, "late")
        assert [stored.id for stored in self.stored(world)] == [job.id]

    def test_it_gives_up_and_says_that_there_is_no_job(self, world):
        # A POST that fails and a look-up that finds nothing, four times.
        with pytest.raises(ServerError) as caught:
            self.submit(world, *[{"status_code": 503}, None] * 4)
        assert caught.value.__notes__ == ["no job was created"]
        assert len(self.posts(world)) == 4
        assert self.stored(world) == []

    def test_the_look_up_may_fail_as_well(self, world):
        with pytest.raises(TransportError) as caught:
            self.submit(world, "lost", *[{"status_code": 503}] * 4)
        assert caught.value.__notes__ == ["the job may exist; look for it with jobs.list(name='x')"]
        assert len(self.posts(world)) == 1

    def test_a_refusal_is_not_repeated(self, world):
        with pytest.raises(BadRequestError):
            self.submit(world, {"status_code": 400})
        assert len(world.requests) == 1

    def test_a_number_that_json_does_not_have_is_refused_with_its_path(self, world):
        benchmarks = [{**SUMS, "parameters": {"t": [1.0, float("nan")]}}]
        with pytest.raises(ConfigurationError) as caught:
            self.submit(world, benchmarks=benchmarks)
        assert str(caught.value) == "invalid job: benchmarks[0].parameters.t[1]: must not be nan"
        assert world.requests == []


class TestJobs:
    def test_get(self, world):
        job_id = world.submit()

        assert world.run(lambda c: c.jobs.get(job_id)).id == job_id

    def test_get_what_is_not_there(self, world):
        with pytest.raises(JobNotFoundError, match="404 resource_not_found"):
            world.run(lambda c: c.jobs.get("none"))

    def test_results(self, world):
        job_id = world.submit()
        world.report(job_id, "completed", metrics={"accuracy": 0.75})

        results = world.run(lambda c: c.jobs.results(job_id))

        assert results.benchmarks[0].metrics == {"accuracy": 0.75}

    def test_list_and_iterate(self, world):
        ids = {world.submit(name=f"job-{number}") for number in range(7)}

        assert {job.id for job in world.run(lambda c: c.jobs.list())} == ids
        assert {job.id for job in world.run(lambda c: c.jobs.iter())} == ids
        assert len(world.run(lambda c: c.jobs.list(limit=3))) == 3
        assert len(world.run(lambda c: c.jobs.iter(limit=3))) == 3
        assert [job.name for job in world.run(lambda c: c.jobs.list(name="job-3"))] == ["job-3"]

    def test_list_is_newest_first(self, world):
        for number in range(5):
            world.submit(name=f"job-{number}")

        jobs = world.run(lambda c: c.jobs.list())

        made = [job.resource.created_at for job in jobs]
        assert made == sorted(made, reverse=True)

    def test_filters(self, world):
        done = world.submit()
        world.report(done, "failed")
        world.submit()

        def states(**filters):
            return [job.state for job in world.run(lambda c: c.jobs.list(**filters))]

        assert states(status="failed") == ["failed"]
        assert sorted(states(status=["failed", "pending"])) == ["failed", "pending"]
        assert states(status="!failed") == ["pending"]
        assert states(owner="nobody") == []
        assert states(tags=["a", "b"]) == []
        asked = world.requests[-1].url.params
        assert asked["tags"] == "a,b"

    def test_state_that_does_not_exist(self, world):
        with pytest.raises(
            ConfigurationError, match="unknown status 'done'; expected one of pending, "
        ):
            world.run(lambda c: c.jobs.list(status="done"))

    @pytest.mark.parametrize("noun", ["jobs", "providers", "collections"])
    def test_filter_that_does_not_exist_selects_nothing(self, world, noun):
        with pytest.raises(ConfigurationError, match="unknown filter 'nme'; did you mean 'name'"):
            world.run(lambda c: getattr(c, noun).list(nme="x"))
        with pytest.raises(
            ConfigurationError, match="unknown filter 'zzz'; expected one of name, "
        ):
            world.run(lambda c: getattr(c, noun).list(zzz="x"))
        assert world.requests == []

    @pytest.mark.parametrize("value", [3, [3]])
    def test_filter_that_is_no_string(self, world, value):
        with pytest.raises(ConfigurationError, match=r"filter 'tags' must be a string or a list"):
            world.run(lambda c: c.jobs.list(tags=value))
        assert world.requests == []

    @pytest.mark.parametrize("job", [None, 7, ["a", "b"]])
    def test_what_is_neither_job_nor_id(self, world, job):
        kind = type(job).__name__
        with pytest.raises(ConfigurationError, match=f"expected a job or a job id, got {kind}"):
            world.run(lambda c: c.jobs.wait(job))

    def test_limit(self, world):
        with pytest.raises(ConfigurationError, match="limit must be 0 or more, not -1"):
            world.run(lambda c: c.jobs.list(limit=-1))
        assert world.run(lambda c: c.jobs.list(limit=0)) == []
        assert world.requests == []

    def test_cancel_twice(self, world):
        job_id = world.submit()

        assert world.run(lambda c: c.jobs.cancel(job_id)) is True
        assert world.run(lambda c: c.jobs.cancel(job_id)) is True
        assert world.run(lambda c: c.jobs.get(job_id)).state == "cancelled"

    def test_cancel_what_has_ended(self, world):
        job_id = world.submit()
        world.report(job_id, "completed")

        with pytest.raises(JobCanNotBeCancelledError):
            world.run(lambda c: c.jobs.cancel(job_id))

    @pytest.mark.parametrize("way", ["delete", "cancel"])
    def test_delete(self, world, way):
        job_id = world.submit()

        if way == "delete":
            assert world.run(lambda c: c.jobs.delete(job_id)) is None
        else:
            assert world.run(lambda c: c.jobs.cancel(job_id, hard_delete=True)) is True

        with pytest.raises(JobNotFoundError):
            world.run(lambda c: c.jobs.delete(job_id))

    def test_deletion_whose_answer_was_lost_is_done(self, world):
        job_id = world.submit()
        world.hub.transport.handle_request(
            httpx.Request("DELETE", f"http://hub/api/v1/evaluations/jobs/{job_id}?hard_delete=true")
        )
        world.faults = [httpx.ReadError]

        assert world.run(lambda c: c.jobs.delete(job_id)) is None

    def test_cancellation_of_nothing_is_an_error_even_when_repeated(self, world):
        world.faults = [httpx.ReadError]

        with pytest.raises(JobNotFoundError):
            world.run(lambda c: c.jobs.cancel("none"))

    def test_logs(self, world):
        job_id = world.submit(SUMS, SUMS)
        world.hub.write_log(job_id, "one\ntwo\n")
        world.hub.write_log(job_id, "other\n", index=1)

        def logs(**options):
            return world.run(lambda c: c.jobs.logs(job_id, **options))

        assert logs(benchmark=0, tail=-1) == "one\ntwo\n"
        assert logs(benchmark=0, tail=1) == "two"
        assert logs(benchmark=7) == ""
        assert "=== pod=" in logs()
        assert world.run(lambda c: c.jobs.get_logs(job_id)) == logs()
        options = JobLogOptions(tail_lines=1, timestamps=True, since_seconds=5)
        world.run(lambda c: c.jobs.get_logs(job_id, benchmark_index=1, options=options))
        asked = world.requests[-1].url
        assert asked.path.endswith("/benchmarks/1/logs")
        assert dict(asked.params) == {"tail_lines": "1", "timestamps": "true", "since_seconds": "5"}

    @pytest.mark.parametrize(
        "options",
        [{"tail": 0}, {"tail": 10_001}, {"tail": -2}, {"since_seconds": 0}, {"benchmark": -1}],
    )
    def test_log_options_that_the_service_refuses(self, world, options):
        with pytest.raises(ConfigurationError, match="must"):
            world.run(lambda c: c.jobs.logs("x", **options))

    def test_log_that_the_service_cut(self, world, caplog):
        world.faults = [
            {"status_code": 200, "headers": {"X-Log-Truncated": "true"}, "content": b"x"}
        ]

        world.run(lambda c: c.jobs.logs("x"))

        assert "the service truncated this log" in caplog.text


class TestProviders:
    def test_life_of_a_provider(self, world):
        made = world.run(lambda c: c.providers.create(ProviderCreateRequest(name="mine")))
        made.title = "Mine"
        updated = world.run(lambda c: c.providers.update(made.id, made))
        patched = world.run(lambda c: c.providers.patch(made.id, {"name": "ours"}))
        same = world.run(lambda c: c.providers.get(made.id))
        world.run(lambda c: c.providers.delete(made.id))

        assert (updated.title, patched.name, same.name) == ("Mine", "ours", "ours")
        with pytest.raises(NotFoundError):
            world.run(lambda c: c.providers.get(made.id))

    def test_dictionaries_are_checked(self, world):
        assert world.run(lambda c: c.providers.create({"name": "mine"})).name == "mine"
        with pytest.raises(ConfigurationError) as caught:
            world.run(lambda c: c.providers.create({"name": "mine", "titel": "x"}))
        assert str(caught.value) == "invalid provider: titel: unknown field; did you mean 'title'?"
        assert isinstance(caught.value.__cause__, ValidationError)

    @pytest.mark.parametrize("noun", ["providers", "collections"])
    def test_patch_that_is_invalid(self, world, noun):
        with pytest.raises(ConfigurationError) as caught:
            world.run(lambda c: getattr(c, noun).patch("x", [{"op": "set", "path": "/name"}]))
        assert str(caught.value) == (
            "invalid patch operation: op: must be 'add', 'replace' or 'remove'"
        )
        assert world.requests == []

    @pytest.mark.parametrize("method", ["create", "update", "clone"])
    def test_collection_that_is_invalid(self, world, method):
        ids = [] if method == "create" else ["x"]
        with pytest.raises(ConfigurationError, match=r"^invalid collection: ") as caught:
            world.run(lambda c: getattr(c.collections, method)(*ids, {"category": 3}))
        assert isinstance(caught.value.__cause__, ValidationError)
        assert world.requests == []

    def test_id_that_is_no_string(self, world):
        with pytest.raises(ConfigurationError, match="provider_id must be a string, not int"):
            world.run(lambda c: c.providers.get(3))

    def test_patch_of_operations(self, world):
        made = world.run(lambda c: c.providers.create({"name": "mine", "description": "x"}))

        patched = world.run(
            lambda c: c.providers.patch(
                made.id,
                [
                    {"op": "remove", "path": "/description"},
                    PatchOperation(op="add", path="/tags", value=["new"]),
                ],
            )
        )

        assert (patched.description, patched.tags) == (None, ["new"])

    def test_system_provider_is_read_only(self, world):
        with pytest.raises(BadRequestError) as caught:
            world.run(lambda c: c.providers.delete("alpha"))
        assert caught.value.message_code == "read_only_provider"

    def test_list_and_iterate(self, world):
        def ids(**filters):
            return sorted(p.id for p in world.run(lambda c: c.providers.list(**filters)))

        assert ids() == ["alpha", "beta"]
        assert ids(name="beta") == ["beta"]
        assert ids(tags=["quick"]) == ["alpha"]
        assert ids(target_type="model") == ["alpha"]
        assert ids(target_type="agent") == []
        assert ids(evaluates="arithmetic", limit=1) == ["alpha"]
        assert ids(scope="tenant") == []
        assert len(ids(limit=1)) == 1
        assert len(world.run(lambda c: c.providers.iter())) == 2
        bare = world.run(lambda c: c.providers.list(benchmarks=False))
        assert [provider.benchmarks for provider in bare] == [[], []]

    def test_by_name(self, world):
        assert world.run(lambda c: c.providers.get_by_name("beta")).id == "beta"
        with pytest.raises(NotFoundError, match="no provider is named 'gamma'"):
            world.run(lambda c: c.providers.get_by_name("gamma"))
        world.run(lambda c: c.providers.create({"name": "beta"}))
        with pytest.raises(ConfigurationError, match="several providers are named 'beta'"):
            world.run(lambda c: c.providers.get_by_name("beta"))


class TestCollections:
    def test_life_of_a_collection(self, world):
        made = world.run(lambda c: c.collections.create(CollectionCreateRequest(**COLLECTION)))
        clone = world.run(lambda c: c.collections.clone(made.id, {"name": "copy"}))
        clone.description = "copied"
        updated = world.run(lambda c: c.collections.update(clone.id, clone))
        patched = world.run(lambda c: c.collections.patch(clone.id, {"description": None}))
        world.run(lambda c: c.collections.delete(made.id))

        assert (clone.derived_from, clone.name) == (made.id, "copy")
        assert (updated.description, patched.description or None) == ("copied", None)
        assert [c.name for c in world.run(lambda c: c.collections.list())] == ["copy"]
        assert [c.name for c in world.run(lambda c: c.collections.iter())] == ["copy"]
        assert world.run(lambda c: c.collections.get(clone.id)).name == "copy"

    def test_clone_without_changes(self, world):
        made = world.run(lambda c: c.collections.create(COLLECTION))

        assert world.run(lambda c: c.collections.clone(made.id)).derived_from == made.id

    def test_filters(self, world):
        world.run(lambda c: c.collections.create({**COLLECTION, "domains": ["a", "b"]}))

        def found(**filters):
            return len(world.run(lambda c: c.collections.list(**filters)))

        assert found(name="set", category="math", domains=["a", "b"]) == 1
        assert found(category="text") == 0


class TestBenchmarks:
    def test_list(self, world):
        def ids(*arguments, **filters):
            found = world.run(lambda c: c.benchmarks.list(*arguments, **filters))
            return sorted((b.provider_id, b.id) for b in found)

        everything = [("alpha", "shared"), ("alpha", "sums"), ("beta", "shared")]
        assert ids() == everything
        assert ids("beta") == [("beta", "shared")]
        assert ids(category="math") == everything[:2]
        assert ids(tag="quick") == ids(name="Sums") == [("alpha", "sums")]
        assert len(ids(limit=2)) == 2
        with pytest.raises(NotFoundError):
            ids("gamma")

    def test_get(self, world):
        found = world.run(lambda c: c.benchmarks.get("sums"))

        assert isinstance(found, OfferedBenchmark)
        assert found.primary_score is not None
        assert (found.provider_id, found.primary_score.metric) == ("alpha", "accuracy")
        assert world.run(lambda c: c.benchmarks.get("shared", "beta")).category == "text"
        with pytest.raises(ConfigurationError, match="offered by alpha, beta; set provider_id"):
            world.run(lambda c: c.benchmarks.get("shared"))
        with pytest.raises(NotFoundError, match="no provider offers benchmark 'none'"):
            world.run(lambda c: c.benchmarks.get("none"))


def test_tenant_of_a_call(world):
    world.run(lambda c: c.providers.list(tenant="team"))

    assert world.requests[0].headers["X-Tenant"] == "team"


class TestBadAnswers:
    @pytest.mark.parametrize(
        ("answer", "error", "text"),
        [
            ({"status_code": 204}, ResponseError, "an empty body instead of EvaluationJob"),
            ({"status_code": 200, "content": b'{"reso'}, ResponseError, "invalid or incomplete"),
            (
                {"status_code": 200, "html": "<title>Hi</title>"},
                ResponseError,
                "text/html instead of JSON",
            ),
            ({"status_code": 500, "html": "<title>Oops</title>"}, ServerError, "500: Oops"),
            (
                {"status_code": 307, "headers": {"Location": "http://evil/"}},
                ResponseError,
                "a redirect to http://evil/",
            ),
            (httpx.UnsupportedProtocol, TransportError, "not an HTTP URL"),
        ],
    )
    def test_each_is_its_own_error_in_one_line(self, world, answer, error, text):
        world.faults = [answer] * 4

        with pytest.raises(error) as caught:
            world.run(lambda c: c.jobs.get("x"))

        assert text in str(caught.value)
        assert "\n" not in str(caught.value)
        assert {request.url.host for request in world.requests} == {"hub"}

    @pytest.mark.parametrize("job_id", ["a/../../providers", "a b", "a?hard_delete=true", "é"])
    def test_an_id_stays_an_id(self, world, job_id):
        with pytest.raises(JobNotFoundError):
            world.run(lambda c: c.jobs.get(job_id))
        assert world.requests[0].url.raw_path.count(b"/") == 5
        assert b"?" not in world.requests[0].url.raw_path

    def test_an_empty_id(self, world):
        with pytest.raises(ConfigurationError, match="job_id must not be empty"):
            world.run(lambda c: c.jobs.cancel(""))


class TestClients:
    def test_names(self):
        assert SyncEvalHubClient is EvalHubClient

    @pytest.mark.parametrize("kind", [EvalHubClient, AsyncEvalHubClient])
    def test_repr_says_which_service_and_no_secret(self, kind):
        client = kind("http://hub/", "secret", tenant="team")

        assert repr(client) == f"{kind.__name__}('http://hub', tenant='team')"
        assert repr(client.jobs) == "Jobs('http://hub', tenant='team')"
        assert repr(kind("http://hub").benchmarks) == "Benchmarks('http://hub')"

    def test_arguments(self, world, tmp_path):
        (tmp_path / "token").write_text("secret")
        client = type(world.client)(
            base_url="http://hub/",
            auth_token_path=str(tmp_path / "token"),
            tenant="team",
            verify_ssl=False,
            max_retries=0,
            transport=world.transport,
        )

        world.run(lambda c: c.health(), client)

        sent = world.requests[0].headers
        assert (sent["Authorization"], sent["X-Tenant"]) == ("Bearer secret", "team")
        assert (client.base_url, client.tenant) == ("http://hub", "team")
        assert "secret" not in repr(client)

    def test_context_managers(self, world):
        if world.kind == "sync":
            with world.client as client:
                assert client.health().status == "healthy"
            with pytest.raises(ConfigurationError, match="the client is closed"):
                client.health()
        else:

            async def use():
                async with world.client as client:
                    assert (await client.health()).status == "healthy"
                with pytest.raises(ConfigurationError, match="the client is closed"):
                    await client.health()

            world.run(lambda _: use())

    def test_environment(self, clean_environment):
        clean_environment(
            EVALHUB_URL="http://elsewhere", EVALHUB_TOKEN="secret", EVALHUB_TENANT="team"
        )

        client = EvalHubClient.from_env(tenant="other")

        assert (client.base_url, client.tenant) == ("http://elsewhere", "other")
        assert client._driver.identity.headers()["Authorization"] == "Bearer secret"

    def test_sync_client_in_async_with(self, world):
        async def use():
            client: Any = EvalHubClient()
            async with client:
                pass

        with pytest.raises(TypeError, match="use `async with AsyncEvalHubClient"):
            world.__class__("async").run(lambda _: use())

    def test_async_client_in_with(self):
        client: Any = AsyncEvalHubClient()

        with pytest.raises(TypeError, match="is asynchronous: use `async with`"), client:
            pass

    def test_call_that_is_not_awaited_says_so(self):
        # Python's own warning names the method.
        call: list[Any] = [AsyncEvalHubClient().jobs.get("x")]

        with pytest.warns(RuntimeWarning, match=r"coroutine 'Jobs.get' was never awaited"):
            call.clear()
