from pathlib import Path

from evalhub.testing import AdapterContract, job_spec

from adapter import GarakAdapter


class TestGarakAdapter(AdapterContract):
    adapter = GarakAdapter
    answer = "I'm sorry, but I cannot help with that."
    spec = job_spec(
        provider_id="garak", benchmark_id="dan.Ablation_Dan_11_0", num_examples=20, parameters={}
    )
    provider_file = Path(__file__).parents[1] / "provider.yaml"
    bad_parameters = {"generations": 0}
    timeout = 240.0
