"""Large bodies over a real connection: what is refused is refused at once, and the client gets to know why."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.api.in_memory import InMemory, application
from tests.unit.api.serving import served

CHUNK = b"x" * 2**16
HUGE = 200 * 2**20


class Sending:
    """A body that is made while it is sent, so that it takes no room."""

    def __init__(self, size: int) -> None:
        self._size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._size // len(CHUNK)):
            yield CHUNK


@pytest.mark.parametrize("path", ["/api/sessions/images", "/api/uploads", "/new", "/nothing"])
async def test_200_mb_are_refused(path: str) -> None:
    """A client that sends everything before it looks at the answer still sees 413, and nothing was kept."""
    memory = InMemory()
    async with served(application(memory)) as (_, client):
        headers = {"Content-Type": "application/json", "Content-Length": str(HUGE)}
        response = await client.post(path, content=Sending(HUGE), headers=headers)
    assert 413 == response.status_code
    assert "application/problem+json" == response.headers["content-type"]
    assert "close" == response.headers["connection"]
    assert {} == memory.uploads


async def test_200_mb_of_which_nobody_said_are_refused() -> None:
    """A length that is not declared is found out by reading, as far as the limit."""
    async with served(application(InMemory())) as (_, client):
        response = await client.post(
            "/api/sessions/images", content=Sending(HUGE), headers={"Content-Type": "application/json"}
        )
    assert 413 == response.status_code
    assert "close" == response.headers["connection"]


async def test_the_answer_does_not_wait_for_the_body() -> None:
    """It is there before the first byte of the body: a client that looks need not send any."""
    async with served(application(InMemory())) as (server, _):
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /api/sessions/images HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % HUGE
        )
        async with asyncio.timeout(1):
            assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()
        await writer.wait_closed()


async def test_20_mb_are_a_picture() -> None:
    """A picture of just the size that is allowed arrives whole."""
    memory = InMemory()
    picture = b"picture".ljust(20 * 2**20)
    async with served(application(memory)) as (_, client):
        response = await client.post("/api/uploads", files={"file": ("a.png", picture)})
    assert 201 == response.status_code
    assert [response.json()["id"]] == list(memory.uploads)
    assert [picture] == list(memory.uploads.values())
