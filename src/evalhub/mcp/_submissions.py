"""Look up what a submission leaves out, and find what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub.errors import ConfigurationError, NotFoundError
from evalhub.models import JobSubmissionRequest
from evalhub.models._problems import did_you_mean, validated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalhub import AsyncEvalHubClient
    from evalhub.models import Provider

__all__ = ["fill_in_providers", "problems_of"]


async def fill_in_providers(
    client: AsyncEvalHubClient, benchmarks: Iterable[dict[str, Any]]
) -> None:
    """Fill in the provider of benchmarks that name none.

    Raises:
        NotFoundError: No provider offers a benchmark.
        ConfigurationError: Several providers offer it.
    """
    for entry in benchmarks:
        if "provider_id" not in entry:
            entry["provider_id"] = (await client.benchmarks.get(entry["id"])).provider_id


async def problems_of(client: AsyncEvalHubClient, fields: dict[str, Any]) -> list[str]:
    """Return what is wrong with the fields of a job, its benchmarks and its collection."""
    providers = {provider.id: provider for provider in await client.providers.list()}
    problems = [
        problem
        for entry in fields.get("benchmarks", ())
        if (problem := _benchmark_problem(entry, providers))
    ]
    for entry in fields.get("benchmarks", ()):
        entry.setdefault("provider_id", "to be looked up")
    try:
        validated(JobSubmissionRequest, fields, "job")
    except ConfigurationError as error:
        problems += error.details or [str(error)]
    if "collection" in fields:
        try:
            await client.collections.get(fields["collection"]["id"])
        except NotFoundError as error:
            problems.append(error.message)
    return problems


def _benchmark_problem(entry: dict[str, Any], providers: dict[str, Provider]) -> str | None:
    wanted, provider_id = entry["id"], entry.get("provider_id")
    if provider_id is not None and provider_id not in providers:
        hint = did_you_mean(provider_id, providers)
        return f"there is no provider {provider_id!r}{hint}"
    offers = {
        key: {one.id for one in provider.benchmarks}
        for key, provider in providers.items()
        if provider_id in (None, key)
    }
    offering = [key for key, ids in offers.items() if wanted in ids]
    if not offering:
        hint = did_you_mean(wanted, set[str]().union(*offers.values()))
        who = f"provider {provider_id!r} does not offer" if provider_id else "no provider offers"
        return f"{who} benchmark {wanted!r}{hint}"
    if len(offering) > 1:
        return f"benchmark {wanted!r} is offered by {', '.join(offering)}: set provider_id"
    return None
