"""A server that answers with what it is told to, byte for byte: for connections that break, and odd answers."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class ScriptedHttp:
    """Answers each connection with the next of its answers, the last one for ever. None: it hangs up at once."""

    answers: list[bytes | None]
    url: str = ""
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close the connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            length = int(found[1]) if found else 0
            self.requests.append(head + await reader.readexactly(length))
            answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def scripted_http(*answers: bytes | None) -> AsyncIterator[ScriptedHttp]:
    """Serve answers on a free port."""
    script = ScriptedHttp(list(answers))
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield script
    finally:
        server.close()
        await server.wait_closed()


def answer(
    status: str, body: bytes = b"", *, media_type: str = "application/json", headers: Sequence[str] = ()
) -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def events(*sent: bytes) -> bytes:
    """Return the beginning of a stream of events, which then breaks off as the connection closes."""
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in sent)


def session_event(payload: bytes, *, version: int, name: bytes = b"session") -> bytes:
    """Return one event."""
    return b"event: %s\r\nid: %d\r\ndata: %s\r\n\r\n" % (name, version, payload)
