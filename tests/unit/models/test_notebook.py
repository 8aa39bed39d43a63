from __future__ import annotations

from importlib import import_module
from typing import Any

from support.jobs import benchmark, job

pd: Any = import_module("pandas")  # which statsmodels brings along


def test_a_job_shows_a_line_and_its_scores():
    html = job(benchmark(0.75, threshold=0.5), name="<nightly>")._repr_html_()

    assert html.startswith("<p><strong>&lt;nightly&gt;</strong>, completed, model m</p>")
    assert "<td>✓</td><td>harness</td><td>mmlu</td><td>accuracy</td><td>0.75</td>" in html


def test_failures_and_verdicts_are_shown():
    side = job(benchmark(status="failed"), state="failed")
    side.status.benchmarks[0].error_message = "x" * 1000  # type: ignore[assignment]
    assert len(side._repr_html_()) < 600
    passed = job(benchmark(), test={"score": 1, "threshold": 0, "pass": True})
    assert "✓ passed" in passed._repr_html_()


def test_long_texts_and_many_scores_stay_small():
    side = job(benchmark("x" * 1_000_000, metrics={f"m{n}": n for n in range(500)}))

    assert len(side._repr_html_()) < 20_000
    assert "and 401 more" in side.scores()._repr_html_()


def test_scores_are_a_list_and_a_table():
    scores = job(benchmark(0.75, threshold=0.5)).scores()

    assert [score.value for score in scores] == [0.75]
    assert scores.to_rows()[0]["threshold"] == 0.5
    assert scores.to_columns()["metric"] == ["accuracy"]


def test_data_frames_take_rows_and_columns_as_they_are():
    side = job(benchmark(0.75), benchmark(0.5, id="gsm8k"))

    assert pd.DataFrame(side.to_rows()).equals(pd.DataFrame(side.to_columns()))
    assert list(pd.DataFrame(side.scores().to_columns())["value"]) == [0.75, 0.5]
    assert job().to_columns() == {}
