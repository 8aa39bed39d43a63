"""Resources: the catalogue, jobs, their results, logs and reports, under stable addresses."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ResourceError

from evalhub._version import __version__
from evalhub.mcp._catalog import benchmark_info
from evalhub.mcp._text import bounded, clean, quoted

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

    from evalhub.mcp._service import Service

__all__ = ["Resources", "add_resources"]

_JSON = "application/json"
_PAGE = 200
_TAIL = 500


class Resources:
    """What can be read; JSON as the service sends it, cut where it is too long."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def providers(self) -> str:
        """List all evaluation providers."""
        return await self.providers_page()

    async def providers_page(self, limit: str = str(_PAGE), offset: str = "0") -> str:
        """List a page of the providers."""
        async with self._service.reader() as client:
            found = [provider.to_wire() for provider in await client.providers.list()]
        return bounded(_page(found, limit, offset))

    async def provider(self, id: str) -> str:  # noqa: A002 - the name in the address
        """Get an evaluation provider by ID."""
        async with self._service.reader() as client:
            return bounded((await client.providers.get(id)).to_wire())

    async def benchmarks(self) -> str:
        """List all benchmarks across all providers."""
        return await self._benchmarks([])

    async def benchmarks_by_label(self, label: str = "") -> str:
        """Filter benchmarks by label (e.g. rag, safety, agents); several must all be there."""
        return await self._benchmarks([one for one in label.split(",") if one])

    async def _benchmarks(self, labels: list[str]) -> str:
        async with self._service.reader() as client:
            offered = await client.benchmarks.list()
        found = [one for one in offered if set(labels) <= set(one.tags)]
        return bounded([benchmark_info(one).model_dump(exclude_none=True) for one in found])

    async def benchmark(self, id: str) -> str:  # noqa: A002
        """Get a benchmark by ID."""
        async with self._service.reader() as client:
            return bounded(benchmark_info(await client.benchmarks.get(id)).model_dump())

    async def collections(self) -> str:
        """List all benchmark collections."""
        async with self._service.reader() as client:
            return bounded([one.to_wire() for one in await client.collections.list()])

    async def collection(self, id: str) -> str:  # noqa: A002
        """Get a benchmark collection by ID."""
        async with self._service.reader() as client:
            return bounded((await client.collections.get(id)).to_wire())

    async def jobs(self) -> str:
        """List all evaluation jobs, newest first."""
        return await self.jobs_by_status()

    async def jobs_by_status(
        self, status: str = "", limit: str = str(_PAGE), offset: str = "0"
    ) -> str:
        """Filter evaluation jobs by status (pending, running, completed, failed, ...)."""
        async with self._service.reader() as client:
            found = [job.to_wire() for job in await client.jobs.list(status or None)]
        return bounded(_page(found, limit, offset))

    async def job(self, id: str) -> str:  # noqa: A002
        """Get an evaluation job by ID (includes full status detail and per-benchmark progress)."""
        async with self._service.reader() as client:
            return bounded((await client.jobs.get(id)).to_wire())

    async def results(self, id: str) -> str:  # noqa: A002
        """Get the scores and verdicts of a job."""
        async with self._service.reader() as client:
            job = await client.jobs.get(id)
        return bounded({"job_id": job.id, "passed": job.passed, "rows": job.to_rows()})

    async def log(self, id: str, index: str) -> str:  # noqa: A002
        """Get the end of a benchmark's log, marked as data."""
        async with self._service.reader() as client:
            text = await client.jobs.logs(id, benchmark=_number(index), tail=_TAIL)
        return quoted("log", text)

    async def report(self, id: str) -> str:  # noqa: A002
        """Get a report on a job in Markdown."""
        from evalhub.report import report

        async with self._service.reader() as client:
            return clean(report(await client.jobs.get(id)).markdown)

    async def server_version(self) -> str:
        """Server version and build metadata."""
        about: dict[str, Any] = {
            "version": __version__,
            "python": platform.python_version(),
            "os": platform.system().lower(),
            "mcp_library": "mcp",
            "mcp_library_version": version("mcp"),
        }
        try:
            async with self._service.reader() as client:
                health = await client.health()
            about["service"] = {"status": health.status, "version": health.version}
        except Exception as error:  # noqa: BLE001 - the version is known without the service
            about["service"] = {"status": "unreachable", "reason": str(error)[:300]}
        return bounded(about)


def add_resources(server: MCPServer[Any], resources: Resources) -> None:
    """Publish the resources."""
    for uri, name, read in (
        ("evalhub://providers", "providers", resources.providers),
        ("evalhub://benchmarks", "benchmarks", resources.benchmarks),
        ("evalhub://collections", "collections", resources.collections),
        ("evalhub://jobs", "jobs", resources.jobs),
        ("evalhub://server/version", "server-version", resources.server_version),
        ("evalhub://providers{?limit,offset}", "providers-page", resources.providers_page),
        ("evalhub://providers/{id}", "provider", resources.provider),
        ("evalhub://benchmarks{?label}", "benchmarks-by-label", resources.benchmarks_by_label),
        ("evalhub://benchmarks/{id}", "benchmark", resources.benchmark),
        ("evalhub://collections/{id}", "collection", resources.collection),
        ("evalhub://jobs{?status,limit,offset}", "jobs-by-status", resources.jobs_by_status),
        ("evalhub://jobs/{id}", "job", resources.job),
        ("evalhub://jobs/{id}/results", "job-results", resources.results),
    ):
        server.resource(uri, name=name, mime_type=_JSON)(read)
    server.resource("evalhub://jobs/{id}/logs/{index}", name="job-log", mime_type="text/plain")(
        resources.log
    )
    server.resource("evalhub://jobs/{id}/report", name="job-report", mime_type="text/markdown")(
        resources.report
    )


def _page(found: list[Any], limit: str, offset: str) -> list[Any]:
    start = _number(offset)
    return found[start : start + max(1, _number(limit))]


def _number(text: str) -> int:
    if not text.isdigit():
        raise ResourceError(f"{text!r} must be a number, 0 or more")
    return int(text)
