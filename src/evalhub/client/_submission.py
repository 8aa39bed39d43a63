"""Build the job that `submit` sends: from keywords, a dictionary, or a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from evalhub.client._endpoint import API
from evalhub.client._paging import Cursor, all_items
from evalhub.errors import ConfigurationError
from evalhub.models._problems import did_you_mean, invalid, validated
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
    """Return the job with a provider for every benchmark.

    Args:
        request: The job, a short request, or a dictionary of the job's fields.
        fields: The job's fields, in place of a request.
        policy: Retries of the look-up of providers.
        tenant: Tenant of the providers.

    Raises:
        ConfigurationError: Both or neither of request and fields are given, a field is invalid,
            or a benchmark is offered by no provider or by several.
    """
    if (request is None) != bool(fields):
        raise ConfigurationError(
            "submit takes either a request or the job's fields (name=, model=, benchmarks=, ...)"
        )
    match request:
        case JobSubmissionRequest():
            return request
        case EvaluationRequest():
            ids = [] if request.provider_id else request.benchmark_ids
            providers = yield from _providers_of(ids, policy, tenant)
            try:
                return request.to_job(providers)
            except ValidationError as error:
                raise invalid("job", error) from error
        case None | Mapping():
            return (yield from _from_fields(dict(request or fields), policy, tenant))
        case _:
            raise ConfigurationError(
                f"submit takes a JobSubmissionRequest, an EvaluationRequest or a dictionary,"
                f" not {type(request).__name__}"
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
    return validated(JobSubmissionRequest, fields, "job")


def _providers_of(
    benchmark_ids: list[str], policy: Policy, tenant: str | None
) -> Flow[dict[str, str]]:
    from evalhub.models.provider import ProviderList

    if not benchmark_ids:
        return {}
    cursor = Cursor(f"{API}/providers", None, {}, tenant)
    offers = _offers((yield from all_items(ProviderList, cursor, policy)))
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
            hint = did_you_mean(benchmark_id, offers) or "; list them with client.benchmarks.list()"
            raise ConfigurationError(f"no provider offers benchmark {benchmark_id!r}{hint}")
        case several:
            raise ConfigurationError(
                f"benchmark {benchmark_id!r} is offered by {', '.join(several)}; set provider_id"
            )
