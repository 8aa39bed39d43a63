"""Trajectories as programs written for 1.0 build, check and dump them."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from evalhub.atif import Agent, Step, Trajectory
from evalhub.models.atif.content import AudioMediaType, AudioMediaTypeInput, AudioSource


def script() -> dict[str, object]:
    """Record two steps and dump them."""
    from evalhub import (
        ContentPart,
        FinalMetrics,
        ImageSource,
        Metrics,
        Observation,
        ObservationResult,
        SubagentTrajectoryRef,
        ToolCall,
    )

    trajectory = Trajectory(
        session_id="run-1",
        agent=Agent(name="coder", version="1.0", model_name="m"),
        steps=[
            Step(step_id=1, source="user", message="Fix the test."),
            Step(
                step_id=2,
                source="agent",
                timestamp="2026-01-31T12:00:00Z",
                message=[
                    ContentPart(type="text", text="Here"),
                    ContentPart(
                        type="image", source=ImageSource(media_type="image/png", path="a.png")
                    ),
                ],
                tool_calls=[
                    ToolCall(tool_call_id="c1", function_name="edit", arguments={"line": None})
                ],
                observation=Observation(
                    results=[
                        ObservationResult(
                            source_call_id="c1",
                            content="done",
                            subagent_trajectory_ref=[
                                SubagentTrajectoryRef(trajectory_path="s.json")
                            ],
                        )
                    ]
                ),
                metrics=Metrics(prompt_tokens=10, completion_tokens=5, cost_usd=0.01),
            ),
        ],
        final_metrics=FinalMetrics(total_prompt_tokens=10, total_steps=2),
    )
    assert trajectory.has_multimodal_content()
    return trajectory.to_json_dict()


def test_a_script_dumps_what_1_0_dumps():
    assert script() == {
        "schema_version": "ATIF-v1.8",
        "session_id": "run-1",
        "agent": {"name": "coder", "version": "1.0", "model_name": "m"},
        "steps": [
            {"step_id": 1, "source": "user", "message": "Fix the test."},
            {
                "step_id": 2,
                "timestamp": "2026-01-31T12:00:00Z",
                "source": "agent",
                "message": [
                    {"type": "text", "text": "Here"},
                    {"type": "image", "source": {"media_type": "image/png", "path": "a.png"}},
                ],
                "tool_calls": [
                    {"tool_call_id": "c1", "function_name": "edit", "arguments": {"line": None}}
                ],
                "observation": {
                    "results": [
                        {
                            "source_call_id": "c1",
                            "content": "done",
                            "subagent_trajectory_ref": [{"trajectory_path": "s.json"}],
                        }
                    ]
                },
                "metrics": {"prompt_tokens": 10, "completion_tokens": 5, "cost_usd": 0.01},
            },
        ],
        "final_metrics": {"total_prompt_tokens": 10, "total_steps": 2},
    }


def test_a_dump_with_absent_fields_is_read_again():
    trajectory = Trajectory.model_validate(script())

    whole = trajectory.to_json_dict(exclude_none=False)

    assert whole["notes"] is None
    assert Trajectory.model_validate_json(json.dumps(whole)) == trajectory


def test_unknown_fields_and_wrong_steps_are_validation_errors():
    with pytest.raises(ValidationError):
        Step.model_validate({"step_id": 1, "source": "user", "message": "x", "unknown": 1})
    with pytest.raises(ValidationError):
        Trajectory(agent=Agent(name="a", version="1"), steps=[])


def test_media_types_are_types():
    given: AudioMediaTypeInput = "audio/mp3"
    kept: AudioMediaType = "audio/mpeg"

    assert AudioSource(media_type=given, path="a.mp3").media_type == kept
