"""An agent's work over stdio, on the real service."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def test_whole_path_of_an_agent(over_stdio, model):
    """Discover, validate, submit, wait with progress, results, compare."""
    progress = []

    async def note(done, total, message):
        progress.append((done, total, message))

    async def action(client):
        async def ask(tool, **arguments):
            result = await client.call_tool(tool, arguments, progress_callback=note)
            assert not result.is_error, result.content
            return result.structured_content

        [found] = (await ask("search_benchmarks", query="arithmetic"))["benchmarks"]
        benchmark = {"id": found["id"], "provider_id": found["provider_id"]}
        job = {"model": model, "benchmarks": [benchmark]}
        wrong = await ask("validate_submission", name="n", model=model, benchmarks=[{"id": "arit"}])
        right = await ask("validate_submission", name="before", **job)
        ids = []
        for name in ("before", "after"):
            ids.append((await ask("submit_evaluation", name=name, **job))["job_id"])
            ended = await ask("wait_for_job", job_id=ids[-1], timeout_seconds=60)
            assert ended["state"] == "completed"
        results = await ask("get_results", job_id=ids[0])
        compared = await ask("compare_jobs", baseline=ids[0], candidate=ids[1])
        logs = await ask("get_logs", job_id=ids[0], benchmark_index=0)
        return wrong, right, results, compared, logs

    wrong, right, results, compared, logs = over_stdio(action)

    assert wrong["valid"] is False
    assert right == {"valid": True, "problems": []}
    [accuracy] = [score for score in results["scores"] if score["metric"] == "accuracy"]
    assert results["passed"] is True
    assert accuracy["passed"] is True
    assert accuracy["threshold"] == 0.5
    low, high = accuracy["interval"]
    assert low < accuracy["value"] < high
    assert accuracy["n"] > 1
    # Twenty-four questions are too few to tell that nothing changed.
    assert compared["verdict"] == "inconclusive"
    assert [one["difference"] for one in compared["benchmarks"]] == [0]
    assert logs["text"]
    assert progress
    assert progress[-1][0] <= progress[-1][1] == 1


def test_list_of_features_is_the_same_as_in_memory(over_stdio):
    from support.agent import Agent

    async def features(client):
        return (
            {tool.name: tool.input_schema for tool in (await client.list_tools()).tools},
            {str(one.uri) for one in (await client.list_resources()).resources},
            {t.uri_template for t in (await client.list_resource_templates()).resource_templates},
            {prompt.name for prompt in (await client.list_prompts()).prompts},
        )

    assert over_stdio(features) == Agent("auto").run(features)


def test_report_and_errors(over_stdio, model):
    async def action(client):
        job = {"name": "n", "model": model, "benchmarks": [{"id": "arithmetic"}]}
        made = await client.call_tool("submit_evaluation", job)
        job_id = made.structured_content["job_id"]
        await client.call_tool("wait_for_job", {"job_id": job_id})
        report = await client.read_resource(f"evalhub://jobs/{job_id}/report")
        missing = await client.call_tool("get_results", {"job_id": "no-such-job"})
        return report.contents[0].text, missing

    report, missing = over_stdio(action)

    assert "arithmetic" in report
    assert missing.is_error
    assert missing.content[0].text == "The evaluation job resource 'no-such-job' was not found."


def test_garbage_does_not_end_the_server_and_end_of_input_does(env):
    ping = b'{"jsonrpc": "2.0", "id": 7, "method": "ping"}\n'
    command = [sys.executable, "-m", "evalhub.mcp"]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write(b"not json\n\xff\xfe\n{}\n[]\n" + ping)
        server.stdin.flush()
        answers = (json.loads(line) for line in server.stdout)
        assert any(answer.get("id") == 7 for answer in answers)
        server.stdin.close()
        assert server.wait(30) == 0


def test_without_a_service_it_says_what_to_set(env):
    del env["EVALHUB_BASE_URL"]

    done = subprocess.run(
        [sys.executable, "-m", "evalhub.mcp", "--transport", "http", "--host", "0.0.0.0"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: a server on 0.0.0.0 needs the names it is called by")
