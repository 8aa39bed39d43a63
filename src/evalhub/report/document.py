"""A report: one content, several forms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evalhub.analysis._sources import runs_of
from evalhub.analysis._tables import number
from evalhub.analysis.comparison import Comparison
from evalhub.errors import ConfigurationError
from evalhub.models._notebook import html_table
from evalhub.report._content import Content, JobPart, job_part
from evalhub.report._texts import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.analysis import Baseline
    from evalhub.analysis._pairing import Rows
    from evalhub.analysis._sources import RunSource
    from evalhub.analysis.policy import PolicySource
    from evalhub.analysis.trend import History

__all__ = ["Report", "append_summary", "form_of", "report"]

_FORMS = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".xml": "junit",
    ".json": "json",
}


class Report:
    """Jobs as a page, Markdown, JUnit and JSON; each is made when it is asked for."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def __repr__(self) -> str:
        return f"Report({self.title!r}, {len(self._content.jobs)} jobs)"

    @property
    def title(self) -> str:
        """The title of the page."""
        return self._content.title

    @property
    def comparison(self) -> Comparison | None:
        """The comparison in it, where there is a baseline."""
        return self._content.comparison

    @cached_property
    def html(self) -> str:
        """One page, complete without scripts and network.

        Raises:
            MissingExtraError: The extra `report` is not installed.
        """
        from evalhub.report._page import page

        return page(self._content)

    @cached_property
    def markdown(self) -> str:
        """GitHub's Markdown with charts of text, short enough for a comment."""
        from evalhub.report._markdown import markdown

        return markdown(self._content)

    @cached_property
    def junit(self) -> str:
        """XML with a suite for each job and a case for each benchmark."""
        from evalhub.report._junit import junit

        return junit(self._content)

    @cached_property
    def json(self) -> str:
        """The numbers of the report as a JSON object, without the samples."""
        content = self._content
        whole = {
            "title": content.title,
            "made_at": content.made_at.isoformat(timespec="seconds"),
            "jobs": [_job_json(job) for job in content.jobs],
            "comparison": content.comparison.model_dump(mode="json")
            if content.comparison
            else None,
            "histories": [one.model_dump(mode="json") for one in content.histories],
        }
        text = json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
        # Half a character, which a model may well have said, has no form in UTF-8.
        return text.encode(errors="replace").decode()

    def charts(self) -> dict[str, Any]:
        """Return the charts by name, as altair objects for a notebook.

        Raises:
            MissingExtraError: The extra `report` is not installed.
        """
        from evalhub.report import _charts as draw

        charts: dict[str, Any] = {}
        for job in self._content.jobs:
            shown = [one for one in job.benchmarks if one.value is not None]
            for metric in dict.fromkeys(one.metric or "" for one in shown):
                of = [one for one in shown if one.metric == metric]
                charts[f"scores: {job.name}: {metric}"] = draw.score_chart(of, metric)
            for one in job.benchmarks:
                if one.categories:
                    charts[f"categories: {one.name}"] = draw.category_chart(
                        one.categories, one.metric or ""
                    )
        for history in self._content.histories:
            charts[f"history: {history.benchmark_id}"] = draw.history_chart(history)
        if self.comparison is not None:
            charts["comparison"] = draw.difference_chart(self.comparison)
        return charts

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the form that the suffix names: .html, .md, .xml (JUnit) or .json.

        Raises:
            ConfigurationError: The suffix is another one, or the file cannot be written.
        """
        target = Path(path)
        text: str = getattr(self, form_of(target))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise ConfigurationError(f"report {target} cannot be written: {error}") from error
        return target

    def _repr_html_(self) -> str:
        head = ("", "benchmark", "metric", "score", "interval", "threshold")
        rows = [
            (
                f"{one.sign} {one.word}",
                one.name,
                one.metric or "-",
                number(one.value),
                f"{number(one.interval[0])} to {number(one.interval[1])}" if one.interval else "-",
                number(one.threshold),
            )
            for job in self._content.jobs
            for one in job.benchmarks
        ]
        compared = self.comparison.to_html() if self.comparison is not None else ""
        return html_table(head, rows) + compared


def report(
    jobs: RunSource,
    *,
    rows: Rows | Mapping[str, Rows] | None = None,
    baseline: Comparison | Baseline | RunSource | None = None,
    policy: PolicySource = None,
    history: Iterable[History] = (),
    title: str | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Report:
    """Return a report on one job or several.

    Args:
        jobs: A job, its results, a file with either, or a list of them.
        rows: The samples of the job, or of several jobs by their ids.
        baseline: What the first job is compared with, or a comparison that was made already.
        policy: What to require and to allow in the comparison.
        history: Histories of benchmarks, as `evalhub.analysis.history` makes them.
        title: Title of the page.
        clock: The present, in UTC.

    Raises:
        ConfigurationError: A job, a row or the baseline cannot be used.
    """
    runs = runs_of(jobs, "jobs")
    by_job = _rows_by_job(rows, [run.job.id if run.job else "" for run in runs])
    comparison = _comparison(baseline, jobs, runs, by_job, policy)
    parts = [
        job_part(run, by_job.get(place), comparison if place == 0 else None)
        for place, run in enumerate(runs)
    ]
    named = title or ", ".join(dict.fromkeys(f"{one.name}: {one.model}" for one in parts))
    return Report(Content(plain(named), parts, comparison, list(history), clock()))


def append_summary(made: Report, path: str | PathLike[str]) -> None:
    """Append a report to the file that `$GITHUB_STEP_SUMMARY` names.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    from evalhub.report._markdown import SUMMARY, within

    target = Path(path)
    try:
        taken = target.stat().st_size if target.exists() else 0
        text = within(made.markdown, max(SUMMARY - taken, 0)) if taken < SUMMARY else ""
        with target.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"the summary {target} cannot be written: {error}") from error


def _rows_by_job(rows: Rows | Mapping[str, Rows] | None, ids: list[str]) -> dict[int, Rows]:
    if rows is None:
        return {}
    if isinstance(rows, Mapping):
        by_id = cast("Mapping[str, Rows]", rows)
        unknown = sorted({*by_id} - {*ids})
        if unknown:
            raise ConfigurationError(
                f"rows are of jobs that the report does not have: {', '.join(unknown)}"
            )
        return {place: _twice(by_id[id_]) for place, id_ in enumerate(ids) if id_ in by_id}
    if len(ids) > 1:
        raise ConfigurationError("rows of several jobs are given by job: {job.id: rows, ...}")
    return {0: _twice(rows)}


def _twice(rows: Rows) -> Rows:
    """Return rows that can be gone through more than once: compared, then shown."""
    return rows if isinstance(rows, str | PathLike | list) else list(rows)


def _comparison(
    baseline: Any, jobs: Any, runs: list[Any], rows: dict[int, Rows], policy: PolicySource
) -> Comparison | None:
    if baseline is None or isinstance(baseline, Comparison):
        return baseline
    from evalhub.analysis import compare

    first = jobs if len(runs) == 1 else runs[0].job
    return compare(baseline, first, policy=policy, rows=(None, rows.get(0)))


def _job_json(job: JobPart) -> dict[str, Any]:
    return {
        "id": job.job_id,
        "name": job.name,
        "model": job.model,
        "state": job.state,
        "passed": job.passed,
        "score": job.score,
        "threshold": job.threshold,
        "benchmarks": [
            {
                "provider_id": one.provider_id,
                "benchmark_id": one.benchmark_id,
                "benchmark_index": one.index,
                "state": one.state,
                "metric": one.metric,
                "value": one.value,
                "interval": one.interval,
                "threshold": one.threshold,
                "passed": one.passed,
                "samples": one.samples,
                "seconds": one.seconds,
                "error": one.error or None,
                "categories": {part.name: part.value for part in one.categories},
            }
            for one in job.benchmarks
        ],
        "facts": dict(job.facts),
    }


def form_of(path: str | PathLike[str]) -> str:
    """Return which form of a report the suffix of a file names.

    Raises:
        ConfigurationError: It names none.
    """
    name = Path(path).name
    form = _FORMS.get(Path(path).suffix.lower())
    if form is None:
        known = ", ".join(_FORMS)
        raise ConfigurationError(
            f"{name!r} does not say which form to write: end it with one of {known}"
        )
    return form
