from __future__ import annotations

import copy
import inspect
import pickle

import pytest

import evalhub
from evalhub import errors
from evalhub.errors import (
    APIError,
    BadRequestError,
    BenchmarkError,
    ConfigurationError,
    EvalHubError,
    MissingExtraError,
    MLflowAPIError,
    NotFoundError,
    ServerError,
    error_for_status,
)

EVERY_ERROR = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, EvalHubError)
]


def test_every_error_is_exported_and_drawn_in_the_tree():
    names = {error.__name__ for error in EVERY_ERROR}
    assert names == set(errors.__all__) - {"error_for_status"}
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in names)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("ConfigurationError", ValueError),
        ("MissingExtraError", ImportError),
        ("TransportTimeoutError", TimeoutError),
        ("WaitTimeoutError", TimeoutError),
        ("ArtifactError", RuntimeError),
        ("ReportError", RuntimeError),
        ("BenchmarkError", RuntimeError),
    ],
)
def test_errors_are_what_python_programmers_catch(name, builtin):
    assert issubclass(getattr(errors, name), builtin)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, BadRequestError), (404, NotFoundError), (500, ServerError), (502, ServerError),
     (599, ServerError), (418, APIError)],
)  # fmt: skip
def test_error_for_status(status, expected):
    assert error_for_status(status) is expected


def test_an_api_error_reads_as_one_line():
    error = BadRequestError(
        "tag is too long", status=400, message_code="request_validation_failed", trace="t-1",
        method="POST", url="http://h/api/v1/evaluations/jobs",
    )  # fmt: skip
    assert str(error) == (
        "400 request_validation_failed: tag is too long "
        "(POST http://h/api/v1/evaluations/jobs) [trace t-1]"
    )
    assert str(APIError("teapot", status=418)) == "418: teapot"


def made(kind):
    if issubclass(kind, APIError):
        return kind("gone", status=404, message_code="resource_not_found", url="http://h")
    if kind is MLflowAPIError:
        return kind(404, "RESOURCE_DOES_NOT_EXIST", "gone")
    return kind("tracing", "telemetry") if kind is MissingExtraError else kind("failed")


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_errors_cross_a_process_boundary(copied):
    for kind in EVERY_ERROR:
        error = made(kind)
        error.add_note("seen")
        same = copied(error)
        assert (type(same), str(same), repr(same)) == (kind, str(error), repr(error))
        assert vars(same) == vars(error)
        assert same.__notes__ == ["seen"]


def test_every_error_is_at_the_root():
    assert {kind.__name__ for kind in EVERY_ERROR} <= set(dir(evalhub))
    assert all(getattr(evalhub, kind.__name__) is kind for kind in EVERY_ERROR)


def test_details_stand_below_the_message():
    error = ConfigurationError("two problems", details=["a", "b"])
    assert str(error) == "two problems\n  - a\n  - b"


def test_a_missing_extra_says_what_to_install():
    assert str(MissingExtraError("tracing", "telemetry")) == (
        "tracing needs an extra: pip install 'eval-hub-sdk[telemetry]'"
    )


def test_a_benchmark_error_has_a_code_and_says_whether_to_try_again():
    error = BenchmarkError("model is loading", code="model_loading", retryable=True)
    assert (str(error), error.code, error.retryable) == ("model is loading", "model_loading", True)
    assert BenchmarkError("no").code == "benchmark_failed"
