"""What every command shares: the connection to the service, made when it is first needed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalhub.cli._connection import Connection
    from evalhub.client import EvalHubClient

__all__ = ["App", "pass_app"]


class App:
    """The state of one command line.

    Args:
        given: Options of the connection that were given.
        verbose: How often `-v` was given.
    """

    def __init__(self, given: Mapping[str, Any], verbose: int = 0) -> None:
        self.given = given
        self.verbose = verbose
        self._client: EvalHubClient | None = None
        self._connection: Connection | None = None
        if verbose:
            level = logging.INFO if verbose == 1 else logging.DEBUG
            logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")

    @property
    def connection(self) -> Connection:
        """Address and credentials: options, environment, profile, cluster, in this order."""
        if self._connection is None:
            from evalhub.cli._connection import connection_of

            self._connection = connection_of(self.given)
        return self._connection

    @property
    def client(self) -> EvalHubClient:
        """The client of the service."""
        if self._client is None:
            from evalhub.client import EvalHubClient

            self._client = EvalHubClient(**self.connection.arguments())
        return self._client

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()


pass_app = click.make_pass_decorator(App)
