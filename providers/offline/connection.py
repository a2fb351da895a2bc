"""The line to one caller: answering whole, in part, slowly, or not at all."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self

from starlette.types import Receive, Scope, Send

_PIECE = 64 * 1024
_FLUSH = timedelta(milliseconds=500)
_STILL = timedelta(0)


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Connection:
    """A caller whose request has been read, and who may hang up at any time.

    Attributes:
        status: the status that was sent, None until then.
        is_answered: whether a whole answer was handed over.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.status: int | None = None
        self.is_answered = False
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._receive = receive
        self._send = send
        self._lost = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._watch_caller())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()

    async def stays(self, duration: timedelta | None) -> bool:
        """Wait, for ever with None, and return whether the caller is still there; stop as soon as not."""
        seconds = None if duration is None else max(0.0, duration.total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        return not self._lost.is_set()

    async def reply(self, reply: Reply) -> None:
        """Send the whole answer."""
        self.is_answered = await self._sent(reply, len(reply.body), piece=_PIECE, pause=_STILL)

    async def drip(self, reply: Reply, *, pieces: int, pause: timedelta) -> None:
        """Send the whole answer in small pieces with a pause between them."""
        piece = max(1, -(-len(reply.body) // pieces))
        self.is_answered = await self._sent(reply, len(reply.body), piece=piece, pause=pause)

    async def break_off(self, reply: Reply) -> None:
        """Announce the whole answer, send half of it and drop the connection."""
        await self._sent(reply, len(reply.body) // 2, piece=_PIECE, pause=_STILL)
        await self.drop()

    async def drop(self) -> None:
        """Close the connection once what was sent has left."""
        self.hang_up()
        # uvicorn answers 500 for an application that returns while it still believes in the connection.
        if self._watch is not None:
            _, pending = await asyncio.wait([self._watch], timeout=_FLUSH.total_seconds())
            if pending:
                self._transport.abort()
                await self._watch

    def hang_up(self) -> None:
        """Close the connection; whoever waits on it goes on at once."""
        self._transport.close()
        self._lost.set()

    async def _sent(self, reply: Reply, length: int, *, piece: int, pause: timedelta) -> bool:
        """Send the first bytes of an answer; return whether that was all of it, and the caller is there."""
        if self._lost.is_set():
            return False
        headers = {"content-type": "application/json", "content-length": str(len(reply.body)), **reply.headers}
        raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": raw_headers})
        self.status = reply.status
        for start in range(0, length, piece):
            if start and not await self.stays(pause):
                return False
            end = min(start + piece, length)
            is_last = end == len(reply.body)
            message = {"type": "http.response.body", "body": reply.body[start:end], "more_body": not is_last}
            await self._send(message)
        return length == len(reply.body) and not self._lost.is_set()

    async def _watch_caller(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._lost.set()
