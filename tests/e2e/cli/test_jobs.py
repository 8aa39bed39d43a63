"""Submitting, waiting, judging and stopping jobs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from evalhub.adapter import DefaultCallbacks, EvaluationResult, JobResults
from evalhub.testing.service import RealEvalHub

pytestmark = pytest.mark.e2e

IDLE = {
    "id": "idle",
    "name": "idle",
    "benchmarks": [{"id": "idle-bench", "name": "idle", "category": "none"}],
    "runtime": {"local": {"command": "sleep 600"}},
}


def test_run_waits_and_shows_the_scores(cli):
    done = cli(
        "run", "-m", cli.model, "-n", "calc", "-b", "arithmetic", "--wait", "--poll-interval", "0.1"
    )

    assert done.code == 0
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert rows[0][:3] == ["benchmark", "metric", "value"]
    assert rows[1][:2] == ["arithmetic", "accuracy"]
    assert "completed" in done.err


@pytest.mark.parametrize(("threshold", "code", "word"), [(0.5, 0, "passed"), (0.999, 3, "missed")])
def test_gate(cli, threshold, code, word):
    judged = {"primary_score": {"metric": "accuracy"}, "pass_criteria": {"threshold": 0.5}}
    job = {
        "name": "gated",
        "model": {"url": cli.model, "name": "calc"},
        "benchmarks": [{"id": "arithmetic", "provider_id": "examples", **judged}],
        "pass_criteria": {"threshold": threshold},
    }

    done = cli("run", "-", "--gate", "--poll-interval", "0.1", stdin=json.dumps(job))

    assert done.code == code
    assert f"completed: {word}, score 0.8" in done.err


def test_a_failed_job_shows_why_and_the_end_of_its_log(cli):
    away = "http://127.0.0.1:9/v1"

    done = cli("run", "-m", away, "-n", "n", "-b", "arithmetic", "--wait", "--timeout", "50")

    assert done.code == 1
    assert "failed" in done.err
    assert "last lines of the log" in done.err


def test_gate_without_a_verdict_is_no_pass(cli):
    done = cli(
        "run", "-m", cli.model, "-n", "calc", "-b", "arithmetic", "--gate", "--poll-interval", "0.1"
    )

    assert done.code == 3
    assert "no verdict is no pass" in done.err


def test_wait_reports_every_job(cli):
    first, second = cli.submit(), cli.submit()

    done = cli("jobs", "wait", first, second, "--poll-interval", "0.1")

    assert done.code == 0
    assert first in done.err
    assert second in done.err


def test_watch_in_a_pipe_is_ndjson(cli):
    job = cli.submit()

    done = cli("jobs", "watch", job, "--poll-interval", "0.05")

    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines[-1]["status"]["state"] == "completed"
    assert done.code == 0


def test_wait_ends_with_124_when_time_is_up(cli):
    job = cli.submit("slow-bench")

    done = cli("jobs", "wait", job, "--timeout", "0.2")

    assert done.code == 124
    assert f"hint: evalhub jobs wait {job}" in done.err
    assert cli("jobs", "cancel", job, "--yes").out == f"Job {job} cancelled.\n"
    assert cli("jobs", "wait", job).code == 1


def test_a_run_is_compared_and_reported(cli):
    before = cli.submit()
    assert cli("jobs", "wait", before, "--poll-interval", "0.1").code == 0

    done = cli(
        *("run", "-m", cli.model, "-n", "calc", "-b", "arithmetic", "--poll-interval", "0.1"),
        *("--baseline", before, "--report", "out/report.html", "--junit", "out/scores.xml"),
    )

    assert done.code == 0, done.err
    assert "written: out/report.html" in done.err
    assert "<h2>Comparison</h2>" in (cli.folder / "out/report.html").read_text()
    assert "<testcase" in (cli.folder / "out/scores.xml").read_text()


def test_a_wait_survives_a_restart_of_the_service(cli, tmp_path):
    database = {"driver": "sqlite", "url": f"file:{tmp_path / 'jobs.db'}"}
    with RealEvalHub(providers=[IDLE], config={"database": database}) as service:
        cli.env["EVALHUB_BASE_URL"] = service.url
        job = cli.submit("idle-bench")
        waiting = subprocess.Popen(
            [sys.executable, "-m", "evalhub.cli", "jobs", "wait", job, "--poll-interval", "0.1"],
            env=cli.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert waiting.stderr is not None
            assert waiting.stderr.readline().startswith(job)
            service.stop()
            service.start()
            report_end(service.url, job)
            out, err = waiting.communicate(timeout=60)
        finally:
            waiting.kill()

    assert waiting.returncode == 0, err
    assert "idle-bench\taccuracy\t0.5" in out


def report_end(url: str, job: str) -> None:
    """Report what the adapter would have reported, which the restart has killed."""
    score = EvaluationResult(metric_name="accuracy", metric_value=0.5)
    callbacks = DefaultCallbacks(job, "idle-bench", "idle", 0, sidecar_url=url)
    callbacks.report_results(
        JobResults(
            job_id=job,
            benchmark_id="idle-bench",
            model_name="calc",
            results=[score],
            num_examples_evaluated=2,
            duration_seconds=1.0,
        )
    )


def test_list_formats(cli):
    job = cli.submit("arithmetic", "--name", "formats")

    listed = json.loads(cli("jobs", "list", "--name", "formats", "-o", "json").out)
    assert listed[0]["resource"]["id"] == job
    assert cli("jobs", "list", "--name", "formats", "-q").out == f"{job}\n"
    fields = json.loads(cli("jobs", "list", "--name", "formats", "--json", "id,model.name").out)
    assert fields == [{"id": job, "model.name": "calc"}]
    assert cli("jobs", "list", "--name", "formats", "--jq", ".[0].model.name").out == "calc\n"
    assert cli("jobs", "list", "--name", "formats", "-o", "csv").out.startswith("id,state,name")
    assert job in cli("jobs", "list", "--name", "formats", "-o", "yaml").out
    assert job in cli("jobs", "list", "--name", "formats", "-o", "table").out
    assert (
        json.loads(cli("jobs", "list", "--name", "formats", "-o", "ndjson").out)["name"]
        == "formats"
    )


def test_a_name_stands_for_its_only_job(cli):
    job = cli.submit("arithmetic", "--name", "only one")

    assert json.loads(cli("jobs", "get", "only one", "-o", "json").out)["resource"]["id"] == job
    cli.submit("arithmetic", "--name", "only one")
    twice = cli("jobs", "get", "only one")
    assert twice.code == 2
    assert job in twice.err


def test_an_unknown_job_offers_the_nearest(cli):
    cli.submit("arithmetic", "--name", "nightly-gsm8k")

    done = cli("jobs", "get", "nightly-gsm8")

    assert done.code == 4
    assert "did you mean nightly-gsm8k" in done.err


def test_errors_are_json_where_json_was_asked_for(cli):
    done = cli("jobs", "get", "zzz", "-o", "json")

    problem = json.loads(done.err)
    assert problem["exit_code"] == done.code == 4
    assert problem["code"] == "resource_not_found"


def test_dry_run_sends_nothing(cli):
    done = cli(
        "run",
        "-m",
        "http://m/v1",
        "-n",
        "n",
        "-b",
        "mmlu@lm",
        "-p",
        "shots=[1,2]",
        "-p",
        "code=007",
        "-p",
        'text="7"',
        "--set",
        "custom.team=red",
        "--dry-run",
        EVALHUB_BASE_URL="http://127.0.0.1:1",
    )

    job = json.loads(done.out)
    assert job["benchmarks"][0]["parameters"] == {"shots": [1, 2], "code": "007", "text": "7"}
    assert job["custom"] == {"team": "red"}


def test_a_collection(cli):
    words = ("collections", "run", "sums", "--model-url", cli.model, "--model-name", "calc")

    done = cli(*words, "--wait", "--format", "json", "--poll-interval", "0.1")

    assert done.code == 0
    assert json.loads(done.out)[0]["status"]["state"] == "completed"


def test_benchmarks(cli):
    assert "arithmetic\texamples" in cli("benchmarks", "list", "--provider", "examples").out
    assert cli("benchmarks", "search", "SUMS", "-q").out == "arithmetic\n"


def test_artifacts(cli):
    job = cli.submit()
    cli("jobs", "wait", job, "--poll-interval", "0.1")

    reference = cli("artifacts", "list", job, "-q").out.strip()

    assert cli("artifacts", "verify", reference).code == 0
    assert cli("artifacts", "pull", reference, "--to", "here").code == 0
    assert any((cli.folder / "here").iterdir())


def test_completion_offers_live_ids(cli):
    job = cli.submit()

    done = cli(_EVALHUB_COMPLETE="bash_complete", COMP_WORDS="evalhub jobs get ", COMP_CWORD="3")

    assert job in done.out


def test_completion_is_silent_without_a_service(cli):
    done = cli(
        _EVALHUB_COMPLETE="bash_complete",
        COMP_WORDS="evalhub jobs get ",
        COMP_CWORD="3",
        EVALHUB_BASE_URL="http://127.0.0.1:1",
    )

    assert (done.out.strip(), done.err) == ("", "")


def test_doctor(cli):
    done = cli("doctor", "-o", "json")
    assert {row["check"]: row["result"] for row in json.loads(done.out)}["service"] == "ok"

    away = cli("doctor", EVALHUB_BASE_URL="http://127.0.0.1:1")
    assert away.code == 1
    assert "service\twrong" in away.out
