"""Receivers of callbacks on the loopback address, and what delivers to them held in memory."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address

from sessions.addresses import Address
from sessions.callbacks import CallbackMessage
from sessions.deliveries import CallbackAnswer, Delivery
from sessions.records import RecordsOutOfReachError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"


class MemoryDeliveries:
    """The log of deliveries. While `is_down` it does not answer."""

    def __init__(self) -> None:
        self.logged: list[Delivery] = []
        self.is_down = False

    async def record_delivery(self, delivery: Delivery) -> None:
        if self.is_down:
            raise RecordsOutOfReachError
        self.logged.append(delivery)

    async def deliveries(self, session_id: str) -> Sequence[Delivery]:
        if self.is_down:
            raise RecordsOutOfReachError
        return [delivery for delivery in self.logged if delivery.session_id == session_id]


class ScriptedSender:
    """Answers calls with the statuses of a script, then with 200; None is a receiver that is not reached."""

    def __init__(self) -> None:
        self.script: list[int | None] = []
        self.sent: list[CallbackMessage] = []

    async def send(self, message: CallbackMessage, *, patience: timedelta) -> CallbackAnswer:
        self.sent.append(message)
        status = self.script.pop(0) if self.script else 200
        error = "The receiver was not reached." if status is None else None
        return CallbackAnswer(status=status, error=error, duration=timedelta(milliseconds=1))


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A server that answers every request with the same bytes, and keeps what it got. Without an answer it hangs."""

    answer: bytes | None = b"HTTP/1.1 204 No Content\r\n\r\n"
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def answers(self, status: int, *headers: str, body: bytes = b"") -> None:
        """Answer with a status from now on."""
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers, "", ""]
        self.answer = "\r\n".join(lines).encode() + body

    def url(self, host: str = "127.0.0.1", *, scheme: str = "http") -> str:
        """Return an address of the receiver, under some name."""
        return f"{scheme}://{host}:{self.port}/hooks/retakes?token=hush"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (text.partition(": ") for text in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(line=line, headers=headers, body=body))
            if self.answer is None:
                await reader.read()  # until the caller gives up
            else:
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def receiving(*, certificate: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver on the loopback address."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=certificate)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver


class Names:
    """A resolver that answers as a test says, and counts how often it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not answer:
            raise OSError("Name or service not known")
        return [ip_address(text) for text in answer]
