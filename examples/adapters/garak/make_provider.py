"""Write provider.yaml out of garak's own list of probes: those that are active by default.

python make_provider.py
"""

from __future__ import annotations

from pathlib import Path

import yaml
from garak._plugins import PluginCache, enumerate_plugins

FILE = Path(__file__).with_name("provider.yaml")


def benchmark(plugin: str) -> dict[str, object]:
    about = PluginCache.plugin_info(plugin)
    name = plugin.removeprefix("probes.")
    return {
        "id": name,
        "name": name,
        "description": about["description"] or about["goal"],
        "category": "safety",
        "tags": [tag for tag in about["tags"] if tag.startswith("owasp")],
        "metrics": ["resisted", "attack_success_rate/*"],
        "primary_score": {"metric": "resisted"},
    }


def main() -> None:
    probes = [name for name, is_active in enumerate_plugins("probes") if is_active]
    provider = {
        "id": "garak",
        "name": "garak",
        "title": "garak",
        "description": "Attacks of NVIDIA's vulnerability scanner for language models.",
        "benchmarks": [benchmark(probe) for probe in probes],
        "runtime": {
            "k8s": {
                "image": "registry.example.com/evalhub-garak:latest",
                "entrypoint": ["python", "-m", "evalhub.adapter", "adapter:GarakAdapter"],
                "cpu_request": "500m",
                "memory_request": "512Mi",
                "cpu_limit": "2",
                "memory_limit": "2Gi",
            },
            "local": {"command": "python adapter.py"},
        },
    }
    FILE.write_text(yaml.safe_dump(provider, sort_keys=False), encoding="utf-8")
    print(f"{FILE.name}: {len(probes)} benchmarks")


if __name__ == "__main__":
    main()
