"""Describe the machine that an evaluation ran on, without importing any framework."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, Self

from evalhub.adapter._machine.container import container_image as engine_image
from evalhub.adapter._machine.container import pod_labels, resource_limits
from evalhub.adapter._machine.gpus import find_gpus
from evalhub.adapter._machine.system import cpu_model, memory_gb, package_versions
from evalhub.models.card import EnvironmentCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.settings import MachineSettings

__all__ = ["EnvironmentCardMetadata"]

_PACKAGES = (
    "eval-hub-sdk",
    "torch",
    "transformers",
    "vllm",
    "datasets",
    "numpy",
    "lm_eval",
    "inspect_ai",
    "lighteval",
    "garak",
    "guidellm",
    "ragas",
    "deepeval",
    "mlflow",
)


class EnvironmentCardMetadata(EnvironmentCard):
    """The environment an evaluation ran in; `capture()` reads it from the machine."""

    @classmethod
    def capture(
        cls,
        framework_name: str | None = None,
        framework_version: str | None = None,
        container_image: str | None = None,
        extra_packages: Sequence[str] | None = None,
        **fields: Any,
    ) -> Self:
        """Return a card of this machine and process; what the machine does not tell is absent.

        It takes milliseconds; where the GPU's tool hangs, five seconds.

        Args:
            framework_name: Distribution name of the evaluation framework.
            framework_version: Its version; looked up by name unless given.
            container_image: Image this process runs in; by default `EVALHUB_CONTAINER_IMAGE`, or
                what the container's engine tells.
            extra_packages: More distributions whose versions to record.
            fields: Any other field of the card; a name the card does not have goes to `custom`.
        """
        from evalhub.settings import MachineSettings

        settings = MachineSettings.usable()
        gpus = find_gpus()
        seen: dict[str, Any] = {
            "gpu_model": gpus.model,
            "gpu_count": gpus.count,
            "gpu_driver_version": gpus.driver,
            "nvlink_topology": gpus.topology,
            "cuda_version": gpus.cuda,
            "cpu_model": cpu_model(),
            "total_memory_gb": memory_gb(),
            "os_info": platform.platform(),
            "python_version": platform.python_version(),
            "framework_name": framework_name,
            "framework_version": framework_version or _version_of(framework_name),
            "container_image": container_image or settings.container_image or engine_image(),
            "key_packages": package_versions((*_PACKAGES, *(extra_packages or ()))),
            "k8s_pod_labels": pod_labels(),
            "k8s_resource_limits": _limits(settings),
        }
        own = {name: fields[name] for name in fields if name in cls.model_fields}
        more = {name: value for name, value in fields.items() if name not in own}
        if more:
            own["custom"] = {**more, **(own.get("custom") or {})}
        return cls(**{**seen, **own})


def _version_of(framework: str | None) -> str | None:
    return package_versions([framework]).get(framework) if framework else None


def _limits(settings: MachineSettings) -> dict[str, str]:
    """The limits of the pod: those its manifest passes on, else those the kernel enforces."""
    passed_on = {
        "cpu": settings.cpu_limit,
        "memory": settings.memory_limit,
        "nvidia.com/gpu": settings.gpu_limit,
    }
    return resource_limits() | {name: limit for name, limit in passed_on.items() if limit}
