"""A relay to a server that is far away, or slow: whatever is said arrives later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

_CHUNK = 64 * 1024


@asynccontextmanager
async def slow_link(address: str, *, delay: timedelta) -> AsyncIterator[str]:
    """Pass connections on to a server for as long as the block; each way takes the delay. Gives the relay's address."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    relays: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                loop.call_later(delay.total_seconds(), writer.write, chunk)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(relay(reader, writer))
        relays.add(task)
        task.add_done_callback(relays.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tuple(relays):
            task.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
