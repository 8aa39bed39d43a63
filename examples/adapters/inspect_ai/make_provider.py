"""Write provider.yaml out of the tasks that inspect finds: our own, and those of inspect_evals.

pip install inspect_evals      first, for its two hundred
python make_provider.py
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import yaml
from inspect_ai import list_tasks

from adapter import OWN_TASKS

FILE = Path(__file__).with_name("provider.yaml")


def names() -> list[str]:
    own = [task.name for task in list_tasks("*.py", root_dir=OWN_TASKS)]
    if find_spec("inspect_evals") is None:
        return own
    from inspect_evals.metadata import load_listing

    return own + [
        f"inspect_evals/{task.name}" for entry in load_listing().evals for task in entry.tasks
    ]


def benchmark(name: str) -> dict[str, object]:
    return {
        "id": name,
        "name": name.rpartition("/")[2],
        "category": "general",
        "metrics": ["*"],
        "primary_score": {"metric": "accuracy"},
    }


def main() -> None:
    provider = {
        "id": "inspect_ai",
        "name": "inspect",
        "title": "Inspect",
        "description": "Evaluations of the UK AI Security Institute's framework, agents included.",
        "benchmarks": [benchmark(name) for name in names()],
        "runtime": {
            "k8s": {
                "image": "registry.example.com/evalhub-inspect-ai:latest",
                "entrypoint": ["python", "-m", "evalhub.adapter", "adapter:InspectAdapter"],
                "cpu_request": "500m",
                "memory_request": "512Mi",
                "cpu_limit": "2",
                "memory_limit": "2Gi",
            },
            "local": {"command": "python adapter.py"},
        },
    }
    FILE.write_text(yaml.safe_dump(provider, sort_keys=False), encoding="utf-8")
    print(f"{FILE.name}: {len(provider['benchmarks'])} benchmarks")


if __name__ == "__main__":
    main()
