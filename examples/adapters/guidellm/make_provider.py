"""Write provider.yaml out of the profiles that guidellm has and the adapter offers.

python make_provider.py
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import yaml
from guidellm.benchmark import profiles

from adapter import MEASURED, RATES, Parameters

FILE = Path(__file__).with_name("provider.yaml")


def names() -> list[str]:
    offered = get_args(get_args(Parameters.model_fields["profile"].annotation)[0])
    known = {name.removesuffix("Profile").lower() for name in dir(profiles)}
    asynchronous = {"constant", "poisson"} if "async" in known else set()
    return [name for name in offered if name in known | asynchronous]


def benchmark(name: str) -> dict[str, object]:
    return {
        "id": name,
        "name": name,
        "description": f"Latency and throughput under {name} load.",
        "category": "performance",
        "metrics": [*(f"{one}/*" for one in (*MEASURED[:2], *RATES)), "*"],
        "primary_score": {"metric": "request_latency/mean", "lower_is_better": True},
    }


def main() -> None:
    provider = {
        "id": "guidellm",
        "name": "guidellm",
        "title": "GuideLLM",
        "description": "Performance of inference servers.",
        "benchmarks": [benchmark(name) for name in names()],
        "runtime": {
            "k8s": {
                "image": "registry.example.com/evalhub-guidellm:latest",
                "entrypoint": ["python", "-m", "evalhub.adapter", "adapter:GuideLLMAdapter"],
                "cpu_request": "1",
                "memory_request": "1Gi",
                "cpu_limit": "4",
                "memory_limit": "4Gi",
            },
            "local": {"command": "python adapter.py"},
        },
    }
    FILE.write_text(yaml.safe_dump(provider, sort_keys=False), encoding="utf-8")
    print(f"{FILE.name}: {len(provider['benchmarks'])} benchmarks")


if __name__ == "__main__":
    main()
