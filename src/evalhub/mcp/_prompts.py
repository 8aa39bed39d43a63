"""Prompts: ways of working that a person can start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import AssistantMessage, Message, UserMessage
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS
from pydantic import Field

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

__all__ = ["APPLICATION_TYPES", "add_prompts"]

APPLICATION_TYPES = {
    "rag": (
        "a retrieval-augmented application",
        "faithfulness to the sources, relevance of what was retrieved, completeness",
        "chunks, the number of passages, the prompt that holds them",
    ),
    "agent": (
        "an agent that calls tools",
        "tasks that end well, steps and tool calls that were needed, errors that it recovers from",
        "tool descriptions, the system prompt, limits on steps",
    ),
    "safety": (
        "an application that must refuse what is harmful",
        "attack success rate (lower is better), refusals of harmless questions",
        "the system prompt, guard models, what is filtered before and after",
    ),
    "classifier": (
        "a classifier",
        "accuracy, precision and recall for each class, calibration",
        "the labels' wording, examples in the prompt, thresholds",
    ),
}


def edd_workflow(
    application_type: Annotated[
        str, Field(description="The type of application: rag, agent, safety or classifier")
    ],
) -> list[Message]:
    """Evaluation-driven development for a type of application: define, measure, iterate."""
    if application_type not in APPLICATION_TYPES:
        known = ", ".join(APPLICATION_TYPES)
        raise MCPError(
            INVALID_PARAMS, f"application_type must be one of {known}, not {application_type!r}"
        )
    what, measures, levers = APPLICATION_TYPES[application_type]
    return [
        UserMessage(f"I want to develop {what} by evaluation."),
        AssistantMessage(
            f"""We go round in three steps.

1. Define. What must hold before this is released? For {what} that is usually: {measures}. We write
   down a metric and a pass mark for each.
2. Measure. I look for benchmarks with `search_benchmarks` (or for a collection), put them together
   with `design_collection` and `create_collection`, check with `validate_submission`, submit with
   `submit_evaluation`, follow with `wait_for_job` and read `get_results`.
3. Iterate. We look at single answers with `get_samples`, change one thing ({levers}), measure again
   and ask `compare_jobs` whether it is better, worse, or not certain.

What must your application be able to do, and how good is good enough?"""
        ),
    ]


def evaluate_model(
    model_url: Annotated[
        str | None, Field(description="URL of the model's endpoint, if it is known")
    ] = None,
    benchmark_preferences: Annotated[
        str | None, Field(description="What to look for, such as reasoning or safety")
    ] = None,
) -> list[Message]:
    """Evaluate a model, step by step."""
    model = f"The model is at {model_url}." if model_url else "Ask me for the model's URL and name."
    wish = (
        f"Look for benchmarks of {benchmark_preferences}."
        if benchmark_preferences
        else "Ask me what matters, then look for benchmarks."
    )
    return [
        UserMessage(
            f"""Evaluate a model with EvalHub. {model} {wish}

1. `discover_providers` and `search_benchmarks`: propose a few benchmarks, and what each measures.
2. `validate_submission`, and show me what would be submitted before `submit_evaluation`.
3. `wait_for_job`. If it failed, read `get_logs` and explain the cause.
4. `get_results`: report each score with its interval, its number of examples, its pass mark and the
   service's verdict. Do not invent a verdict where there is none."""
        )
    ]


def compare_runs(
    job_ids: Annotated[
        str | None, Field(description="Ids of the jobs, separated by commas, if they are known")
    ] = None,
) -> list[Message]:
    """Compare evaluation jobs, with statistics rather than by eye."""
    which = (
        f"The jobs are {job_ids}; the first is the baseline."
        if job_ids
        else "List my jobs with `list_jobs`, and ask which is the baseline."
    )
    return [
        UserMessage(
            f"""Compare evaluation jobs. {which}

1. `compare_jobs` for the baseline and each candidate. Use its verdicts: a difference that you see
   need not be a certain one.
2. Where it is inconclusive say so, and how many samples it would take.
3. `get_samples` for a few answers that got worse, where the jobs have stored them.
4. Sum up: what is better, what is worse, what is not known."""
        )
    ]


def design_collection(
    evaluation_goal: Annotated[
        str | None, Field(description="What is to be known about the model")
    ] = None,
) -> list[Message]:
    """Design a collection of benchmarks for a goal."""
    goal = f"The goal: {evaluation_goal}." if evaluation_goal else "Ask me for the goal."
    return [
        UserMessage(
            f"""Design a collection of benchmarks. {goal}

Call `design_collection`, show me the benchmarks with what each measures and its pass mark, drop
what I do not want, then call `create_collection` and tell me its id."""
        )
    ]


def add_prompts(server: MCPServer[Any]) -> None:
    """Publish the prompts."""
    for prompt in (edd_workflow, evaluate_model, compare_runs, design_collection):
        server.prompt()(prompt)
