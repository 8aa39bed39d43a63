"""What to do about an error of MLflow, in a sentence. Pure."""

from __future__ import annotations

from evalhub.adapter._mlflow.connection import NOT_MLFLOW
from evalhub.errors import (
    ConfigurationError,
    MLflowAPIError,
    TransportError,
    TransportTimeoutError,
)

__all__ = ["with_advice"]

_CREDENTIALS = (
    "check MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_TOKEN_PATH, or MLFLOW_TRACKING_USERNAME "
    "and MLFLOW_TRACKING_PASSWORD"
)
_LATER = "the server is busy: save again later, the run is found again"
_BY_STATUS = {
    401: _CREDENTIALS,
    403: "ask for permission to write to the experiment, or use another experiment or workspace",
    404: "check MLFLOW_TRACKING_URI and MLFLOW_WORKSPACE, and save again if the run was deleted",
    409: "another process writes to the same run: save again",
    413: "raise the size limit of the proxy before MLflow, or save smaller artifacts",
    429: _LATER,
    503: _LATER,
}
_SERVER_ERRORS = 500


def with_advice(error: BaseException) -> str:
    """Return an error and what to do next, as one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    advice = _advice(error)
    return f"{text}; {advice}" if advice else text


def _advice(error: BaseException) -> str:
    match error:
        case MLflowAPIError(error_code=code, message=message, status_code=status):
            return _of_answer(code, message.lower(), status)
        case TransportTimeoutError():
            return "check that MLflow responds, and save again: the run is found again"
        case TransportError():
            return "check MLFLOW_TRACKING_URI, and that the server runs"
        case ConfigurationError():
            return ""  # it says so itself
        case _:
            return "save again: the run is found again"


def _of_answer(code: str, message: str, status: int) -> str:
    if code == NOT_MLFLOW:
        return f"check MLFLOW_TRACKING_URI, and {_CREDENTIALS}"
    if code == "FEATURE_DISABLED":
        return "the server has no workspaces: unset MLFLOW_WORKSPACE"
    if code != "UNKNOWN":
        if "workspace" in message:
            return "check MLFLOW_WORKSPACE"
        if "active" in message and "run" in message:
            return "the run was deleted meanwhile: save again"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= _SERVER_ERRORS:
        return "look into the log of the MLflow server"
    return ""
