"""The demo as a newcomer runs it, and its scores computed by hand."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalhub.adapter.examples.questions import BUNDLED
from evalhub.client import EvalHubClient
from evalhub.oci import pull
from evalhub.testing.faults import Delay
from evalhub.testing.model import FakeModel
from evalhub.testing.service import RealEvalHub
from examples.demo import story
from examples.demo.calculator import Calculator

if TYPE_CHECKING:
    from collections.abc import Generator

    from evalhub.models.job import EvaluationJob

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]

SUM = re.compile(r"\d\)? [-+\N{MULTIPLICATION SIGN}\N{DIVISION SIGN}] \(?\d")


def written_sums() -> list[str]:
    """Return the questions a calculator can answer: those with a sign between two numbers."""
    lines = [json.loads(line) for line in BUNDLED.read_text(encoding="utf-8").splitlines()]
    scored = [line for line in lines if not line.get("few_shot")]
    assert len(scored) == 84
    return [q["id"] for q in scored if SUM.search(q["question"])]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Generator[EvaluationJob]:
    artifacts = tmp_path_factory.mktemp("artifacts")
    with (
        Calculator() as calculator,
        RealEvalHub(providers=[story.provider(artifacts)]) as service,
        EvalHubClient(service.url) as client,
    ):
        job = client.jobs.submit(**story.job("calculator", calculator.url))
        yield client.jobs.wait(job, timeout=60, poll=0.1)


def test_scores_are_those_computed_by_hand(evaluated) -> None:
    right = written_sums()
    assert right == [f"arithmetic-{number:02}" for number in range(1, 21)]
    measured = {result.id: result.metrics for result in evaluated.results.benchmarks}
    assert measured["arithmetic"]["accuracy"] == len(right) / 24
    assert measured["arithmetic"]["refusals"] == 24 - len(right)
    assert measured["quiz"]["accuracy"] == len(right) / 84
    assert measured["quiz"]["accuracy_arithmetic"] == len(right) / 24
    assert measured["quiz"]["refusals"] == 84 - len(right)
    for category in ("computing", "geography", "language", "logic", "science"):
        assert measured["quiz"][f"accuracy_{category}"] == 0
    assert {metrics["parse_failures"] for metrics in measured.values()} == {0}


def test_verdicts_are_the_services(evaluated) -> None:
    tests = {result.id: result.test for result in evaluated.results.benchmarks}
    assert {name: test.passed for name, test in tests.items()} == {
        "arithmetic": True,
        "quiz": False,
    }
    assert tests["arithmetic"].primary_score == pytest.approx(20 / 24)
    assert evaluated.results.test.score == pytest.approx((20 / 24 + 20 / 84) / 2)
    assert evaluated.passed is True


def test_intervals_and_sample_counts_reach_the_service(evaluated) -> None:
    info = evaluated.result("quiz").additional_info
    # Wilson's 95 % interval of 20 in 84, computed with another program.
    low, high = info["metric_details"]["accuracy"]["confidence_interval"]
    assert (low, high) == pytest.approx((0.15975, 0.33935), abs=1e-5)
    assert info["metric_details"]["accuracy"]["num_samples"] == 84
    assert info["num_examples_evaluated"] == 84


def test_the_artifact_holds_every_answer(evaluated, tmp_path) -> None:
    reference = evaluated.result("quiz").artifacts["oci_reference"]
    pull(reference, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "results.jsonl",
        "metrics.csv",
        "summary.json",
        "samples.jsonl",
        "manifest.json",
        "env_card.json",
    }
    records = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [r["id"] for r in records if r["outcome"] == "correct"] == written_sums()
    assert len(records) == 84


def demo(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "examples.demo", *arguments]


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        demo(*arguments), check=False, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@contextmanager
def running(*arguments: str) -> Generator[subprocess.Popen[str]]:
    # A session of its own, so that a signal to its group is what Ctrl-C in a terminal is.
    process = subprocess.Popen(
        demo(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_it_runs_twice_and_leaves_nothing_behind(tmp_path) -> None:
    for _ in range(2):
        page = tmp_path / "report.html"
        outcome = finished("--artifacts", str(tmp_path), "--report", str(page))
        assert outcome.stderr == ""
        assert outcome.returncode == 0
        assert re.search(r"arithmetic +0\.833 .*passed\n  quiz +0\.238 .*failed", outcome.stdout)
        assert re.search(r"job \(mean\) +0\.536 +0\.50   passed", outcome.stdout)
        assert f"as one page, to open in a browser: {page}" in outcome.stdout
        assert "example/quiz" in page.read_text()
        assert "Nothing is left running" in outcome.stdout
        assert adapters_storing_in(tmp_path) == []
    assert len(json.loads((tmp_path / "index.json").read_text())["manifests"]) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_stops_everything(tmp_path, number) -> None:
    with FakeModel("42") as model:
        model.faults.always(Delay(60))
        with running(
            "--model-url", model.url, "--model-name", "slow", "--artifacts", str(tmp_path)
        ) as process:
            wait_for(lambda: len(model.faults.seen) > 0)
            assert adapters_storing_in(tmp_path) != []
            os.killpg(process.pid, number)
            output, _ = process.communicate(timeout=20)
        assert process.returncode == 130
        assert "Interrupted. Nothing is left running." in output
        wait_for(lambda: adapters_storing_in(tmp_path) == [])
        assert groups_left(process.pid) == []


def test_a_model_that_is_away_is_named_and_the_demo_fails(tmp_path) -> None:
    with FakeModel() as model:
        url = model.url
    where = ("--artifacts", str(tmp_path), "--report", str(tmp_path / "report.html"))
    outcome = finished("--model-url", url, "--model-name", "gone", *where)
    assert outcome.returncode == 1
    assert "The job has ended as failed" in outcome.stdout
    assert f"arithmetic: the model at {url}/chat/completions cannot be reached" in outcome.stdout
    assert "accuracy" not in outcome.stdout


def test_half_a_model_is_refused() -> None:
    outcome = finished("--model-name", "m")
    assert outcome.returncode == 2
    assert "give --model-url and --model-name together" in outcome.stderr


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def adapters_storing_in(folder: Path) -> list[int]:
    """Return the processes of this demo's adapters, found by the place they store answers in."""
    wanted = f"REGISTRY_URL=oci:{folder}".encode()
    return [pid for pid, environment in environments() if wanted in environment]


def groups_left(leader: int) -> list[int]:
    return [pid for pid, _ in environments() if same_session(pid, leader)]


def same_session(pid: int, leader: int) -> bool:
    try:
        return os.getsid(pid) == leader
    except ProcessLookupError:
        return False


def environments() -> Generator[tuple[int, list[bytes]]]:
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if content:
            yield int(path.parent.name), content.split(b"\0")
