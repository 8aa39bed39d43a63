"""The documented page's code blocks, as they stand, and what they leave undefined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "page"

PRELUDE = """\
from pathlib import Path

from evalhub.adapter import OCIArtifactSpec


class Scores(dict):
    def __len__(self):
        return 5


class Framework:
    def load_benchmark(self, benchmark_id):
        return benchmark_id

    def load_model(self, model):
        return model.name

    def evaluate(self, *, benchmark, model, num_examples, num_few_shot):
        return Scores(accuracy=0.8, duration=1.5)


def load_your_framework():
    return Framework()


def save_results(job_id, results):
    path = Path(f"results-{job_id}.json")
    path.write_text(str(dict(results)))
    return [path]
"""
"""The page's adapter calls a framework of the reader's and does not import `OCIArtifactSpec`."""


def block(name: str, **hosts: str) -> str:
    """Return a block; each host of the page given as `old=new` is replaced.

    Raises:
        KeyError: The block does not have the host.
    """
    code = (PAGE / f"{name}.txt").read_text()
    for old, new in hosts.items():
        if old not in code:
            raise KeyError(old)
        code = code.replace(old, new)
    return code


def run(name: str, namespace: dict[str, Any], **hosts: str) -> dict[str, Any]:
    """Run a block in a namespace and return it."""
    code = block(name, **hosts)
    exec(compile(code, str(PAGE / f"{name}.txt"), "exec", dont_inherit=True), namespace)
    return namespace
