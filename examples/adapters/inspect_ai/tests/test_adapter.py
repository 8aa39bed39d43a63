import re
import time

import pytest
from evalhub.adapter import ConfigurationError
from evalhub.client.samples import read_samples
from evalhub.testing import Answer

from adapter import InspectAdapter, Parameters


def adds(request):
    """A model that can add what is written in digits."""
    numbers = re.findall(r"\d+", request.prompt)
    return str(sum(map(int, numbers))) if numbers else "I cannot say."


def adds_slowly(request):
    time.sleep(0.15)  # one after the other: three seconds in all
    return adds(request)


SUMS = {"benchmark_id": "sums", "parameters": {}, "num_examples": 20}


@pytest.mark.evalhub(answer=adds, spec=SUMS)
def test_the_score_is_the_frameworks_and_every_answer_is_kept(evalhub_adapter):
    outcome = evalhub_adapter(InspectAdapter)

    assert outcome.exit_code == 0, outcome.logs
    assert outcome.metrics == {"accuracy": 0.8}
    samples = read_samples(outcome.results.oci_artifact.reference)
    assert len(samples) == outcome.results.num_examples_evaluated == 20
    assert sum(sample.prediction for sample in samples) / 20 == 0.8
    assert {sample.group for sample in samples} == {"sums"}


@pytest.mark.evalhub(answer=adds_slowly, spec=SUMS)
def test_progress_is_reported_while_it_runs(evalhub_adapter):
    outcome = evalhub_adapter(InspectAdapter)

    steps = [int(step) for step in re.findall(r"(\d+) of 20 samples", outcome.logs)]
    assert steps == sorted(steps)
    assert any(0 < step < 20 for step in steps)
    phases = [event["phase"] for event in outcome.events]
    assert phases.count("running_evaluation") > 1  # each a sign of life to the service


@pytest.mark.evalhub(answer=adds, spec=SUMS)
def test_an_endpoint_that_fails_all_the_time_is_a_failure(evalhub_adapter, evalhub_model):
    # The first two are the question what is served; a 400 is not tried again.
    evalhub_model.faults.always(Answer(400, b"context too long"))
    outcome = evalhub_adapter(InspectAdapter)

    assert outcome.status == "failed"
    assert "context too long" in outcome.error


@pytest.mark.evalhub(spec={**SUMS, "benchmark_id": "no_such_task"})
def test_a_task_that_does_not_exist_is_named(evalhub_adapter):
    outcome = evalhub_adapter(InspectAdapter)

    assert outcome.exit_code == 2
    assert outcome.error == "no task 'no_such_task'; ours are sums, others PACKAGE/NAME"


@pytest.mark.evalhub(spec={**SUMS, "parameters": {"epoch": 3}})
def test_a_parameter_that_does_not_exist_is_named(evalhub_job_spec):
    with pytest.raises(ConfigurationError, match="is unknown; did you mean 'epochs'?"):
        Parameters.of(evalhub_job_spec)
