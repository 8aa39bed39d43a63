"""Traces and spans: read from each shape that MLflow sends, written in the one it stores. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._mlflow.records import SpanInfo, Trace, TraceInfo
from evalhub.adapter._report.jsonable import to_json
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "preview",
    "span_from",
    "span_from_file",
    "stored_spans",
    "trace_from",
    "trace_info_from",
]

Json = dict[str, Any]

_SPECIAL = {
    "mlflow.spanType": "span_type",
    "mlflow.spanInputs": "inputs",
    "mlflow.spanOutputs": "outputs",
}
_TYPED = ("string_value", "int_value", "double_value", "bool_value", "bytes_value")
_LONGEST_PREVIEW = 1000
_HEX_SPAN, _HEX_TRACE = 16, 32
_NAMES = {field.name for field in fields(SpanInfo)}


def trace_from(found: Mapping[str, Any]) -> Trace:
    """Return a trace; `{trace: {trace_info, spans}}`, `{trace_info}`, `{info, data}` or flat."""
    body: Mapping[str, Any] = found.get("trace") or found
    info = body.get("trace_info") or body.get("info") or body
    data: Mapping[str, Any] = body.get("data") or {}
    spans = body.get("spans") or data.get("spans") or ()
    return Trace(trace_info_from(info), {"spans": [span_from(span) for span in spans]})


def trace_info_from(info: Mapping[str, Any]) -> TraceInfo:
    """Return what is known of a trace."""
    place: Json = info.get("trace_location") or {}
    location: Json = place.get("mlflow_experiment") or {}
    duration = info.get("execution_time_ms", info.get("execution_duration"))
    return TraceInfo(
        request_id=str(info.get("trace_id") or info.get("request_id") or ""),
        experiment_id=str(info.get("experiment_id") or location.get("experiment_id") or ""),
        timestamp_ms=_milliseconds(info.get("timestamp_ms", info.get("request_time"))) or 0,
        execution_time_ms=_milliseconds(duration),
        status=str(info.get("state") or info.get("status") or ""),
        tags=_texts(info.get("tags")),
        request_metadata=_texts(info.get("trace_metadata") or info.get("request_metadata")),
    )


def span_from(span: Mapping[str, Any]) -> Json:
    """Return a span with its attributes as a dictionary; type, inputs and outputs apart."""
    attributes = _attributes(span.get("attributes"))
    taken = {name: attributes.pop(key) for key, name in _SPECIAL.items() if key in attributes}
    status = span.get("status")
    if isinstance(status, dict):
        status = cast("Json", status).get("code")
    kept = {name: value for name, value in span.items() if name not in _NAMES}
    return {
        **kept,
        "name": str(span.get("name", "")),
        "span_id": _hex(span.get("span_id"), _HEX_SPAN),
        "parent_span_id": _hex(span.get("parent_span_id"), _HEX_SPAN) or None,
        "trace_id": _hex(span.get("trace_id"), _HEX_TRACE),
        "start_time_unix_nano": int(span.get("start_time_unix_nano") or 0),
        "end_time_unix_nano": int(span.get("end_time_unix_nano") or 0),
        "status": _status(status),
        "span_type": taken.get("span_type") or span.get("span_type") or "UNKNOWN",
        "inputs": taken.get("inputs", span.get("inputs")),
        "outputs": taken.get("outputs", span.get("outputs")),
        "attributes": attributes,
    }


def stored_spans(trace_id: str, spans: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return spans as MLflow keeps them in a trace's file: ids in base64, attributes as JSON.

    Raises:
        ConfigurationError: There is none, or an id is neither hexadecimal nor base64.
    """
    if not spans:
        raise ConfigurationError("the trace has no spans")
    return [_stored(trace_id, span_from(span)) for span in spans]


def span_from_file(span: Mapping[str, Any]) -> Json:
    """Return a span of a trace's file, in which each attribute is JSON text."""
    attributes = cast("Json", span.get("attributes") or {})
    return span_from({**span, "attributes": {k: _loaded(v) for k, v in attributes.items()}})


def preview(value: Any) -> str:
    """Return the start of inputs or outputs, for lists of traces."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(to_json(value), ensure_ascii=False)
    return text[:_LONGEST_PREVIEW]


def _stored(trace_id: str, span: Json) -> Json:
    special = {key: span[name] for key, name in _SPECIAL.items() if span[name] is not None}
    values = {**span["attributes"], **special, "mlflow.traceRequestId": trace_id}
    if not span["span_id"]:
        raise ConfigurationError(f"span {span['name']!r} has no span_id")
    return {
        "trace_id": _base64(trace_id.removeprefix("tr-")),
        "span_id": _base64(span["span_id"]),
        "parent_span_id": _base64(span["parent_span_id"]) if span["parent_span_id"] else None,
        "name": span["name"],
        "start_time_unix_nano": span["start_time_unix_nano"],
        "end_time_unix_nano": span["end_time_unix_nano"],
        "events": span.get("events") or [],
        "status": {"code": f"STATUS_CODE_{span['status']}", "message": ""},
        "attributes": {k: json.dumps(to_json(v), ensure_ascii=False) for k, v in values.items()},
    }


def _attributes(found: Any) -> Json:
    if isinstance(found, list):
        pairs = cast("list[Json]", found)
        return {pair["key"]: _decoded(_plain(pair.get("value"))) for pair in pairs}
    return {key: _decoded(value) for key, value in cast("Json", found or {}).items()}


def _plain(value: Any) -> Any:
    """Return a value of OpenTelemetry's JSON form as Python's."""
    if not isinstance(value, dict):
        return value
    typed = {_snake(key): content for key, content in cast("Json", value).items()}
    for name in _TYPED:
        if name in typed:
            return int(typed[name]) if name == "int_value" else typed[name]
    if "array_value" in typed:
        return [_plain(item) for item in typed["array_value"].get("values", ())]
    if "kvlist_value" in typed:
        pairs = typed["kvlist_value"].get("values", ())
        return {pair["key"]: _plain(pair.get("value")) for pair in pairs}
    return cast("Any", value)


def _decoded(value: Any) -> Any:
    """Return an attribute's value; a text, list or object may have come as JSON text."""
    is_json = isinstance(value, str) and value[:1] in ('"', "[", "{")
    return _loaded(value) if is_json else value


def _loaded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def _status(code: Any) -> str:
    names = {0: "UNSET", 1: "OK", 2: "ERROR"}
    text = names.get(code, "") if isinstance(code, int) else str(code or "")
    return text.rpartition("STATUS_CODE_")[2].upper() or "UNSET"


def _hex(value: Any, digits: int) -> str:
    """Return an id in hexadecimal; OpenTelemetry's JSON has it so, protobuf's in base64."""
    text = str(value or "").removeprefix("tr-").removeprefix("0x")
    if not text:
        return ""
    try:
        if len(text) <= digits:
            return int(text, 16).to_bytes(digits // 2, "big").hex()
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True).hex()
    except ValueError:
        raise ConfigurationError(f"{value!r} is not the id of a span or trace") from None


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _texts(found: Any) -> dict[str, str]:
    if isinstance(found, list):
        return {pair["key"]: str(pair.get("value", "")) for pair in cast("list[Json]", found)}
    return {key: str(value) for key, value in cast("Json", found or {}).items()}


def _milliseconds(found: Any) -> int | None:
    if found is None or found == "":
        return None
    if isinstance(found, (int, float)):
        return int(found)
    text = str(found)
    if text.endswith("s"):
        return round(float(text[:-1]) * 1000)
    try:
        return int(text)
    except ValueError:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
