"""What a large evaluation pays for keeping every answer: seconds, memory and size.

python benchmarks/samples.py [ROWS]
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from evalhub.adapter.samples import SampleWriter
from evalhub.client.samples import iter_samples

QUESTION = "What is the capital of the country whose flag has a maple leaf on it? " * 5
REPLY = "The flag of Canada has a maple leaf on it, and its capital is Ottawa. " * 5


def peak() -> float:
    """Return the most memory this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(rows: int) -> None:
    """Write rows and read them back."""
    with TemporaryDirectory() as folder:
        writer = SampleWriter(folder, benchmark_id="b", provider_id="p", metric="accuracy")
        before, started, worked = peak(), time.perf_counter(), time.process_time()
        for index in range(rows):
            writer.add(
                index,
                index % 2,
                input=QUESTION,
                expected="Ottawa",
                output=REPLY,
                group=f"g{index % 10}",
                latency_seconds=0.1,
                tokens={"input": 75, "output": 70},
            )
        manifest = writer.finish()
        seconds, worked = time.perf_counter() - started, time.process_time() - worked
        writer.close()
        size = Path(writer.path).stat().st_size / 2**20
        took = f"{seconds:.2f} s ({worked:.2f} s of processor time)"
        print(f"{rows:,} rows written: {took}, {size:.0f} MiB,", end=" ")
        print(f"peak {peak():.0f} MiB (+{peak() - before:.1f}), mean {manifest.mean}")
        before, started, worked = peak(), time.perf_counter(), time.process_time()
        count, total = 0, 0.0
        for sample in iter_samples(folder):
            count += 1
            total += sample.prediction
        seconds, worked = time.perf_counter() - started, time.process_time() - worked
        took = f"{seconds:.2f} s ({worked:.2f} s of processor time)"
        print(f"{count:,} rows read: {took},", end=" ")
        print(f"peak {peak():.0f} MiB (+{peak() - before:.1f}), mean {total / count}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
