from pathlib import Path

from evalhub.testing import AdapterContract, job_spec
from test_adapter import adds

from adapter import InspectAdapter


class TestInspectAdapter(AdapterContract):
    adapter = InspectAdapter
    answer = staticmethod(adds)
    spec = job_spec(provider_id="inspect_ai", benchmark_id="sums", num_examples=20, parameters={})
    provider_file = Path(__file__).parents[1] / "provider.yaml"
    bad_parameters = {"epochs": 0}
    timeout = 240.0
