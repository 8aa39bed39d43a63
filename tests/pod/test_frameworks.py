"""The four adapters in their own images: one job each, with a model whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.pods.world import KEY

from evalhub.testing.model import FakeModel
from examples.adapters.__main__ import KNOWN
from examples.demo import calculator

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.pods.world import Built, World

    from evalhub.testing.faults import Faults

pytestmark = pytest.mark.pod


@pytest.mark.parametrize("name", KNOWN)
def test_a_framework_runs_in_a_pod(
    name: str, built: Built, faults: Faults, make_world: Callable[..., World]
) -> None:
    known = KNOWN[name]
    image = built.frameworks[name].result()
    with FakeModel(
        lambda asked: calculator.answer(asked.prompt), name=calculator.NAME, api_key=KEY
    ) as model:
        world = replace(make_world(model, faults, image), provider=name, benchmark=known.benchmark)
        world.settings = replace(world.settings, memory="2Gi")
        pod = world.start(num_examples=known.num_examples, parameters={})

        assert pod.exit_code() == 0, pod.log()

    assert world.state == "completed"
    metrics = world.results["metrics"]
    assert {score: metrics[score] for score in known.scores} == known.scores
    assert world.results["artifacts"]["oci_digest"].startswith("sha256:")
