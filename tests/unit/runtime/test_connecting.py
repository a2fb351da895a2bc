"""Connecting to Temporal while it starts, goes down and comes back."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.settings import Settings
from runtime.temporal import connect_patiently

LONG = timedelta(seconds=30)


class Server:
    """A server that answers as a test has it: each call takes the next of its failures, and then there is none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.connections = 0
        self.client = Mock(spec=Client)
        monkeypatch.setattr("runtime.temporal.connect", self.connect)
        monkeypatch.setattr("runtime.temporal._FIRST_PAUSE", timedelta(milliseconds=1))

    async def connect(self, *_: object, **__: object) -> Client:
        self.connections += 1
        self._answer()
        return self.client

    async def prepare(self, client: Client) -> None:
        assert client is self.client
        self._answer()

    def _answer(self) -> None:
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure


def _error(status: RPCStatusCode) -> RPCError:
    return RPCError("transport error", status, b"")


@pytest.mark.parametrize(
    "failures",
    [
        [RuntimeError("connection refused")],
        [None, _error(RPCStatusCode.UNKNOWN)],
        [None, _error(RPCStatusCode.UNAVAILABLE), RuntimeError("connection refused")],
    ],
    ids=["before it listens", "down again over the first call", "and still down"],
)
async def test_a_server_that_is_not_there_yet_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, failures: list[Exception | None]
) -> None:
    """A worker that is started while Temporal starts, or in the moment in which it is killed, does not give up."""
    server = Server(monkeypatch, *failures)

    assert server.client is await connect_patiently(Settings(), patience=LONG, prepare=server.prepare)
    assert [] == server.failures
    assert 2 <= server.connections


async def test_what_the_server_refuses_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting mends no wrong key."""
    server = Server(monkeypatch, None, _error(RPCStatusCode.UNAUTHENTICATED))
    with pytest.raises(RPCError):
        await connect_patiently(Settings(), patience=LONG, prepare=server.prepare)

    assert 1 == server.connections


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stays down is named as the reason once the patience is over."""
    server = Server(monkeypatch, *[RuntimeError("connection refused")] * 1000)
    with pytest.raises(RuntimeError, match="connection refused"):
        await connect_patiently(Settings(), patience=timedelta(milliseconds=20))

    assert 2 <= server.connections
