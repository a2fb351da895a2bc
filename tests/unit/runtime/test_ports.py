import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from runtime.ports import WantedPort, answers_with, reason_against

NOW = timedelta(0)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wanted(port: int, setting: str = "RETAKES_API_PORT", host: str = "127.0.0.1") -> WantedPort:
    return WantedPort(host=host, port=port, setting=setting)


def test_free_ports_are_no_reason() -> None:
    """Nothing is said against ports that nobody listens on, and they stay free."""
    port = free_port()
    assert reason_against([wanted(port)], patience=NOW) is None
    assert reason_against([wanted(port)], patience=NOW) is None


def test_a_taken_port_is_named_with_its_setting(listener: socket.socket) -> None:
    """The line names the port and the setting that moves it."""
    port = int(listener.getsockname()[1])
    reason = reason_against([wanted(free_port(), "A"), wanted(port, "RETAKES_TEMPORAL_PORT")], patience=NOW)
    assert reason is not None
    assert f"port {port} on 127.0.0.1 is taken (RETAKES_TEMPORAL_PORT)" in reason
    assert "\n" not in reason


async def test_a_port_that_is_let_go_in_time_is_had(listener: socket.socket) -> None:
    """A previous run that is still going away is waited for."""
    port = int(listener.getsockname()[1])
    asyncio.get_running_loop().call_later(0.1, listener.close)
    assert await asyncio.to_thread(reason_against, [wanted(port)], patience=timedelta(seconds=20)) is None


def test_two_settings_with_one_port_are_told() -> None:
    """Each server needs a port of its own."""
    reason = reason_against([wanted(8000, "A"), wanted(8000, "B")], patience=NOW)
    assert reason == "B and A are both 8000: each needs a port of its own"


def test_an_address_of_another_machine_is_told() -> None:
    """A host that this machine does not have is told as what it is, not as a taken port."""
    reason = reason_against([wanted(8000, host="192.0.2.1")], patience=NOW)
    assert reason is not None
    assert "can't be used (RETAKES_API_PORT)" in reason


async def test_an_answer_counts_by_its_status() -> None:
    """Ready is who answers with the status asked for; others, and silence, are not."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if b" /ready " in request else b"HTTP/1.1 503 Unavailable\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    async with server:
        assert await answers_with("127.0.0.1", port, path="/ready", status=200)
        assert not await answers_with("127.0.0.1", port, path="/other", status=200)
    assert not await answers_with("127.0.0.1", port, path="/ready", status=200)
