"""The contract fails on each planted fault with its own message, and on nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.e2e

ADAPTERS = Path(__file__).with_name("faulty_adapters.py")

FOUND = {
    "TestCrashes": ("test_states", "raised ZeroDivisionError: no examples"),
    "TestGoesBackwards": ("test_phases", "initializing comes after running_evaluation"),
    "TestRepeatsItself": ("test_phases", "loading_data is reported twice without a change"),
    "TestCountsInPercent": ("test_progress", "progress 10.0 is not between 0 and 1"),
    "TestDividesByZero": ("test_metric_values", "metric accuracy is nan"),
    "TestRenamesItsMetric": ("test_declared_metrics", "declares metric 'accuracy'"),
    "TestHasNoScore": ("test_primary_score", "neither an overall_score nor"),
    "TestReturnsEverything": ("test_size", "would refuse it with 413"),
    "TestInventsAnArtifact": ("test_artifacts", "which was not stored"),
    "TestFailsOnBadInput": ("test_bad_configuration", "an invalid configuration raises KeyError"),
    "TestHidesFailures": ("test_unreachable_model", "the last status is 'completed'"),
    "TestIgnoresSignals": ("test_sigterm", "after SIGTERM the process exited with 0"),
    "TestLogsItsKey": ("test_no_secrets", "the model's API key is in the log"),
    "TestWritesToItsHome": ("test_no_files_outside", "home/results.json"),
    "TestRollsDice": ("test_deterministic", "and then"),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """The failures of each contract: name of the test, and its message."""
    report = tmp_path_factory.mktemp("contract") / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    command = [sys.executable, "-m", "pytest", str(ADAPTERS), *options]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert report.exists(), finished.stdout + finished.stderr
    found: dict[str, list[tuple[str, str]]] = {}
    for case in ET.parse(report).iter("testcase"):
        contract = case.attrib["classname"].rpartition(".")[2]
        failed = found.setdefault(contract, [])
        failed += [
            (case.attrib["name"], problem.attrib["message"])
            for problem in (*case.iter("failure"), *case.iter("error"))
        ]
    return found


def test_the_sound_adapter_passes(failures: dict[str, list[tuple[str, str]]]) -> None:
    assert failures["TestSound"] == []


@pytest.mark.parametrize("contract", FOUND)
def test_each_fault_is_found(contract: str, failures: dict[str, list[tuple[str, str]]]) -> None:
    test, message = FOUND[contract]
    assert [name for name, _ in failures[contract]] == [test], failures[contract]
    assert message in failures[contract][0][1]


def test_every_planted_fault_is_expected(failures: dict[str, list[tuple[str, str]]]) -> None:
    assert set(failures) == {*FOUND, "TestSound"}
