import re
import time

import pytest
from evalhub.adapter import ConfigurationError
from evalhub.client.samples import read_samples

from adapter import LMEvalAdapter, Parameters


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
    outcome = evalhub_adapter(LMEvalAdapter)

    assert outcome.exit_code == 0, outcome.logs
    assert outcome.metrics == {"exact_match": 0.8}
    samples = read_samples(outcome.results.oci_artifact.reference)
    assert len(samples) == outcome.results.num_examples_evaluated == 20
    assert sum(sample.prediction for sample in samples) / 20 == 0.8
    assert samples[0].output == samples[0].expected == "4"


@pytest.mark.evalhub(answer=adds_slowly, spec=SUMS)
def test_progress_is_reported_while_it_runs(evalhub_adapter):
    outcome = evalhub_adapter(LMEvalAdapter)

    steps = [int(step) for step in re.findall(r"(\d+) of 20 requests", outcome.logs)]
    assert steps == sorted(steps)
    assert any(0 < step < 20 for step in steps)
    phases = [event["phase"] for event in outcome.events]
    assert phases.count("running_evaluation") > 1  # each a sign of life to the service


@pytest.mark.evalhub(answer=adds, spec={**SUMS, "parameters": {"api": "completions"}})
def test_completions_give_the_same(evalhub_adapter, evalhub_model):
    assert evalhub_adapter(LMEvalAdapter).metrics == {"exact_match": 0.8}
    assert evalhub_model.requests[0].path == "/completions"


@pytest.mark.evalhub(spec={**SUMS, "benchmark_id": "no_such_task"})
def test_a_task_that_does_not_exist_is_named(evalhub_adapter):
    outcome = evalhub_adapter(LMEvalAdapter)

    assert (outcome.exit_code, outcome.error) == (2, "lm-eval has no task no_such_task")


@pytest.mark.evalhub(spec={**SUMS, "parameters": {"num_few_shot": 3}})
def test_a_parameter_that_does_not_exist_is_named(evalhub_job_spec):
    with pytest.raises(ConfigurationError, match="is unknown; did you mean 'num_fewshot'?"):
        Parameters.of(evalhub_job_spec)
