"""What an adapter's process tells a collector, and that a dead one costs it no result."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from support.collector import collecting, values
from support.process import free_port

pytestmark = pytest.mark.e2e

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
ASKED = "asked 2 batches"
OF_A_RECORD = {
    "evalhub.job_id": "job-1",
    "evalhub.benchmark_id": "arith",
    "evalhub.provider_id": "kit",
    "evalhub.model_id": "tiny",
}
OF_THE_JOB = {
    **OF_A_RECORD,
    "evalhub.provider": "kit",
    "evalhub.collection": "arith",
    "evalhub.benchmark_index": 0,
    "gen_ai.request.model": "tiny",
}
QUEUE_OF_THE_EXPORTER = 2048


@contextmanager
def traced(recorder, folder, endpoint, *, batches, **variables):
    """Run the traced adapter in a process; the block ends it."""
    spec = folder / "job.json"
    spec.write_text(
        json.dumps(
            {
                "id": "job-1",
                "provider_id": "kit",
                "benchmark_id": "arith",
                "benchmark_index": 0,
                "model": {"name": "tiny", "url": "http://127.0.0.1:9/v1"},
                "parameters": {"batches": batches},
                "callback_url": recorder.url,
            }
        )
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "evalhub.adapter", "traced_adapter:Traced"],
        env={
            **kept,
            "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *sys.path)),
            "EVALHUB_JOB_SPEC_PATH": str(spec),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_SERVICE_NAME": "kit-adapter",
            "TRACEPARENT": f"00-{TRACE}-{PARENT}-01",
            **variables,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Collector:
    """Takes spans as an OTLP collector does."""

    def __init__(self):
        self.resources = []
        self.spans = []

    def export(self, request, _context):
        for of_resource in request.resource_spans:
            self.resources.append(values(of_resource.resource.attributes))
            for of_scope in of_resource.scope_spans:
                self.spans.extend(of_scope.spans)
        return ExportTraceServiceResponse()


@pytest.fixture
def collector():
    """A collector on loopback, with the address it listens on."""
    collector = Collector()
    export = grpc.unary_unary_rpc_method_handler(
        collector.export,
        request_deserializer=ExportTraceServiceRequest.FromString,
        response_serializer=ExportTraceServiceResponse.SerializeToString,
    )
    service = grpc.method_handlers_generic_handler(
        "opentelemetry.proto.collector.trace.v1.TraceService", {"Export": export}
    )
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, handlers=[service])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield collector, f"http://127.0.0.1:{port}"
        server.stop(grace=None).wait()


def test_spans_arrive_before_the_process_ends(collector, recorder, tmp_path):
    received, endpoint = collector
    only_spans = {"OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    with traced(recorder, tmp_path, endpoint, batches=2, **only_spans) as process:
        _, log = process.communicate(timeout=60)

    assert process.returncode == 0, log
    assert recorder.last["metrics"] == {"is_on": True}
    assert {resource["service.name"] for resource in received.resources} == {"kit-adapter"}
    *batches, run = received.spans
    assert run.name == "evalhub.evaluation.run"
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (TRACE, PARENT)
    assert values(run.attributes) == OF_THE_JOB
    assert len(batches) == 2
    for batch in batches:
        assert batch.name == "evalhub.evaluation.inference"
        assert (batch.trace_id, batch.parent_span_id) == (run.trace_id, run.span_id)
        assert values(batch.attributes) == {**OF_THE_JOB, "batch.size": 4}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_real_collector_has_spans_log_records_and_metrics(protocol, recorder, tmp_path):
    with collecting() as received:
        endpoint = received.grpc if protocol == "grpc" else received.http
        variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        with traced(recorder, tmp_path, endpoint, batches=2, **variables) as process:
            _, log = process.communicate(timeout=60)
        assert process.returncode == 0, log
        assert "no telemetry reaches" not in log
        received.wait(lambda found: len(found.spans) >= 3 and bool(found.metrics and found.logs))
        received.wait(lambda found: any(one.body.string_value == ASKED for one in found.logs))

    assert {resource["service.name"] for resource in received.resources} == {"kit-adapter"}
    names = sorted(span.name for span in received.spans)
    assert names == ["evalhub.evaluation.inference"] * 2 + ["evalhub.evaluation.run"]
    [run] = [span for span in received.spans if span.name == "evalhub.evaluation.run"]
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (TRACE, PARENT)
    assert values(run.attributes) == OF_THE_JOB
    [asked] = [one for one in received.logs if one.body.string_value == ASKED]
    assert (asked.severity_text, asked.span_id) == ("INFO", run.span_id)
    assert values(asked.attributes).items() >= OF_A_RECORD.items()
    [counted] = received.metrics
    assert (counted.name, counted.sum.data_points[0].as_int) == ("questions", 8)
    assert values(counted.sum.data_points[0].attributes) == OF_A_RECORD


@contextmanager
def nobody():
    yield f"http://127.0.0.1:{free_port()}"


@contextmanager
def silence():
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("dead", [nobody, silence], ids=["refused", "silent"])
def test_a_dead_collector_does_not_delay_the_terminal_event(dead, recorder, tmp_path):
    with (
        dead() as endpoint,
        # So many spans that the exporter has more to do than it may when the process ends.
        traced(recorder, tmp_path, endpoint, batches=QUEUE_OF_THE_EXPORTER) as process,
    ):
        until = time.monotonic() + 30
        while not (recorder.events and recorder.last["status"] == "completed"):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, "no terminal event"
            time.sleep(0.01)
        assert process.poll() is None, "the terminal event has to come first"
        ended = time.monotonic()
        _, log = process.communicate(timeout=20)
        waited = time.monotonic() - ended

    assert process.returncode == 0, log
    assert recorder.last["metrics"] == {"is_on": True}
    assert waited < 15, "OpenTelemetry's own bound is 30 s"
    assert log.count("no telemetry reaches") == 1
    assert "Traceback" not in log
    assert "opentelemetry" not in log
