"""A relay between two parts passes everything on, until it is told to fail as networks do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.chaos.links import Link, Port
from tests.support.eventually import eventually
from tests.support.product import free_port


@asynccontextmanager
async def echo_behind_a_link() -> AsyncIterator[Link]:
    """A server that sends back what it gets, behind a link."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1000):
            writer.write(chunk)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link("one>other", to=Port(number=server.sockets[0].getsockname()[1]), port=free_port())
    await link.open()
    try:
        yield link
    finally:
        await link.close()
        server.close()


async def said(link: Link, text: bytes, *, answer: int | None = None) -> bytes:
    """Say something through a link, and return what comes back within a moment, as long as it was or as an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    try:
        writer.write(text)
        async with asyncio.timeout(0.3):
            return await reader.readexactly(answer or len(text))
    finally:
        writer.close()


async def test_what_is_said_comes_through() -> None:
    """In both directions, as it is."""
    async with echo_behind_a_link() as link:
        assert b"hello" == await said(link, b"hello")


async def test_a_cut_drops_what_is_open_and_takes_what_is_new() -> None:
    """As a network that fails for a moment."""
    async with echo_behind_a_link() as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"hello")
        assert b"hello" == await reader.readexactly(5)
        link.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()

        assert b"again" == await said(link, b"again")


async def test_refusing_is_like_a_part_that_is_down() -> None:
    """Nobody listens, until it is mended."""
    async with echo_behind_a_link() as link:
        link.refuse()
        with pytest.raises(ConnectionRefusedError):
            await said(link, b"hello")

        await link.mend()

        assert b"hello" == await said(link, b"hello")


async def test_a_stalled_link_delivers_nothing_and_loses_nothing() -> None:
    """What was said meanwhile arrives when it flows again."""
    async with echo_behind_a_link() as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"one")
        assert b"one" == await reader.readexactly(3)
        link.stall()
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readexactly(3)

        await link.mend()

        assert b"two" == await reader.readexactly(3)
        writer.close()


async def test_what_a_dead_connection_had_said_is_never_delivered() -> None:
    """It was held back, and then cut: once the link works again, the far end hears of the next connection alone."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.write(b"yes")
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    link = Link("one>other", to=Port(number=server.sockets[0].getsockname()[1]), port=free_port())
    await link.open()
    link.stall()
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"held back")
    await writer.drain()
    await eventually(lambda: link.connections == 1)
    link.refuse()
    with suppress(ConnectionError):
        await reader.read()
    await link.mend()
    assert b"yes" == await said(link, b"now", answer=3)
    await link.close()
    server.close()

    assert [b"now"] == heard
