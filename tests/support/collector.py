"""A real OpenTelemetry collector, rotel, that passes on to the test what it has received."""

from __future__ import annotations

import gzip
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.process import free_port, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DELIVERY_SECONDS = 20.0

_REQUESTS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}


@dataclass
class Collected:
    """What a collector has received, and the addresses it listens on."""

    grpc: str
    http: str
    resources: list[dict[str, Any]] = field(default_factory=list)
    spans: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)

    def take(self, path: str, body: bytes) -> None:
        request = _REQUESTS[path].FromString(body)
        kind = path.rpartition("/")[2]
        groups = getattr(request, {"traces": "resource_spans"}.get(kind, f"resource_{kind}"))
        for group in groups:
            self.resources.append(values(group.resource.attributes))
            for scope in getattr(group, {"traces": "scope_spans"}.get(kind, f"scope_{kind}")):
                self.spans += getattr(scope, "spans", [])
                self.logs += getattr(scope, "log_records", [])
                self.metrics += getattr(scope, "metrics", [])

    def wait(self, is_there: Callable[[Collected], bool]) -> None:
        """Wait until what the process has sent has been passed on."""
        until = time.monotonic() + DELIVERY_SECONDS
        while not is_there(self):
            assert time.monotonic() < until, self
            time.sleep(0.02)


def values(attributes: Any) -> dict[str, Any]:
    """Return attributes as a dictionary."""
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in attributes
    }


@contextmanager
def collecting() -> Iterator[Collected]:
    """Run a collector while the block runs."""
    spec = find_spec("rotel")
    if spec is None or spec.origin is None:
        pytest.skip("rotel is not installed")
    grpc, http = free_port(), free_port()
    collected = Collected(f"http://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}")
    sink = ThreadingHTTPServer(("127.0.0.1", 0), _handler(collected))
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    command = [
        str(Path(spec.origin).with_name("rotel-agent")),
        "start",
        f"--otlp-grpc-endpoint=127.0.0.1:{grpc}",
        f"--otlp-http-endpoint=127.0.0.1:{http}",
        "--exporter=otlp",
        "--otlp-exporter-protocol=http",
        f"--otlp-exporter-endpoint=http://127.0.0.1:{sink.server_address[1]}",
        "--batch-timeout=50ms",
    ]
    try:
        with listening(command, http):
            yield collected
    finally:
        sink.shutdown()
        sink.server_close()


def _handler(collected: Collected) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            collected.take(self.path, gzip.decompress(body) if is_packed else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    return Handler
