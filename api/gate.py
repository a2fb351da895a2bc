"""Lets in who may come in: in front of every route, so that no route can be forgotten."""

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth import Keys, is_authorised, is_from_elsewhere, is_public_name
from api.problems import Answer, problem
from api.web.paths import HOME, LOGIN, STATIC, is_page, is_scripted

_OPEN: Final = ("/health/live", "/health/ready", LOGIN)
_NO_KEY: Final = "Send one of the keys of this server with the header Authorization: Bearer KEY."
_LOGGED_OUT: Final = "You are logged out. Log in again in another tab, then try once more; what you typed stays here."
_OPEN_TO_THIS_MACHINE: Final = (
    "Without keys this server answers only to names of this machine and of its neighbours: any site could have a name "
    "of its own lead here. Set RETAKES_API_KEYS to serve it under this name."
)
_ELSEWHERE: Final = "Another site made the browser send this request. Use the page of this server, or send a key."


class Gate:
    """Middleware. With no keys configured everybody may ask, but no other site may ask through their browser."""

    def __init__(self, app: ASGIApp, *, keys: Keys, answer: Answer) -> None:
        self._app = app
        self._keys = keys
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request unless it may not be."""
        if scope["type"] == "http" and (refusal := self._refusal(Request(scope))) is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if is_from_elsewhere(request):
            return self._answer(request, problem(403, _ELSEWHERE), {})
        path = request.scope["path"]
        if not self._keys and path not in _OPEN and is_public_name(request.headers.get("host", "")):
            return self._answer(request, problem(403, _OPEN_TO_THIS_MACHINE), {})
        if not self._keys or path in _OPEN or path.startswith(f"{STATIC}/") or is_authorised(request, keys=self._keys):
            return None
        if is_page(request):
            destination = path if request.method == "GET" else HOME
            return RedirectResponse(f"{LOGIN}?next={quote(destination)}", status_code=303)
        detail = _LOGGED_OUT if is_scripted(request) else _NO_KEY
        return self._answer(request, problem(401, detail), {"WWW-Authenticate": "Bearer"})
