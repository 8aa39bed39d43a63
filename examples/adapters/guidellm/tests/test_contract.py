from pathlib import Path

from evalhub.testing import AdapterContract, job_spec

from adapter import GuideLLMAdapter


class TestGuideLLMAdapter(AdapterContract):
    adapter = GuideLLMAdapter
    answer = "42"
    spec = job_spec(
        provider_id="guidellm", benchmark_id="concurrent", num_examples=20, parameters={}
    )
    provider_file = Path(__file__).parents[1] / "provider.yaml"
    bad_parameters = {"streams": 0}
    deterministic = False  # it measures time
    timeout = 240.0
