"""A relay in front of a PostgreSQL socket that can fall silent, as a dead machine or a dropped route does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"


class Relay:
    """Passes bytes on until it falls silent; connections stay open, and new ones are accepted, all the same."""

    def __init__(self, *, server: Path, folder: Path) -> None:
        self.folder = folder
        self._server = server
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._connections: set[asyncio.Task[object]] = set()

    def fall_silent(self) -> None:
        """Pass nothing on any more."""
        self._speaks.clear()

    def speak_again(self) -> None:
        """Pass on what has come in meanwhile, and everything from now on."""
        self._speaks.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen on a socket in the folder."""
        server = await asyncio.start_unix_server(self._connected, self.folder / _SOCKET)
        try:
            yield
        finally:
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        far = None
        try:
            await self._speaks.wait()
            far_reader, far = await asyncio.open_unix_connection(self._server / _SOCKET)
            await asyncio.gather(self._pass_on(near_reader, far), self._pass_on(far_reader, near))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for writer in (near, far):
                if writer is not None:
                    writer.close()
            self._connections.discard(task)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._speaks.wait()
            target.write(data)
            await target.drain()
        target.close()
