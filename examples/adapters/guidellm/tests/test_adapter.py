import re
import time

import pytest
from evalhub.adapter import ConfigurationError
from evalhub.client.samples import read_samples
from evalhub.testing import Answer

from adapter import GuideLLMAdapter, Parameters

RUN = {"benchmark_id": "concurrent", "parameters": {}, "num_examples": 20}


@pytest.mark.evalhub(answer="42", spec=RUN)
def test_every_request_is_measured_and_kept(evalhub_adapter):
    outcome = evalhub_adapter(GuideLLMAdapter)

    assert outcome.exit_code == 0, outcome.logs
    samples = read_samples(outcome.results.oci_artifact.reference)
    # What lies at the edge of the measured time is in neither mean.
    assert 18 <= len(samples) == outcome.results.num_examples_evaluated <= 20
    mean = sum(sample.prediction for sample in samples) / len(samples)
    assert outcome.metrics["request_latency/mean"] == pytest.approx(mean)
    assert outcome.metrics["request_latency/p50"] <= outcome.metrics["request_latency/p99"]
    assert outcome.metrics["requests_failed"] == 0


def answers_slowly(request):
    time.sleep(0.7)  # guidellm says every ten seconds how far it is
    return "42"


@pytest.mark.evalhub(answer=answers_slowly, spec=RUN)
def test_progress_is_reported_while_it_runs(evalhub_adapter):
    outcome = evalhub_adapter(GuideLLMAdapter)

    steps = [int(step) for step in re.findall(r"(\d+) of 20 requests", outcome.logs)]
    assert steps == sorted(steps)
    assert any(0 < step < 20 for step in steps)
    phases = [event["phase"] for event in outcome.events]
    assert phases.count("running_evaluation") > 1  # each a sign of life to the service


@pytest.mark.evalhub(spec=RUN)
def test_requests_that_fail_are_a_failure(evalhub_adapter, evalhub_model):
    evalhub_model.faults.script(Answer(200, b'{"data": [{"id": "fake-model"}]}'))
    evalhub_model.faults.always(Answer(500, b"out of memory"))
    outcome = evalhub_adapter(GuideLLMAdapter)

    assert outcome.status == "failed"


@pytest.mark.evalhub(spec={**RUN, "benchmark_id": "no_such_profile"})
def test_a_profile_that_does_not_exist_is_named(evalhub_adapter):
    outcome = evalhub_adapter(GuideLLMAdapter)

    assert (outcome.exit_code, outcome.error) == (2, "guidellm has no profile 'no_such_profile'")


@pytest.mark.evalhub(spec={**RUN, "parameters": {"stream": 3}})
def test_a_parameter_that_does_not_exist_is_named(evalhub_job_spec):
    with pytest.raises(ConfigurationError, match="is unknown; did you mean 'streams'?"):
        Parameters.of(evalhub_job_spec)
