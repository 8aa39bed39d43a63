"""Command lines of release 1.0, word for word."""

from __future__ import annotations

import json
import re
import stat

import pytest
import yaml

pytestmark = pytest.mark.e2e


def job_file(cli, **changes):
    job = {
        "name": "from file",
        "model": {"url": cli.model, "name": "calc"},
        "benchmarks": [{"id": "arithmetic", "provider_id": "examples", "weight": 2}],
        "pass_criteria": {"threshold": 0.1},
        **changes,
    }
    (cli.folder / "eval.yaml").write_text(yaml.safe_dump(job))
    return "eval.yaml"


def test_eval_run_prints_the_id(cli):
    done = cli(
        "eval",
        "run",
        "--name",
        "my-eval",
        "--model-url",
        cli.model,
        "--model-name",
        "calc",
        "--provider",
        "examples",
        "-b",
        "arithmetic",
        "-b",
        "computing",
        "--param",
        "num_few_shot=0",
        "-m",
        "accuracy",
        "--description",
        "d",
    )

    assert done.code == 0
    assert done.out.startswith("Job submitted: ")


def test_eval_run_as_json_is_an_array(cli):
    done = cli("eval", "run", "--config", job_file(cli), "--format", "json")

    (job,) = json.loads(done.out)
    assert job["resource"]["id"]
    assert job["benchmarks"][0]["weight"] == 2
    assert job["pass_criteria"]["threshold"] == pytest.approx(0.1)


def test_eval_run_watch_writes_the_log(cli):
    done = cli("eval", "run", "--config", job_file(cli), "--watch", "--poll-interval", "0.1")

    assert "accuracy" in done.out
    assert done.code == 0


def test_eval_status_results_logs(cli):
    job = cli.submit("arithmetic", "--name", "[/x] \x1b[31mred")
    assert cli("jobs", "wait", job, "--poll-interval", "0.1").code == 0

    assert f"Job:     {job}" in cli("eval", "status", job).out
    listed = cli("eval", "status", "--limit", "1", "--since", "24h", "--format", "csv").out
    assert listed.splitlines()[0] == "id,name,state,oci_state,provider,benchmarks,created"
    assert "\x1b" not in cli("eval", "status").out
    assert (
        json.loads(cli("eval", "status", job, "--format", "json").out)[0]["resource"]["id"] == job
    )
    results = json.loads(cli("eval", "results", job, "--format", "json").out)
    assert results[0]["metrics"]["refusals"] >= 0
    assert cli("eval", "results", job, "--format", "csv").out.startswith(
        "benchmark,provider,metric,value"
    )
    assert cli("eval", "logs", job, "--tail", "2").out.endswith("\n")
    assert cli("eval", "logs", job, "--follow").code == 0
    assert cli("eval", "cancel", job, "--hard-delete", "--yes").out == f"Job {job} deleted.\n"


PROVIDER = {
    "name": "made",
    "benchmarks": [{"id": "b", "name": "B"}],
    "runtime": {"local": {"command": "true"}, "k8s": {"image": "i", "cpu_request": "1"}},
}


def test_providers(cli):
    (cli.folder / "p.yaml").write_text(yaml.safe_dump(PROVIDER))

    made = cli("providers", "create", "--file", "p.yaml").out
    assert made.startswith("Provider created: ")
    key = made.split()[-1]
    (cli.folder / "patch.json").write_text('{"description": "new"}')
    assert cli("providers", "patch", key, "--file", "patch.json").code == 0
    described = json.loads(cli("providers", "describe", key, "--format", "json").out)[0]
    assert described["description"] == "new"
    assert described["runtime"]["k8s"]["CPURequest"] == "1"
    assert cli("providers", "update", key, "--file", "p.yaml").code == 0
    assert "made" in cli("providers", "list").out
    assert cli("providers", "delete", key, "--yes").out == f"Provider deleted: {key}\n"


def test_collections(cli):
    content = {
        "name": "c",
        "category": "x",
        "benchmarks": [{"id": "arithmetic", "provider_id": "examples"}],
    }
    (cli.folder / "c.yaml").write_text(yaml.safe_dump(content))

    made = json.loads(cli("collections", "create", "--file", "c.yaml", "--format", "json").out)
    key = made[0]["resource"]["id"]
    assert key in cli("collections", "list", "--format", "json").out
    assert json.loads(cli("collections", "describe", key, "--format", "json").out)[0]["name"] == "c"
    assert cli("collections", "delete", key, "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "header"),
    [
        ("providers list", "id,name,description,benchmarks"),
        ("collections list", "id,name,description,tags,benchmarks"),
    ],
)
def test_columns_of_csv(cli, words, header):
    """Scripts cut columns by their position."""
    (cli.folder / "c.yaml").write_text(
        yaml.safe_dump(
            {
                "name": "columns",
                "category": "x",
                "benchmarks": [{"id": "arithmetic", "provider_id": "examples"}],
            }
        )
    )
    assert cli("collections", "create", "--file", "c.yaml").code == 0

    assert cli(*words.split(), "--format", "csv").out.splitlines()[0] == header


def test_times_of_eval_status(cli):
    job = cli.submit("arithmetic")

    (row,) = [
        row for row in json.loads(cli("eval", "status", "--format", "json").out) if row["id"] == job
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00", row["created"])


def test_health_and_version(cli):
    assert cli("health").out.startswith("EvalHub service: healthy (")
    assert cli("version").out.startswith("evalhub ")
    assert cli("--version").out.startswith("evalhub, version ")
    for shell in ("bash", "zsh", "fish", "powershell"):
        assert "evalhub" in cli("completion", shell).out


def test_no_command_is_help_on_stderr(cli):
    done = cli()

    assert (done.code, done.out) == (2, "")
    assert "Usage:" in done.err


def test_config(cli):
    for key, value in (
        ("base_url", cli.url),
        ("token", "secret-token-xyz"),
        ("tenant", ""),
        ("timeout", "10"),
    ):
        assert cli("config", "set", key, value).code == 0
    assert "secret-token" not in cli("config", "list").out
    assert cli("config", "get", "token").out == "sec***yz\n"
    assert cli("config", "get", "token", "--unmask").out == "secret-token-xyz\n"
    assert cli("config", "create", "ci", "--activate").code == 0
    assert "Profile: ci *" in cli("config", "list", "--all").out
    assert cli("config", "use", "default").code == 0
    assert cli("config", "delete", "ci").code == 0
    assert cli("config", "unset", "timeout").code == 0
    assert stat.S_IMODE((cli.folder / "config.yaml").stat().st_mode) == 0o600


def test_server(cli):
    (cli.folder / "mine.py").write_text(
        "from evalhub.adapter.examples import ExampleAdapter\nclass Mine(ExampleAdapter): pass\n"
    )
    cli.env.pop("EVALHUB_BASE_URL")
    started = cli("server", "start", "--adapter", "mine.py:Mine", "-b", "arithmetic")
    try:
        assert started.code == 0, started.err
        assert "Health:  healthy" in cli("server", "status").out
        done = cli(
            "run",
            "-m",
            cli.model,
            "-n",
            "calc",
            "-b",
            "arithmetic",
            "--wait",
            "--poll-interval",
            "0.1",
        )
        assert "accuracy" in done.out
        again = cli("server", "start")
        assert (again.code, "runs already" in again.err) == (2, True)
    finally:
        assert cli("server", "stop").out.startswith("Server stopped")
    assert cli("server", "status").out == "Server is not running.\n"


def test_server_leaves_a_stranger_alone(cli):
    folder = cli.folder / ".config/evalhub/server/default"
    folder.mkdir(parents=True)
    (folder / "pid.json").write_text(json.dumps({"pid": 1, "started": "x", "port": 8080}))

    assert cli("server", "stop").out == "Server is not running.\n"


def test_adapter_runs_without_a_service(cli):
    name = "evalhub.adapter.examples:ExampleAdapter"

    done = cli("adapter", "run", name, "-b", "arithmetic", "-m", cli.model, "-n", "calc")

    assert "accuracy\t" in done.out
    assert done.code == 0
    assert cli("adapter", "validate", name, "-b", "arithmetic").code == 0
