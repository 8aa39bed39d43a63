from __future__ import annotations

from threading import Barrier, Thread

import httpx
import pytest

from evalhub.adapter._report.connection import Connection
from evalhub.errors import ServerError
from evalhub.testing import FakeEvalHub
from evalhub.wire.drive import Driver
from evalhub.wire.flow import Call
from evalhub.wire.identity import Identity
from evalhub.wire.send import Policy, send

WHERE = Identity("http://hub")


class Connections:
    """Makes drivers that are answered with a status, and counts those made and closed."""

    def __init__(self, status=200):
        self.made: list[Identity] = []
        self.closed = 0
        self._status = status

    def __call__(self, identity):
        connections = self
        connections.made.append(identity)

        class Counted(httpx.MockTransport):
            def close(self):
                connections.closed += 1

        return Driver(identity, transport=Counted(lambda _: httpx.Response(self._status)))


def health():
    reply = yield from send(Call("GET", "/health"), Policy(retries=0))
    return reply.status


def test_no_connection_is_made_before_something_is_sent():
    connections = Connections()
    channel = Connection(WHERE, connect=connections)
    channel.close()
    assert (connections.made, connections.closed) == ([], 0)


def test_one_connection_serves_all():
    connections = Connections()
    channel = Connection(WHERE, connect=connections)
    assert [channel.run(health()) for _ in range(3)] == [200, 200, 200]
    assert connections.made == [WHERE]


def test_threads_that_send_first_share_one_connection():
    connections = Connections()
    channel = Connection(WHERE, connect=connections)
    barrier = Barrier(8)

    def send_first():
        barrier.wait()
        channel.run(health())

    threads = [Thread(target=send_first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(connections.made) == 1


def test_errors_pass_to_whoever_sends():
    with pytest.raises(ServerError, match="503"):
        Connection(WHERE, connect=Connections(503)).run(health())


def test_a_closed_channel_connects_again():
    connections = Connections()
    channel = Connection(WHERE, connect=connections)
    channel.run(health())
    channel.close()
    assert connections.closed == 1
    channel.close()
    assert connections.closed == 1
    assert channel.run(health()) == 200
    assert len(connections.made) == 2


def test_it_goes_to_the_network_unless_told_otherwise():
    with FakeEvalHub() as hub:
        channel = Connection(Identity(hub.url))
        reply = channel.run(send(Call("GET", "/api/v1/health"), Policy(retries=0)))
        channel.close()
    assert reply.status == 200
