from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest
import yaml

from evalhub.cli._errors import run

JOB = {
    "name": "from file",
    "model": {"name": "m", "url": "http://model/v1"},
    "benchmarks": [{"id": "sums", "provider_id": "alpha", "parameters": {"shots": 5}}],
}


class TestRun:
    def test_the_id_is_data_and_the_rest_is_not(self, evalhub):
        ran = evalhub("run", "-m", "http://model/v1", "-n", "m", "-b", "sums")
        assert ran.code == 0
        assert len(ran.out.split()) == 1
        assert f"evalhub jobs wait {ran.out.strip()}" in ran.err

    def test_eval_run_prints_an_array_as_before(self, evalhub):
        ran = evalhub(
            "eval", "run", "--name", "n", "--model-url", "http://model/v1", "--model-name", "m",
            "--provider", "alpha", "-b", "sums", "-b", "words", "-p", "shots=5", "-p", "cot=true",
            "-p", 'list=["a", 1]', "-p", "text=007", "--experiment", "e", "--format", "json",
        )  # fmt: skip
        (job,) = ran.json
        assert [one["id"] for one in job["benchmarks"]] == ["sums", "words"]
        assert job["benchmarks"][1]["parameters"] == {
            "shots": 5, "cot": True, "list": ["a", 1], "text": "007",
        }  # fmt: skip
        assert job["experiment"] == {"name": "e"}
        assert job["resource"]["id"]

    @pytest.mark.parametrize("suffix", ["json", "yaml"])
    def test_nothing_of_a_file_is_dropped(self, suffix, evalhub, tmp_path):
        job = {**JOB, "pass_criteria": {"threshold": 0.25}, "custom": {"team": "a"}}
        file = tmp_path / f"job.{suffix}"
        file.write_text(json.dumps(job) if suffix == "json" else yaml.safe_dump(job))
        (sent,) = evalhub("run", str(file), "--dry-run", "-o", "json").json
        assert sent["pass_criteria"] == {"threshold": 0.25}
        assert sent["custom"] == {"team": "a"}
        assert sent["benchmarks"][0]["parameters"] == {"shots": 5}

    def test_options_override_a_file(self, evalhub, tmp_path):
        (tmp_path / "job.json").write_text(json.dumps(JOB))
        ran = evalhub("run", "job.json", "-n", "other", "-p", "shots=0", "--dry-run", "-o", "json")
        (sent,) = ran.json
        assert sent["model"] == {"name": "other", "url": "http://model/v1"}
        assert sent["benchmarks"][0]["parameters"] == {"shots": 0}

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ((), "give a FILE, or --model-name, --model-url, --benchmark or --collection"),
            (("-m", "http://x", "-n", "m", "-b", "nope"), "no provider offers benchmark 'nope'"),
            (("missing.yaml",), "cannot read missing.yaml: No such file or directory"),
            ((".",), ". is a directory"),
            (("-m", "http://x", "-n", "m", "-b", "sums", "-p", "shots"), "must be NAME=VALUE"),
            (("-m", "http://x", "-n", "m", "-b", "sums", "-p", "t=NaN"), "NaN is no number"),
            (("-m", "http://x", "-n", "m", "-b", "sums", "--oci-host", "h"), "--oci-repository"),
            (
                ("-m", "http://x", "-n", "m", "-b", "sums", "--test-data-s3-bucket", "b"),
                "test data from s3 also needs --test-data-s3-key, --test-data-s3-secret",
            ),
            (("--wait", "--watch"), "use either --wait or --watch"),
            (("--timeout", "-1"), "-1.0 is not in the range x>0"),
        ],
    )
    def test_what_is_wrong_is_one_line(self, arguments, problem, evalhub):
        ran = evalhub("run", *arguments)
        assert ran.code == 2
        assert ran.err.startswith("error: ")
        assert problem in ran.err
        assert "Traceback" not in ran.err

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ("a:\n\tb: 1\n", "line 2"),
            ("name: a\nname: b\n", "key 'name' appears twice (lines 1 and 2)"),
            ("", "is empty, but must hold a mapping"),
            ("- 1\n", "holds a list, but must hold a mapping"),
            ("name: x\nmodle: {}\n", "unknown field; did you mean 'model'?"),
        ],
    )
    def test_what_is_wrong_in_a_file_is_named(self, content, problem, evalhub, tmp_path):
        (tmp_path / "job.yaml").write_text(content)
        ran = evalhub("run", "job.yaml")
        assert (ran.code, problem in ran.err) == (2, True), ran.err

    def test_waiting_shows_scores_and_gates(self, evalhub, hub, report, submit):
        job = submit()
        report(job, 0.25)
        done = evalhub("jobs", "wait", job)
        assert (done.code, done.out) == (
            0, "sums\talpha\taccuracy\t0.25\t0.15 to 0.35\t100\t0.5\tfailed\n",
        )  # fmt: skip
        gated = evalhub("jobs", "wait", job, "--gate")
        assert gated.code == 3
        assert f"gate: job {job} missed its threshold" in gated.err

    def test_a_failed_job_is_a_failure_with_its_reason(self, evalhub, report, submit):
        job = submit()
        report(job, None, "the data set is empty")
        ran = evalhub("jobs", "wait", job)
        assert ran.code == 1
        assert "sums: the data set is empty" in ran.err

    def test_a_timeout_says_so(self, evalhub, submit):
        ran = evalhub("jobs", "wait", submit(), "--timeout", "0.2")
        assert ran.code == 124
        assert "is still pending after 0.2 s" in ran.err


class TestJobs:
    def test_a_pipe_gets_tabs_and_no_heading(self, evalhub, submit):
        job = submit()
        (line,) = evalhub("jobs", "list").out.splitlines()
        assert line.split("\t")[:3] == [job, "nightly", "pending"]

    def test_formats(self, evalhub, submit):
        job = submit()
        assert evalhub("jobs", "list", "-o", "name").out == f"{job}\n"
        assert evalhub("jobs", "list", "-o", "csv").out.startswith("id,name,state,")
        assert evalhub("jobs", "list", "-o", "yaml").out.startswith("- resource:")
        assert json.loads(evalhub("jobs", "list", "-o", "ndjson").out)["resource"]["id"] == job
        assert evalhub("jobs", "list", "--json", "name,resource.id").json == [
            {"name": "nightly", "resource.id": job}
        ]
        assert "resource\n" in evalhub("jobs", "list", "--json").out
        assert evalhub("jobs", "list", "--jq", ".[0].resource.id").out == f"{job}\n"
        assert "--jq 'nope('" in evalhub("jobs", "list", "--jq", "nope(").err

    def test_empty_lists(self, evalhub):
        assert evalhub("jobs", "list").out == ""
        assert evalhub("jobs", "list", "-o", "json").json == []

    def test_filters(self, evalhub, submit):
        first, second = submit("a"), submit("b")
        assert evalhub("jobs", "list", "--name", "a", "-q").out == f"{first}\n"
        assert set(evalhub("jobs", "list", "--since", "1h", "-q").out.split()) == {first, second}
        assert evalhub("jobs", "list", "--provider", "beta", "-q").out == ""
        assert "unknown status 'done'" in evalhub("jobs", "list", "--status", "done").err
        assert "must be a number with m, h or d" in evalhub("jobs", "list", "--since", "soon").err

    def test_a_job_by_its_name(self, evalhub, submit):
        job = submit("only")
        assert f"Job:      {job}" in evalhub("jobs", "get", "only").out
        submit("twice")
        submit("twice")
        assert "2 jobs are named 'twice'; give an id" in evalhub("jobs", "get", "twice").err

    def test_an_unknown_job(self, evalhub):
        ran = evalhub("eval", "status", "nope")
        assert ran.code == 4
        assert "hint: evalhub jobs list" in ran.err

    def test_cancel_and_delete(self, evalhub, submit):
        job = submit()
        assert evalhub("jobs", "cancel", job, "--yes").out == f"Job {job} cancelled.\n"
        assert evalhub("eval", "cancel", job, "--hard-delete", "-y").out == f"Job {job} deleted.\n"
        assert evalhub("jobs", "get", job).code == 4

    def test_names_cannot_command_the_terminal(self, evalhub):
        evalhub("run", "-m", "http://x", "-n", "m", "-b", "sums", "--name", "[/x]\x1b[31mred")
        out = evalhub("jobs", "list").out
        assert "\x1b" not in out
        assert "[/x]" in out


class TestResources:
    def test_providers_and_benchmarks(self, evalhub):
        assert evalhub("providers", "list", "-q").out == "alpha\n"
        assert "sums\tSums\tmath" in evalhub("providers", "describe", "alpha").out
        assert evalhub("benchmarks", "search", "MATH", "-q").out == "sums\n"
        assert evalhub("benchmarks", "list", "--category", "text", "-q").out == "words\n"

    def test_a_provider_s_life(self, evalhub, tmp_path):
        (tmp_path / "p.yaml").write_text("name: mine\nbenchmarks: [{id: one, name: One}]\n")
        (made,) = evalhub("providers", "create", "--file", "p.yaml", "-o", "json").json
        name = made["resource"]["id"]
        (tmp_path / "patch.json").write_text('{"description": "new"}')
        assert evalhub("providers", "patch", name, "-f", "patch.json").code == 0
        (found,) = evalhub("providers", "describe", name, "-o", "json").json
        assert found["description"] == "new"
        assert evalhub("providers", "delete", name, "--yes").out == f"Provider deleted: {name}\n"

    def test_a_collection_s_life(self, evalhub, tmp_path):
        content = {"name": "set", "category": "math", "description": "d",
                   "benchmarks": [{"id": "sums", "provider_id": "alpha"}]}  # fmt: skip
        (tmp_path / "c.json").write_text(json.dumps(content))
        name = evalhub("collections", "create", "-f", "c.json", "-q").out.strip()
        assert evalhub("collections", "list", "-q").out == f"{name}\n"
        ran = evalhub("collections", "run", name, "-m", "http://x", "-n", "m", "-o", "json")
        assert ran.json[0]["collection"]["id"] == name


class TestConfig:
    def test_profiles(self, evalhub, tmp_path):
        assert evalhub("config", "set", "token", "sk-0123456789").code == 0
        file = tmp_path / "config.yaml"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert evalhub("config", "get", "token").out == "sk-***89\n"
        assert evalhub("config", "get", "token", "--unmask").out == "sk-0123456789\n"
        assert evalhub("config", "create", "prod", "--activate").code == 0
        assert evalhub("config", "set", "base_url", "http://prod").code == 0
        listed = evalhub("config", "list", "--all").out
        assert "Profile: prod *\n  base_url: http://prod\n" in listed
        assert evalhub("config", "use", "default").code == 0
        assert evalhub("config", "delete", "prod").code == 0
        assert "there is no profile 'prod'" in evalhub("config", "use", "prod").err

    def test_a_file_of_1_0_is_read_as_it_is(self, evalhub, tmp_path, hub, clean_environment):
        clean_environment(EVALHUB_CONFIG=str(tmp_path / "config.yaml"), EVALHUB_BASE_URL="")
        (tmp_path / "config.yaml").write_text(
            f"active_profile: team\nprofiles:\n  team:\n    base_url: {hub.url}\n"
            "    insecure: 'yes'\n    timeout: '5'\n    provider: alpha\n"
        )
        assert evalhub("health").code == 0

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ("[1]", "must be a mapping with `profiles`"),
            ("profiles: 3", "must map names to profiles"),
            ("profiles: {default: 3}", "must be a mapping"),
            ("a: [", "is not YAML"),
            ("profiles: {default: {timeout: abc}}", "must be a number of seconds"),
        ],
    )
    def test_a_broken_file_is_one_line(self, content, problem, evalhub, tmp_path):
        (tmp_path / "config.yaml").write_text(content)
        ran = evalhub("health")
        assert (ran.code, problem in ran.err) == (2, True), ran.err

    def test_secrets_of_a_profile_stay_with_its_address(self, evalhub, tmp_path, hub, caplog):
        (tmp_path / "config.yaml").write_text(
            "profiles: {default: {base_url: http://other, token: secret, tenant: t}}"
        )
        (tmp_path / "config.yaml").chmod(0o600)
        assert evalhub("--base-url", hub.url, "jobs", "list").code == 0
        assert "auth_token of profile 'default' is not sent to another address" in caplog.text

    def test_a_profile_that_does_not_exist(self, evalhub):
        ran = evalhub("--profile", "typo", "health")
        assert (ran.code, "there is no profile 'typo'" in ran.err) == (2, True)

    def test_the_command_that_prints_a_token(self, evalhub, tmp_path, clean_environment, hub):
        clean_environment(EVALHUB_CONFIG=str(tmp_path / "config.yaml"))
        evalhub("config", "set", "base_url", hub.url)
        evalhub("config", "set", "token_command", f"{sys.executable} -c 'print(\"t0ken\")'")
        assert evalhub("jobs", "list").code == 0
        assert hub.faults.seen[-1].status == 200
        evalhub("config", "set", "token_command", "false")
        assert "token_command `false` failed" in evalhub("jobs", "list").err


class TestTheRest:
    def test_doctor(self, evalhub):
        rows = {row["check"]: row["state"] for row in evalhub("doctor", "-o", "json").json}
        assert rows["connection"] == rows["access"] == "ok"

    def test_doctor_without_a_service(self, evalhub):
        ran = evalhub("--base-url", "http://127.0.0.1:9", "doctor", "-o", "json")
        assert ran.code == 1
        assert ran.json[-1]["check"] == "connection"
        assert ran.json[-1]["state"] == "fails"

    def test_no_connection(self, evalhub):
        ran = evalhub("--base-url", "http://127.0.0.1:9", "health")
        assert ran.code == 5
        assert ran.err.splitlines()[-1].startswith("hint: evalhub doctor")

    def test_errors_are_json_in_json_mode(self, evalhub):
        ran = evalhub("jobs", "get", "nope", "--format", "json")
        error = json.loads(ran.err)
        assert error["hint"].startswith("evalhub jobs list")

    def test_validate(self, evalhub, tmp_path):
        (tmp_path / "job.json").write_text(json.dumps(JOB))
        (tmp_path / "bad.yaml").write_text("name: x\nmodel: {nmae: y}\n")
        assert evalhub("validate", "job.json").out == "job.json: a valid job\n"
        ran = evalhub("validate", "job.json", "bad.yaml")
        assert ran.code == 2
        assert "did you mean 'name'?" in ran.err

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
    def test_completion(self, shell, evalhub):
        assert "EVALHUB_COMPLETE" in evalhub("completion", shell).out

    def test_a_command_that_does_not_exist(self, evalhub):
        ran = evalhub("jbos")
        assert ran.code == 2
        assert "Did you mean 'jobs'?" in ran.err

    def test_compare_gate_and_report(self, evalhub, report, submit, tmp_path):
        before, after = submit("before"), submit("after")
        report(before, 0.9)
        report(after, 0.2)
        ran = evalhub("compare", before, after)
        assert (ran.code, "sums" in ran.out) == (3, True), ran.err
        assert evalhub("gate", before).code == 0
        assert evalhub("gate", after).code == 3
        assert evalhub("baseline", "set", "good", before).code == 0
        assert evalhub("baseline", "list", "-q").out == "good\n"
        assert evalhub("gate", after, "--baseline", "good").code == 3
        assert evalhub("report", before, "-O", "r.md").out == "r.md\n"
        assert "accuracy" in (tmp_path / "r.md").read_text()

    def test_a_reader_that_has_enough(self, evalhub, submit, hub):
        submit()
        script = f"{sys.executable} -m evalhub.cli --base-url {hub.url} jobs list -o json | head -1"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_help_loads_click_and_nothing_heavy():
    code = (
        "import sys\n"
        "from evalhub.cli._errors import run\n"
        "run(['--help'])\n"
        "heavy = {'pydantic', 'httpx', 'rich', 'yaml', 'scipy', 'altair', 'oras', 'jq'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_click_the_extra_is_named(tmp_path):
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError(name='click')")
    code = "from evalhub.cli import main; main(['--help'])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        2, "error: this command needs an extra: pip install 'eval-hub-sdk[cli]'\n",
    )  # fmt: skip


def test_no_command_is_help_and_an_error(capsys):
    assert run([]) == 2
    assert "Usage: evalhub" in capsys.readouterr().err
