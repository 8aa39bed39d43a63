"""What the server in Go offers, by the same names and arguments."""

from __future__ import annotations

import json

import pytest

TOOLS = {
    "discover_providers": {"target_type", "evaluates"},
    "submit_evaluation": {
        "name",
        "model",
        "benchmarks",
        "collection",
        "description",
        "tags",
        "experiment",
    },
    "get_job_status": {"job_id"},
    "cancel_job": {"job_id"},
    "search_benchmarks": {"query", "labels", "category", "provider_id", "limit"},
    "get_benchmark": {"benchmark_id"},
    "design_collection": {
        "evaluation_goal",
        "provider_filter",
        "max_benchmarks",
        "strictness",
    },
    "create_collection": {"name", "domains", "benchmarks"},
}
REQUIRED = {
    "discover_providers": set(),
    "submit_evaluation": {"name", "model"},
    "get_job_status": {"job_id"},
    "cancel_job": {"job_id"},
    "search_benchmarks": set(),
    "get_benchmark": {"benchmark_id"},
    "design_collection": {"evaluation_goal"},
    "create_collection": {"name", "domains", "benchmarks"},
}
NEW = {
    "wait_for_job", "get_results", "list_jobs", "get_logs", "get_samples", "compare_jobs",
    "validate_submission", "report",
}  # fmt: skip
RESOURCES = {"providers", "benchmarks", "collections", "jobs", "server/version"}
TEMPLATES = {
    "providers/{id}", "benchmarks/{id}", "benchmarks{?label*}", "collections/{id}", "jobs/{id}",
    "jobs{?status}",
}  # fmt: skip
PROMPTS = {
    "edd_workflow": {"application_type": True},
    "evaluate_model": {"model_url": False, "benchmark_preferences": False},
    "compare_runs": {"job_ids": False},
    "design_collection": {"evaluation_goal": False},
}


def tools(agent):
    return {tool.name: tool for tool in agent.run(lambda c: c.list_tools()).tools}


def test_tools_have_the_same_names_and_arguments(agent):
    found = tools(agent)

    assert set(found) == set(TOOLS) | NEW
    for name, arguments in TOOLS.items():
        schema = found[name].input_schema
        assert arguments <= set(schema["properties"]), name
        assert set(schema.get("required", ())) == REQUIRED[name], name


def test_resources_and_templates_have_the_same_addresses(agent):
    resources = agent.run(lambda c: c.list_resources()).resources
    templates = agent.run(lambda c: c.list_resource_templates()).resource_templates

    assert {str(one.uri) for one in resources} == {f"evalhub://{name}" for name in RESOURCES}
    assert {f"evalhub://{name}" for name in TEMPLATES} <= {one.uri_template for one in templates}
    assert {one.mime_type for one in resources} == {"application/json"}


def test_prompts_have_the_same_names_and_arguments(agent):
    prompts = agent.run(lambda c: c.list_prompts()).prompts

    found = {one.name: {arg.name: bool(arg.required) for arg in one.arguments} for one in prompts}
    assert found == PROMPTS


def test_every_tool_says_what_it_does_to_the_world(agent):
    found = tools(agent)

    changing = {name for name, tool in found.items() if not tool.annotations.read_only_hint}
    assert changing == {"submit_evaluation", "create_collection", "cancel_job"}
    assert [n for n, tool in found.items() if tool.annotations.destructive_hint] == ["cancel_job"]
    assert not found["submit_evaluation"].annotations.idempotent_hint
    assert all(tool.title and tool.description for tool in found.values())


def nodes(schema):
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


def test_schemas_are_those_that_strict_clients_take(agent):
    for name, tool in tools(agent).items():
        for schema in (tool.input_schema, tool.output_schema):
            assert schema["type"] == "object", name
            for node in nodes(schema):
                assert not {"$ref", "$defs", "anyOf", "oneOf"} & set(node), (name, node)
                assert not isinstance(node.get("type"), list), (name, node)
                assert node.get("type") != "null", (name, node)


def test_providers_are_discovered_by_type_and_ability(agent):
    assert [one["id"] for one in agent.ask("discover_providers")["providers"]] == ["beta", "alpha"]
    for arguments, found in (
        ({"target_type": "model"}, ["alpha"]),
        ({"target_type": "agent"}, []),
        ({"evaluates": ["arithmetic", "reasoning"]}, ["alpha"]),
        ({"evaluates": ["arithmetic", "safety"]}, []),
    ):
        answer = agent.ask("discover_providers", **arguments)
        assert [one["id"] for one in answer["providers"]] == found, arguments
    [alpha] = agent.ask("discover_providers", target_type="model")["providers"]
    assert alpha["hints"] == ["start with sums"]
    assert alpha["result_interpretation"] == ["0.5 is chance"]


def test_life_of_a_job(agent):
    job_id = agent.submit(tags=["a"], description="d")

    assert agent.ask("get_job_status", job_id=job_id)["state"] == "pending"
    agent.report(job_id, "running")
    status = agent.ask("get_job_status", job_id=job_id)
    assert (status["state"], status["progress_percent"]) == ("running", 0)
    assert agent.ask("cancel_job", job_id=job_id)["message"] == f"job {job_id} was cancelled"
    assert agent.ask("get_job_status", job_id=job_id)["state"] == "cancelled"
    ended = agent.submit()
    agent.report(ended, "completed")
    assert "completed" in agent.refused("cancel_job", job_id=ended)


def test_result_of_a_job_comes_with_hints_of_its_provider(agent):
    job_id = agent.submit()
    agent.report(job_id, "completed", metrics={"accuracy": 0.75})

    status = agent.ask("get_job_status", job_id=job_id)

    assert (status["progress_percent"], status["ended"], status["passed"]) == (100, True, True)
    [benchmark] = status["benchmarks"]
    assert benchmark["result_interpretation"] == "0.5 is chance"
    assert benchmark["complements"] == ["beta"]


def test_benchmarks_are_searched(agent):
    for arguments, found in (
        ({}, {"sums", "shared"}),
        ({"query": "adding"}, {"sums"}),
        ({"query": "nothing of the kind"}, set()),
        ({"labels": ["quick", "math"]}, {"sums"}),
        ({"category": "text"}, {"shared"}),
        ({"provider_id": "beta"}, {"shared"}),
    ):
        answer = agent.ask("search_benchmarks", **arguments)
        assert {one["id"] for one in answer["benchmarks"]} == found, arguments
    answer = agent.ask("search_benchmarks", limit=1)
    assert (len(answer["benchmarks"]), answer["total"]) == (1, 3)


def test_benchmark_is_described(agent):
    found = agent.ask("get_benchmark", benchmark_id="sums")

    assert found["provider_id"] == "alpha"
    assert (found["primary_metric"], found["pass_threshold"]) == ("accuracy", 0.5)
    assert agent.refused("get_benchmark", benchmark_id="shared") == (
        "benchmark 'shared' is offered by alpha, beta; set provider_id"
    )
    assert agent.ask("get_benchmark", benchmark_id="shared", provider_id="beta")["id"] == "shared"


def test_collection_is_designed_created_and_run(agent):
    design = agent.ask(
        "design_collection", evaluation_goal="can it do sums", max_benchmarks=1, strictness="strict"
    )
    assert [one["id"] for one in design["benchmarks"]] == ["sums"]
    assert design["pass_threshold"] == 0.8

    made = agent.ask(
        "create_collection", name="arithmetic", domains=["math"], benchmarks=[{"id": "sums"}]
    )
    assert made["benchmarks"] == 1
    job_id = agent.ask(
        "submit_evaluation", name="n", model={"name": "m", "url": "http://m"},
        collection={"id": made["collection_id"]},
    )["job_id"]  # fmt: skip
    agent.report(job_id, "running")
    assert agent.ask("get_job_status", job_id=job_id)["progress_percent"] == 0
    assert json.loads(agent.read(f"evalhub://collections/{made['collection_id']}"))["name"] == (
        "arithmetic"
    )


def test_resources_are_json_as_the_service_sends_it(agent):
    job_id = agent.submit()

    assert {one["resource"]["id"] for one in json.loads(agent.read("evalhub://providers"))} == {
        "alpha", "beta",
    }  # fmt: skip
    assert len(json.loads(agent.read("evalhub://providers?limit=1&offset=1"))) == 1
    assert json.loads(agent.read("evalhub://providers/beta"))["name"] == "beta"
    assert len(json.loads(agent.read("evalhub://benchmarks"))) == 3
    assert len(json.loads(agent.read("evalhub://benchmarks?label=quick"))) == 2
    assert len(json.loads(agent.read("evalhub://benchmarks?label=quick&label=math"))) == 1
    assert json.loads(agent.read("evalhub://benchmarks/sums"))["provider_id"] == "alpha"
    assert json.loads(agent.read("evalhub://collections")) == []
    assert [one["resource"]["id"] for one in json.loads(agent.read("evalhub://jobs"))] == [job_id]
    assert json.loads(agent.read("evalhub://jobs?status=completed")) == []
    assert len(json.loads(agent.read("evalhub://jobs?status=pending"))) == 1
    assert json.loads(agent.read("evalhub://jobs?limit=5&offset=1")) == []
    assert json.loads(agent.read(f"evalhub://jobs/{job_id}"))["status"]["state"] == "pending"
    assert json.loads(agent.read("evalhub://server/version"))["service"]["status"] == "healthy"


@pytest.mark.parametrize(
    ("place", "argument", "start", "found"),
    [
        ("evalhub://providers/{id}", "id", "al", ["alpha"]),
        ("evalhub://benchmarks/{id}", "id", "s", ["shared", "sums"]),
        ("evalhub://benchmarks{?label*}", "label", "q", ["quick"]),
        ("evalhub://jobs{?status}", "status", "c", ["cancelled", "completed"]),
        ("evalhub://collections/{id}", "id", "", []),
        ("edd_workflow", "application_type", "a", ["agent"]),
        ("evalhub://elsewhere/{id}", "id", "", []),
    ],
)
def test_arguments_are_completed(agent, place, argument, start, found):
    from mcp.types import PromptReference, ResourceTemplateReference

    ref: ResourceTemplateReference | PromptReference
    if place.startswith("evalhub"):
        ref = ResourceTemplateReference(type="ref/resource", uri=place)
    else:
        ref = PromptReference(type="ref/prompt", name=place)

    result = agent.run(lambda c: c.complete(ref, {"name": argument, "value": start}))

    assert result.completion.values == found


def test_the_last_of_several_jobs_is_completed(agent):
    from mcp.types import PromptReference

    first, second = agent.submit(), agent.submit()
    ref = PromptReference(type="ref/prompt", name="compare_runs")
    argument = {"name": "job_ids", "value": f"{first},{second[:4]}"}

    result = agent.run(lambda c: c.complete(ref, argument))

    assert result.completion.values == [f"{first},{second}"]


def test_prompts_speak_of_what_was_given(agent):
    def text(name, **arguments):
        found = agent.run(lambda c: c.get_prompt(name, arguments))
        return "\n".join(message.content.text for message in found.messages)

    for kind in ("rag", "agent", "safety", "classifier"):
        assert "submit_evaluation" in text("edd_workflow", application_type=kind)
    assert "http://m/v1" in text("evaluate_model", model_url="http://m/v1")
    assert "Ask me for the model's URL" in text("evaluate_model")
    assert "reasoning" in text("evaluate_model", benchmark_preferences="reasoning")
    assert "a, b" in text("compare_runs", job_ids="a, b")
    assert "list_jobs" in text("compare_runs")
    assert "safe" in text("design_collection", evaluation_goal="safe")
    assert "Ask me" in text("design_collection")
