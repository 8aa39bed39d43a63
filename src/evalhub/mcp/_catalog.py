"""Tools that find providers and benchmarks, and put benchmarks together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult
from pydantic import Field

from evalhub.mcp._answers import (
    BenchmarkInfo,
    Benchmarks,
    CollectionCreated,
    CollectionDesign,
    ProviderInfo,
    Providers,
    answer,
)
from evalhub.mcp._inputs import BenchmarkInput
from evalhub.mcp._submissions import fill_in_providers

if TYPE_CHECKING:
    from evalhub.client.benchmarks import OfferedBenchmark
    from evalhub.mcp._service import Service
    from evalhub.models import Provider

__all__ = ["CatalogTools", "benchmark_info"]

_THRESHOLDS = {"lenient": 0.3, "standard": 0.5, "strict": 0.8}
_SHORT_WORD = 3


class CatalogTools:
    """What there is to evaluate with."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def discover_providers(
        self,
        target_type: Annotated[
            str | None, Field(description="model, agent or inference_server")
        ] = None,
        evaluates: Annotated[
            list[str] | None, Field(description="Capabilities that it must evaluate, all of them")
        ] = None,
    ) -> Annotated[CallToolResult, Providers]:
        """Find providers of benchmarks, with their own hints on when and how to use them."""
        async with self._service.client() as client:
            providers = await client.providers.list()
        found = [
            _provider_info(provider)
            for provider in providers
            if _matches(provider, target_type, evaluates or [])
        ]
        lines = [f"{len(found)} of {len(providers)} providers"]
        lines += [f"- {one.id}: {one.summary or one.title or one.name}" for one in found]
        return answer(Providers(providers=found), lines)

    async def search_benchmarks(
        self,
        query: Annotated[
            str | None, Field(description="Words in id, name, description, category or labels")
        ] = None,
        labels: Annotated[
            list[str] | None, Field(description="Labels that it must have, all of them")
        ] = None,
        category: str | None = None,
        provider_id: str | None = None,
        limit: Annotated[int, Field(ge=1, le=500)] = 20,
    ) -> Annotated[CallToolResult, Benchmarks]:
        """Find benchmarks by words, labels, category or provider; the best match comes first."""
        async with self._service.client() as client:
            offered = await client.benchmarks.list(provider_id=provider_id, category=category)
        wanted = set(labels or [])
        ranked = [
            (rank, one)
            for one in offered
            if wanted <= set(one.tags) and (rank := _rank(one, query))
        ]
        ranked.sort(key=lambda pair: -pair[0])
        found = [benchmark_info(one) for _, one in ranked]
        lines = [f"{len(found)} benchmarks match"]
        lines += [f"- {one.provider_id}/{one.id}: {one.name}" for one in found[:limit]]
        return answer(Benchmarks(benchmarks=found[:limit], total=len(found)), lines)

    async def get_benchmark(
        self,
        benchmark_id: str,
        provider_id: Annotated[
            str | None, Field(description="Needed where several providers offer it")
        ] = None,
    ) -> Annotated[CallToolResult, BenchmarkInfo]:
        """Describe one benchmark: metrics, primary metric, pass threshold, size."""
        async with self._service.client() as client:
            found = benchmark_info(await client.benchmarks.get(benchmark_id, provider_id))
        lines = [f"{found.provider_id}/{found.id}: {found.name}", found.description or ""]
        lines.append(f"metrics: {', '.join(found.metrics) or 'not declared'}")
        return answer(found, [line for line in lines if line])

    async def design_collection(
        self,
        evaluation_goal: Annotated[str, Field(description="What is to be known about the model")],
        provider_filter: Annotated[
            str | None, Field(description="Only benchmarks of this provider")
        ] = None,
        max_benchmarks: Annotated[int, Field(ge=1, le=50)] = 5,
        strictness: Literal["lenient", "standard", "strict"] = "standard",
    ) -> Annotated[CallToolResult, CollectionDesign]:
        """Propose benchmarks for a goal; nothing is created. Go on with create_collection."""
        async with self._service.client() as client:
            offered = await client.benchmarks.list(provider_id=provider_filter)
        ranked = sorted(offered, key=lambda one: -_rank(one, evaluation_goal))
        fitting = [one for one in ranked if _rank(one, evaluation_goal)] or ranked
        chosen = [benchmark_info(one) for one in fitting[:max_benchmarks]]
        threshold = _THRESHOLDS[strictness]
        guidance = (
            f"The {len(chosen)} benchmarks share words with the goal; drop what does not measure"
            " it, and prefer few that differ over many alike. A threshold is compared with each"
            f" primary score: {threshold} is {strictness}. Call create_collection with the"
            " benchmarks that are left, then submit_evaluation with the collection's id."
        )
        design = CollectionDesign(
            evaluation_goal=evaluation_goal,
            benchmarks=chosen,
            pass_threshold=threshold,
            guidance=guidance,
        )
        lines = [f"- {one.provider_id}/{one.id}: {one.name}" for one in chosen]
        return answer(design, [guidance, *lines])

    async def create_collection(
        self,
        name: str,
        domains: Annotated[list[str], Field(min_length=1, description="Such as safety or math")],
        benchmarks: Annotated[list[BenchmarkInput], Field(min_length=1)],
        description: str | None = None,
        category: Annotated[str | None, Field(description="The first domain, if not given")] = None,
        tags: list[str] | None = None,
        pass_threshold: Annotated[
            float | None, Field(description="For a job that runs the whole collection")
        ] = None,
    ) -> Annotated[CallToolResult, CollectionCreated]:
        """Create a collection: benchmarks under one name, that one job runs."""
        fields: dict[str, Any] = {
            "name": name,
            "domains": domains,
            "category": category or domains[0],
            "benchmarks": [one.model_dump(exclude_none=True) for one in benchmarks],
            "tags": tags or [],
        }
        if description:
            fields["description"] = description
        if pass_threshold is not None:
            fields["pass_criteria"] = {"threshold": pass_threshold}
        async with self._service.client() as client:
            await fill_in_providers(client, fields["benchmarks"])
            made = await client.collections.create(fields)
        if not made.id:
            raise ToolError("the service returned no id for the collection")
        result = CollectionCreated(
            collection_id=made.id, name=made.name, benchmarks=len(made.benchmarks)
        )
        return answer(result, [f"created collection {made.id} of {result.benchmarks} benchmarks"])


def benchmark_info(one: OfferedBenchmark) -> BenchmarkInfo:
    """Return what an agent wants to know of a benchmark."""
    return BenchmarkInfo(
        id=one.id,
        provider_id=one.provider_id,
        name=one.name,
        description=one.description or None,
        category=one.category,
        labels=list(one.tags),
        metrics=list(one.metrics),
        primary_metric=one.primary_score.metric if one.primary_score else None,
        lower_is_better=one.primary_score.lower_is_better if one.primary_score else None,
        pass_threshold=one.pass_criteria.threshold if one.pass_criteria else None,
        dataset_size=one.dataset_size,
        num_few_shot=one.num_few_shot,
    )


def _provider_info(provider: Provider) -> ProviderInfo:
    agent = provider.agent
    return ProviderInfo(
        id=provider.id,
        name=provider.name,
        title=provider.title or "",
        summary=agent.summary if agent else provider.description or None,
        target_type=str(agent.target_type) if agent and agent.target_type else None,
        evaluates=list(agent.evaluates) if agent else [],
        hints=list(agent.hints) if agent else [],
        result_interpretation=list(agent.result_interpretation) if agent else [],
        complements=list(agent.complements) if agent else [],
        recommended_when=list(agent.recommended_when) if agent else [],
        benchmarks=len(provider.benchmarks),
    )


def _matches(provider: Provider, target_type: str | None, evaluates: list[str]) -> bool:
    agent = provider.agent
    if target_type is not None and (agent is None or agent.target_type != target_type):
        return False
    return not evaluates or (agent is not None and set(evaluates) <= set(agent.evaluates))


def _rank(one: OfferedBenchmark, text: str | None) -> int:
    """Return how well a benchmark matches words: 0 not at all, 1 where there are no words."""
    words = [word for word in re.findall(r"\w+", (text or "").lower()) if len(word) >= _SHORT_WORD]
    if not words:
        return 1 if not (text or "").strip() or text in (one.id, one.name) else 0
    names = f"{one.id} {one.name} {one.category} {' '.join(one.tags)}".lower()
    rest = f"{one.description or ''} {one.provider_id} {' '.join(one.metrics)}".lower()
    return sum(3 * (word in names) + (word in rest) for word in words)
