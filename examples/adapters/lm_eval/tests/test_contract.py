from pathlib import Path

from evalhub.testing import AdapterContract, job_spec
from test_adapter import adds

from adapter import LMEvalAdapter


class TestLMEvalAdapter(AdapterContract):
    adapter = LMEvalAdapter
    answer = staticmethod(adds)
    spec = job_spec(provider_id="lm_eval", benchmark_id="sums", num_examples=20, parameters={})
    provider_file = Path(__file__).parents[1] / "provider.yaml"
    bad_parameters = {"num_fewshot": -1}
    timeout = 240.0
