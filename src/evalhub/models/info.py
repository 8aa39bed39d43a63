"""What the service tells about itself (service 1.0.3)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from evalhub.models._base import ListOf, Model, ServiceModel

__all__ = ["HardwareProfile", "HardwareProfileIdentifier", "InfoResponse"]


class HardwareProfileIdentifier(Model):
    """A resource of a hardware profile; counts are Kubernetes quantities."""

    identifier: str
    display_name: str | None = None
    resource_type: str | None = None
    """`cpu`, `memory` or `accelerator`."""

    min_count: str | None = None
    default_count: str | None = None
    max_count: str | None = None


class HardwareProfile(Model):
    """A hardware profile of the cluster, for `HardwareConfig.hardware_profile_name`."""

    name: str
    display_name: str | None = None
    description: str | None = None
    scheduling_type: str | None = None
    """`node` or `queue`."""

    identifiers: ListOf[HardwareProfileIdentifier] = Field(
        default_factory=list[HardwareProfileIdentifier]
    )
    queue_name: str | None = None
    priority_class_name: str | None = None
    queue_availability: Any = None
    """The condition of the queue, for profiles with one."""


class InfoResponse(ServiceModel):
    """Version of the service, and the hardware profiles of the tenant."""

    version: str
    build: str | None = None
    build_date: str | None = None
    git_hash: str | None = None
    hardware_profiles: ListOf[HardwareProfile] = Field(default_factory=list[HardwareProfile])
    """Sorted by name; none in local mode."""
