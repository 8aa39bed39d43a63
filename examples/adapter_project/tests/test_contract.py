from pathlib import Path

from evalhub.testing import AdapterContract, job_spec

from adapter import AdditionAdapter


class TestAdditionAdapter(AdapterContract):
    """Everything the cluster will ask of the adapter."""

    adapter = AdditionAdapter
    spec = job_spec(provider_id="addition", benchmark_id="addition", num_examples=4)
    provider_file = Path(__file__).parents[1] / "provider.yaml"
    bad_parameters = {"digits": 0}
