"""A client that others wrote, on an older protocol; its exit code says nothing, its JSON does."""

from __future__ import annotations

import json
import sys

import pytest
from support.inspector import inspect
from unit.mcp.test_contract import NEW, TOOLS

pytestmark = pytest.mark.e2e

SERVER = [sys.executable, "-m", "evalhub.mcp"]


def test_inspector_lists_the_tools(env):
    found = inspect(SERVER, "tools/list", env=env)

    assert {tool["name"] for tool in found["tools"]} == set(TOOLS) | NEW


def test_inspector_runs_a_job_and_reads_its_results(env, model):
    def call(tool, **arguments):
        options = [
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in arguments.items()
        ]
        given = [word for option in options for word in ("--tool-arg", option)]
        return inspect(SERVER, "tools/call", "--tool-name", tool, *given, env=env)

    job = {"name": "inspected", "model": model, "benchmarks": [{"id": "arithmetic"}]}
    job_id = call("submit_evaluation", **job)["structuredContent"]["job_id"]
    ended = call("wait_for_job", job_id=job_id, timeout_seconds=60)["structuredContent"]
    results = call("get_results", job_id=job_id)["structuredContent"]
    missing = call("get_job_status", job_id="nope")

    assert ended["state"] == "completed"
    assert "accuracy" in {score["metric"] for score in results["scores"]}
    assert missing["isError"] is True
    assert "structuredContent" not in missing


def test_inspector_reads_resources_and_prompts(env):
    version = inspect(SERVER, "resources/read", "--uri", "evalhub://server/version", env=env)
    prompts = inspect(SERVER, "prompts/list", env=env)
    templates = inspect(SERVER, "resources/templates/list", env=env)

    assert json.loads(version["contents"][0]["text"])["service"]["status"] == "healthy"
    assert "edd_workflow" in {prompt["name"] for prompt in prompts["prompts"]}
    assert "evalhub://jobs/{id}" in {t["uriTemplate"] for t in templates["resourceTemplates"]}
