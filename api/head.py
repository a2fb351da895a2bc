"""HEAD for everything that is read: the framework answers it with 405 unless each route says otherwise."""

import re
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The first has a route of its own. A stream would never end, and the others would be made whole to be thrown away.
_LEFT_ALONE: Final = re.compile(r"/(content|events|archive)$|/export/[^/]*$|/live$")


class HeadAsGet:
    """Middleware. Answers HEAD as GET is answered, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or _LEFT_ALONE.search(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, without_body)
