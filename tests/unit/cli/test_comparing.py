from __future__ import annotations

import json
import sys

import pytest


@pytest.fixture
def jobs(submit, report):
    """Return the ids of a good and of a bad job."""
    good, bad = submit("good"), submit("bad")
    report(good, 0.9)
    report(bad, 0.2)
    return good, bad


def test_a_worse_candidate_ends_with_3(evalhub, jobs):
    good, bad = jobs
    ran = evalhub("compare", good, bad)
    assert ran.code == 3
    assert "sums" in ran.out
    (row,) = evalhub("compare", good, bad, "-o", "csv").out.splitlines()[1:]
    assert row.startswith("sums,regressed,accuracy,0.9,0.2,")
    found = json.loads(evalhub("compare", good, bad, "-o", "json").out)
    assert found["benchmarks"][0]["verdict"] == "regressed"


def test_a_better_candidate_ends_with_0(evalhub, jobs):
    good, bad = jobs
    ran = evalhub("compare", bad, good)
    assert (ran.code, ran.err) == (0, "")


def test_the_gate_follows_the_service_without_a_baseline(evalhub, jobs, submit):
    good, bad = jobs
    assert evalhub("gate", good).code == 0
    assert evalhub("gate", bad).code == 3


def test_the_gate_of_a_job_that_failed_is_1(evalhub, submit, report):
    job = submit()
    report(job, None, "no data")
    assert evalhub("gate", job).code == 1


def test_a_baseline_is_a_file_to_compare_with(evalhub, jobs):
    good, bad = jobs
    path = evalhub("baseline", "set", "best", good).out.strip()
    assert path == ".evalhub/baselines/best.json.gz"
    assert evalhub("baseline", "list", "-q").out == "best\n"
    shown = json.loads(evalhub("baseline", "show", "best", "-o", "json").out)
    assert shown["resource"]["id"] == good
    assert evalhub("gate", bad, "--baseline", "best").code == 3
    assert evalhub("compare", path, good).code == 0
    assert "there is no baseline" in evalhub("baseline", "show", "nope").err


@pytest.mark.parametrize("suffix", ["html", "md", "xml", "json"])
def test_a_report_s_form_is_its_suffix(suffix, evalhub, jobs, tmp_path):
    ran = evalhub("report", *jobs, "--to", f"r.{suffix}")
    assert (ran.code, ran.out) == (0, f"r.{suffix}\n")
    assert "accuracy" in (tmp_path / f"r.{suffix}").read_text()


def test_a_report_joins_the_summary_of_a_workflow(evalhub, jobs, tmp_path, clean_environment, hub):
    summary = tmp_path / "summary.md"
    clean_environment(EVALHUB_BASE_URL=hub.url, GITHUB_STEP_SUMMARY=str(summary))
    assert evalhub("report", jobs[0], "--to", "r.md").code == 0
    assert "accuracy" in summary.read_text()


def test_a_report_of_another_form(evalhub, jobs):
    ran = evalhub("report", jobs[0], "--to", "r.docx")
    assert ran.code == 2
    assert "docx" in ran.err


def test_a_policy_is_validated(evalhub, tmp_path):
    (tmp_path / "gate.yaml").write_text("require: {mmlu: {max_drop: 0.01}}\n")
    assert evalhub("validate", "gate.yaml").out.startswith("gate.yaml: a policy")
    (tmp_path / "gate.yaml").write_text("require: {mmlu: {max_dorp: 0.01}}\n")
    ran = evalhub("validate", "gate.yaml")
    assert ran.code == 2
    assert "max_drop" in ran.err


def test_a_new_adapter_project(evalhub, tmp_path):
    assert "my-framework/adapter.py" in evalhub("adapter", "new", "my-framework").out
    assert (tmp_path / "my-framework" / "adapter.py").exists()


def test_a_token_that_was_refused_is_forgotten(evalhub, hub, tmp_path, clean_environment):
    from evalhub.testing.faults import Answer

    clean_environment(
        EVALHUB_CONFIG=str(tmp_path / "config.yaml"), XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    evalhub("config", "set", "base_url", hub.url)
    evalhub("config", "set", "token_command", f"{sys.executable} -c \"print('t0ken')\"")
    assert evalhub("jobs", "list").code == 0
    assert list((tmp_path / "cache" / "evalhub").glob("token-*.json"))
    hub.faults.always(Answer(401), path="*/jobs")
    assert evalhub("jobs", "list").code == 4
    assert not list((tmp_path / "cache" / "evalhub").glob("token-*.json"))
