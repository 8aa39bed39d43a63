"""The cost of artifacts: beside the existing SDK, and beside plain HTTP with hashing.

    python benchmarks/oci.py [--other PYTHON] [--rounds 5] [--large]

Everything goes to one real registry (docker-registry) on loopback. Every round runs every program
once, each in a process of its own and into a repository of its own, so that a busy moment hits
all of them; a ratio is the median of the rounds' ratios. Times are of the push alone, imports and
interpreter excluded; memory is the most the process ever held (VmHWM: Linux only). `--other` names
an interpreter that has the existing SDK (eval-hub-sdk[adapter]==1.0.6); without it only the floor
is compared. `--large` also pushes and pulls one file of 5 GiB, which takes some 16 GiB of disk.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.registry import docker_registry  # noqa: E402 - after the path to it

MIB = 1 << 20

SDK = """\
import sys, time
import oras.provider
from pathlib import Path
from evalhub.adapter import OCIArtifactPersister, OCIArtifactSpec, OCICoordinates
from evalhub.adapter.oci.persister import OCIArtifactContext

files, host, repository = sys.argv[1:]
persister = OCIArtifactPersister(
    context=OCIArtifactContext(job_id="bench", benchmark_id="bench"), oci_insecure=True
)
begin = time.perf_counter()
persister.persist(OCIArtifactSpec(
    files_path=Path(files),
    coordinates=OCICoordinates(oci_host=host, oci_repository=repository, oci_tag="t"),
    #pack
))
seconds = time.perf_counter() - begin
print(seconds, Path("/proc/self/status").read_text())
"""
"""A push as both SDKs do it."""

PACKED = SDK.replace("#pack", "pack=True,")
"""A push of all files as one packed layer."""

PULL = """\
import sys, time
from pathlib import Path
from evalhub.oci import pull

directory, host, repository = sys.argv[1:]
import oras.provider
begin = time.perf_counter()
pull(f"http://{host}/{repository}:t", directory)
seconds = time.perf_counter() - begin
print(seconds, Path("/proc/self/status").read_text())
"""
"""Pull and verify an artifact."""

PULL_FLOOR = """\
import hashlib, http.client, json, sys, time
from pathlib import Path

directory, host, repository = sys.argv[1:]
Path(directory).mkdir()

def get(path):
    connection.request("GET", f"/v2/{repository}/{path}", headers={
        "Accept": "application/vnd.oci.image.manifest.v1+json"
    })
    return connection.getresponse()

begin = time.perf_counter()
connection = http.client.HTTPConnection(host, blocksize=1 << 18)
for layer in json.loads(get("manifests/t").read())["layers"]:
    sha256, answer = hashlib.sha256(), get("blobs/" + layer["digest"])
    name = layer["annotations"]["org.opencontainers.image.title"]
    with open(directory + "/" + name, "wb") as target:
        while block := answer.read(1 << 18):
            sha256.update(block)
            target.write(block)
    assert layer["digest"] == "sha256:" + sha256.hexdigest()
seconds = time.perf_counter() - begin
print(seconds, Path("/proc/self/status").read_text())
"""
"""The least a pull can be: each blob is read, hashed and written."""

FLOOR = """\
import hashlib, http.client, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

directory, host, repository = sys.argv[1:]
local = threading.local()

def connect():
    local.connection = http.client.HTTPConnection(host, blocksize=1 << 18)

def push(path):
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    connection = local.connection
    connection.request("POST", f"/v2/{repository}/blobs/uploads/")
    answer = connection.getresponse()
    answer.read()
    location = answer.headers["Location"].removeprefix(f"http://{host}")
    with path.open("rb") as stream:
        connection.request(
            "PUT", f"{location}&digest=sha256:{digest}", body=stream,
            headers={"Content-Length": str(path.stat().st_size),
                     "Content-Type": "application/octet-stream"},
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201

begin = time.perf_counter()
with ThreadPoolExecutor(8, initializer=connect) as pool:
    list(pool.map(push, Path(directory).iterdir()))
seconds = time.perf_counter() - begin
print(seconds, Path("/proc/self/status").read_text())
"""
"""The least a push can be: each file is hashed and put, as many at once as ours, no manifest."""


@dataclass(frozen=True, slots=True)
class Program:
    """Something that pushes or pulls."""

    name: str
    python: str
    code: str


@dataclass(frozen=True, slots=True)
class Run:
    """The cost of one push or pull."""

    seconds: float
    peak_mib: float


def run(program: Program, files: Path, host: str, repository: str) -> Run:
    """Push or pull files in a process of its own."""
    command = [program.python, "-c", program.code, str(files), host, repository]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{program.name} failed:\n{done.stderr}")
    seconds, status = done.stdout.split(maxsplit=1)
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return Run(float(seconds), int(peak[1]) / 1024 if peak else math.nan)


def measure(
    what: str, files: Path, programs: list[Program], rounds: int, aims: dict[str, float]
) -> None:
    """Push files with every program, in turn, and print the cost."""
    runs: dict[str, list[Run]] = {program.name: [] for program in programs}
    for number in range(rounds):
        # A registry of its own for each round: none finds what an earlier one stored.
        with (
            tempfile.TemporaryDirectory(prefix="bench-oci-") as directory,
            docker_registry(Path(directory) / "registry") as registry,
        ):
            for program in programs:
                runs[program.name].append(
                    run(program, files, registry.host, f"round{number}/{program.name}")
                )
    report(f"{what}, {rounds} rounds", runs, aims)


def measure_pull(what: str, files: Path, rounds: int) -> None:
    """Push files once, pull them with both programs, in turn, and print the cost."""
    programs = [Program("ours", sys.executable, PULL), Program("floor", sys.executable, PULL_FLOOR)]
    runs: dict[str, list[Run]] = {program.name: [] for program in programs}
    with (
        tempfile.TemporaryDirectory(prefix="bench-oci-") as directory,
        docker_registry(Path(directory) / "registry") as registry,
    ):
        run(Program("push", sys.executable, SDK), files, registry.host, "pulled")
        for _ in range(rounds):
            for program in programs:
                target = Path(directory) / "target"
                runs[program.name].append(run(program, target, registry.host, "pulled"))
                shutil.rmtree(target)
    report(f"{what} pulled, {rounds} rounds", runs, {"floor": 1.3})


def report(title: str, runs: dict[str, list[Run]], aims: dict[str, float]) -> None:
    """Print the cost of every program, and ours as a ratio of it."""
    print(f"\n{title}")
    for name, each in runs.items():
        seconds = statistics.median(run.seconds for run in each)
        peak = max(run.peak_mib for run in each)
        line = f"  {name:6} {seconds:8.2f} s {peak:8.0f} MiB"
        if name != "ours":
            ratio = statistics.median(
                ours.seconds / theirs.seconds
                for ours, theirs in zip(runs["ours"], each, strict=True)
            )
            line += f"   ours / {name}: {ratio:.2f}"
            line += f" (aim: at most {aims[name]})" if name in aims else ""
        print(line)


def fill(path: Path, size: int) -> None:
    """Write a file that no file system can store in less."""
    with path.open("wb") as stream:
        for done in range(0, size, MIB):
            stream.write(os.urandom(min(MIB, size - done)))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--other", default=os.environ.get("BENCH_OTHER"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()

    ours, floor = Program("ours", sys.executable, SDK), Program("floor", sys.executable, FLOOR)
    packed = Program("ours", sys.executable, PACKED)
    others = [Program("other", options.other, SDK)] if options.other else []
    with tempfile.TemporaryDirectory(prefix="bench-files-") as directory:
        one, many, large = (Path(directory, name) for name in ("one", "many", "large"))
        one.mkdir()
        fill(one / "data.bin", 512 * MIB)
        measure(
            "one file of 512 MiB",
            one,
            [ours, floor, *others],
            options.rounds,
            {"floor": 1.3, "other": 0.2},
        )
        many.mkdir()
        for number in range(500):
            fill(many / f"{number:03}.json", 2048)
        measure("500 files of 2 KiB", many, [ours, floor, *others], options.rounds, {"other": 0.3})
        measure("500 files of 2 KiB, packed", many, [packed, floor], options.rounds, {"floor": 0.3})
        if options.large:
            large.mkdir()
            fill(large / "data.bin", 5 << 30)
            measure("one file of 5 GiB", large, [ours, floor], 1, {"floor": 1.3})
            measure_pull("one file of 5 GiB", large, 1)


if __name__ == "__main__":
    main()
