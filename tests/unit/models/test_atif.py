"""The trajectory format: its rules, each broken once; files; sums; later versions."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys

import pytest
from pydantic import ValidationError

import evalhub
import evalhub.atif
import evalhub.models
from evalhub.errors import ConfigurationError
from evalhub.models import atif
from evalhub.models.atif import (
    Agent,
    AudioSource,
    ContentPart,
    FinalMetrics,
    Metrics,
    Step,
    Trajectory,
    TrajectoryScore,
)

SECRET = "the launch code is 0000"


def agent_step(number, **fields):
    return {"step_id": number, "source": "agent", "message": SECRET, **fields}


def document(*steps, **fields):
    given = list(steps) or [{"step_id": 1, "source": "user", "message": SECRET}]
    return {
        "schema_version": "ATIF-v1.8",
        "session_id": "run-1",
        "agent": {"name": "terminus-2", "version": "2.0.0", "model_name": "m"},
        "steps": given,
        **fields,
    }


def refused(data):
    with pytest.raises(ConfigurationError) as caught:
        Trajectory.from_json(json.dumps(data))
    return str(caught.value)


CALL = {"tool_call_id": "c1", "function_name": "bash", "arguments": {"keys": SECRET}}

TERMINAL = document(
    {"step_id": 1, "source": "system", "message": "You are in a terminal."},
    {"step_id": 2, "source": "user", "message": "Create hello.txt.", "extra": {"sidechain": False}},
    agent_step(
        3,
        timestamp="2025-10-16T14:30:00.123Z",
        model_name="openai/gpt-5",
        reasoning_effort="high",
        reasoning_content="First look around.",
        tool_calls=[CALL, {**CALL, "tool_call_id": "c2", "arguments": {"timeout": None}}],
        observation={
            "results": [
                {"source_call_id": "c1", "content": "root@box:/app# "},
                {"source_call_id": "c2", "content": None, "extra": {"exit_code": 0}},
                {"content": "no call made this"},
            ]
        },
        metrics={
            "prompt_tokens": 520,
            "completion_tokens": 80,
            "cached_tokens": 200,
            "cost_usd": 0.00045,
            "completion_token_ids": [1, 2],
            "logprobs": [-0.1, -0.2],
            "extra": {"reasoning_tokens": 12},
        },
    ),
    agent_step(4, llm_call_count=0, observation={"results": [{"content": "dispatched"}]}),
    agent_step(5, is_copied_context=True, metrics={"prompt_tokens": 1000}),
    agent_step(
        6,
        metrics={"prompt_tokens": 100, "cost_usd": 0.5},
        observation={
            "results": [{"subagent_trajectory_ref": [{"trajectory_id": "sub-1"}]}],
        },
    ),
    trajectory_id="main",
    final_metrics={"total_prompt_tokens": 620, "total_cost_usd": 0.50045, "total_steps": 6},
    continued_trajectory_ref="trajectory.cont-1.json",
    notes="as terminus writes it",
    subagent_trajectories=[
        {
            "schema_version": "ATIF-v1.8",
            "trajectory_id": "sub-1",
            "agent": {"name": "summarizer", "version": "1"},
            "steps": [
                agent_step(
                    1,
                    metrics={"prompt_tokens": 7, "completion_tokens": 3},
                    observation={
                        "results": [{"subagent_trajectory_ref": [{"trajectory_id": "sub-2"}]}]
                    },
                )
            ],
        },
        {
            "schema_version": "ATIF-v1.8",
            "trajectory_id": "sub-2",
            "agent": {"name": "viewer", "version": "1"},
            "steps": [
                {
                    "step_id": 1,
                    "source": "user",
                    "message": [
                        {"type": "text", "text": "what is this?"},
                        {
                            "type": "image",
                            "source": {"media_type": "image/png", "path": "images/1.png"},
                        },
                    ],
                }
            ],
        },
    ],
)


def without_nulls(value):
    """A field that is null is absent; in a tool's arguments null is a value."""
    if isinstance(value, dict):
        return {
            k: v if k in ("arguments", "extra") else without_nulls(v)
            for k, v in value.items()
            if v is not None
        }
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def test_a_trajectory_keeps_everything_on_its_way_through_a_file(tmp_path):
    trajectory = Trajectory.from_json(json.dumps(TERMINAL))

    path = trajectory.to_file(tmp_path / "agent" / "trajectory.json")

    assert json.loads(path.read_text()) == without_nulls(TERMINAL)
    assert Trajectory.from_file(path) == trajectory
    assert [one.name for one in path.parent.iterdir()] == ["trajectory.json"]


@pytest.mark.parametrize("minor", range(9))
def test_every_version_known_is_read(minor):
    assert Trajectory.model_validate(document(schema_version=f"ATIF-v1.{minor}")).steps


def test_a_later_version_is_read_and_what_it_adds_is_kept(tmp_path):
    data = document(
        agent_step(1, weather="fine", metrics={"energy_wh": 3}), schema_version="ATIF-v1.9", top=1
    )

    trajectory = Trajectory.from_json(json.dumps(data))

    assert json.loads(trajectory.to_file(tmp_path / "t.json").read_text()) == data


def test_what_a_version_known_does_not_have_is_refused_with_the_nearest():
    said = refused(document(agent_step(1, mesage="x")))

    assert "step 1.mesage: unknown field; did you mean 'message'?" in said
    with pytest.raises(ValidationError, match="Agent has no field 'nmae'"):
        Agent.model_validate({"name": "a", "version": "1", "nmae": 1})


@pytest.mark.parametrize("version", ["ATIF-v2.0", "ATIF-v1", "1.8", "atif-v1.8", 1.8])
def test_another_format_is_refused(version):
    assert "schema_version: must be" in refused(document(schema_version=version))


USER = {"step_id": 1, "source": "user", "message": SECRET}
SUB = {"agent": {"name": "a", "version": "1"}, "steps": [USER], "trajectory_id": "s"}


def seen(**result):
    return {"observation": {"results": [result]}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        *(
            (document(USER, {**USER, "step_id": 2, name: value}), f"{name} must only be in a step")
            for name, value in {
                "model_name": "m",
                "reasoning_effort": 0.5,
                "reasoning_content": SECRET,
                "tool_calls": [],
                "metrics": {},
            }.items()
        ),
        (document(USER, agent_step(2, llm_call_count=0, metrics={})), "llm_call_count of step 2"),
        (
            document(USER, agent_step(2, llm_call_count=0, reasoning_content=SECRET)),
            "reasoning_content must only be in a step that called a model",
        ),
        (document(USER, agent_step(3)), "step 2 in order has step_id 3"),
        (document(USER, agent_step(2, tool_calls=[CALL, CALL])), "two tool calls of step 2"),
        (
            document(USER, agent_step(2, **seen(source_call_id="gone", content=SECRET))),
            "source_call_id of result 1 of step 2 is not the id of a tool call",
        ),
        (document(USER, agent_step(2, timestamp="2026-01-31")), "step 2.timestamp: must have a"),
        (document(USER, agent_step(2, timestamp=SECRET)), "step 2.timestamp: must be a date"),
        (
            document(USER, agent_step(2, llm_call_count=-1)),
            "step 2.llm_call_count: must be greater",
        ),
        (
            document(USER, agent_step(2, metrics={"prompt_tokens": -1})),
            "step 2.metrics.prompt_tokens: must be greater than or equal to 0",
        ),
        (
            document(USER, agent_step(2, metrics={"cost_usd": -0.5})),
            "step 2.metrics.cost_usd: must be greater than or equal to 0",
        ),
        (document(USER, {**USER, "step_id": 2, "source": SECRET}), "step 2.source: must be"),
        (document(USER, {"step_id": 2, "source": "user"}), "step 2.message"),
        (
            document(USER, agent_step(2, tool_calls=[{"tool_call_id": "c"}])),
            "step 2.tool_calls[0].function_name is missing",
        ),
        (
            document(USER, agent_step(2, message=[{"type": "text"}])),
            "a part of type text needs a text",
        ),
        (
            document(USER, agent_step(2, message=[{"type": "image", "text": SECRET}])),
            "a part of type image must not have a text",
        ),
        (
            document(USER, agent_step(2, message=[{"type": "audio"}])),
            "a part of type audio needs a source of that kind",
        ),
        (
            document(
                USER,
                agent_step(2, **seen(subagent_trajectory_ref=[{"session_id": "run-1"}])),
            ),
            "needs trajectory_id or trajectory_path",
        ),
        (
            document(
                USER, agent_step(2, **seen(subagent_trajectory_ref=[{"trajectory_id": "gone"}]))
            ),
            "step 2 refers to a trajectory that is not embedded in this document",
        ),
        (document(subagent_trajectories=[SUB, SUB]), "two subagent trajectories have the same"),
        (
            document(subagent_trajectories=[SUB, {**SUB, "trajectory_id": " "}]),
            "subagent trajectory 2 needs a trajectory_id",
        ),
        (document(final_metrics={"total_steps": -1}), "final_metrics.total_steps: must be greater"),
        ({**document(), "steps": []}, "steps: "),
        ({**document(), "agent": {"name": "a"}}, "agent.version is missing"),
    ],
)
def test_each_rule_has_a_message_that_names_the_step_and_quotes_nothing(data, said):
    found = refused(data)

    assert said in found
    assert SECRET not in found
    with pytest.raises(ValidationError) as caught:
        Trajectory.model_validate(data)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "t.json is not JSON"),
        ('{\n"steps": [', "t.json is not JSON: .* \\(line 2 column 11\\)"),
        ("[]", "t.json is not a valid trajectory"),
        ('{"extra": {"x": NaN}}', "NaN is no JSON number"),
        ("[" * 200_000, "t.json is nested too deeply"),
    ],
)
def test_what_is_no_trajectory_is_refused_by_the_name_of_its_file(tmp_path, text, said):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        Trajectory.from_file(path)


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"cannot read .*gone\.json: No such file"):
        Trajectory.from_file(tmp_path / "gone.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"bytes\.json is not UTF-8 text"):
        Trajectory.from_file(tmp_path / "bytes.json")
    with pytest.raises(ConfigurationError, match=r"cannot write .*bytes\.json/t\.json"):
        Trajectory.model_validate(document()).to_file(tmp_path / "bytes.json" / "t.json")


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_json_has_not_are_refused(number, tmp_path):
    with pytest.raises(ValidationError, match="finite number"):
        Metrics(cost_usd=number)
    with pytest.raises(ValidationError, match="finite number"):
        Metrics(logprobs=[number])
    trajectory = Trajectory.model_validate(document(extra={"x": number}))
    with pytest.raises(ConfigurationError, match=r"invalid trajectory: extra\.x: must not be"):
        trajectory.to_file(tmp_path / "t.json")
    assert list(tmp_path.iterdir()) == []


def test_references_between_sessions_are_those_of_before_1_7():
    step = agent_step(1, **seen(subagent_trajectory_ref=[{"session_id": "run-2"}]))

    old = Trajectory.model_validate(document(step, schema_version="ATIF-v1.6"))

    assert old.steps[0].references()[0].session_id == "run-2"
    assert "step 1" in refused(document(step, schema_version="ATIF-v1.7"))


def test_a_reference_with_a_path_need_not_be_embedded():
    reference = {"trajectory_id": "elsewhere", "trajectory_path": "other.json"}
    step = agent_step(1, **seen(subagent_trajectory_ref=[reference]))

    assert Trajectory.model_validate(document(step)).steps[0].references()


def test_sums_leave_out_what_was_copied_and_add_the_subagents():
    trajectory = Trajectory.model_validate(TERMINAL)

    assert trajectory.totals() == FinalMetrics(
        total_prompt_tokens=627,
        total_completion_tokens=83,
        total_cached_tokens=200,
        total_cost_usd=0.50045,
        total_steps=6,
    )
    assert trajectory.totals(subagents=False).total_prompt_tokens == 620
    assert Trajectory.model_validate(document()).totals() == FinalMetrics(total_steps=1)


def test_images_of_subagents_are_seen():
    plain = copy.deepcopy(TERMINAL)
    plain["subagent_trajectories"][1]["steps"][0]["message"] = "what is this?"

    assert Trajectory.model_validate(TERMINAL).has_multimodal_content()
    assert not Trajectory.model_validate(plain).has_multimodal_content()


@pytest.mark.parametrize(
    ("given", "kept"),
    [(" AUDIO/MP3 ", "audio/mpeg"), ("audio/x-wav", "audio/wav"), ("audio/m4a", "audio/mp4")],
)
def test_media_types_of_audio_have_one_name(given, kept):
    source = AudioSource(media_type=given, path="a", duration_sec=1.5)

    assert ContentPart(type="audio", source=source).model_dump()["source"]["media_type"] == kept
    with pytest.raises(ValidationError, match="media_type"):
        AudioSource.model_validate({"media_type": 3, "path": "a"})
    with pytest.raises(ValidationError, match="must not have a source"):
        ContentPart(type="text", text="x", source=source)


def test_the_schema_is_exported():
    schema = Trajectory.model_json_schema()

    assert schema["$defs"]["Step"]["required"] == ["step_id", "source", "message"]
    assert schema["$defs"]["Metrics"]["properties"]["prompt_tokens"]["anyOf"][0]["minimum"] == 0
    json.dumps(schema)


def test_the_names_are_the_same_everywhere():
    for name in atif.__all__:
        for module in (evalhub, evalhub.models, evalhub.atif):
            assert getattr(module, name) is getattr(atif, name)


def test_nothing_of_a_trajectory_is_in_its_repr():
    assert SECRET not in repr(Trajectory.model_validate(document()))
    assert SECRET not in repr(Step.model_validate(USER))


def test_a_score_is_summed_up_without_content():
    trajectory = Trajectory.model_validate(TERMINAL)
    score = TrajectoryScore(
        trajectory=trajectory, task_id="hello", score=1, passed=True, metrics={"edits": 2}
    )

    assert score.summary() == {
        "trajectory_id": "main",
        "task_id": "hello",
        "score": 1.0,
        "passed": True,
        "metrics": {"edits": 2},
        "agent": "terminus-2",
        "totals": trajectory.totals().model_dump(exclude_none=True),
    }
    assert TrajectoryScore(task_id="t", error="timed out").trajectory_id == "t"
    with pytest.raises(ValidationError, match="give a trajectory_id"):
        TrajectoryScore(score=1)


def test_trajectories_of_one_name_get_files_of_their_own(tmp_path):
    trajectory = Trajectory.model_validate(document())
    scores = [
        TrajectoryScore(trajectory_id="../a b", trajectory=trajectory),
        TrajectoryScore(trajectory_id="../a b", trajectory=trajectory),
        TrajectoryScore(trajectory_id="...", trajectory=trajectory),
        TrajectoryScore(trajectory_id="no document"),
    ]

    paths = [score.to_folder(tmp_path) for score in scores]

    assert paths[3] is None
    assert [score.file for score in scores] == [
        "trajectories/_a_b.json",
        "trajectories/_a_b-2.json",
        "trajectories/trajectory.json",
        None,
    ]
    assert len(list((tmp_path / "trajectories").iterdir())) == 3


def test_a_score_takes_a_trajectory_as_data_and_refuses_anything_else():
    assert TrajectoryScore.model_validate({"trajectory": document()}).trajectory_id == "run-1"
    with pytest.raises(ValidationError):
        TrajectoryScore.model_validate({"trajectory": {"steps": []}, "trajectory_id": "x"})
    assert TrajectoryScore(task_id="t", trajectory=None).trajectory is None


def test_results_build_no_models_of_trajectories():
    code = (
        "import sys; from evalhub.models import JobResults;"
        "JobResults.model_json_schema(mode='validation');"
        "print([name for name in sys.modules if name.startswith('evalhub.models.atif')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
