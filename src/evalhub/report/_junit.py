"""A report as JUnit's XML, which Jenkins, GitLab and GitHub's actions read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from evalhub.analysis._tables import number
from evalhub.analysis.comparison import Verdict
from evalhub.report._texts import plain

if TYPE_CHECKING:
    from evalhub.analysis import BenchmarkComparison, Comparison
    from evalhub.report._content import Content, JobPart, Measurement

__all__ = ["junit"]


def junit(content: Content) -> str:
    """Return one suite for each job, one case for each benchmark."""
    root = ET.Element("testsuites", name=_legal(content.title))
    # The schema of Jenkins counts no skipped ones here.
    totals = dict.fromkeys(("tests", "failures", "errors"), 0)
    for place, job in enumerate(content.jobs):
        suite = _suite(job, content.comparison if place == 0 else None)
        root.append(suite)
        for name in totals:
            totals[name] += int(suite.get(name, "0"))
    for name, total in totals.items():
        root.set(name, str(total))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(job: JobPart, comparison: Comparison | None) -> ET.Element:
    suite = ET.Element("testsuite", name=_legal(job.name))
    if job.created_at is not None:
        suite.set("timestamp", job.created_at.strftime("%Y-%m-%dT%H:%M:%S"))
    suite.set("time", f"{job.seconds or 0:.3f}")
    properties = ET.SubElement(suite, "properties")
    for name, value in job.facts:
        ET.SubElement(properties, "property", name=_legal(name), value=_legal(value))
    compared = {
        (one.provider_id, one.benchmark_id): one
        for one in (reversed(comparison.benchmarks) if comparison else ())
        if one.required or one.verdict is not None
    }
    cases = [
        _case(one, compared.pop((one.provider_id, one.benchmark_id), None))
        for one in sorted(job.benchmarks, key=lambda one: one.index)
    ]
    cases += [_missing(one) for one in compared.values() if one.missing]
    suite.extend(cases)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    return suite


def _case(one: Measurement, compared: BenchmarkComparison | None) -> ET.Element:
    name = (
        f"{one.benchmark_id}#{one.index}"
        if one.index and not one.benchmark_id
        else (one.benchmark_id)
    )
    case = ET.Element(
        "testcase",
        classname=_legal(one.provider_id or "evalhub"),
        name=_legal(name),
        time=f"{one.seconds or 0:.3f}",
    )
    _outcome(case, one, compared)
    lines = [f"{name}: {value}" for name, value in one.metrics]
    if compared is not None:
        lines.insert(0, compared.sentence)
    if one.warning:
        lines.insert(0, f"warning: {one.warning}")
    if lines:
        ET.SubElement(case, "system-out").text = _legal("\n".join(lines))
    return case


def _outcome(case: ET.Element, one: Measurement, compared: BenchmarkComparison | None) -> None:
    if one.state in ("failed", "cancelled"):
        _child(case, "error", one.error or one.state, kind=one.state)
    elif one.passed is False:
        _child(case, "failure", _below(one), kind="threshold")
    elif compared is not None and compared.required and compared.verdict is Verdict.REGRESSED:
        _child(case, "failure", compared.sentence, kind="regressed")
    elif one.state != "completed":
        _child(case, "skipped", f"the benchmark is {one.state}")
    elif (
        compared is not None
        and compared.required
        and compared.verdict
        in (
            None,
            Verdict.INCONCLUSIVE,
        )
    ):
        _child(case, "skipped", compared.sentence)
    elif one.passed is None and compared is None:
        _child(case, "skipped", "no verdict: give it a primary_score and pass_criteria")


def _missing(one: BenchmarkComparison) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=_legal(one.provider_id or "evalhub"),
        name=_legal(one.benchmark_id),
        time="0.000",
    )
    _child(case, "failure", one.sentence, kind="missing")
    return case


def _below(one: Measurement) -> str:
    relation = ">" if one.lower_is_better else "<"
    text = f"{one.metric} {number(one.value)} {relation} {number(one.threshold)}"
    if one.interval is None:
        return text
    low, high = one.interval
    samples = one.measured.samples if one.measured else None
    n = f", n {samples:,}" if samples else ""
    return f"{text} (95 % {number(low)} to {number(high)}{n})"


def _child(case: ET.Element, tag: str, message: str, **attributes: Any) -> None:
    child = ET.SubElement(case, tag, message=_legal(message))
    if "kind" in attributes:
        child.set("type", attributes["kind"])
        child.text = _legal(message)


def _legal(text: str) -> str:
    return plain(text)
