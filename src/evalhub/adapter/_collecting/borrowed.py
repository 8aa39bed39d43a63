"""Perform flows with an HTTP client of the caller's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from evalhub.errors import TransportError
from evalhub.wire.flow import Call, Pause, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.adapter._collecting.config import CollectorConfig
    from evalhub.wire.flow import Flow

__all__ = ["Borrowed"]


class Borrowed:
    """Perform flows with a client of the caller's, which may be a test's double."""

    def __init__(
        self, client: Any, base: str, config: CollectorConfig, pause: Callable[[float], object]
    ) -> None:
        self._client = client
        self._base = base
        self._timeout = config.timeout_seconds
        self._pause = pause

    def run(self, flow: Flow[Reply]) -> Reply:
        step = next(flow)
        try:
            while True:
                match step:
                    case Call():
                        outcome = self._post(step)
                        if isinstance(outcome, TransportError):
                            step = flow.throw(outcome)
                        else:
                            step = flow.send(outcome)
                    case Pause():
                        step = flow.send(self._pause(step.seconds))
                    case _:  # there is no other token to try
                        step = flow.send(None)
        except StopIteration as end:
            return cast("Reply", end.value)

    def close(self) -> None:
        """Leave the client open: it is the caller's."""

    def _post(self, call: Call) -> Reply | TransportError:
        query = f"?{urlencode(call.params)}" if call.params else ""
        url = f"{self._base}{call.path}{query}"
        body = json.loads(cast("bytes", call.content))
        headers = {k: v for k, v in call.headers.items() if k.lower() != "content-type"}
        try:
            said = self._client.post(url, json=body, headers=headers, timeout=self._timeout)
        except Exception as error:  # noqa: BLE001 - a client's own exceptions are not ours to know
            failed = TransportError(str(error) or type(error).__name__)
            failed.__cause__ = error
            return failed
        content = said.content
        if not isinstance(content, bytes):
            content = json.dumps(said.json()).encode()
        return Reply(int(said.status_code), _named(said.headers), content, self._base + call.path)


def _named(headers: Any) -> dict[str, str]:
    if not isinstance(headers, Mapping):  # a double's
        return {}
    pairs = cast("Any", headers).items()
    return {str(name).lower(): str(value) for name, value in pairs}
