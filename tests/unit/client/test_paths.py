"""Import paths that earlier scripts use."""

from __future__ import annotations

import subprocess
import sys

import evalhub.client
from evalhub.client.base import ClientError, JobCanNotBeCancelledError, JobNotFoundError
from evalhub.client.job_logs import JobLogOptions, JobLogUpdate
from evalhub.errors import EvalHubError


def test_names_are_the_same_by_every_path():
    assert ClientError is EvalHubError
    assert issubclass(JobNotFoundError, ClientError)
    assert issubclass(JobCanNotBeCancelledError, ClientError)
    assert evalhub.client.JobLogOptions is JobLogOptions
    assert evalhub.client.JobLogUpdate is JobLogUpdate
    assert evalhub.client.ClientError is ClientError


def test_clients_can_be_named_without_loading_what_they_travel_by():
    code = (
        "import sys; from evalhub.client import EvalHubClient, JobLogOptions;"
        "sys.exit(', '.join({'httpx', 'asyncio', 'anyio', 'pydantic_settings'} & {*sys.modules})"
        " or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_blocking_calls_load_no_event_loop():
    code = """
import sys
from evalhub.client import EvalHubClient
from evalhub.errors import TransportError
try:
    EvalHubClient("http://127.0.0.1:1", max_retries=0).health()
except TransportError:
    sys.exit('asyncio' if 'asyncio' in sys.modules else None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
