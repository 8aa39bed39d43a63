from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from support.jobs import benchmark, job, rows

from evalhub.analysis import compare, history
from evalhub.errors import ConfigurationError, MissingExtraError
from evalhub.report import append_summary, report
from evalhub.report._charts import category_chart, svg
from evalhub.report._content import Category
from evalhub.report._markdown import within

EVIL = (
    "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\x1b[31m\u202e\u05d8\u05e7\u05e1\x00\ud800"
)


ABROAD = "\u0645\u0631\u062d\u0628\u0627 \N{ABACUS} \N{MATHEMATICAL FRAKTUR SMALL N}"


def clock():
    return datetime(2026, 9, 19, 12, tzinfo=UTC)


def nightly(value=0.746, gsm8k=0.61, **options):
    return job(
        benchmark(
            value,
            threshold=0.6,
            interval=(value - 0.03, value + 0.03),
            metrics={
                "accuracy_logic": 0.8,
                "accuracy_science": 0.7,
                "latency_p50_seconds": 0.8,
                "latency_p99_seconds": 1.6,
                "refusals": 3,
            },
            metadata={"dataset_sha256": "ab12", "num_few_shot": 0},
            parameters={"num_few_shot": 0},
        ),
        benchmark(gsm8k, id="gsm8k", n=300, threshold=0.65, passed=gsm8k >= 0.65),
        test={"score": 0.66, "threshold": 0.6, "pass": True},
        **options,
    )


def answers(scores):
    return [
        {
            **row,
            "benchmark_id": "mmlu",
            "provider_id": "harness",
            "input": f"question {place}",
            "expected": "4",
            "output": "4" if row["prediction"] else "5",
            "latency_seconds": 0.5 + place / 100,
        }
        for place, row in enumerate(rows(scores))
    ]


class Page(HTMLParser):
    """The elements and texts of a page; complains about one that is not closed."""

    VOID = frozenset({"meta", "input", "br", "path", "line", "rect"})

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def full(**options):
    before = nightly(0.75, 0.66, id="job-0")
    scores = [1.0] * 746 + [0.0] * 254
    jobs = [
        nightly(0.75 + place / 1000, id=f"h{place}", created=f"2026-09-{place + 1:02}T00:00:00Z")
        for place in range(5)
    ]
    return report(
        nightly(),
        rows=answers(scores),
        baseline=before,
        history=[history(jobs, "mmlu")],
        clock=clock,
        **options,
    )


def test_the_page_has_its_eight_sections():
    html = full().html

    assert re.findall(r"<h2>(.*?)</h2>", html) == [
        "Scores",
        "Categories",
        "Latency",
        "History",
        "Comparison",
        "Samples",
        "What ran",
    ]
    assert "<h1><bdi>nightly</bdi></h1>" in html
    assert html.count("<svg") == 5
    Page(html)


_DIGIT = 12 * 0.556
"""Width of a digit in a label, in pixels."""


@pytest.mark.parametrize("most", [0.0004, 0.15, 0.29, 0.31, 0.34, 0.36, 0.7, 1.0, 36, 360_000])
def test_labels_of_an_axis_keep_apart(most):
    pytest.importorskip("altair")
    values = [Category("one", most / 2, 20, (0.0, most)), Category("two", most, 20, None)]

    drawn = svg(category_chart(values, "accuracy"), "Categories", "", 1)

    shares = {"start": 0, "middle": 0.5, "end": 1}
    labels = [
        (float(place) - shares[anchor] * _DIGIT * len(text), _DIGIT * len(text))
        for anchor, place, text in re.findall(
            r'<text text-anchor="(\w+)"[^>]*translate\(([\d.]+),[^>]*>([\d.,]+)<', drawn
        )
    ]
    assert len(labels) > 1
    for (start, width), (following, _) in pairwise(labels):
        assert following - (start + width) > _DIGIT / 2


def test_the_page_asks_nothing_of_the_network():
    html = full().html
    attributes = [
        (tag, name, value)
        for tag, of in Page(html).tags
        for name, value in of.items()
        if name in ("src", "href", "action", "data", "srcset", "poster", "xlink:href", "style")
        and "http" in (value or "")
    ]

    assert [value for tag, _, value in attributes if tag != "a"] == []
    assert "url(" not in html
    assert "@import" not in html
    assert re.findall(r'https?://[^"<\s]+', html) == [
        found for found in re.findall(r'https?://[^"<\s]+', html)
        if "w3.org" in found or "model/v1" in found
    ]  # fmt: skip


def test_scripts_are_only_those_that_the_policy_names():
    from base64 import b64encode
    from hashlib import sha256

    html = full().html
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    (policy,) = [
        of["content"] or ""
        for _, of in Page(html).tags
        if of.get("http-equiv") == "Content-Security-Policy"
    ]

    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not any(name.startswith("on") for _, of in Page(html).tags for name in of)


def test_charts_say_what_they_show_and_take_the_pages_colours():
    html = full().html
    for drawn in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        assert "<title id=" in drawn
        assert "<desc id=" in drawn
        assert 'role="img"' in drawn
        assert not re.search(r'(?:fill|stroke)="#(?!ddd)', drawn)


def test_verdicts_are_words_and_signs():
    html = full().html

    assert "</span> not passed</span>" in html
    assert 'aria-hidden="true">✗<' in html


def test_everything_others_wrote_is_escaped_and_seen():
    side = job(
        benchmark(
            0.5,
            id=EVIL,
            metric=EVIL,
            metadata={EVIL: EVIL},
            parameters={EVIL: EVIL},
            metrics={f"{EVIL}_{EVIL}": 0.4},
        ),
        name=EVIL,
        model=EVIL,
    )
    texts = dict.fromkeys(("benchmark_id", "input", "output", "expected", "group"), EVIL)
    made = report(side, rows=rows([0, 1], **texts), baseline=side)

    html = made.html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "2 of 2, those with the worst scores first" in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "␛[31m[U+202E]\u05d8\u05e7\u05e1␀[U+D800]" in html
    Page(html)
    html.encode()
    assert "<script" not in made.markdown
    ET.fromstring(made.junit)
    json.loads(made.json)


def test_answers_of_a_megabyte_are_cut():
    side = job(benchmark(0.5))
    made = report(side, rows=[{"sample_id": "a", "prediction": 0, "output": "x" * 1_000_000}])

    assert "… (999,000 more characters)" in made.html
    assert len(made.html) < 60_000


def test_right_to_left_and_astral_texts_stay_as_they_are():
    side = job(benchmark(0.5))
    made = report(side, rows=[{"sample_id": "a", "prediction": 0, "output": ABROAD}])

    assert f'<dd dir="auto">{ABROAD}</dd>' in made.html


def test_conversations_read_line_by_line():
    side = job(benchmark(0.5))
    said = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]
    made = report(
        side, rows=[{"sample_id": "a", "prediction": 0, "input": said, "output": {"a": [1]}}]
    )

    assert "user: 2+2?\nassistant: 4" in made.html
    assert "{&#34;a&#34;: [1]}" in made.html


def test_samples_come_worst_first_and_only_some():
    side = job(benchmark(0.5))
    made = report(side, rows=rows([1.0] * 250 + [0.0] * 50 + [None]))
    ids = re.findall(r"<code>(q\d+)</code>", made.html)

    assert len(ids) == 200
    assert ids[0] == "q300"
    assert ids[1:51] == [f"q{place}" for place in range(250, 300)]
    assert "200 of 301, those with the worst scores first" in made.html


def test_samples_that_got_worse_come_first():
    before, after = rows([1.0] * 50), rows([0.0, 1.0] * 25)
    side = job(benchmark(0.5))
    comparison = compare(side, side, rows=(before, after))
    html = report(side, rows=after, baseline=comparison).html

    assert html.count("▼ worse than before") == 25
    assert html.index("worse than before</span> <code>q0<") < html.index("<code>q1<")


def test_samples_of_the_wrong_kind_or_benchmark_are_left_out():
    side = job(benchmark(0.5), benchmark(0.5, id="gsm8k"))
    made = report(side, rows=rows([1.0] * 3, benchmark_id="other"))

    assert "<h2>Samples" not in made.html


def test_categories_come_from_the_groups_of_samples():
    side = job(benchmark(0.5))
    some = rows([1.0] * 20, group="logic") + rows([0.5] * 20, group="art")
    made = report(side, rows=iter(some))

    assert "art (n 20)" in made.html
    assert "logic (n 20)" in made.html
    assert json.loads(made.json)["jobs"][0]["benchmarks"][0]["categories"] == {
        "art": 0.5,
        "logic": 1.0,
    }


def test_a_running_a_failed_and_an_empty_job():
    running = job(benchmark(status="running"), state="running")
    assert "running</span>" in report(running).html
    failed = job(benchmark(status="failed"), state="failed")
    failed.status.benchmarks[0].error_message = "no <memory>"  # type: ignore[assignment]
    assert "failed: <bdi>no &lt;memory&gt;</bdi>" in report(failed).html
    assert "No benchmark has reported yet." in report(job()).html


def test_text_and_nan_where_a_number_should_be():
    made = report(job(benchmark("good"), benchmark(float("nan"), id="x")))

    assert "accuracy is text: &#39;good&#39;" in made.html
    assert "accuracy is not a number" in made.html


def test_a_hundred_thousand_rows():
    side = job(benchmark(0.5))
    made = report(side, rows=rows([1.0, 0.0] * 50_000))

    assert "200 of 100,000" in made.html


def test_several_jobs_make_one_page():
    made = report([nightly(), nightly(id="job-2", name="other")], clock=clock)

    assert made.html.count("<h1>") == 2
    assert made.title == "nightly: m, other: m"
    assert repr(made) == "Report('nightly: m, other: m', 2 jobs)"


def test_rows_of_several_jobs_are_given_by_job():
    jobs = [job(benchmark(0.5)), job(benchmark(0.5), id="job-2")]
    made = report(jobs, rows={"job-2": rows([0.0])})

    assert made.html.count("<h2>Samples") == 1
    with pytest.raises(ConfigurationError, match="rows of several jobs are given by job"):
        report(jobs, rows=rows([0.0]))
    with pytest.raises(ConfigurationError, match="rows are of jobs that the report does not have"):
        report(jobs, rows={"other": []})


def test_only_addresses_become_links():
    side = nightly(description="https://example.com/a?b=<c>")
    assert "<a href" not in report(side).html.replace('<a href="http://model/v1"', "")
    linked = nightly(description="https://example.com/a?b=1&c=2")
    assert (
        '<a href="https://example.com/a?b=1&amp;c=2" rel="noreferrer noopener">'
        in report(linked).html
    )
    assert "javascript:" not in report(nightly(description="javascript:alert(1)")).html.replace(
        "<bdi>javascript:alert(1)</bdi>", ""
    )


# --- Markdown ----------------------------------------------------------------------------------


def test_markdown_has_scores_flips_and_what_ran():
    markdown = full().markdown

    assert markdown.startswith("## ✓ nightly: passed\n")
    assert "| ✗ not passed | harness/gsm8k | accuracy | 0.610 | `███████░│░░░░` |" in markdown
    assert "### Comparison" in markdown
    assert "### History of mmlu" in markdown
    assert markdown.count("<details>") == markdown.count("</details>")


def test_markdown_lists_the_samples_that_changed():
    side = job(benchmark(0.5))
    comparison = compare(side, side, rows=(rows([1.0] * 50), rows([0.0, 1.0] * 25)))
    markdown = report(side, baseline=comparison).markdown

    assert "- lower than before (25): q0, q2, q4" in markdown


def test_markdown_fits_into_a_comment():
    many = [
        benchmark(0.5, id=f"b{n}", parameters=dict.fromkeys("abcdef", "x" * 190))
        for n in range(300)
    ]
    markdown = report(job(*many)).markdown

    assert len(markdown.encode()) <= 65_000
    assert markdown.count("<details>") == markdown.count("</details>")
    assert "The rest is left out" in markdown
    assert "and 200 more benchmarks" in markdown


@pytest.mark.parametrize("longest", [0, 10, 40, 60, 80, 100, 500, 1000])
def test_a_cut_text_fits(longest):
    text = "# Title\n\n<details>\n\n" + "- line \N{LATIN SMALL LETTER E WITH ACUTE}\n" * 200
    cut = within(f"{text}</details>\n", longest)

    assert len(cut.encode()) <= longest
    assert cut.count("<details>") == cut.count("</details>")


def test_failures_and_warnings_are_told_in_markdown():
    side = job(benchmark(status="failed"), state="failed")
    side.status.benchmarks[0].error_message = "@team | broke"  # type: ignore[assignment]
    side.status.benchmarks[0].warning_message = "one answer was cut"  # type: ignore[assignment]
    markdown = report(side).markdown

    assert "harness/mmlu failed: @\u200bteam \\| broke" in markdown
    assert "⚠ harness/mmlu: one answer was cut" in markdown


def test_the_summary_of_a_workflow_is_appended_within_its_limit(tmp_path):
    path = tmp_path / "summary.md"
    path.write_text("# Before\n")
    made = report(nightly())
    append_summary(made, path)
    append_summary(made, path)

    assert path.read_text() == "# Before\n" + made.markdown * 2
    path.write_text("x" * 999_000)
    append_summary(full(), path)
    assert path.stat().st_size <= 1_000_000
    append_summary(made, path)
    assert path.stat().st_size <= 1_000_000
    with pytest.raises(ConfigurationError, match=r"the summary .* cannot be written"):
        append_summary(made, tmp_path / "none" / "summary.md")


# --- JUnit -------------------------------------------------------------------------------------


def test_junit_has_a_case_for_each_benchmark():
    root = ET.fromstring(full().junit.encode())
    (suite,) = root

    assert (root.tag, suite.get("name"), suite.get("timestamp")) == (
        "testsuites",
        "nightly",
        "2026-09-18T10:11:12",
    )
    assert [case.get("name") for case in suite.iter("testcase")] == ["mmlu", "gsm8k"]
    assert {case.get("classname") for case in suite.iter("testcase")} == {"harness"}
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "accuracy 0.610 < 0.650 (95 % 0.554 to 0.663, n 300)"
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "2", "failures": "1", "errors": "0", "skipped": "1"}


def cases(made):
    root = ET.fromstring(made.junit.encode())
    return {
        case.get("name"): next((child.tag for child in case if child.tag != "system-out"), "passed")
        for case in root.iter("testcase")
    }


@pytest.mark.parametrize(
    ("side", "options", "expected"),
    [
        (job(benchmark(0.9, threshold=0.5)), {}, "passed"),
        (job(benchmark(0.9)), {}, "skipped"),
        (job(benchmark(status="failed"), state="failed"), {}, "error"),
        (job(benchmark(status="running"), state="running"), {}, "skipped"),
        (job(benchmark(0.5)), {"baseline": job(benchmark(0.9))}, "failure"),
        (job(benchmark(0.9)), {"baseline": job(benchmark(0.5))}, "passed"),
        (job(benchmark(0.5)), {"baseline": job(benchmark(0.5))}, "skipped"),
    ],
)
def test_junit_says_how_it_went(side, options, expected):
    assert cases(report(side, **options)) == {"mmlu": expected}


def test_junit_names_what_is_missing():
    before = job(benchmark(0.9), benchmark(0.9, id="gsm8k"))

    assert cases(report(job(benchmark(0.9)), baseline=before)) == {
        "mmlu": "skipped",
        "gsm8k": "failure",
    }


# --- files and notebooks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("r.html", "html"),
        ("deep/r.md", "markdown"),
        ("r.xml", "junit"),
        ("r.json", "json"),
        ("r.HTML", "html"),
    ],
)
def test_the_suffix_names_the_form(tmp_path, name, form):
    made = report(nightly(), clock=clock)

    assert made.save(tmp_path / name).read_text() == getattr(made, form)


def test_files_that_cannot_be_written(tmp_path):
    made = report(nightly())
    with pytest.raises(ConfigurationError, match=r"'r.pdf' does not say which form to write"):
        made.save(tmp_path / "r.pdf")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        made.save(tmp_path / "file" / "r.md")


def test_json_holds_numbers():
    content = json.loads(full().json)

    assert content["jobs"][0]["benchmarks"][0]["value"] == 0.61
    assert content["comparison"]["benchmarks"][0]["metric"] == "accuracy"
    assert len(content["histories"][0]["points"]) == 5


def test_a_notebook_shows_a_small_table_and_charts():
    made = full()

    assert made._repr_html_().startswith("<table>")
    assert len(made._repr_html_()) < 6000
    charts = made.charts()
    assert list(charts) == [
        "scores: nightly: accuracy",
        "categories: harness/mmlu",
        "history: mmlu",
        "comparison",
    ]
    for chart in charts.values():
        assert "vega-lite" in chart.to_dict()["$schema"]


def test_the_same_report_is_the_same_page():
    assert full().html == full().html


# What the schema of Jenkins allows (junit-10.xsd of its xunit plugin): attributes and children.
SCHEMA: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": (
        {"name", "time", "classname"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "skipped": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "failure": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}


def test_junit_is_what_the_schema_of_jenkins_allows():
    evil = job(benchmark(status="failed"), benchmark(0.5, id=EVIL, threshold=0.6, passed=False))
    for made in (full(), report([nightly(), evil], baseline=nightly())):
        for element in ET.fromstring(made.junit.encode()).iter():
            attributes, children = SCHEMA[element.tag]
            assert {*element.attrib} <= attributes
            assert {child.tag for child in element} <= children
            assert re.fullmatch(r"[0-9]*(\.[0-9]*)?", element.get("time", ""))
            if element.tag == "testsuite":
                assert {"name", "tests", "failures", "errors"} <= {*element.attrib}


@pytest.mark.parametrize("module", ["altair", "jinja2", "vl_convert"])
def test_a_page_needs_its_extra(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    made = report(nightly())
    with pytest.raises(MissingExtraError, match=r"pip install 'eval-hub-sdk\[report\]'"):
        _ = made.html

    assert made.markdown
    assert made.junit
    assert made.json


def test_marks_in_a_history_and_what_cannot_be_compared():
    jobs = [
        job(benchmark(0.7), id="a"),
        job(benchmark(0.8, parameters={"num_few_shot": 5}), id="b"),
    ]
    made = report(
        job(benchmark("text"), benchmark(0.5, id="x", threshold=0.6, passed=False, n=None)),
        baseline=job(benchmark(0.5), benchmark(0.5, id="x", n=None)),
        history=[history(jobs, "mmlu")],
    )

    assert "parameter num_few_shot: None to 5" in made.html
    assert "accuracy 0.500 &lt; 0.600" in made.junit
    assert "`▄▄`" in report(nightly(), history=[history([jobs[0], jobs[0]], "mmlu")]).markdown


def test_all_that_a_job_says_about_itself_is_told():
    side = job(
        {
            **benchmark(0.5, info={"note": "one answer was cut", "empty": {}}),
            "config": {
                "id": "mmlu",
                "provider_id": "harness",
                "test_data_ref": {"hf": {"repo_id": "a/b"}},
            },
        },
        tags=["nightly"],
    )
    result = side.results.benchmarks[0]
    result.artifacts = {"oci_reference": "registry.example/a:b"}
    result.mlflow_run_id = "run-1"
    side.status.benchmarks[0].completed_at = side.status.benchmarks[0].started_at
    side.status.benchmarks[0].warning_message = "slow"  # type: ignore[assignment]
    made = report(side)

    for fact in ("a/b", "registry.example/a:b", "run-1", "one answer was cut", "0 s", "slow"):
        assert fact in made.html
    assert "empty" not in made.html
    assert "warning: slow" in made.junit


def test_results_without_a_job_make_a_report():
    made = report(nightly().results)

    assert "<h1><bdi>jobs</bdi></h1>" in made.html
