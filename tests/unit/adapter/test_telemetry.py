from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from evalhub.adapter import EvalTracer, JobSpec
from evalhub.adapter._otlp import ReportingOnce

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
SPEC = JobSpec(
    job_id="job-1",
    provider_id="kit",
    benchmark_id="arith",
    benchmark_index=2,
    model={"name": "tiny"},
    benchmark_config={},
    callback_url=None,
)
OF_THE_JOB = {
    "evalhub.job_id": "job-1",
    "evalhub.provider_id": "kit",
    "evalhub.benchmark_id": "arith",
    "evalhub.benchmark_index": 2,
    "gen_ai.request.model": "tiny",
}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _environment(clean_environment):
    clean_environment()


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


@pytest.fixture
def tracer(provider):
    return EvalTracer.from_job_spec(SPEC, provider=provider)


def finished(spans):
    return {span.name.removeprefix("evalhub."): span for span in spans.get_finished_spans()}


def test_every_stage_says_what_it_works_on(tracer, spans):
    stages = [
        tracer.dataset_load(source="hf://mmlu", size_samples=0),
        tracer.inference_batch(model_id="judge", batch_size=8, tokens_input=100, tokens_output=20),
        tracer.scoring(benchmark="arith-hard", scorer="exact"),
        tracer.result_log(),
    ]
    with tracer.evaluation_run():
        for stage in stages:
            with stage:
                pass

    attributes = {name: dict(span.attributes) for name, span in finished(spans).items()}
    assert attributes == {
        "evaluation_run": OF_THE_JOB,
        "dataset_load": {
            **OF_THE_JOB,
            "evalhub.dataset.source": "hf://mmlu",
            "evalhub.dataset.samples": 0,
        },
        "inference_batch": {
            **OF_THE_JOB,
            "gen_ai.request.model": "judge",
            "evalhub.batch_size": 8,
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
        },
        "scoring": {
            **OF_THE_JOB,
            "evalhub.benchmark_id": "arith-hard",
            "evalhub.scorer": "exact",
        },
        "result_log": OF_THE_JOB,
    }


def test_what_is_unknown_is_left_out(provider, spans):
    with EvalTracer({"evalhub.provider_id": None}, provider=provider).inference_batch() as span:
        span.set_attribute("shots", 5)

    assert finished(spans)["inference_batch"].attributes == {"shots": 5}


def test_evaluation_continues_the_trace_it_was_started_in(
    clean_environment, provider, spans, tracer
):
    with tracer.evaluation_run():
        pass
    clean_environment(TRACEPARENT=TRACEPARENT)
    with EvalTracer(provider=provider).evaluation_run():
        pass

    first, second = spans.get_finished_spans()
    assert first.parent is None
    assert f"{second.parent.trace_id:032x} {second.parent.span_id:016x}" == f"{TRACE} {PARENT}"
    assert second.context.trace_id == second.parent.trace_id


def test_malformed_traceparent_starts_a_trace_of_its_own(clean_environment, provider, spans):
    clean_environment(TRACEPARENT="00-nonsense")
    with EvalTracer(provider=provider).evaluation_run():
        pass

    assert finished(spans)["evaluation_run"].parent is None


def test_a_stage_belongs_to_what_is_around_it(tracer, spans):
    with tracer.evaluation_run(), tracer.scoring(), tracer.inference_batch():
        pass

    done = finished(spans)
    assert done["inference_batch"].parent == done["scoring"].context
    assert done["scoring"].parent == done["evaluation_run"].context


def test_a_stage_in_a_thread_belongs_to_the_evaluation(tracer, spans):
    def infer():
        with tracer.inference_batch():
            pass

    with ThreadPoolExecutor() as pool:
        with tracer.evaluation_run():
            pool.submit(infer).result()
        run = finished(spans)["evaluation_run"]
        assert finished(spans)["inference_batch"].parent == run.context
        pool.submit(infer).result()
    assert finished(spans)["inference_batch"].parent is None


def test_a_failure_is_on_the_span_and_goes_on(tracer, spans):
    with pytest.raises(ValueError, match="no answers"), tracer.scoring():
        raise ValueError("no answers")

    span = finished(spans)["scoring"]
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]


class Unreachable(SpanExporter):
    def __init__(self):
        self.closed = False

    def export(self, spans):
        return SpanExportResult.FAILURE if spans else SpanExportResult.SUCCESS

    def shutdown(self):
        self.closed = True


def test_a_dead_collector_is_mentioned_once(caplog, tracer, provider, spans):
    unreachable = Unreachable()
    provider.add_span_processor(SimpleSpanProcessor(ReportingOnce(unreachable, "collector:4317")))
    for _ in range(3):
        with tracer.result_log():
            pass
    provider.shutdown()

    assert len(spans.get_finished_spans()) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "no telemetry reaches collector:4317: spans are dropped, the evaluation goes on"
    ]
    assert unreachable.closed


def test_a_live_collector_is_not_mentioned(caplog):
    assert ReportingOnce(Unreachable(), "collector:4317").export([]) is SpanExportResult.SUCCESS
    assert caplog.records == []


# The tracer provider of a process is set once, so from here on each case has its own process.

WITHOUT_OPENTELEMETRY = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def process(code, **variables):
    """Run code in a process, and return what it says."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    code = f"from evalhub.adapter import EvalTracer, configure_telemetry\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.split(), done.stderr


def test_nothing_is_imported_without_an_endpoint():
    said, _ = process(
        """
import sys
print(configure_telemetry("name"), "opentelemetry" in sys.modules)
configure_telemetry(endpoint="http://127.0.0.1:9")
print("opentelemetry" in sys.modules)
"""
    )
    assert said == ["False", "False", "True"]


@pytest.mark.parametrize(
    ("call", "variables", "name"),
    [
        ("endpoint='http://127.0.0.1:9'", {}, "evalhub-adapter"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": NOBODY, "OTEL_SERVICE_NAME": "mine"}, "mine"),
        ("'ours'", {"OTEL_EXPORTER_OTLP_ENDPOINT": NOBODY, "OTEL_SERVICE_NAME": "mine"}, "ours"),
    ],
    ids=["default", "environment", "argument"],
)
def test_spans_carry_the_name_of_the_service(call, variables, name):
    said, log = process(
        f"""
from opentelemetry import trace
print(configure_telemetry({call}))
print(trace.get_tracer_provider().resource.attributes["service.name"])
""",
        **variables,
    )
    assert said == ["True", name]
    assert log == ""


def test_a_second_call_changes_nothing_from_whatever_thread():
    said, log = process(
        """
from concurrent.futures import ThreadPoolExecutor
from opentelemetry import trace

def configure(number):
    done = configure_telemetry(f"service-{number}", endpoint="http://127.0.0.1:9")
    return done, trace.get_tracer_provider()

with ThreadPoolExecutor(8) as pool:
    done = set(pool.map(configure, range(8)))
print(len(done), all(is_on for is_on, _ in done))
"""
    )
    assert said == ["1", "True"]
    assert log == ""


def test_a_provider_of_somebody_else_stays():
    said, log = process(
        """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
theirs = TracerProvider()
theirs.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(theirs)
print(configure_telemetry(endpoint="http://127.0.0.1:9"))
with EvalTracer().result_log():
    pass
print(trace.get_tracer_provider() is theirs, len(spans.get_finished_spans()))
"""
    )
    assert said == ["True", "True", "1"]
    assert log == ""


USE = """
print(configure_telemetry(endpoint="http://127.0.0.1:9"), configure_telemetry(endpoint="http://x"))
tracer = EvalTracer()
with tracer.evaluation_run() as run, tracer.inference_batch() as batch:
    for span in run, batch:
        span.set_attribute("a", 1)
        span.add_event("b", {"c": 2})
        span.record_exception(ValueError("d"))
        span.set_status("e")
        print(span.is_recording())
"""


@pytest.mark.parametrize(
    "blocked",
    [{"opentelemetry"}, {"grpc"}],
    ids=["no OpenTelemetry", "no exporter"],
)
def test_without_the_extra_an_adapter_is_warned_and_works(blocked):
    code = f"BLOCKED = {blocked}\n{WITHOUT_OPENTELEMETRY}\n{USE}"
    said, log = process(code, TRACEPARENT=TRACEPARENT)

    assert said == ["False"] * 4
    assert log == "no telemetry: it needs an extra, pip install 'eval-hub-sdk[telemetry]'\n"


def test_opentelemetry_that_cannot_be_set_up_is_a_warning():
    said, log = process(USE, OTEL_EXPORTER_OTLP_COMPRESSION="lead")

    assert said == ["False"] * 4
    assert log.count("OpenTelemetry cannot be set up (Invalid value") == 2


def test_the_end_of_the_process_waits_a_bounded_time():
    said, _ = process(
        """
from threading import Event
from opentelemetry.sdk.trace import TracerProvider
from evalhub.adapter._otlp import shut_down_at_exit

class Endless(TracerProvider):
    def shutdown(self):
        print("shutting down", flush=True)
        Event().wait()

shut_down_at_exit(Endless(shutdown_on_exit=False), seconds=0.1)
"""
    )
    assert said == ["shutting", "down"]
