"""Evaluations as a page, as Markdown and as JUnit.

    from evalhub.report import report

    report(job, rows="samples.jsonl", baseline=last_week).save("report.html")

Needs the extra `report`; importing this does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub.report.document import Report, append_summary, report

__all__ = ["Report", "append_summary", "report"]

__getattr__, __dir__ = lazy(
    __name__, {"evalhub.report.document": ("Report", "append_summary", "report")}
)
