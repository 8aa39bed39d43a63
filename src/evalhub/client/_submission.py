"""Turn what a person hands to `submit` into a job: keywords, a short request, or the whole."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from evalhub.client._endpoint import API
from evalhub.client._paging import Cursor, every
from evalhub.errors import ConfigurationError
from evalhub.models.provider import ProviderList
from evalhub.models.request import EvaluationRequest, JobSubmissionRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalhub.models.provider import Provider
    from evalhub.wire.flow import Flow
    from evalhub.wire.send import Policy

__all__ = ["job_request"]


def job_request(
    request: JobSubmissionRequest | EvaluationRequest | Mapping[str, Any] | None,
    fields: Mapping[str, Any],
    policy: Policy,
    tenant: str | None,
) -> Flow[JobSubmissionRequest]:
    """Return the job, its benchmarks complete with their providers.

    Raises:
        ConfigurationError: Nothing or two things are given, or a benchmark cannot be placed.
    """
    if (request is None) != bool(fields):
        raise ConfigurationError(
            "submit takes either a request or the job's fields: name=, model=, benchmarks="
        )
    match request:
        case JobSubmissionRequest():
            return request
        case EvaluationRequest():
            ids = [] if request.provider_id else request.benchmark_ids
            return request.to_job((yield from _providers_of(ids, policy, tenant)))
        case None | Mapping():
            return (yield from _from_fields(dict(request or fields), policy, tenant))
        case _:
            raise ConfigurationError(
                f"submit takes a JobSubmissionRequest, not {type(request).__name__}"
            )


def _from_fields(
    fields: dict[str, Any], policy: Policy, tenant: str | None
) -> Flow[JobSubmissionRequest]:
    if isinstance(fields.get("collection"), str):
        fields["collection"] = {"id": fields["collection"]}
    if isinstance(fields.get("benchmarks"), list | tuple):
        benchmarks: Sequence[Any] = fields["benchmarks"]
        ids = [entry for entry in benchmarks if isinstance(entry, str)]
        providers = yield from _providers_of(ids, policy, tenant)
        fields["benchmarks"] = [
            {"id": entry, "provider_id": providers[entry]} if isinstance(entry, str) else entry
            for entry in benchmarks
        ]
    return JobSubmissionRequest.model_validate(fields)


def _providers_of(
    benchmark_ids: list[str], policy: Policy, tenant: str | None
) -> Flow[dict[str, str]]:
    if not benchmark_ids:
        return {}
    cursor = Cursor(f"{API}/providers", None, {}, tenant)
    offers = _offers((yield from every(ProviderList, cursor, policy)))
    return {wanted: _only_offer(wanted, offers) for wanted in benchmark_ids}


def _offers(providers: Iterable[Provider]) -> dict[str, list[str]]:
    offers: dict[str, list[str]] = {}
    for provider in providers:
        for benchmark_id in {benchmark.id for benchmark in provider.benchmarks}:
            offers.setdefault(benchmark_id, []).append(provider.id)
    return offers


def _only_offer(benchmark_id: str, offers: Mapping[str, list[str]]) -> str:
    match sorted(offers.get(benchmark_id, ())):
        case [provider_id]:
            return provider_id
        case []:
            near = get_close_matches(benchmark_id, offers, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"no provider offers benchmark {benchmark_id!r}{hint}")
        case several:
            raise ConfigurationError(
                f"benchmark {benchmark_id!r} is offered by {', '.join(several)}: set provider_id"
            )
