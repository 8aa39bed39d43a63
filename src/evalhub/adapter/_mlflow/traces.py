"""Traces of an MLflow server: search, read, write, and download for an evaluation."""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from evalhub.adapter._mlflow.batches import now
from evalhub.adapter._mlflow.names import artifact_root
from evalhub.adapter._mlflow.spans import (
    preview,
    span_from,
    span_from_file,
    stored_spans,
    trace_from,
)
from evalhub.errors import ConfigurationError, EvalHubError, MLflowAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evalhub.adapter._mlflow.client import MlflowClient
    from evalhub.adapter._mlflow.records import Trace, TraceInfo

__all__ = ["TracesNamespace"]

logger = logging.getLogger(__name__)

_API = "/api/3.0/mlflow"
_PREFIX = "mlflow_traces_"
_LOCATION = "mlflow.artifactLocation"
_FILE = "traces.json"
_PAGE, _MOST, _THREADS = 100, 500, 10


class TracesNamespace:
    """`client.traces`: the traces of an MLflow server of version 3.

    Everything goes through paths that the sidecar passes on to MLflow; the OpenTelemetry
    endpoint of MLflow is not one of them.
    """

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    @staticmethod
    def is_source_configured(parameters: Mapping[str, Any] | None) -> bool:
        """Return whether parameters name an experiment to take traces from."""
        names = (f"{_PREFIX}experiment_id", f"{_PREFIX}experiment_name")
        return any(str(value).strip() for name in names if (value := (parameters or {}).get(name)))

    def search(
        self,
        experiment_ids: Sequence[str],
        max_results: int = _PAGE,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> tuple[list[Trace], str | None]:
        """Return one page of traces without their spans, and the token of the next page."""
        ids = [experiment_ids] if isinstance(experiment_ids, str) else experiment_ids
        body: dict[str, Any] = {
            "locations": [_location(experiment_id) for experiment_id in ids],
            "max_results": max_results,
            "filter": filter_string,
            "order_by": list(order_by or ()),
            "page_token": page_token,
        }
        given = {name: value for name, value in body.items() if value}
        found = self._client.post("/traces/search", given, api=_API)
        traces = [trace_from(trace) for trace in found.get("traces", ())]
        return traces, found.get("next_page_token") or None

    def get(self, request_id: str, experiment_id: str = "") -> Trace:
        """Return a trace with its spans."""
        del experiment_id  # a trace's id is enough
        tags: Mapping[str, str] = {}
        try:
            found = self._client.get("/traces/get", {"trace_id": request_id}, api=_API)
            trace = trace_from(found)
            if trace.data["spans"]:
                return trace
            tags = trace.info.tags
        except MLflowAPIError as error:
            # A trace whose spans are in a file is none that this path can return.
            if error.status_code in (401, 403):
                raise
        path = f"/traces/{quote(request_id, safe='')}"
        info = trace_from(self._client.get(path, api=_API)).info
        spans = self._spans_in_file({**info.tags, **tags})
        return trace_from({"info": asdict(info), "data": {"spans": spans}})

    def create(
        self,
        experiment_id: str,
        spans: Sequence[Mapping[str, Any]],
        *,
        timestamp_ms: int | None = None,
        execution_time_ms: int | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Store a trace and return its id.

        Args:
            experiment_id: The experiment.
            spans: Dictionaries with name, span_id, parent_span_id, start_time_unix_nano,
                end_time_unix_nano, attributes and status (OK or ERROR), or what `get` returns.
            timestamp_ms: Start of the trace; that of the first span by default.
            execution_time_ms: Duration; by default to the end of the last span.
            tags: Tags of the trace.

        Raises:
            ConfigurationError: There is no span, or one has no valid id.
        """
        trace_id = f"tr-{secrets.token_hex(16)}"
        stored = stored_spans(trace_id, spans)
        info = _info(trace_id, experiment_id, spans, dict(tags or {}))
        started, lasted = _times(spans)
        start = started if timestamp_ms is None else timestamp_ms
        duration = lasted if execution_time_ms is None else execution_time_ms
        info["request_time"] = datetime.fromtimestamp(start / 1000, UTC).isoformat()
        info["execution_duration"] = f"{duration / 1000:.3f}s"
        body = {"trace": {"trace_info": info}}
        answer = self._client.post("/traces", body, api=_API, repeatable=False)
        self._store_file(trace_from(answer).info, {"spans": stored})
        return trace_id

    def upload_trace_file(self, experiment_id: str, path: str | Path) -> str:
        """Store a trace from a file that `materialize` wrote, and return its new id.

        Raises:
            ConfigurationError: The file is not JSON, or has no spans.
        """
        try:
            document: Any = json.loads(Path(path).read_bytes())
        except ValueError as error:
            raise ConfigurationError(f"{path} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise ConfigurationError(f"{path} is not a trace: it has no info and no data")
        trace = trace_from(cast("dict[str, Any]", document))
        if not trace.data["spans"]:
            raise ConfigurationError(f"{path} has no spans")
        tags = {k: v for k, v in trace.info.tags.items() if not k.startswith("mlflow.")}
        return self.create(
            experiment_id,
            trace.data["spans"],
            timestamp_ms=trace.info.timestamp_ms or None,
            execution_time_ms=trace.info.execution_time_ms,
            tags=tags,
        )

    def materialize(self, parameters: Mapping[str, Any], output_dir: str | Path) -> Path:
        """Write the traces that parameters ask for to files, and return their folder.

        The parameters are `mlflow_traces_experiment_id` or `mlflow_traces_experiment_name`,
        `mlflow_traces_max_results` (500), `mlflow_traces_filter` and `mlflow_traces_run_id`. A
        trace that cannot be read is left out with a warning.

        Raises:
            ConfigurationError: The experiment is unknown, or there is no trace.
        """
        from concurrent.futures import ThreadPoolExecutor

        experiment = self._experiment(parameters)
        folder = Path(output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        infos = list(self._infos(experiment, parameters))
        with ThreadPoolExecutor(_THREADS) as threads:
            written = sum(threads.map(partial(self._write, folder=folder), infos))
        if not written:
            raise ConfigurationError(
                f"MLflow experiment {experiment} has no readable trace that "
                f"{_PREFIX}filter and {_PREFIX}run_id select"
            )
        return folder

    def _experiment(self, parameters: Mapping[str, Any]) -> str:
        given = str(parameters.get(f"{_PREFIX}experiment_id") or "").strip()
        if given:
            return given
        name = str(parameters.get(f"{_PREFIX}experiment_name") or "").strip()
        found = self._client.get_experiment_by_name(name) if name else None
        if found is None:
            raise ConfigurationError(
                f"there is no MLflow experiment {name!r}; set {_PREFIX}experiment_id or "
                f"{_PREFIX}experiment_name"
            )
        return found.experiment_id

    def _infos(self, experiment: str, parameters: Mapping[str, Any]) -> Iterator[TraceInfo]:
        left = int(parameters.get(f"{_PREFIX}max_results") or _MOST)
        run_id = parameters.get(f"{_PREFIX}run_id")
        by_run = f"attributes.run_id = '{run_id}'" if run_id else ""
        conditions = [text for text in (parameters.get(f"{_PREFIX}filter"), by_run) if text]
        token: str | None = None
        while left > 0:
            page, token = self.search(
                [experiment], min(_PAGE, left), " AND ".join(conditions) or None, page_token=token
            )
            yield from (trace.info for trace in page[:left])
            left -= len(page)
            if token is None or not page:
                return

    def _write(self, info: TraceInfo, folder: Path) -> bool:
        try:
            trace = self.get(info.request_id, info.experiment_id)
        except EvalHubError as error:
            logger.warning("trace %s is left out: %s", info.request_id, error)
            return False
        text = json.dumps({"info": asdict(trace.info), "data": trace.data}, ensure_ascii=False)
        name = quote(info.request_id, safe="")
        (folder / f"{name}.json").write_text(text, encoding="utf-8", errors="replace")
        return True

    def _store_file(self, info: TraceInfo, data: dict[str, Any]) -> None:
        content = json.dumps(data, ensure_ascii=False).encode(errors="replace")
        place = artifact_root(info.tags.get(_LOCATION, ""))
        self._client.put(f"{place}/{_FILE}", content, "application/json")

    def _spans_in_file(self, tags: Mapping[str, str]) -> list[dict[str, Any]]:
        place = artifact_root(tags.get(_LOCATION, ""))
        found = self._client.get(f"{place}/{_FILE}", api="")
        return [span_from_file(span) for span in found.get("spans", ())]


def _location(experiment_id: str) -> dict[str, Any]:
    return {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}}


def _info(
    trace_id: str, experiment_id: str, spans: Sequence[Mapping[str, Any]], tags: dict[str, str]
) -> dict[str, Any]:
    read = [span_from(span) for span in spans]
    root = next((span for span in read if span["parent_span_id"] is None), read[0])
    has_failed = any(span["status"] == "ERROR" for span in read)
    tags.setdefault("mlflow.traceName", root["name"])
    return {
        "trace_id": trace_id,
        "trace_location": _location(experiment_id),
        "state": "ERROR" if has_failed else "OK",
        "trace_metadata": {"mlflow.trace_schema.version": "3"},
        "tags": tags,
        "request_preview": preview(root["inputs"]),
        "response_preview": preview(root["outputs"]),
    }


def _times(spans: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the start of the first span and the time to the end of the last, in milliseconds."""
    starts = [int(start) for span in spans if (start := span.get("start_time_unix_nano"))]
    ends = [int(end) for span in spans if (end := span.get("end_time_unix_nano"))]
    if not starts:
        return now(), 0
    return min(starts) // 1_000_000, max(0, max(ends, default=0) - min(starts)) // 1_000_000
