"""Workflows and forms that only GitHub runs: they parse, and name commands that exist."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from docs.blocks import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def steps(workflow):
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_targets_that_exist(workflow):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    runs = "\n".join(step.get("run", "") for step in steps(workflow))
    named = re.findall(r"\bmake (?:--[\w-]+ )*([\w-]+)", runs)

    assert set(named) <= set(targets)
    assert all((ROOT / script).exists() for script in re.findall(r"\.ci/[\w-]+", runs))


def test_ci_runs_on_every_python_the_package_names():
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["test"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))

    assert matrix["strategy"]["matrix"]["python"] == named


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_says_more(workflow):
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_to_a_commit_with_its_full_version(workflow):
    used = re.findall(r"uses: (.+)", workflow.read_text())

    assert used
    assert [
        one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)
    ] == []


def test_issue_forms_have_a_name_and_questions():
    for form in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        if form.name != "config.yml":
            fields = yaml.safe_load(form.read_text())
            assert fields["name"]
            assert all(question["attributes"]["label"] for question in fields["body"])


def test_everything_has_an_owner():
    owners = (ROOT / ".github" / "CODEOWNERS").read_text().split()

    assert owners == ["*", "@eval-hub/sdk-maintainers"]
