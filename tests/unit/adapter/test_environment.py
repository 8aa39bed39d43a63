from __future__ import annotations

import os
import platform
from importlib.metadata import version

import pytest

from evalhub.adapter._machine.system import cpu_model, memory_gb
from evalhub.adapter.environment import EnvironmentCardMetadata


@pytest.fixture
def driver(tmp_path, monkeypatch, clean_environment):
    """Return a maker of the GPU driver's tool; there is none until it is called."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(script: str) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)

    return make


def test_the_machine_is_described(driver):
    driver("echo 'NVIDIA H100, 550.54'; echo 'NVIDIA A10, 24 GB, 550.54'")
    card = EnvironmentCardMetadata.capture()
    assert (card.gpu_model, card.gpu_count, card.gpu_driver_version) == (
        "NVIDIA A10, NVIDIA H100",
        2,
        "550.54",
    )
    assert card.python_version == platform.python_version()
    assert card.os_info == platform.platform()
    assert card.total_memory_gb is not None
    assert card.total_memory_gb > 0


@pytest.mark.parametrize("script", [None, "exit 9", "echo"])
def test_a_machine_without_a_gpu_has_none(script, driver):
    if script:
        driver(script)
    card = EnvironmentCardMetadata.capture()
    assert (card.gpu_model, card.gpu_count, card.gpu_driver_version) == (None, 0, None)


def test_the_packages_that_matter_are_named_with_their_versions(driver):
    card = EnvironmentCardMetadata.capture(extra_packages=["httpx", "no-such-package"])
    assert card.key_packages["httpx"] == version("httpx")
    assert card.key_packages["eval-hub-sdk"] == version("eval-hub-sdk")
    assert "no-such-package" not in card.key_packages


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        (None, None, None),
        ("pytest", None, version("pytest")),
        ("pytest", "1.0-fork", "1.0-fork"),
        ("no-such-framework", None, None),
        (None, "2.0", "2.0"),
    ],
)
def test_the_framework_s_version_is_looked_up_when_only_its_name_is_given(
    name, given, shown, driver
):
    card = EnvironmentCardMetadata.capture(framework_name=name, framework_version=given)
    assert (card.framework_name, card.framework_version) == (name, shown)


def test_the_image_is_the_one_given_or_the_environment_s(driver, clean_environment):
    assert EnvironmentCardMetadata.capture().container_image is None
    clean_environment(EVALHUB_CONTAINER_IMAGE="quay.io/a:1")
    assert EnvironmentCardMetadata.capture().container_image == "quay.io/a:1"
    assert EnvironmentCardMetadata.capture(container_image="b:2").container_image == "b:2"


def test_any_other_field_can_be_given(driver):
    card = EnvironmentCardMetadata.capture(gpu_model="borrowed", gpu_count=8)
    assert (card.gpu_model, card.gpu_count) == ("borrowed", 8)


def test_a_field_the_card_does_not_have_is_custom(driver):
    card = EnvironmentCardMetadata.capture(shots=5, model_id="m", custom={"seed": 1})

    assert card.custom == {"shots": 5, "seed": 1}
    assert card.model_id == "m"


def test_an_invalid_environment_does_not_cost_the_card(driver, clean_environment):
    clean_environment(EVALHUB_MODE="moon", EVALHUB_CONTAINER_IMAGE="a:1")
    assert EnvironmentCardMetadata.capture().container_image == "a:1"


def test_the_processor_is_the_kernel_s_first(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Xeon: Gold\n\nmodel name\t: Other\n")
    assert cpu_model(cpuinfo) == "Xeon: Gold"


def test_the_processor_is_the_platform_s_where_the_kernel_does_not_say(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "processor", lambda: "Apple M2")
    assert cpu_model(tmp_path / "none") == "Apple M2"
    (tmp_path / "cpuinfo").write_text("processor\t: 0\n")
    assert cpu_model(tmp_path / "cpuinfo") == "Apple M2"
    monkeypatch.setattr(platform, "processor", str)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert cpu_model(tmp_path / "none") == "aarch64"
    monkeypatch.setattr(platform, "machine", str)
    assert cpu_model(tmp_path / "none") is None


def test_memory_is_counted_in_gib(monkeypatch):
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**20 + 2**17}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert memory_gb() == 4.5


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_memory_that_is_not_known_is_left_out(error, monkeypatch):
    def unknown(_):
        raise error

    monkeypatch.setattr(os, "sysconf", unknown)
    assert memory_gb() is None
