"""How large a request may be. Refused by its declared length before a byte is read, or where it grows too large.

The framework's own limit answers in plain text, whatever the handlers say, when the length was declared.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LINGER: Final = timedelta(seconds=5)


class BodyLimit:
    """Middleware.

    Args:
        app: what is protected.
        most: the largest body in bytes.
        most_at: other limits, by path.
        refusal: answers a request that declares more.
    """

    def __init__(
        self, app: ASGIApp, *, most: int, most_at: Mapping[str, int], refusal: Callable[[Request], Response]
    ) -> None:
        self._app = app
        self._most = most
        self._most_at = most_at
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request unless it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most_at.get(scope["path"], self._most)
        declared = Headers(scope=scope).get("content-length", "")
        lingering = _lingering(send, receive=receive)
        if declared.isdecimal() and int(declared) > most:
            await self._refusal(Request(scope))(scope, receive, lingering)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413)
            return message

        async def answered(message: Message) -> None:
            await (lingering if received > most else send)(message)

        await self._app(scope, counted, answered)


def _lingering(send: Send, *, receive: Receive) -> Send:
    """Keep the connection for a moment after the answer, and throw away what still comes in.

    Closed at once, it would be reset under a client that is still sending, and many of those then never look at the
    answer, which is on its way before anything more is read.
    """

    async def send_then_linger(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body"):
            await send(message)
            return
        await send({**message, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER.total_seconds()):
                await _throw_away(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_then_linger


async def _throw_away(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return
