"""Many callers over HTTP: whose token and tenant reach the service, and who may call at all."""

from __future__ import annotations

import asyncio
import json
from itertools import count

import httpx
import pytest
import uvicorn
from support.agent import Agent

from evalhub.errors import ConfigurationError
from evalhub.mcp import http_app

HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}


IDS = count(1)


def body(tool, **arguments):
    return {
        "jsonrpc": "2.0",
        "id": next(IDS),
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }


class Callers:
    """Callers of the application, without a network."""

    def __init__(self, **options):
        self.agent = Agent("auto")
        connection = {
            "base_url": "http://hub",
            "transport": httpx.MockTransport(self.agent.answer),
            "max_retries": 0,
        }
        self.app = http_app(connection, **options)

    def run(self, action):
        """Perform `action(http)` before the application on a free port."""

        async def main():
            config = uvicorn.Config(self.app, port=0, log_level="error", lifespan="on")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            try:
                async with httpx.AsyncClient(base_url=url, timeout=10) as http:
                    http.headers["Host"] = "127.0.0.1:3001"
                    return await asyncio.wait_for(action(http), 20)
            finally:
                server.should_exit = server.force_exit = True
                await serving

        return asyncio.run(main())

    def post(self, content=None, **headers):
        async def action(http):
            answer = await http.post(
                "/mcp", json=content or INITIALIZE, headers={**HEADERS, **headers}
            )
            return answer.status_code

        return self.run(action)


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


async def connect(http, **headers):
    """Return what calls a tool in a session of its own."""
    answer = await http.post("/mcp", json=INITIALIZE, headers={**HEADERS, **headers})
    assert answer.status_code == 200, answer.text
    session = {"Mcp-Session-Id": answer.headers["mcp-session-id"]}

    async def call(tool, **arguments):
        answer = await http.post(
            "/mcp", json=body(tool, **arguments), headers={**HEADERS, **headers, **session}
        )
        [data] = [line for line in answer.text.splitlines() if line.startswith("data: {")]
        return json.loads(data.removeprefix("data: "))["result"]

    return call


def sent(callers):
    return [
        (request.headers.get("authorization"), request.headers.get("x-tenant"))
        for request in callers.agent.requests
    ]


def test_token_and_tenant_of_the_caller_reach_the_service(monkeypatch):
    monkeypatch.setenv("EVALHUB_TOKEN", "ours")
    monkeypatch.setenv("EVALHUB_TENANT", "ours")
    callers = Callers()

    async def action(http):
        call = await connect(http, Authorization="Bearer theirs", **{"X-Tenant": "team"})
        await call("list_jobs")

    callers.run(action)

    assert sent(callers) == [("Bearer theirs", "team")]


def test_caller_without_a_token_is_nobody():
    callers = Callers()

    async def action(http):
        for header in ({}, {"Authorization": "Basic dXNlcjpwdw=="}):
            await (await connect(http, **header))("list_jobs")

    callers.run(action)

    assert sent(callers) == [(None, None)] * 2


def test_callers_at_once_are_not_mixed():
    callers = Callers()

    async def action(http):
        calls = [
            await connect(http, Authorization=f"Bearer t{number}", **{"X-Tenant": f"n{number}"})
            for number in range(8)
        ]
        await asyncio.gather(*(call("list_jobs") for call in calls for _ in range(5)))

    callers.run(action)

    expected = sorted((f"Bearer t{number}", f"n{number}") for number in range(8) for _ in range(5))
    assert sorted(sent(callers)) == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:3001"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1:3002"}, 421),
        ({"Origin": "http://localhost:3001"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_foreign_hosts_and_origins_are_refused(headers, status):
    callers = Callers()

    assert callers.post(**headers) == status
    assert callers.agent.requests == []


@pytest.mark.parametrize(
    ("host", "status"),
    [("mcp.example", 200), ("mcp.example:8443", 200), ("127.0.0.1:3001", 421)],
)
def test_hosts_and_origins_can_be_allowed(host, status):
    callers = Callers(
        host="0.0.0.0", allowed_hosts=["mcp.example"], allowed_origins=["https://app.example"]
    )

    assert callers.post(Host=host, Origin="https://app.example") == status


def test_server_beyond_this_machine_needs_names():
    with pytest.raises(ConfigurationError) as caught:
        http_app({"base_url": "http://hub"}, host="0.0.0.0")
    assert str(caught.value) == (
        "a server on 0.0.0.0 needs the names it is called by: --allowed-host NAME"
    )


def test_garbage_is_refused_and_the_server_goes_on():
    callers = Callers()

    async def action(http):
        statuses = [
            (await http.post("/mcp", content=content, headers=HEADERS)).status_code
            for content in (b"", b"{", b"[]", b'{"jsonrpc": "1.0"}', b"\xff")
        ]
        call = await connect(http)
        return statuses, await call("list_jobs")

    statuses, result = callers.run(action)

    assert set(statuses) == {400}
    assert result["structuredContent"]["total"] == 0


def test_what_is_on_this_machine_is_not_the_callers():
    callers = Callers()

    async def action(http):
        call = await connect(http)
        return await call("get_samples", job_id="x")

    result = callers.run(action)

    assert result["isError"]
    assert "with its own credentials" in result["content"][0]["text"]
    assert callers.agent.requests == []
