"""Wrong arguments, unknown ids, a service that is away, and clients that leave."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from support.agent import JOB, text_of

from evalhub.mcp._text import bounded, clean, lines_of


@pytest.mark.parametrize(
    ("tool", "arguments", "problem"),
    [
        ("get_job_status", {}, "wrong arguments of get_job_status: job_id is missing"),
        ("list_jobs", {"limit": 0}, "limit: must be greater than or equal to 1"),
        ("wait_for_job", {"job_id": "x", "timeout_seconds": 4000}, "timeout_seconds: must be less"),
        ("get_samples", {"job_id": "x", "outcome": "good"}, "outcome: must be 'wrong'"),
        ("submit_evaluation", {**JOB, "model": {"nam": "m"}}, "model.name is missing"),
        ("create_collection", {"name": "x", "domains": [], "benchmarks": []}, "domains: "),
        ("report", {"job_ids": []}, "job_ids: "),
        ("no_such_tool", {}, "no_such_tool"),
    ],
)
def test_wrong_arguments_are_named(agent, tool, arguments, problem):
    try:
        text = agent.refused(tool, **arguments)
    except Exception as error:  # noqa: BLE001 - the protocol's own, for a tool that is not there
        assert tool == "no_such_tool"
        text = str(error)
    assert problem in text


@pytest.mark.parametrize(
    "tool", ["get_job_status", "wait_for_job", "get_results", "get_logs", "cancel_job"]
)
def test_unknown_job_is_named_in_the_services_words(agent, tool):
    assert agent.refused(tool, job_id="nope") == (
        "The evaluation job resource 'nope' was not found."
    )


def test_unknown_resource_is_an_error_of_the_protocol(agent):
    from mcp.shared.exceptions import MCPError

    for uri in ("evalhub://jobs/nope", "evalhub://providers/nope", "evalhub://nothing/here"):
        with pytest.raises(MCPError) as caught:
            agent.read(uri)
        assert caught.value.error.code == -32602
    with pytest.raises(MCPError, match="'x' must be a number, 0 or more"):
        agent.read("evalhub://jobs?limit=x")


def test_prompt_of_an_unknown_type_is_an_error(agent):
    with pytest.raises(Exception, match="application_type must be one of rag, agent"):
        agent.run(lambda c: c.get_prompt("edd_workflow", {"application_type": "game"}))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (httpx.ConnectError, "cannot connect"),
        (httpx.ReadTimeout, "timed out waiting for the response"),
        (httpx.Response(200, content=b"<html>login</html>"), "invalid or incomplete: login"),
        (httpx.Response(302, headers={"Location": "https://login"}), "login"),
        (httpx.Response(503, content=b"<h1>down for repairs</h1>"), "down for repairs"),
        (
            httpx.Response(401, json={"message": "token expired", "message_code": "unauthorized"}),
            "token expired",
        ),
    ],
)
def test_service_that_is_away_or_not_itself(agent, fault, words):
    agent.faults = [fault]

    text = agent.refused("list_jobs")

    assert words in text
    assert "Traceback" not in text
    assert agent.ask("list_jobs")["total"] == 0  # and the server goes on


def test_version_is_told_without_the_service(agent):
    agent.faults = [httpx.ConnectError]

    about = json.loads(agent.read("evalhub://server/version"))

    assert about["service"]["status"] == "unreachable"
    assert about["version"]


def test_completion_without_the_service_is_empty(agent):
    from mcp.types import ResourceTemplateReference

    agent.faults = [httpx.ConnectError]
    ref = ResourceTemplateReference(type="ref/resource", uri="evalhub://providers/{id}")

    result = agent.run(lambda c: c.complete(ref, {"name": "id", "value": ""}))

    assert result.completion.values == []


def test_job_is_never_submitted_twice(agent):
    agent.faults = [httpx.ReadTimeout, httpx.ConnectError]

    agent.refused("submit_evaluation", **JOB)

    posts = [request for request in agent.requests if request.method == "POST"]
    assert len(posts) == 1


@pytest.mark.parametrize("way", ["cancel", "leave"])
def test_wait_ends_with_the_client(agent, way):
    job_id = agent.submit()

    async def main(client):
        wait = asyncio.ensure_future(client.call_tool("wait_for_job", {"job_id": job_id}))
        await asyncio.sleep(0.6)
        if way == "cancel":
            wait.cancel()
            await asyncio.gather(wait, return_exceptions=True)
            before = len(agent.requests)
            await asyncio.sleep(1.2)
            assert len(agent.requests) == before
            assert (await client.call_tool("list_jobs", {})).structured_content["total"] == 1
        else:
            wait.cancel()

    agent.run(main)

    assert agent.ask("get_job_status", job_id=job_id)["state"] == "pending"


def test_ten_wait_at_once(agent):
    jobs = [agent.submit() for _ in range(10)]

    async def main(client):
        waits = [
            asyncio.ensure_future(client.call_tool("wait_for_job", {"job_id": job_id}))
            for job_id in jobs
        ]
        await asyncio.sleep(0.1)
        for job_id in jobs:
            agent.report(job_id, "completed", metrics={"accuracy": 1})
        return await asyncio.gather(*waits)

    results = agent.run(main)

    assert [one.structured_content["job_id"] for one in results] == jobs
    assert {one.structured_content["state"] for one in results} == {"completed"}


def test_results_of_ten_megabytes_are_cut_and_say_so(agent):
    job_id = agent.submit()
    metrics: dict[str, object] = {f"metric-{number}": number for number in range(500)}
    metrics["huge"] = ["x" * 1000] * 5000
    info = {"notes": ["y" * 1000] * 5000}
    agent.report(job_id, "completed", metrics=metrics, additional_info=info)

    results = agent.call("get_results", job_id=job_id)
    resource = agent.read(f"evalhub://jobs/{job_id}")

    assert len(results.structured_content["scores"]) == 200
    assert results.structured_content["left_out"] == 301
    assert len(json.dumps(results.structured_content)) < 100_000
    assert len(text_of(results).splitlines()) == 20
    assert "483 more in the structured result" in text_of(results)
    assert len(resource) <= 256 * 1024
    assert "more entries]" in resource
    assert json.loads(resource)["resource"]["id"] == job_id


def test_text_is_bounded():
    assert bounded({"a": [1, "b"]}) == '{"a":[1,"b"]}'
    long = bounded({"text": "x" * 5000}, largest=3000)
    assert json.loads(long)["text"].endswith("[cut: 3000 more characters]")
    assert json.loads(bounded(list(range(5000)), largest=1000))[-1] == "[cut: 4900 more entries]"
    assert json.loads(bounded({str(n): n for n in range(5000)}, largest=2000))["[cut]"]
    assert "ask for less" in bounded({"k" * 3000: 1}, largest=1000)
    assert lines_of([str(n) for n in range(20)]).count("\n") == 19
    assert lines_of([str(n) for n in range(21)]).endswith("... 2 more in the structured result")
    assert clean("a\x1b[1;31mb\x1b]c\x07\td\n") == "abc\td\n"
