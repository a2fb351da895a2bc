"""The connections between parts, each through a relay of its own, so that any of them can be cut without a kill."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHUNK = 64 * 1024
_LOOK = 0.05

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, kw_only=True)
class Port:
    """A TCP port of this machine."""

    number: int

    async def connect(self) -> Streams:
        """Open a connection to it."""
        return await asyncio.open_connection("127.0.0.1", self.number)


@dataclass(frozen=True, kw_only=True)
class Socket:
    """A socket that is a file."""

    path: Path

    async def connect(self) -> Streams:
        """Open a connection to it."""
        return await asyncio.open_unix_connection(self.path)


class Link:
    """A relay between one part and another. ``port`` is where the first finds the second."""

    def __init__(self, name: str, *, to: Port | Socket, port: int) -> None:
        self.name = name
        self.port = port
        self._to = to
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def connections(self) -> int:
        """How many connections there are, those included that are held back."""
        return len(self._connections)

    async def open(self) -> None:
        """Begin to listen, unless it does."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Drop everything, and listen no more."""
        self.refuse()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def cut(self) -> None:
        """Drop every connection as a failing network does, in the middle of whatever is said."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def refuse(self) -> None:
        """Cut, and listen no more until it is mended: whoever connects is refused, as by a part that is down."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def stall(self) -> None:
        """Keep connections and take new ones, and deliver nothing until it is mended."""
        self._flows.clear()

    async def mend(self) -> None:
        """Work as it should."""
        self._flows.set()
        await self.open()

    async def mend_once_reachable(self) -> None:
        """Work as it should as soon as there is somebody at the far end."""
        while True:
            with suppress(OSError):
                _, writer = await self._to.connect()
                writer.close()
                await self.mend()
                return
            await asyncio.sleep(_LOOK)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._relay(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._flows.wait()
            if writer.is_closing():
                # Cut while it was held back: what it had said dies with it, as in a network.
                self._writers.discard(writer)
                return
            far_reader, far_writer = await self._to.connect()
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(far_writer)
        try:
            await _first_of(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            for one in (writer, far_writer):
                self._writers.discard(one)
                one.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flows.wait()
                writer.write(chunk)
                await writer.drain()
            return
        writer.transport.abort()


async def _first_of(*ways: Coroutine[Any, Any, None]) -> None:
    """Wait until one of two directions is over: none of our protocols goes on in the other then."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


WAYS: dict[str, Callable[[Link], None]] = {"cut": Link.cut, "refuse": Link.refuse, "stall": Link.stall}
