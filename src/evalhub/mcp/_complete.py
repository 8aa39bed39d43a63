"""Completion of the arguments of resource templates and prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ResourceError
from mcp.types import Completion, PromptReference, ResourceTemplateReference

from evalhub.mcp._prompts import APPLICATION_TYPES
from evalhub.models import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp.server.mcpserver import MCPServer
    from mcp.types import CompletionArgument, CompletionContext

    from evalhub.mcp._service import Service

__all__ = ["add_completions"]

_MOST = 100
"""The protocol's limit."""


def add_completions(server: MCPServer[Any], service: Service) -> None:
    """Complete ids, states, labels and types; a service that is away completes nothing."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _: CompletionContext | None,
    ) -> Completion:
        place = ref.name if isinstance(ref, PromptReference) else str(ref.uri)
        try:
            known = list(await _known(service, place, argument.name))
        except ResourceError:
            known = list[str]()
        # A list of ids is completed at its last one.
        before, comma, start = argument.value.rpartition(",")
        values = sorted({value for value in known if value.startswith(start.strip())})
        return Completion(
            values=[f"{before}{comma}{value}" for value in values[:_MOST]],
            total=len(values),
            has_more=len(values) > _MOST,
        )

    published: Any = server.completion  # it has no types
    published()(complete)


async def _known(service: Service, place: str, name: str) -> Iterable[str]:
    """Return every value of an argument of a template, by its address, or of a prompt."""
    if name == "status":
        return [status.value for status in JobStatus]
    if name == "application_type":
        return APPLICATION_TYPES
    noun = (
        "jobs" if name == "job_ids" else place.removeprefix("evalhub://").split("{")[0].strip("/")
    )
    async with service.reader() as client:
        match noun.split("/")[0], name:
            case "providers", "id":
                return [one.id for one in await client.providers.list()]
            case "collections", "id":
                return [one.id for one in await client.collections.list()]
            case "benchmarks", "id":
                return [one.id for one in await client.benchmarks.list()]
            case "benchmarks", "label":
                return [tag for one in await client.benchmarks.list() for tag in one.tags]
            case "jobs", "id" | "job_ids":
                return [job.id for job in await client.jobs.list()]
            case _:
                return []
