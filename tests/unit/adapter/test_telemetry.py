from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from evalhub.adapter import EvalTracer, JobSpec, clear_log_job_context, set_log_job_context
from evalhub.adapter._job_context import job_attributes
from evalhub.adapter._log_records import JobHandler
from evalhub.adapter._otlp import report_once
from evalhub.adapter.telemetry import create_counter, create_histogram

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
    "evalhub.provider": "kit",
    "evalhub.provider_id": "kit",
    "evalhub.collection": "arith",
    "evalhub.benchmark_id": "arith",
    "evalhub.benchmark_index": 2,
    "evalhub.model_id": "tiny",
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
    return {
        span.name.removeprefix("evalhub.evaluation."): span for span in spans.get_finished_spans()
    }


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
        "run": OF_THE_JOB,
        "dataset_load": {
            **OF_THE_JOB,
            "dataset.source": "hf://mmlu",
            "dataset.size_samples": 0,
        },
        "inference": {
            **OF_THE_JOB,
            "model.id": "judge",
            "batch.size": 8,
            "tokens.input": 100,
            "tokens.output": 20,
            "gen_ai.request.model": "judge",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
        },
        "scoring": {
            **OF_THE_JOB,
            "benchmark.name": "arith-hard",
            "scorer.type": "exact",
        },
        "result_log": OF_THE_JOB,
    }


def test_what_is_unknown_is_left_out(provider, spans):
    with EvalTracer({"evalhub.provider_id": None}, provider=provider).inference_batch() as span:
        span.set_attribute("shots", 5)

    assert finished(spans)["inference"].attributes == {"shots": 5}


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

    assert finished(spans)["run"].parent is None


def test_a_stage_belongs_to_what_is_around_it(tracer, spans):
    with tracer.evaluation_run(), tracer.scoring(), tracer.inference_batch():
        pass

    done = finished(spans)
    assert done["inference"].parent == done["scoring"].context
    assert done["scoring"].parent == done["run"].context


def test_a_stage_in_a_thread_belongs_to_the_evaluation(tracer, spans):
    def infer():
        with tracer.inference_batch():
            pass

    with ThreadPoolExecutor() as pool:
        with tracer.evaluation_run():
            pool.submit(infer).result()
        run = finished(spans)["run"]
        assert finished(spans)["inference"].parent == run.context
        pool.submit(infer).result()
    assert finished(spans)["inference"].parent is None


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
    wrap = report_once("collector:4317")
    unreachable, another = wrap(Unreachable()), wrap(Unreachable())
    provider.add_span_processor(SimpleSpanProcessor(unreachable))
    provider.add_span_processor(SimpleSpanProcessor(another))
    for _ in range(3):
        with tracer.result_log():
            pass
    provider.shutdown()

    assert len(spans.get_finished_spans()) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "no telemetry reaches collector:4317: it is dropped, the evaluation goes on"
    ]
    assert unreachable.closed


def test_a_live_collector_is_not_mentioned(caplog):
    exporter = report_once("collector:4317")(Unreachable())

    assert exporter.export([]) is SpanExportResult.SUCCESS
    assert caplog.records == []


def test_a_request_continues_the_trace(tracer):
    assert EvalTracer.headers() == {}
    with tracer.inference_batch() as span:
        context = span.get_span_context()
        sent = EvalTracer.headers()["traceparent"]
        assert sent.startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


def test_the_state_of_the_trace_is_taken_over(clean_environment, provider, spans):
    clean_environment(TRACEPARENT=TRACEPARENT, TRACESTATE="vendor=1")
    with EvalTracer(provider=provider).evaluation_run() as span:
        assert span.get_span_context().trace_state.to_header() == "vendor=1"


def test_a_trace_that_is_set_later_is_continued(clean_environment, provider, spans, tracer):
    clean_environment(TRACEPARENT=TRACEPARENT)
    with tracer.evaluation_run():
        pass

    assert f"{finished(spans)['run'].parent.span_id:016x}" == PARENT


class TestJobContext:
    @pytest.fixture(autouse=True)
    def _nothing_set(self):
        clear_log_job_context()
        yield
        clear_log_job_context()

    def test_is_set_as_a_whole(self):
        set_log_job_context(job_id="j", benchmark_id="b", provider_id="p", model_id="m")
        assert job_attributes() == {
            "evalhub.job_id": "j",
            "evalhub.benchmark_id": "b",
            "evalhub.provider_id": "p",
            "evalhub.model_id": "m",
        }
        set_log_job_context(job_id="k")
        assert job_attributes() == {"evalhub.job_id": "k"}
        clear_log_job_context()
        assert job_attributes() == {}

    def test_is_that_of_the_tracer_s_job(self):
        EvalTracer.from_job_spec(job_spec=SPEC)

        assert job_attributes() == {
            "evalhub.job_id": "job-1",
            "evalhub.benchmark_id": "arith",
            "evalhub.provider_id": "kit",
            "evalhub.model_id": "tiny",
        }

    def test_reaches_threads_and_is_their_own_where_they_set_one(self):
        set_log_job_context(job_id="j")

        def other() -> tuple[dict[str, str], dict[str, str]]:
            before = dict(job_attributes())
            set_log_job_context(job_id="k")
            return before, dict(job_attributes())

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(other).result() == (
                {"evalhub.job_id": "j"},
                {"evalhub.job_id": "k"},
            )
        assert job_attributes() == {"evalhub.job_id": "j"}

    def test_is_on_log_records_but_not_on_those_about_sending(self):
        exporter = InMemoryLogRecordExporter()
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        handler = JobHandler(provider)
        set_log_job_context(job_id="j", benchmark_id="b")
        record = logging.makeLogRecord(
            {"name": "my.adapter", "msg": "half %s", "args": ("way",), "levelno": logging.INFO}
        )
        handler.emit(record)
        handler.emit(logging.makeLogRecord({"name": "urllib3.connectionpool", "msg": "sent"}))

        [sent] = [one.log_record for one in exporter.get_finished_logs()]
        assert sent.body == "half way"
        assert (
            dict(sent.attributes or {}).items()
            >= {
                "evalhub.job_id": "j",
                "evalhub.benchmark_id": "b",
            }.items()
        )
        assert "evalhub.job_id" not in record.__dict__

    def test_goes_with_severity_place_exception_and_span(self, tracer):
        exporter = InMemoryLogRecordExporter()
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        log = logging.Logger("mine")  # noqa: LOG001 - one that is gone afterwards
        log.addHandler(JobHandler(provider))
        with tracer.scoring() as span:
            try:
                int("no answers")
            except ValueError:
                log.exception("scoring failed", extra={"shots": 5, "questions": [1]})
        log.warning("slow")
        log.log(4, "noise")
        log.critical("over")
        log.info("%d", "not a number")

        records: list[Any] = [one.log_record for one in exporter.get_finished_logs()]
        failed, *others = records
        attributes = dict(failed.attributes)
        assert (failed.severity_text, failed.severity_number.name) == ("ERROR", "ERROR")
        assert failed.span_id == span.get_span_context().span_id
        assert attributes["exception.type"] == "ValueError"
        assert attributes["exception.message"].endswith("'no answers'")
        assert "Traceback" in attributes["exception.stacktrace"]
        assert attributes["code.function.name"].startswith("test_goes_with")
        assert attributes["shots"] == 5
        assert "questions" not in attributes
        assert [(one.severity_text, one.severity_number.name) for one in others] == [
            ("WARN", "WARN"),
            ("Level 4", "TRACE"),
            ("CRITICAL", "FATAL"),
        ]

    def test_is_on_metrics(self, monkeypatch):
        reader = InMemoryMetricReader()
        meters = MeterProvider([reader], shutdown_on_exit=False)
        monkeypatch.setattr("opentelemetry.metrics.get_meter", meters.get_meter)
        set_log_job_context(job_id="j")
        create_counter("questions", "1", "asked").add(2, {"kind": "hard"})
        create_histogram("latency", "s").record(0.5)

        collected: Any = reader.get_metrics_data()
        found: dict[str, Any] = {
            metric.name: metric.data.data_points[0]
            for scope in collected.resource_metrics[0].scope_metrics
            for metric in scope.metrics
        }
        assert found["questions"].value == 2
        assert dict(found["questions"].attributes) == {"evalhub.job_id": "j", "kind": "hard"}
        assert found["latency"].sum == 0.5


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


def test_a_disabled_sdk_sends_nothing():
    said, _ = process(
        "import sys; print(configure_telemetry(), 'opentelemetry' in sys.modules)",
        OTEL_SDK_DISABLED="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=NOBODY,
    )
    assert said == ["False", "False"]


def test_signals_can_be_left_out():
    said, log = process(
        """
import logging
print(configure_telemetry())
from opentelemetry import metrics, trace
print(type(trace.get_tracer_provider()).__name__)
print(type(metrics.get_meter_provider()).__name__, logging.getLogger().handlers)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=NOBODY,
        OTEL_LOGS_EXPORTER="none",
        OTEL_METRICS_EXPORTER="none",
    )
    assert said == ["True", "TracerProvider", "_ProxyMeterProvider", "[]"]
    assert log == ""


def test_without_any_signal_nothing_is_sent():
    said, _ = process(
        "import sys; print(configure_telemetry(), 'opentelemetry.sdk' in sys.modules)",
        OTEL_EXPORTER_OTLP_ENDPOINT=NOBODY,
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        OTEL_METRICS_EXPORTER="none",
    )
    assert said == ["False", "False"]


def test_a_second_call_without_spans_adds_no_second_handler():
    said, _ = process(
        """
import logging
print(configure_telemetry(), configure_telemetry())
from evalhub.adapter._log_records import JobHandler
print(sum(isinstance(handler, JobHandler) for handler in logging.getLogger().handlers))
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=NOBODY,
        OTEL_TRACES_EXPORTER="none",
    )
    assert said == ["True", "True", "1"]


@pytest.mark.parametrize(
    ("protocol", "module"),
    [("grpc", "grpc"), ("http/protobuf", "http"), (" HTTP/Protobuf", "http"), ("smoke", "grpc")],
)
def test_the_protocol_is_the_environment_s(protocol, module):
    said, log = process(
        """
import sys
print(configure_telemetry())
print(*sorted(name for name in ("grpc", "http")
      if f"opentelemetry.exporter.otlp.proto.{name}.trace_exporter" in sys.modules))
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=NOBODY,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_LOGS_EXPORTER="none",
    )
    assert said == ["True", module]
    told = "OTEL_EXPORTER_OTLP_PROTOCOL is 'smoke', which is not known; grpc is used\n"
    assert log == (told if protocol == "smoke" else "")


def test_what_is_shown_without_configured_logging_stays_as_it_was():
    _, log = process(
        """
import logging
configure_telemetry(endpoint="http://127.0.0.1:9")
logging.getLogger("mine").info("sent only")
logging.getLogger("mine").warning("shown")
logging.shutdown()
""",
    )
    assert log.splitlines()[0] == "shown"
    assert "sent only" not in log


def test_the_level_of_a_program_that_has_configured_logging_stays():
    said, _ = process(
        """
import logging
logging.basicConfig(level="ERROR")
configure_telemetry(endpoint="http://127.0.0.1:9")
print(logging.getLogger().level == logging.ERROR, len(logging.getLogger().handlers))
""",
    )
    assert said == ["True", "2"]


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
from evalhub.adapter.telemetry import create_counter, create_histogram
create_counter("a").add(1, {"b": 2})
create_histogram("a").record(1.5)
assert EvalTracer.headers() is not None
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

shut_down_at_exit([Endless(shutdown_on_exit=False)], seconds=0.1)
"""
    )
    assert said == ["shutting", "down"]
