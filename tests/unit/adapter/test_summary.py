from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

from evalhub.adapter._report.summary import (
    TERMINATION_LOG,
    metrics_line,
    metrics_table,
    write_termination_message,
)
from evalhub.models.result import EvaluationResult, JobResults


def metric(name: str, value: object, **more: Any) -> EvaluationResult:
    return EvaluationResult(metric_name=name, metric_value=value, **more)


def results(*metrics: EvaluationResult) -> JobResults:
    return JobResults(
        job_id="job-1",
        benchmark_id="arith",
        model_name="tiny",
        results=list(metrics),
        num_examples_evaluated=1,
        duration_seconds=1.0,
    )


def test_the_table_lines_up():
    table = metrics_table(
        results(
            metric("accuracy", 2 / 3, num_samples=10, confidence_interval=(0.5, 0.9)),
            metric("n", 0, num_samples=0),
        )
    )
    assert table.splitlines() == [
        "metric    value     samples  interval",
        "--------  --------  -------  ----------",
        "accuracy  0.666667  10       0.5 to 0.9",
        "n         0         0",
    ]


def test_columns_without_a_value_are_not_shown():
    assert metrics_table(results(metric("loss", 0.25))).splitlines() == [
        "metric  value",
        "------  -----",
        "loss    0.25",
    ]


def test_no_metrics_is_an_empty_table():
    assert metrics_table(results()).splitlines() == ["metric  value", "------  -----"]


def test_values_that_are_not_numbers_are_shown_in_short():
    table = metrics_table(
        results(
            metric("labels", ["x" * 100]),
            metric("where", Path("a/b")),
            metric("nan", math.nan),
            metric("text", "two\nlines"),
        )
    )
    labels, where, nan, text = table.splitlines()[2:]
    assert labels == f"labels  ['{'x' * 55}..."
    assert where == "where   a/b"
    assert nan == "nan     None"
    assert text == "text    two lines"


def test_the_line_names_every_metric():
    assert metrics_line(results(metric("accuracy", 0.5), metric("n", 10))) == "accuracy=0.5, n=10"
    assert metrics_line(results()) == ""


def test_the_message_replaces_what_the_cluster_s_file_held(tmp_path):
    log = tmp_path / "termination-log"
    log.write_text("something longer than the message")
    write_termination_message("failed: dataset missing", log)
    assert log.read_text() == "failed: dataset missing"


def test_the_message_is_cut_to_4_kib_between_characters(tmp_path):
    log = tmp_path / "termination-log"
    log.touch()
    write_termination_message("x" + "\N{SNOWMAN}" * 2000, log)
    content = log.read_bytes()
    assert content.decode() == "x" + "\N{SNOWMAN}" * 1365
    assert len(content) == 4096


def test_no_file_no_message(tmp_path, caplog):
    log = tmp_path / "termination-log"
    with caplog.at_level(logging.DEBUG, logger="evalhub.adapter._report.summary"):
        write_termination_message("failed", log)
    assert not log.exists()
    assert caplog.messages == [
        f"no termination message: [Errno 2] No such file or directory: '{log}'"
    ]


def test_a_message_that_cannot_be_encoded_is_written_all_the_same(tmp_path):
    log = tmp_path / "termination-log"
    log.touch()
    write_termination_message("bad \udc80 byte", log)
    assert log.read_text() == "bad ? byte"


def test_the_place_is_the_cluster_s_own():
    assert Path("/dev/termination-log") == TERMINATION_LOG
