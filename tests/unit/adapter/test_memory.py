from __future__ import annotations

import pytest

from evalhub.adapter._run.memory import MemoryUse, memory_use, readable_size
from evalhub.adapter._run.supervisor import Ended


def write(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_of_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)


def test_version_2_of_cgroups(tmp_path):
    write(
        tmp_path,
        memory_of_peak="1048576\n",
        memory_of_max="2097152\n",
        memory_of_events="low 0\nhigh 0\noom 1\noom_kill 2\n",
    )
    assert memory_use(tmp_path) == MemoryUse(peak=1048576, limit=2097152, kills=2)


def test_version_1_of_cgroups(tmp_path):
    folder = tmp_path / "memory"
    write(folder.parent, memory__x="")
    (folder / "memory.max_usage_in_bytes").write_text("1048576\n")
    (folder / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    assert memory_use(tmp_path) == MemoryUse(peak=1048576, limit=None, kills=3)


def test_no_limit_and_no_cgroup(tmp_path):
    assert memory_use(tmp_path) == MemoryUse()
    write(tmp_path, memory_of_max="max\n")
    assert memory_use(tmp_path).limit is None


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (2048, "2 KiB"), (5 * 2**20, "5 MiB"), (3 * 2**29, "1.5 GiB")],
)
def test_sizes_are_readable(size, text):
    assert readable_size(size) == text


GIB = 2**30


@pytest.mark.parametrize(
    ("status", "before", "after", "text", "exit_code"),
    [
        (7, {}, {}, "the adapter ended the process with os._exit(7)", 7),
        (0, {}, {}, "the adapter ended the process with os._exit(0)", 1),
        (-11, {}, {}, "the adapter's process was killed by SIGSEGV", 139),
        (-9, {}, {}, "the adapter's process was killed by SIGKILL; peak memory 1.0 GiB", 137),
        (
            -9,
            {"peak": 1, "limit": 8 * GIB, "kills": 0},
            {"peak": 2 * GIB, "limit": 8 * GIB, "kills": 0},
            "the adapter's process was killed by SIGKILL; peak memory 2.0 GiB of 8.0 GiB",
            137,
        ),
        (
            -9,
            {"peak": 1, "limit": 8 * GIB, "kills": 0},
            {"peak": 8 * GIB, "limit": 8 * GIB, "kills": 0},
            (
                "the adapter's process was killed by SIGKILL, most likely out of memory; "
                "peak memory 8.0 GiB of 8.0 GiB"
            ),
            137,
        ),
        (
            -9,
            {"peak": 1, "limit": 8 * GIB, "kills": 1},
            {"peak": 7 * GIB, "limit": 8 * GIB, "kills": 2},
            (
                "the adapter's process was killed by SIGKILL, out of memory; "
                "peak memory 7.0 GiB of 8.0 GiB"
            ),
            137,
        ),
    ],
)
def test_a_death_in_words(status, before, after, text, exit_code):
    ended = Ended(status, GIB, MemoryUse(**before), MemoryUse(**after))
    assert (str(ended), ended.exit_code) == (text, exit_code)
