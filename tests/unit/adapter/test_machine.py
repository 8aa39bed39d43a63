"""GPUs and containers, on machines that tell, that do not, and that hang."""

from __future__ import annotations

import sys
import types
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from evalhub.adapter._machine.container import container_image, pod_labels, resource_limits
from evalhub.adapter._machine.gpus import GPUs, find_gpus

H100 = "echo 'NVIDIA H100, 550.54'"


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Return a maker of the GPU driver's tool: a script that gets the arguments."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(query: str, banner: str = "exit 1", topology: str = "exit 1") -> None:
        tool = tmp_path / "nvidia-smi"
        cases = f"--query*) {query};; topo) {topology};; *) {banner};;"
        tool.write_text(f'#!/bin/sh\ncase "$1" in {cases} esac\n')
        tool.chmod(0o755)

    return make


@pytest.fixture
def torch(monkeypatch):
    """Return a setter of PyTorch's installed version, `None` for none."""

    def install(version: str | None) -> None:
        def find(name: str) -> str:
            if version is None:
                raise metadata.PackageNotFoundError(name)
            return version

        monkeypatch.setattr("evalhub.adapter._machine.gpus.version", find)
        monkeypatch.delitem(sys.modules, "torch", raising=False)

    install(None)
    return install


def test_the_tool_tells_everything(driver, torch):
    driver(
        f"{H100}; {H100}",
        "echo '| NVIDIA-SMI 550.54   Driver Version: 550.54   CUDA Version: 12.4 |'",
        "printf '\\tGPU0\\tGPU1\\tCPU Affinity\\nGPU0\\t X \\tNV18\\t0-7\\n"
        "GPU1\\tNV18\\t X \\t0-7\\n\\nLegend:\\n  X = Self\\n'",
    )

    assert find_gpus() == GPUs(2, "NVIDIA H100", "550.54", "12.4", "NV18")


def test_one_gpu_has_no_links(driver, torch):
    driver(H100, "echo 'CUDA Version : 13.0'", "echo 'GPU0 NV18'")

    assert find_gpus() == GPUs(1, "NVIDIA H100", "550.54", "13.0")


@pytest.mark.parametrize(
    ("build", "cuda"), [("2.5.1+cu124", "12.4"), ("2.5.1+cpu", None), ("2.5.1+cux", None)]
)
def test_cuda_is_what_pytorch_was_built_for(driver, torch, build, cuda):
    driver(H100)
    torch(build)

    assert find_gpus().cuda == cuda


def test_cuda_is_what_a_loaded_pytorch_says(driver, torch, monkeypatch):
    driver(H100)
    loaded: Any = types.ModuleType("torch")
    loaded.version = types.SimpleNamespace(cuda="11.8")
    monkeypatch.setitem(sys.modules, "torch", loaded)

    assert find_gpus().cuda == "11.8"


@pytest.mark.parametrize("query", ["sleep 60", "sleep 60 & sleep 60", "trap '' TERM; sleep 60"])
def test_a_tool_that_hangs_is_ended_with_all_it_started(driver, torch, query, tmp_path):
    driver(f"echo $$ > {tmp_path}/pid; {query}")

    assert find_gpus(timeout=0.3) == GPUs()
    session = int((tmp_path / "pid").read_text())
    until = monotonic() + 10
    while running(session=session) and monotonic() < until:
        sleep(0.01)
    assert running(session=session) == []


def running(*, session: int) -> list[str]:
    """Return the processes of a session that have not ended; an init may yet have to reap them."""
    states: list[str] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, _, _, of, *_ = path.read_text().rpartition(")")[2].split()
            states += [state] if int(of) == session and state != "Z" else []
    return states


def test_a_tool_that_hangs_later_tells_what_it_told(driver, torch):
    driver(H100, "sleep 60")

    assert find_gpus(timeout=0.5) == GPUs(1, "NVIDIA H100", "550.54")


@pytest.fixture
def nvml(monkeypatch, driver, torch):
    """NVIDIA's library in place of the tool, as older releases of it answer."""
    library: Any = types.ModuleType("pynvml")
    library.ended = 0
    library.nvmlInit = lambda: None
    library.nvmlShutdown = lambda: setattr(library, "ended", library.ended + 1)
    library.nvmlDeviceGetCount = lambda: 2
    library.nvmlDeviceGetHandleByIndex = lambda index: index
    library.nvmlDeviceGetName = lambda handle: b"NVIDIA L4"
    library.nvmlSystemGetDriverVersion = lambda: "550.90"
    library.nvmlSystemGetCudaDriverVersion = lambda: 12040
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


def test_without_the_tool_the_library_tells(nvml):
    assert find_gpus() == GPUs(2, "NVIDIA L4", "550.90", "12.4")
    assert nvml.ended == 1


def test_a_library_that_fails_leaves_it_unknown(nvml):
    def lost() -> int:
        raise RuntimeError("GPU is lost")

    nvml.nvmlDeviceGetCount = lost
    assert find_gpus() == GPUs()
    assert nvml.ended == 1
    nvml.nvmlInit = lost
    assert find_gpus() == GPUs(count=0)


@pytest.fixture
def root(tmp_path):
    """Return a writer of files below a root that stands for a machine's."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            path: Path = tmp_path / "root" / name.replace("__", "/").replace("DOT", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        machine: Path = tmp_path / "root"
        return machine

    return write


def test_a_machine_without_proc_tells_nothing(root):
    machine = root()

    assert resource_limits(machine) == {}
    assert pod_labels(machine) == {}
    assert container_image(machine) is None


@pytest.mark.parametrize(
    ("cpu", "memory", "limits"),
    [
        ("200000 100000\n", "2147483648\n", {"cpu": "2", "memory": "2Gi"}),
        ("50000 100000", "536870912", {"cpu": "500m", "memory": "512Mi"}),
        ("max 100000", "max", {}),
        ("33333 100000", "1000", {"cpu": "333m", "memory": "1000"}),
        ("", "", {}),
        ("100000", "4096", {"memory": "4Ki"}),
    ],
)
def test_limits_of_cgroups_version_2(root, cpu, memory, limits):
    machine = root(
        proc__self__cgroup="0::/\n",
        sys__fs__cgroup__cpuDOTmax=cpu,
        sys__fs__cgroup__memoryDOTmax=memory,
    )

    assert resource_limits(machine) == limits


def test_the_strictest_limit_above_counts(root):
    machine = root(
        proc__self__cgroup="0::/pods/mine\n",
        sys__fs__cgroup__pods__cpuDOTmax="100000 100000",
        sys__fs__cgroup__pods__mine__cpuDOTmax="max 100000",
        sys__fs__cgroup__pods__mine__memoryDOTmax="4294967296",
        sys__fs__cgroup__pods__memoryDOTmax="1073741824",
    )

    assert resource_limits(machine) == {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize("path", ["/docker/abc", "/"])
def test_limits_of_cgroups_version_1(root, path):
    # A container sees its own group at the top, but its path as the host names it.
    machine = root(
        proc__self__cgroup=f"4:memory:{path}\n2:cpu,cpuacct:{path}\n",
        sys__fs__cgroup__cpu__cpuDOTcfs_quota_us="150000",
        sys__fs__cgroup__cpu__cpuDOTcfs_period_us="100000",
        sys__fs__cgroup__memory__memoryDOTlimit_in_bytes="1073741824",
    )

    assert resource_limits(machine) == {"cpu": "1500m", "memory": "1Gi"}


def test_version_1_without_limits(root):
    machine = root(
        sys__fs__cgroup__cpu__cpuDOTcfs_quota_us="-1",
        sys__fs__cgroup__memory__memoryDOTlimit_in_bytes="9223372036854771712",
    )

    assert resource_limits(machine) == {}


def test_this_machine_can_be_asked():
    assert set(resource_limits()) <= {"cpu", "memory"}


def test_labels_are_those_of_the_downward_api(root):
    machine = root(
        etc__podinfo__labels='app="evalhub"\njob_id="1"\nodd=x\n\nbroken\n'
        'quoted="a \\"b\\" \\u00e9"\n'
    )

    assert pod_labels(machine) == {
        "app": "evalhub",
        "job_id": "1",
        "quoted": 'a "b" é',
        "odd": "x",
    }


def test_the_image_is_what_podman_tells(root):
    machine = root(run__DOTcontainerenv='engine="podman-5.4"\nimage="quay.io/org/adapter:1"\n')

    assert container_image(machine) == "quay.io/org/adapter:1"


def test_a_manifest_that_passes_its_limits_on_is_believed(clean_environment, monkeypatch):
    from evalhub.adapter.environment import EnvironmentCardMetadata

    monkeypatch.setenv("PATH", "/none")
    clean_environment(MY_CPU_LIMIT="4", MY_MEM_LIMIT="16Gi", MY_GPU_LIMIT="1")
    card = EnvironmentCardMetadata.capture()

    assert card.k8s_resource_limits == {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}
