from __future__ import annotations

import json
from typing import Any

import pytest

from evalhub.adapter._report import size
from evalhub.adapter._report.event import Report
from evalhub.models.event import BenchmarkStatusEvent
from evalhub.models.result import MetricSchema, ResultType
from evalhub.models.rules import MAX_BODY_BYTES
from evalhub.models.state import JobStatus, MessageInfo, MessageOrigin

LIMIT = 20_000


def fit(
    event: BenchmarkStatusEvent, limit: int = MAX_BODY_BYTES
) -> tuple[BenchmarkStatusEvent, list[str]]:
    fitted, dropped = size.fit(Report(event), limit)
    return fitted.event, dropped


def body(event: BenchmarkStatusEvent) -> bytes:
    return Report(event).body


def report(**more: Any) -> BenchmarkStatusEvent:
    return BenchmarkStatusEvent(
        provider_id="demo",
        benchmark_id="arith",
        status=JobStatus.COMPLETED,
        **{"metrics": {"accuracy": 0.5}, **more},
    )


def said(text: str, origin: MessageOrigin = MessageOrigin.ADAPTER) -> MessageInfo:
    return MessageInfo(message=text, message_code="some_code", message_origin=origin)


def warning(event: BenchmarkStatusEvent) -> str:
    assert event.warning_message is not None
    return event.warning_message.message


def test_the_limit_is_the_service_s():
    assert MAX_BODY_BYTES == 10_485_760


def test_a_report_within_the_limit_is_sent_as_it_is():
    event = report(additional_info={"seed": 7}, error_message=said("x" * 65_536))
    assert fit(event) == (event, [])


def test_a_report_of_the_very_limit_is_sent_as_it_is():
    event = report(additional_info={"seed": 7})
    length = len(body(event))
    assert fit(event, length) == (event, [])
    assert fit(event, length - 1)[1] == ["seed"]


def test_the_largest_parts_go_first_and_no_more_than_need_be():
    info = {"seed": 7, "large": "x" * 9_000, "largest": ["x" * 20_000], "small": "x" * 100}
    event, dropped = fit(report(additional_info=info), LIMIT)
    assert dropped == ["largest"]
    assert event.additional_info == {"seed": 7, "large": "x" * 9_000, "small": "x" * 100}
    assert event.metrics == {"accuracy": 0.5}
    assert len(body(event)) <= LIMIT
    assert set(info) == {"seed", "large", "largest", "small"}  # the adapter's own is untouched


def test_a_part_of_a_part_goes_where_that_is_enough():
    info = {"metric_details": {"accuracy": "x" * 30_000, "loss": {"unit": "nats"}}}
    event, dropped = fit(report(additional_info=info), LIMIT)
    assert dropped == ["metric_details.accuracy"]
    assert event.additional_info == {"metric_details": {"loss": {"unit": "nats"}}}
    assert "accuracy" in info["metric_details"]


def test_size_is_counted_in_bytes_not_characters():
    info = {"emoji": "\N{SNOWMAN}" * 5_000, "ascii": "x" * 6_000}
    _, dropped = fit(report(additional_info=info), LIMIT)
    assert dropped == ["emoji"]


def test_what_was_left_out_is_said_after_what_was_said_before():
    event, _ = fit(
        report(additional_info={"log": "x" * LIMIT}, warning_message=said("slow disk")), LIMIT
    )
    assert event.warning_message == MessageInfo(
        message="slow disk; left out for size: log",
        message_code="report_reduced",
        message_origin=MessageOrigin.SDK,
    )


def test_ten_of_many_names_are_said_each_of_bearable_length():
    info = {f"{i:02d}{'n' * 200}": "x" * 2_000 for i in range(13)}
    event, dropped = fit(report(additional_info=info), 1_000)
    assert len(dropped) == 13
    assert warning(event).endswith(" and 3 more")
    names = warning(event).removeprefix("left out for size: ").removesuffix(" and 3 more")
    assert [len(name) for name in names.split(", ")] == [100] * 10


def test_metrics_are_never_left_out():
    metrics = {"labels": ["x" * 1_000] * 30}
    event, dropped = fit(report(metrics=metrics, additional_info={"seed": 7}), LIMIT)
    assert (event.metrics, dropped) == (metrics, ["seed"])


@pytest.mark.parametrize("info", [None, {}])
def test_nothing_is_left_out_where_there_are_metrics_alone(info):
    event = report(metrics={"labels": ["x" * LIMIT]}, additional_info=info)
    assert fit(event, LIMIT) == (event, [])


@pytest.mark.parametrize("field", ["error_message", "warning_message"])
def test_of_an_endless_message_the_end_remains(field):
    event, dropped = fit(report(**{field: said("a" * 100_000 + "b" * 65_536)}))
    assert dropped == []
    assert getattr(event, field) == said("... " + "b" * 65_536)


def test_the_essential_report_is_state_metrics_and_messages():
    event = size.essential(
        Report(
            report(
                metrics_schema=[MetricSchema(name="accuracy", type=ResultType.NUMERIC)],
                artifacts={"oci_reference": "h/r:t"},
                additional_info={"seed": 7},
                mlflow_run_id="run-1",
                logs_path="/logs",
                error_message=said("odd"),
            )
        ),
        "metrics_schema is not valid",
    ).event
    assert json.loads(body(event))["benchmark_status_event"] == {
        "provider_id": "demo",
        "id": "arith",
        "benchmark_index": 0,
        "status": "completed",
        "metrics": {"accuracy": 0.5},
        "error_message": {
            "message": "odd", "message_code": "some_code", "message_origin": "adapter",
        },
        "warning_message": {
            "message": "sent without its details, which the service refused: "
            "metrics_schema is not valid",
            "message_code": "report_reduced",
            "message_origin": "sdk",
        },
    }  # fmt: skip
