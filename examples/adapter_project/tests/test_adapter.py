import re

import pytest
from evalhub.adapter import ConfigurationError
from evalhub.testing import Answer

from adapter import AdditionAdapter


def adds(request):
    """A model that can add."""
    left, right = re.findall(r"\d+", request.prompt)
    return str(int(left) + int(right))


@pytest.mark.evalhub(answer=adds)
def test_a_model_that_adds_is_always_right(evalhub_adapter, evalhub_model):
    outcome = evalhub_adapter(AdditionAdapter)

    assert outcome.exit_code == 0
    assert outcome.metrics == {"accuracy": 1.0}
    assert len(evalhub_model.requests) == 3


@pytest.mark.evalhub(answer=["no idea", "none"])
def test_a_model_that_does_not_is_never_right(evalhub_adapter):
    assert evalhub_adapter(AdditionAdapter).metrics == {"accuracy": 0.0}


def test_answers_are_stored(evalhub_job_spec, evalhub_callbacks):
    results = AdditionAdapter().run_benchmark_job(evalhub_job_spec, evalhub_callbacks)

    _, stored = evalhub_callbacks.artifacts[0]
    assert {file.path for file in stored.files} >= {"answers.json", "samples.jsonl"}
    assert results.oci_artifact == stored


@pytest.mark.evalhub(spec={"parameters": {"digits": "two"}})
def test_digits_must_be_a_number(evalhub_job_spec, evalhub_callbacks):
    with pytest.raises(ConfigurationError, match="digits must be a number"):
        AdditionAdapter().run_benchmark_job(evalhub_job_spec, evalhub_callbacks)


def test_a_model_that_fails_is_reported(evalhub_adapter, evalhub_model):
    evalhub_model.faults.always(Answer(500))
    outcome = evalhub_adapter(AdditionAdapter)

    assert outcome.status == "failed"
    assert "cannot ask the model" in outcome.error
