"""What comparing and reporting cost: `make bench` runs it, each case in a process of its own."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SAMPLES = 14_042
"""As many as MMLU has."""


def job(name: str, scores: dict[str, list[float]]) -> dict[str, Any]:
    names = list(scores)
    return {
        "resource": {"id": name, "created_at": "2026-09-18T10:11:12Z"},
        "name": name,
        "model": {"name": "m", "url": "http://model/v1"},
        "status": {"state": "completed"},
        "benchmarks": [
            {"id": n, "provider_id": "p", "primary_score": {"metric": "accuracy"}} for n in names
        ],
        "results": {
            "benchmarks": [
                {
                    "id": n,
                    "provider_id": "p",
                    "benchmark_index": index,
                    "metrics": {"accuracy": sum(scores[n]) / len(scores[n])},
                    "additional_info": {
                        "metric_details": {"accuracy": {"num_samples": len(scores[n])}}
                    },
                }
                for index, n in enumerate(names)
            ]
        },
    }


def write(folder: Path, name: str, share: float, seed: int, **samples: int) -> None:
    draw = random.Random(seed)
    scores = {n: [float(draw.random() < share) for _ in range(of)] for n, of in samples.items()}
    (folder / f"{name}.json").write_text(json.dumps(job(name, scores)))
    with (folder / f"{name}.jsonl").open("w") as file:
        for n, values in scores.items():
            for place, value in enumerate(values):
                row = {
                    "sample_id": f"{n}-{place}",
                    "prediction": value,
                    "benchmark_id": n,
                    "provider_id": "p",
                    "group": f"topic {place % 57}",
                    "input": "A question of some length. " * 8,
                    "expected": "A",
                    "output": "The answer is A. " * 8,
                    "latency_seconds": draw.random(),
                }
                file.write(json.dumps(row) + "\n")


def compared(folder: Path) -> None:
    began = time.perf_counter()
    from evalhub.analysis import compare

    rows = folder / "before.jsonl", folder / "after.jsonl"
    found = compare(folder / "before.json", folder / "after.json", rows=rows)
    assert found.benchmarks[0].paired
    said(f"compare two jobs of {SAMPLES:,} samples, imports included", began)


def reported(folder: Path) -> None:
    began = time.perf_counter()
    from evalhub.report import report

    made = report(folder / "two.json")
    size = len(made.html.encode())
    said(f"report two benchmarks, imports included: {size:,} bytes", began)
    began = time.perf_counter()
    size = len(report(folder / "two.json", rows=folder / "two.jsonl").html.encode())
    said(f"report two benchmarks again, with samples: {size:,} bytes", began)


def said(what: str, began: float) -> None:
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    cpu = time.process_time()
    print(f"{what}: {seconds:.2f} s ({cpu:.2f} s of CPU so far), {peak} MiB at most", flush=True)


CASES = {"compare": compared, "report": reported}


def main() -> None:
    if len(sys.argv) == 3:
        CASES[sys.argv[1]](Path(sys.argv[2]))
        return
    with TemporaryDirectory() as folder:
        write(Path(folder), "before", 0.75, 1, mmlu=SAMPLES)
        write(Path(folder), "after", 0.74, 2, mmlu=SAMPLES)
        write(Path(folder), "two", 0.75, 3, mmlu=500, gsm8k=500)
        for case in CASES:
            subprocess.run([sys.executable, __file__, case, folder], check=True)


if __name__ == "__main__":
    main()
