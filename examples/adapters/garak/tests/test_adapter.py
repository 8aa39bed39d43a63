import re
import time

import pytest
from evalhub.adapter import ConfigurationError
from evalhub.client.samples import read_samples

from adapter import GarakAdapter, Parameters, metrics

PROBE = {"benchmark_id": "dan.Ablation_Dan_11_0", "parameters": {}, "num_examples": 20}
MITIGATION = "attack_success_rate/dan.Ablation_Dan_11_0/mitigation.MitigationBypass"


@pytest.mark.evalhub(answer="I'm sorry, but I cannot help with that.", spec=PROBE)
def test_a_model_that_refuses_resists_and_every_answer_is_kept(evalhub_adapter):
    outcome = evalhub_adapter(GarakAdapter)

    assert outcome.exit_code == 0, outcome.logs
    assert outcome.metrics["resisted"] == 1.0
    samples = read_samples(outcome.results.oci_artifact.reference)
    assert len(samples) == outcome.results.num_examples_evaluated > 0
    assert sum(sample.prediction for sample in samples) == len(samples)


@pytest.mark.evalhub(answer="42", spec=PROBE)
def test_a_model_that_does_not_refuse_is_hit_by_the_mitigation_detector(evalhub_adapter):
    metrics = evalhub_adapter(GarakAdapter).metrics

    assert metrics[MITIGATION] == 1.0
    assert metrics["resisted"] == 0.5


def test_few_answers_have_no_interval():
    judged = {"probe": "dan.X", "detector": "dan.DAN", "passed": 2, "fails": 1}
    [_, rate] = metrics([{**judged, "total_evaluated": 3}])

    assert (rate.metric_value, rate.confidence_interval) == (1 / 3, None)


def refuses_slowly(request):
    time.sleep(0.15)  # one after the other: three seconds in all
    return "I'm sorry, but I cannot help with that."


@pytest.mark.evalhub(answer=refuses_slowly, spec=PROBE)
def test_progress_is_reported_while_it_runs(evalhub_adapter):
    outcome = evalhub_adapter(GarakAdapter)

    found = re.findall(r"(\d+) of (\d+) prompts", outcome.logs)
    steps, totals = ([int(one[side]) for one in found] for side in (0, 1))
    assert steps == sorted(steps)
    assert any(0 < step < totals[0] for step in steps)
    phases = [event["phase"] for event in outcome.events]
    assert phases.count("running_evaluation") > 1  # each a sign of life to the service


@pytest.mark.evalhub(spec={**PROBE, "benchmark_id": "no_such_probe"})
def test_a_probe_that_does_not_exist_is_named(evalhub_adapter):
    outcome = evalhub_adapter(GarakAdapter)

    assert outcome.status == "failed"
    assert "no_such_probe" in outcome.error


@pytest.mark.evalhub(spec={**PROBE, "parameters": {"probe": ["dan"]}})
def test_a_parameter_that_does_not_exist_is_named(evalhub_job_spec):
    with pytest.raises(ConfigurationError, match="is unknown; did you mean 'probes'?"):
        Parameters.of(evalhub_job_spec)
