"""The two clients: synchronous and asynchronous, with the same methods."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from evalhub.client._endpoint import D, EndpointGroup, endpoint
from evalhub.models.page import HealthResponse
from evalhub.wire.flow import Call, Since
from evalhub.wire.identity import Identity, Token, namespace
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from pydantic import SecretStr

    from evalhub.client.benchmarks import Benchmarks
    from evalhub.client.collections import Collections
    from evalhub.client.jobs import Jobs
    from evalhub.client.post_processing import PostProcessings
    from evalhub.client.providers import Providers
    from evalhub.models.info import InfoResponse
    from evalhub.wire.drive import AsyncDriver, AsyncTransport, Driver, Transport
    from evalhub.wire.flow import Flow

__all__ = ["AsyncEvalHubClient", "EvalHubClient", "SyncEvalHubClient"]


class _Client(EndpointGroup[D]):
    """The arguments, attributes and methods of both clients.

    Args:
        base_url: Scheme, host and port of the service.
        auth_token: Bearer token.
        auth_token_path: File that contains the token; read again whenever it changes.
        ca_bundle_path: Certificates to trust in place of the system's and the cluster's.
        insecure: Whether to skip the verification of certificates.
        verify_ssl: Inverse of `insecure`, for compatibility.
        timeout: Seconds to wait for each phase of a request: connecting, sending, reading.
        max_retries: Maximum number of retries of a request that may be repeated.
        retry_initial_delay: Upper bound of the first pause, in seconds.
        retry_max_delay: Upper bound of every pause, unless the service asks for a longer one.
        retry_backoff_factor: Ratio of the bounds of two successive pauses.
        retry_randomization: Whether each pause is random, between 0 and its bound.
        tenant: Tenant of every call that names no other; in a pod its namespace by default.
        transport: An httpx transport in place of the network, for tests.

    Attributes:
        server_version: Version of the service; `None` until an answer of `info` or `health` tells
            it, which those of services before 1.0.3 do not.

    Raises:
        ConfigurationError: The base URL is invalid, or the CA bundle cannot be used.
    """

    def __init__(  # noqa: PLR0913 - published scripts name these arguments
        self,
        base_url: str = "http://localhost:8080",
        auth_token: str | SecretStr | None = None,
        *,
        auth_token_path: Path | str | None = None,
        ca_bundle_path: Path | str | None = None,
        insecure: bool = False,
        verify_ssl: bool = True,
        timeout: float = 30.0,
        max_retries: int = 3,
        retry_initial_delay: float = 1.0,
        retry_max_delay: float = 60.0,
        retry_backoff_factor: float = 2.0,
        retry_randomization: bool = True,
        tenant: str | None = None,
        transport: Transport | AsyncTransport | None = None,
    ) -> None:
        token = (
            auth_token
            if auth_token is None or isinstance(auth_token, str)
            else (auth_token.get_secret_value())
        )
        identity = Identity(
            base_url,
            token=Token(token, path=Path(auth_token_path) if auth_token_path else None),
            tenant=namespace() if tenant is None else tenant,
            ca_bundle=Path(ca_bundle_path) if ca_bundle_path else None,
            insecure=insecure or not verify_ssl,
            system_cas=_system_cas(base_url),
        )
        policy = Policy(
            retries=max_retries,
            first_delay=retry_initial_delay,
            max_delay=retry_max_delay,
            factor=retry_backoff_factor,
            jitter=retry_randomization,
        )
        driver = self._driver_for(identity, timeout, transport)
        super().__init__(driver, policy)
        self.server_version: str | None = None

    # Each builds the models of its own answers: a process pays for those it asks for.

    @cached_property
    def jobs(self) -> Jobs[D]:
        """Submit jobs, wait for them, read their results and logs."""
        from evalhub.client.jobs import Jobs

        return Jobs(self._driver, self._policy)

    @cached_property
    def providers(self) -> Providers[D]:
        """Read, create and change providers."""
        from evalhub.client.providers import Providers

        return Providers(self._driver, self._policy)

    @cached_property
    def collections(self) -> Collections[D]:
        """Read, create, copy and change collections."""
        from evalhub.client.collections import Collections

        return Collections(self._driver, self._policy)

    @cached_property
    def benchmarks(self) -> Benchmarks[D]:
        """Find benchmarks among all providers."""
        from evalhub.client.benchmarks import Benchmarks

        return Benchmarks(self._driver, self._policy)

    @cached_property
    def post_processing(self) -> PostProcessings[D]:
        """Compute confidence intervals of scores (service 1.0.3)."""
        from evalhub.client.post_processing import PostProcessings

        return PostProcessings(self._driver, self._policy)

    @classmethod
    def from_env(cls, **arguments: Any) -> Self:
        """Build a client from environment variables; arguments take precedence.

        `EVALHUB_BASE_URL`, `EVALHUB_TOKEN` or `EVALHUB_AUTH_TOKEN_PATH`, `EVALHUB_TENANT`,
        `EVALHUB_CA_BUNDLE_PATH` and `EVALHUB_INSECURE` are read.

        Raises:
            ConfigurationError: A variable has an invalid value.
        """
        from evalhub.settings import ClientSettings

        settings = ClientSettings.from_env()
        found = settings.model_dump(exclude={"ssl_cert_file"})
        return cls(**{**found, **arguments})

    @property
    def base_url(self) -> str:
        """Scheme, host and port of the service."""
        return self._driver.identity.base_url

    @property
    def api_base(self) -> str:
        """URL below which the endpoints are."""
        return f"{self.base_url}/api/v1"

    @property
    def auth_token(self) -> str | None:
        """The token in use; one from a file as last read."""
        return self._driver.identity.token.value()

    @property
    def max_retries(self) -> int:
        """Maximum number of retries of a request that may be repeated."""
        return self._policy.retries

    @property
    def tenant(self) -> str | None:
        """The tenant of every call that names no other."""
        return self._driver.identity.tenant

    @endpoint
    def health(self) -> Flow[HealthResponse]:
        """Return the state of the service; needs neither token nor tenant."""
        health = yield from self._fetch(HealthResponse, Call("GET", "/api/v1/health"))
        self.server_version = health.version or self.server_version
        return health

    @endpoint
    def info(self, *, tenant: str | None = None) -> Flow[InfoResponse]:
        """Return the version of the service and the hardware profiles of the tenant.

        Raises:
            ServiceTooOldError: The service is older than 1.0.3.
        """
        from evalhub.models.info import InfoResponse

        since = Since("1.0.3", "service information")
        call = Call("GET", "/api/v1/info", tenant=tenant, since=since)
        info = yield from self._fetch(InfoResponse, call)
        self.server_version = info.version
        return info

    def _driver_for(self, identity: Identity, timeout: float, transport: Any) -> D:
        raise NotImplementedError


def _system_cas(base_url: str) -> Path | None:
    if not base_url.startswith("https:"):
        return None  # without TLS nothing is verified, and the settings need not be imported
    from evalhub.settings import ClientSettings

    return ClientSettings.usable().ssl_cert_file


class EvalHubClient(_Client["Driver"]):
    """The synchronous client.

    ```python
    with EvalHubClient("https://evalhub.example.com", auth_token=token) as client:
        job = client.jobs.submit(name="nightly", model=model, benchmarks=["mmlu"])
        job = client.jobs.wait(job)
    ```
    """

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    if not TYPE_CHECKING:  # pragma: no branch - checkers reject `async with` by themselves

        def __aenter__(self) -> NoReturn:
            raise TypeError("EvalHubClient blocks: use `async with AsyncEvalHubClient(...)`")

        def __aexit__(self, *_: object) -> NoReturn:
            raise NotImplementedError

    def _driver_for(self, identity: Identity, timeout: float, transport: Any) -> Driver:
        from evalhub.wire.drive import Driver

        return Driver(identity, timeout=timeout, transport=transport)


SyncEvalHubClient = EvalHubClient


class AsyncEvalHubClient(_Client["AsyncDriver"]):
    """The asynchronous client: the methods of `EvalHubClient`, to be awaited.

    ```python
    async with AsyncEvalHubClient("https://evalhub.example.com", auth_token=token) as client:
        async for update in client.jobs.watch_logs(job_id):
            print(update.logs, end="")
    ```
    """

    async def close(self) -> None:
        """Close the connections."""
        await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    if not TYPE_CHECKING:  # pragma: no branch - checkers reject `with` by themselves

        def __enter__(self) -> NoReturn:
            raise TypeError("AsyncEvalHubClient is asynchronous: use `async with`")

        def __exit__(self, *_: object) -> NoReturn:
            raise NotImplementedError

    def _driver_for(self, identity: Identity, timeout: float, transport: Any) -> AsyncDriver:
        from evalhub.wire.drive import AsyncDriver

        return AsyncDriver(identity, timeout=timeout, transport=transport)
