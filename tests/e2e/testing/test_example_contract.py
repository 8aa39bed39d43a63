"""The example adapter keeps the contract it is an example of."""

from __future__ import annotations

from typing import ClassVar

import pytest

from evalhub.adapter.examples import ExampleAdapter
from evalhub.testing import AdapterContract, job_spec

pytestmark = pytest.mark.e2e


class TestExampleAdapter(AdapterContract):
    adapter = ExampleAdapter
    spec = job_spec(benchmark_id="arithmetic", num_examples=4)
    answer = "4"
    bad_parameters: ClassVar = {"num_few_shot": -1}
    varying = ("latency_*",)
