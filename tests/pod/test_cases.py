"""What becomes of a job in a pod. Each case is a row of a table in docs/reliability.md."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.pods.pod import USER, until
from support.pods.world import KEY

from evalhub.oci import verify

if TYPE_CHECKING:
    from pathlib import Path

    from support.pods.world import World

pytestmark = pytest.mark.pod

AWAY_SECONDS = 30.0
MAIN = ("python", "my_adapter.py")


def waiting(world: World) -> Path:
    """Return the adapter's shared folder once the adapter waits in it."""
    shared = world.pod.volume("/shared")
    until((shared / "waiting").exists, "waiting")
    return shared


def test_the_adapter_is_a_user_without_name_or_rights(world: World) -> None:
    pod = world.start("describe")

    assert pod.exit_code() == 0, pod.log()
    facts = json.loads((pod.volume("/shared") / "facts.json").read_text())
    assert (facts["uid"], facts["gid"]) == (USER, 0)
    assert str(USER) not in facts["passwd"]
    assert set(facts["writable"]) == {"/data", "/shared", "/tmp"}
    assert set(facts["capabilities"]) == {"0" * 16}


def test_results_and_artifact_arrive_through_the_sidecar(world: World) -> None:
    pod = world.start("ask store")

    assert pod.exit_code() == 0, pod.log()
    assert world.state == "completed"
    assert world.results["metrics"] == {"accuracy": 0.75}
    reference = world.results["artifacts"]["oci_reference"]
    registry = world.registry
    stored = verify(reference, username=registry.username, password=registry.password)
    assert stored.digest == world.results["artifacts"]["oci_digest"]
    assert reference.startswith(f"{registry.host}/")


def test_the_model_gets_the_key_that_the_adapter_does_not_have(world: World) -> None:
    pod = world.start("ask")

    assert pod.exit_code() == 0, pod.log()
    [asked] = [one for one in world.model.requests if one.path == "/chat/completions"]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in pod.log()


def test_a_pod_that_is_stopped(world: World) -> None:
    pod = world.start("wait")
    shared = waiting(world)

    pod.stop("adapter", grace=30)

    assert pod.exit_code() == 143
    assert (shared / "cleaned").exists()
    assert world.state == "failed"
    assert world.reason == "terminated by SIGTERM"
    assert pod.message == "failed: terminated by SIGTERM"


def test_a_pod_that_is_stopped_and_does_not_react(world: World) -> None:
    world.settings = replace(world.settings, env={"EVALHUB_TERMINATION_GRACE": "3"})
    pod = world.start("compute")
    waiting(world)

    pod.stop("adapter", grace=30)

    assert pod.exit_code() == 143
    assert world.state == "failed"
    assert "terminated by SIGTERM" in world.reason


def test_the_memory_limit_is_exceeded(world: World) -> None:
    world.settings = replace(world.settings, memory="128Mi")
    pod = world.start("allocate")

    assert pod.exit_code() == 137
    assert world.state == "failed"
    assert "killed by SIGKILL, out of memory; peak memory 128 MiB of 128 MiB" in world.reason
    assert pod.message == f"failed: {world.reason}"


def test_the_memory_limit_is_exceeded_without_a_supervisor(world: World) -> None:
    world.settings = replace(world.settings, memory="128Mi", command=MAIN)
    pod = world.start("allocate")

    assert pod.exit_code() == 137
    assert world.state == "running"
    assert pod.message == ""


def test_every_process_of_the_container_is_killed(world: World) -> None:
    pod = world.start("wait")
    waiting(world)

    pod.kill("adapter")

    assert pod.exit_code() == 137
    assert world.state == "running"
    assert pod.message == ""


def test_the_sidecar_is_restarted(world: World) -> None:
    pod = world.start("wait ask store")
    shared = waiting(world)

    pod.stop("sidecar", grace=1)
    pod.start_again("sidecar")
    (shared / "go").touch()

    assert pod.exit_code() == 0, pod.log()
    assert world.state == "completed"
    assert world.results["artifacts"]["oci_digest"].startswith("sha256:")


def test_the_sidecar_is_away_at_the_end(world: World) -> None:
    pod = world.start("wait")
    shared = waiting(world)

    pod.stop("sidecar", grace=1)
    (shared / "go").touch()
    until(lambda: "trying again in" in pod.log(), "tried in vain")
    pod.start_again("sidecar")

    assert pod.exit_code() == 0, pod.log()
    assert world.state == "completed"


def test_the_service_is_away_for_half_a_minute(world: World) -> None:
    pod = world.start("wait store")
    shared = waiting(world)

    with world.faults.down():
        (shared / "go").touch()
        time.sleep(AWAY_SECONDS)

    assert pod.exit_code() == 0, pod.log()
    assert world.state == "completed"
    assert len(world.now["results"]["benchmarks"]) == 1


def test_the_data_volume_is_full(world: World, small_volume: Path) -> None:
    world.settings = replace(world.settings, data=small_volume)
    pod = world.start("fill store")

    assert pod.exit_code() == 1
    assert world.state == "failed"
    assert "No space left on device" in world.reason


def test_the_data_volume_is_full_and_the_service_away(world: World, small_volume: Path) -> None:
    world.settings = replace(world.settings, data=small_volume, env={"EVALHUB_REPORT_TIMEOUT": "2"})
    pod = world.start("fill wait")
    shared = waiting(world)

    with world.faults.down():
        (shared / "go").touch()
        assert pod.exit_code() == 3, pod.log()

    kept = pod.volume("/tmp") / "evalhub-undelivered" / f"{world.job_id}-0.json"
    assert json.loads(kept.read_text())["benchmark_status_event"]["metrics"] == {"accuracy": 0.75}
    assert world.state == "running"


def test_the_temporary_directory_cannot_be_written(world: World) -> None:
    world.settings = replace(world.settings, temporary=False)
    pod = world.start("store")

    assert pod.exit_code() == 0, pod.log()
    assert world.state == "completed"


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_an_hour_off(world: World, hours: int) -> None:
    library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
    fake = {"LD_PRELOAD": library, "FAKETIME": f"{hours:+}h", "DONT_FAKE_MONOTONIC": "1"}
    world.settings = replace(world.settings, env=fake)
    pod = world.start("ask store")

    assert pod.exit_code() == 0, pod.log()
    assert world.state == "completed"
    assert world.results["artifacts"]["oci_digest"].startswith("sha256:")
    completed = datetime.fromisoformat(world.status["completed_at"])
    created = datetime.fromisoformat(world.now["resource"]["created_at"])
    off = completed - created - timedelta(hours=hours)
    assert abs(off) < timedelta(minutes=10)


@pytest.mark.parametrize(
    ("act", "more", "exit_code", "state", "message"),
    [
        ("return", {}, 0, "completed", "completed: accuracy=0.75"),
        ("fail", {}, 1, "failed", "failed: the data set is empty"),
        ("return", {"num_examples": "many"}, 2, "failed", "failed: "),
        ("leave", {}, 7, "failed", "failed: the adapter ended the process with os._exit(7)"),
        ("wait", {"timeout_seconds": 1}, 124, "failed", "failed: "),
    ],
    ids=["done", "failed", "invalid", "left", "late"],
)
def test_the_end_as_the_cluster_sees_it(
    world: World, act: str, more: dict[str, object], exit_code: int, state: str, message: str
) -> None:
    pod = world.start(act, **more)

    assert pod.exit_code() == exit_code, pod.log()
    assert world.state == state
    assert pod.message.startswith(message)


def test_nothing_was_delivered_as_the_cluster_sees_it(world: World) -> None:
    world.settings = replace(world.settings, env={"EVALHUB_REPORT_TIMEOUT": "1"})
    with world.faults.down():
        pod = world.start("fail")
        assert pod.exit_code() == 3, pod.log()

    assert pod.message.startswith("failed: ")
    kept = pod.volume("/data") / "undelivered" / f"{world.job_id}-0.json"
    assert kept.exists()
