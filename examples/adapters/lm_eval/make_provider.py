"""Write provider.yaml out of lm-eval's own list of tasks.

python make_provider.py                      our own and some well-known ones
python make_provider.py 'mmlu*' hellaswag    those that match
"""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from lm_eval.tasks import TaskManager

from adapter import OWN_TASKS

WELL_KNOWN = ("arc_challenge", "gsm8k", "hellaswag", "ifeval", "mmlu", "truthfulqa_gen")
FILE = Path(__file__).with_name("provider.yaml")


def benchmark(task: str) -> dict[str, object]:
    # The metric is in the task's configuration, which takes the data set to read for some.
    metric = {
        "gsm8k": "exact_match.strict-match",
        "ifeval": "prompt_level_strict_acc",
        "truthfulqa_gen": "bleu_acc",
    }.get(task)
    own = (OWN_TASKS / f"{task}.yaml").is_file()
    metric = metric or ("exact_match" if own else "acc")
    return {
        "id": task,
        "name": task,
        "category": "general",
        "metrics": ["*"],
        "primary_score": {"metric": metric},
    }


def main(patterns: list[str]) -> None:
    known = TaskManager(include_path=str(OWN_TASKS)).all_tasks
    wanted = patterns or ["sums", *WELL_KNOWN]
    tasks = [task for task in known if any(fnmatchcase(task, one) for one in wanted)]
    provider = {
        "id": "lm_eval",
        "name": "lm-evaluation-harness",
        "title": "lm-evaluation-harness",
        "description": "Academic benchmarks by EleutherAI's lm-evaluation-harness.",
        "benchmarks": [benchmark(task) for task in sorted(tasks)],
        "runtime": {
            "k8s": {
                "image": "registry.example.com/evalhub-lm-eval:latest",
                "entrypoint": ["python", "-m", "evalhub.adapter", "adapter:LMEvalAdapter"],
                "cpu_request": "500m",
                "memory_request": "1Gi",
                "cpu_limit": "2",
                "memory_limit": "4Gi",
            },
            "local": {"command": "python adapter.py"},
        },
    }
    FILE.write_text(yaml.safe_dump(provider, sort_keys=False), encoding="utf-8")
    print(f"{FILE.name}: {len(tasks)} benchmarks")


if __name__ == "__main__":
    main(sys.argv[1:])
