"""What `help()`, `inspect` and notebooks show of the clients' methods."""

from __future__ import annotations

import inspect
import pydoc
import re
from collections.abc import AsyncIterator, Iterator
from typing import get_type_hints

import pytest

from evalhub.client import AsyncEvalHubClient, EvalHubClient
from evalhub.client.benchmarks import Benchmarks
from evalhub.client.collections import Collections
from evalhub.client.jobs import Jobs
from evalhub.client.logs import JobLogUpdate
from evalhub.client.providers import Providers
from evalhub.models import EvaluationJob

SYNC = EvalHubClient("http://hub")
ASYNC = AsyncEvalHubClient("http://hub")
NOUNS = (Jobs, Providers, Collections, Benchmarks)
METHODS = [
    (noun.__name__.lower(), name)
    for noun in NOUNS
    for name in dir(noun)
    if not name.startswith("_")
]


def method(client, noun, name):
    return getattr(getattr(client, noun), name)


def help_on(thing) -> str:
    return re.sub("\b.", "", pydoc.render_doc(thing))


def test_signature_is_the_published_one():
    assert str(inspect.signature(SYNC.jobs.get)) == (
        "(job_id: str | EvaluationJob, *, tenant: str | None = None) -> EvaluationJob"
    )
    assert str(inspect.signature(SYNC.jobs.wait)) == (
        "(job: str | EvaluationJob, timeout: float | None = 86400.0, poll: float | None = None,"
        " *, on_update: Callable[[EvaluationJob], object] | None = None,"
        " tenant: str | None = None) -> EvaluationJob"
    )
    assert str(inspect.signature(SYNC.health)) == "() -> HealthResponse"
    assert inspect.signature(SYNC.jobs.watch_logs).return_annotation == "Iterator[JobLogUpdate]"


def test_asynchronous_methods_are_coroutine_functions():
    assert inspect.iscoroutinefunction(ASYNC.jobs.get)
    assert inspect.iscoroutinefunction(ASYNC.health)
    assert not inspect.iscoroutinefunction(SYNC.jobs.get)
    assert not inspect.iscoroutinefunction(ASYNC.jobs.watch)
    returned = inspect.signature(ASYNC.jobs.watch_logs).return_annotation
    assert returned == "AsyncIterator[JobLogUpdate]"


def test_both_clients_have_the_methods_with_the_same_arguments_and_docstrings():
    assert len(METHODS) > 30
    for noun, name in METHODS:
        blocking, awaited = method(SYNC, noun, name), method(ASYNC, noun, name)
        signatures = inspect.signature(blocking), inspect.signature(awaited)

        assert signatures[0].parameters == signatures[1].parameters, name
        assert not re.search("Flow|Stream", str(signatures)), name
        assert blocking.__doc__ == awaited.__doc__, name
        assert str(inspect.getdoc(blocking)).endswith("."), name


def test_help_on_a_method():
    shown = help_on(SYNC.jobs.get)

    assert "job_id: str | EvaluationJob" in shown
    assert "-> EvaluationJob" in shown
    assert "Return the current state of a job." in shown
    assert "async get(" in help_on(ASYNC.jobs.get)
    assert "async " not in help_on(ASYNC.jobs.watch)


@pytest.mark.parametrize("noun", NOUNS)
def test_help_on_a_resource_lists_its_methods(noun):
    shown = help_on(noun)

    assert "endpoint object" not in shown
    assert "Flow" not in shown
    for name in vars(noun):
        if not name.startswith("_"):
            assert f"\n |  {name}(" in shown
            assert str(inspect.getdoc(getattr(noun, name))).splitlines()[0] in shown


def test_type_hints_resolve():
    assert get_type_hints(SYNC.jobs.get)["return"] is EvaluationJob
    assert get_type_hints(ASYNC.jobs.get)["return"] is EvaluationJob
    assert get_type_hints(SYNC.jobs.get)["job_id"] == str | EvaluationJob
    assert get_type_hints(SYNC.providers.delete)["return"] is type(None)


def test_type_hints_of_streams():
    hints = {"timeout": float | None, "return": Iterator[JobLogUpdate]}
    found = get_type_hints(SYNC.jobs.watch_logs)
    assert {name: found[name] for name in hints} == hints
    assert get_type_hints(ASYNC.jobs.watch)["return"] == AsyncIterator[EvaluationJob]
